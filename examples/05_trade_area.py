"""Three offices: 15-minute areas, who could give $2,500 in them, what they share, and who would go where.

Run it from the repository's root. Streets are the made-up network of the samples, offices and visits are made up too.
"""

from pathlib import Path

import geoscore as gs
from geoscore.market.areas import count_areas, time_areas
from geoscore.market.choices import Market, change_sites
from geoscore.market.drawing import save_areas_map
from geoscore.market.files import read_flows, read_sites
from geoscore.market.travel import Travel
from geoscore.reference.samples import sample_path
from geoscore.spatial.roads import read_network
from geoscore.trade import fit_huff

if not Path("out/demo/surface.parquet").exists():
    gs.run("examples/bay_area/geoscore.toml", out="out/demo")
surface = gs.open_surface("out/demo/surface.parquet")
_, offers = read_sites((), Path("examples/trade_area/offices.csv"))
offices, _ = read_sites(["San Francisco=-122.4194,37.7749", "Oakland=-122.2712,37.8044", "Palo Alto=-122.16,37.44"])

# what lies within a quarter of an hour, and who lives there
travel = Travel(read_network(sample_path("network.parquet")), mode="drive", direction="to")
areas = count_areas(surface, time_areas(offices, [15], travel), capacity=2500)
for row in areas.rows:
    print(f"{row['area']}: {row['estimate']:.0f} of {row['households']:.0f} households ", end="")
    print(f"at $2,500 or more (90% interval {row['low']:.0f} to {row['high']:.0f}), {row['area_km2']:.0f} km2")
for pair in areas.more.get("overlaps", ()):
    print(f"{' and '.join(pair['areas'])} share {pair['households']:.0f} households ({pair['share_of_first']:.0%})")

# who would go where: a choice model of visits, laid over the surface
flows, _ = read_flows(
    Path("examples/trade_area/visits.csv"), origin="zip", site="office", flow="visits", cost="minutes",
    attributes=["staff", "square_meters"],
)  # fmt: skip
fit = fit_huff(flows)
for name, value in fit.coefficients.items():
    low, high = fit.intervals()[name]
    print(f"{name}: {value:.2f} (90% interval {low:.2f} to {high:.2f})")
market = Market(surface, fit.to_model(least_cost=3.0), travel=travel, capacity=2500)
staffed = change_sites(offers, closed=["San Jose", "Walnut Creek"])
for row in market.draw(staffed).rows:
    span = f"{row['low']:.0f} to {row['high']:.0f}"
    print(
        f"{row['site']} draws {row['estimate']:.0f} ({row['low']:.0f} to {row['high']:.0f}), {row['market_share']:.0%}"
    )
for row in market.compare(staffed, change_sites(staffed, closed=["Oakland"])).rows:
    print(f"without Oakland, {row['site']}: {row['change']:+.0f}")

save_areas_map(surface, areas, Path("out/trade_area.html"), capacity=2500)
print("the map: out/trade_area.html")
