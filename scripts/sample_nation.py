"""Samples of the whole country: ZIPs with their places and figures, counties with outlines, one income curve.

What `geoscore synth` spreads a nation's made-up households by; a model of where people live, not a count of it.
"""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

TOLERANCE_DEGREES = 0.01
STATES = {
    "01": "AL", "02": "AK", "04": "AZ", "05": "AR", "06": "CA", "08": "CO", "09": "CT", "10": "DE", "11": "DC",
    "12": "FL", "13": "GA", "15": "HI", "16": "ID", "17": "IL", "18": "IN", "19": "IA", "20": "KS", "21": "KY",
    "22": "LA", "23": "ME", "24": "MD", "25": "MA", "26": "MI", "27": "MN", "28": "MS", "29": "MO", "30": "MT",
    "31": "NE", "32": "NV", "33": "NH", "34": "NJ", "35": "NM", "36": "NY", "37": "NC", "38": "ND", "39": "OH",
    "40": "OK", "41": "OR", "42": "PA", "44": "RI", "45": "SC", "46": "SD", "47": "TN", "48": "TX", "49": "UT",
    "50": "VT", "51": "VA", "53": "WA", "54": "WV", "55": "WI", "56": "WY",
}  # fmt: skip
"""The fifty states and the District of Columbia, by the first two digits of a county."""
CORNERS = 4
"""Points of the least ring: an island of fewer was lost when the atlas was drawn."""
FARTHEST_DEGREES = 0.5
"""Of a ZIP's center from its county, beyond which it is wrong."""
LOWEST, HIGHEST = 0.4, 3.0
"""Bounds of a ZIP's level of income against the country's."""
PULL = 0.7
"""How far a ZIP's incomes follow its wages per household: pensions and transfers are spread more evenly."""


def read_counties(atlas: dict[str, Any]) -> gpd.GeoDataFrame:
    """Return the counties of the fifty states and DC from a TopoJSON atlas, edges simplified in common."""
    scale, translate = (np.array(atlas["transform"][name]) for name in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc, dtype=float), axis=0) * scale + translate for arc in atlas["arcs"]]
    shapes = [item for item in atlas["objects"]["counties"]["geometries"] if item["id"][:2] in STATES]
    drawn = [(item, _decode(item, arcs)) for item in shapes]
    shapes = [item for item, polygon in drawn if not polygon.is_empty]
    polygons = [polygon for _, polygon in drawn if not polygon.is_empty]
    simple = shapely.coverage_simplify(polygons, TOLERANCE_DEGREES)
    names = [f"{item['properties']['name']}, {STATES[item['id'][:2]]}" for item in shapes]
    counties = gpd.GeoDataFrame({"county": [item["id"] for item in shapes], "name": names}, geometry=simple, crs=4326)
    counties["geometry"] = [_polygonal(shape) for shape in shapely.make_valid(counties.geometry.to_numpy())]
    return counties.sort_values("county").reset_index(drop=True)


def _decode(item: dict[str, Any], arcs: Sequence[np.ndarray]) -> shapely.Geometry:
    rings = [item["arcs"]] if item["type"] == "Polygon" else item["arcs"]
    parts = [[_ring(ring, arcs) for ring in polygon] for polygon in rings]
    whole = [[ring for ring in part if len(ring) >= CORNERS] for part in parts if len(part[0]) >= CORNERS]
    return _polygonal(shapely.make_valid(shapely.MultiPolygon([shapely.Polygon(o, holes) for o, *holes in whole])))


def _ring(numbers: Sequence[int], arcs: Sequence[np.ndarray]) -> np.ndarray:
    pieces = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers]
    return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])


def _polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.union_all([part for part in shapely.get_parts(shape) if part.geom_type.endswith("Polygon")])


def read_nation_zips(crosswalk: pd.DataFrame, facts: pd.DataFrame, counties: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the country's ZIPs where people live: place, county, households of 2010 and level of income."""
    zips = facts[(facts["kind"] == "standard") & (facts["households_2010"] > 0) & facts["longitude"].notna()]
    zips = zips.assign(at=shapely.points(zips["longitude"], zips["latitude"]))
    told = crosswalk.sort_values(["ZIP", "RES_RATIO", "county"], ascending=[True, False, True]).drop_duplicates("ZIP")
    known = set(counties["county"])
    zips["county"] = zips["zip"].map(told.set_index("ZIP")["county"]).where(lambda codes: codes.isin(known))
    # counties that were drawn anew since the outlines: by where the ZIP lies
    nearest = shapely.STRtree(counties.geometry.to_numpy()).nearest(zips["at"].to_numpy())
    zips["county"] = zips["county"].fillna(pd.Series(counties["county"].to_numpy()[nearest], index=zips.index))
    zips = zips[zips["state"].isin(STATES.values())]
    # a few centers lie in other countries
    outlines = counties.set_index("county").geometry.loc[zips["county"]].to_numpy()
    zips = zips[shapely.distance(zips["at"].to_numpy(), outlines) <= FARTHEST_DEGREES]
    wages = zips["wages_usd_2010"] / zips["households_2010"]
    country = zips["wages_usd_2010"].sum() / zips.loc[zips["wages_usd_2010"].notna(), "households_2010"].sum()
    level = ((wages / country).clip(lower=1e-3) ** PULL).clip(LOWEST, HIGHEST).fillna(1.0)
    return (
        pd.DataFrame(
            {
                "zip": zips["zip"],
                "city": zips["city"].fillna(""),
                "county": zips["county"],
                "longitude": zips["longitude"].astype("float32").round(4),
                "latitude": zips["latitude"].astype("float32").round(4),
                "households": zips["households_2010"].astype("int32"),
                "income_level": level.astype("float32").round(3),
            }
        )
        .sort_values("zip")
        .reset_index(drop=True)
    )
