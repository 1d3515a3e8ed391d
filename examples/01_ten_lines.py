"""From household files to the best ZIPs in ten lines; run it from the repository's root."""

import geoscore as gs

run = gs.run("examples/bay_area/geoscore.toml", out="out/demo")
surface = gs.open_surface("out/demo/surface.parquet")
print(surface.query(zip="94301", capacity=2500))  # a sentence, with estimate, low and high inside
print(surface.query(point=(-122.16, 37.44), radius_km=5, capacity=400))
zips = surface.at_least(2500).by("zip").to_geopandas()  # a GeoDataFrame in WGS 84
print(zips.nlargest(5, "estimate")[["zip", "households", "estimate", "low", "high"]].to_string(index=False))
surface.rollup(6).map(capacity=2500)  # a pydeck.Deck: shows itself in a notebook
surface.save_map("out/bay.html", capacity=2500)  # one page, no network
surface.save_picture("out/bay.svg", capacity=2500)  # for slides and documents
