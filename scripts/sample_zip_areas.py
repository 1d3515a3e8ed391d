"""ZIP areas of the samples, estimated: no package carries the census's own, so the land is shared out anew.

Each H3 cell goes to one ZIP whose bounding box and counties allow it, by distance, balanced by households.
"""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geoscore.spatial.cells import cell_centers, cells_from_polygons
from geoscore.spatial.polygons import cell_polygons

Floats = npt.NDArray[np.float64]
RESOLUTION = 9
MARGIN = 0.004
"""Degrees by which a bounding box of 2010 is widened."""
KM_PER_DEGREE = 111.2
ROUNDS = 60
OUTSIDE = 1e6
METRIC = 3310


def estimate_zip_areas(zones: gpd.GeoDataFrame, zips: pd.DataFrame) -> list[shapely.Geometry | None]:
    """Return an estimated area for every standard ZIP, None for the others.

    A cell's cost of a ZIP is its squared distance to the ZIP's center less the ZIP's weight (a power diagram);
    weights are moved until the households of the zones' cells come close to the ZIP's own of 2010.
    """
    index, cells = cells_from_polygons(list(zones.geometry), resolution=RESOLUTION)
    per_zone = np.bincount(index, minlength=len(zones))
    share = zones["households"].to_numpy(float)[index] / per_zone[index]
    unique, first, inverse = np.unique(cells, return_index=True, return_inverse=True)
    households = np.bincount(inverse, share)
    county = zones["county"].to_numpy()[index[first]]
    standard = np.flatnonzero((zips["kind"] == "standard") & zips["west"].notna())
    owner = _assign(unique, households, county, zips.iloc[standard])
    areas: list[shapely.Geometry | None] = [None] * len(zips)
    shapes = cell_polygons(unique)
    metric = gpd.GeoSeries(list(shapes), crs=4326).to_crs(METRIC).to_numpy()
    merged = [shapely.union_all(metric[owner == number]) for number in range(len(standard))]
    filled = shapely.coverage_simplify(shapely.buffer(merged, 0), 150.0)
    back = gpd.GeoSeries(list(filled), crs=METRIC).to_crs(4326).to_numpy()
    for number, position in enumerate(standard):
        areas[position] = back[number] if not back[number].is_empty else None
    return areas


def _assign(
    cells: npt.NDArray[np.uint64], households: Floats, county: Floats, zips: pd.DataFrame
) -> npt.NDArray[np.int64]:
    """Return the position of each cell's ZIP."""
    longitude, latitude = cell_centers(cells)
    squeeze = np.cos(np.radians(37.8))
    x, y = longitude * squeeze * KM_PER_DEGREE, latitude * KM_PER_DEGREE
    cost = np.empty((len(cells), len(zips)), dtype=np.float32)
    for number, row in enumerate(zips.itertuples()):
        distance = (x - row.longitude * squeeze * KM_PER_DEGREE) ** 2 + (y - row.latitude * KM_PER_DEGREE) ** 2
        inside = (longitude >= row.west - MARGIN) & (longitude <= row.east + MARGIN)
        inside &= (latitude >= row.south - MARGIN) & (latitude <= row.north + MARGIN)
        inside &= np.isin(county, list(row.counties))
        cost[:, number] = distance + np.where(inside, 0.0, OUTSIDE)
    return _balance(cost, households, zips)


def _balance(cost: npt.NDArray[np.float32], households: Floats, zips: pd.DataFrame) -> npt.NDArray[np.int64]:
    target = zips["households_2010"].to_numpy(float)
    target = target * households.sum() / target.sum()
    reach = np.maximum(((zips["east"] - zips["west"]) * KM_PER_DEGREE * 0.8).to_numpy(float) / 2, 0.5) ** 2
    weight = np.zeros(len(target))
    owner = cost.argmin(axis=1)
    for round_ in range(ROUNDS):
        got = np.bincount(owner, households, len(target))
        gap = np.clip((target - got) / target, -1.0, 1.0)
        weight = np.clip(weight + 0.25 * reach * gap / (1 + round_ / 15), -2 * reach, 2 * reach)
        owner = (cost - weight[None, :].astype(np.float32)).argmin(axis=1)
    return owner.astype(np.int64)
