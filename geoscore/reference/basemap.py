"""A basemap without tiles: county outlines, ZIP areas and the names of places, as far as census files carry them.

Maps draw it under and over the hexagons; it asks no server for anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from geoscore.reference.samples import sample_path

ESTIMATED: Final = "ZIP outlines are estimates: no free file of them comes with geoscore."
_ONLY_SAMPLES: Final = "wages_usd_2010"
"""The samples' ZIPs carry the figures from which their areas were estimated."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A city or town: its name, its middle in degrees, how large it is beside others, and its ZIPs."""

    name: str
    longitude: float
    latitude: float
    size: float
    zips: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Basemap:
    """What lies under and over the hexagons of a map; every part may be missing.

    Attributes
    ----------
    counties
        GeoJSON FeatureCollection of polygons in WGS 84 degrees, with a ``name`` each.
    zips
        GeoJSON FeatureCollection of polygons in WGS 84 degrees, with a ``zip`` each.
    places
        Cities and towns, the largest first.
    note
        What a reader must know of it.
    """

    counties: dict[str, Any] | None = None
    zips: dict[str, Any] | None = None
    places: tuple[Place, ...] = ()
    note: str = ""


def basemap_of(counties: Any, zips: Any) -> Basemap:
    """Return the basemap that a region's census files make.

    Parameters
    ----------
    counties
        GeoDataFrame in WGS 84: ``county`` (FIPS code), ``name``, outline.
    zips
        GeoDataFrame in WGS 84: ``zip``, ``city``, ``county``, ``kind``, area or None. Where it names no city, the
        samples' names serve, if they have the counties.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> square = shapely.box(-122.3, 37.3, -122.0, 37.6)
    >>> counties = gpd.GeoDataFrame({"county": ["06085"], "name": ["Santa Clara"]}, geometry=[square], crs=4326)
    >>> zips = gpd.GeoDataFrame({"zip": ["94301"], "city": ["Palo Alto"], "county": ["06085"], "kind": ["standard"]},
    ...                         geometry=[square], crs=4326)
    >>> basemap_of(counties, zips).places[0].name
    'Palo Alto'
    """
    import geopandas as gpd

    areas = zips[zips.geometry.notna() & ~zips.geometry.is_empty]
    named = zips[zips["city"].fillna("").astype(str) != ""]
    if named.empty:
        samples = gpd.read_parquet(sample_path("zips.parquet"))
        named = samples[samples["county"].isin(set(counties["county"]))]
    return Basemap(
        counties=counties[["county", "name", "geometry"]].to_geo_dict(),
        zips=areas[["zip", "geometry"]].to_geo_dict() if len(areas) else None,
        places=_places(named),
        note=ESTIMATED if _ONLY_SAMPLES in zips.columns and len(areas) else "",
    )


def sample_basemap(counties: Iterable[str]) -> Basemap:
    """Return the samples' basemap of these counties (FIPS codes); an empty one where they have none of them.

    Examples
    --------
    >>> found = sample_basemap(["06075"])
    >>> found.places[0].name, len(found.counties["features"]), sample_basemap(["36061"]).counties
    ('San Francisco', 1, None)
    """
    import geopandas as gpd

    wanted = set(counties)
    outlines = gpd.read_parquet(sample_path("counties.parquet"))
    outlines = outlines[outlines["county"].isin(wanted)]
    if outlines.empty:
        return Basemap()
    zips = gpd.read_parquet(sample_path("zips.parquet"))
    return basemap_of(outlines, zips[zips["county"].isin(wanted)])


def _places(zips: Any) -> tuple[Place, ...]:
    """Return the cities that ZIPs name, each in the middle of its ZIPs' households, the largest first."""
    middle = zips.geometry.representative_point() if len(zips) else zips.geometry
    longitude, latitude = (
        np.array(zips[name], dtype=float) if name in zips else np.array(part, dtype=float)
        for name, part in (("longitude", middle.x), ("latitude", middle.y))
    )
    size = np.array(zips["households_2010"].fillna(0.0), dtype=float) if "households_2010" in zips else None
    weight = np.maximum(np.ones(len(zips)) if size is None else size, 1.0)
    known = np.isfinite(longitude) & np.isfinite(latitude)
    frame = zips.assign(lon=longitude, lat=latitude, weight=weight)[known]
    places = []
    for name, own in frame.groupby("city", sort=True):
        share = own["weight"] / own["weight"].sum()
        places.append(
            Place(
                name=str(name),
                longitude=round(float((share * own["lon"]).sum()), 5),
                latitude=round(float((share * own["lat"]).sum()), 5),
                size=float(own["weight"].sum()),
                zips=tuple(sorted(own["zip"].astype(str))),
            )
        )
    return tuple(sorted(places, key=lambda place: (-place.size, place.name)))
