"""The whole country, modelled: where its households live by H3 cell and ZIP, and what they earn.

From the samples of ZIPs and counties that come with geoscore. A model to try geoscore with, no census: households lie
around the centers of their ZIPs, and incomes follow wages per household.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.reference.census import INCOME_EDGES, read_income_curve
from geoscore.reference.samples import sample_path
from geoscore.schemas import BRACKETS, GROUND
from geoscore.spatial.cells import cell_centers, cells_from_points, cells_from_polygons
from geoscore.tables import from_pandas

Floats = npt.NDArray[np.float64]
HOUSEHOLDS: Final = 120_000_000
"""That the country's housing units are scaled to."""
RESOLUTION: Final = 7
CORE_KM: Final = 3.0
"""Around a ZIP's center households thin out with the square of the distance over this."""
FEWEST: Final = 0.5
"""A cell with fewer expected households of a ZIP is left empty."""
KM_PER_DEGREE: Final = 111.195


@dataclass(frozen=True)
class Nation:
    """The country's households by cell and ZIP, sorted by county, ZIP and cell.

    Attributes
    ----------
    places
        ``cell``, ``zip``, ``county``, ``households``, ``income_level``; n rows.
    counties
        GeoDataFrame with ``county``, ``name`` and outlines.
    zips
        The ZIPs: ``zip``, ``city``, ``county``.
    curve
        The country's income curve: incomes, and the share of households below each.
    """

    places: pd.DataFrame
    counties: Any
    zips: pd.DataFrame
    curve: tuple[Floats, Floats]


def open_nation() -> Nation:
    """Lay the country's households out on cells.

    Examples
    --------
    >>> nation = open_nation()  # doctest: +SKIP
    >>> round(nation.places["households"].sum() / 1e6)  # doctest: +SKIP
    120
    """
    import geopandas as gpd

    counties = gpd.read_parquet(sample_path("us_counties.parquet"))
    zips = pd.read_parquet(sample_path("us_zips.parquet"))
    index, cells = cells_from_polygons(list(counties.geometry), resolution=RESOLUTION)
    land = pd.DataFrame({"cell": cells, "county": counties["county"].to_numpy()[index]}).drop_duplicates("cell")
    land["longitude"], land["latitude"] = cell_centers(land["cell"].to_numpy(np.uint64))
    parts = [_share_out(part, zips[zips["county"] == county]) for county, part in land.groupby("county")]
    places = pd.concat([*parts, _own_cells(zips)], ignore_index=True)
    places = places.sort_values("weight", ascending=False).drop_duplicates(["zip", "cell"])
    whole = places.groupby("zip")["weight"].transform("sum")
    facts = zips.set_index("zip")
    scale = HOUSEHOLDS / float(zips["households"].sum())
    places["households"] = places["weight"] / whole * places["zip"].map(facts["households"]) * scale
    # a ZIP keeps its best cell, however few live there
    best = ~places.duplicated("zip")
    places = places[best | (places["households"] >= FEWEST)].copy()
    whole = places.groupby("zip")["households"].transform("sum")
    places["households"] *= places["zip"].map(facts["households"]) * scale / whole
    places["county"] = places["zip"].map(facts["county"])
    places["income_level"] = places["zip"].map(facts["income_level"]).astype(float)
    order = ["county", "zip", "cell"]
    places = places.sort_values(order)[[*order, "households", "income_level"]].reset_index(drop=True)
    return Nation(places, counties, zips, read_income_curve(sample_path("us_income_curve.parquet")))


def _share_out(land: pd.DataFrame, zips: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of a county, each with the nearest of its ZIPs and a weight that falls with the distance."""
    from scipy.spatial import cKDTree

    if zips.empty:
        return land.iloc[:0].assign(zip="", weight=0.0)[["cell", "zip", "weight"]]
    squeeze = np.cos(np.radians(float(zips["latitude"].mean())))

    def plane(frame: pd.DataFrame) -> Floats:
        return np.column_stack([frame["longitude"] * squeeze, frame["latitude"]]) * KM_PER_DEGREE

    distance, nearest = cKDTree(plane(zips)).query(plane(land))
    weight = 1.0 / (1.0 + (distance / CORE_KM) ** 2)
    return pd.DataFrame({"cell": land["cell"], "zip": zips["zip"].to_numpy()[nearest], "weight": weight})


def _own_cells(zips: pd.DataFrame) -> pd.DataFrame:
    """Return the cell that each ZIP's center lies in, so that a small one among others has a place too."""
    cells = cells_from_points(
        zips["longitude"].to_numpy(float), zips["latitude"].to_numpy(float), resolution=RESOLUTION
    )
    return pd.DataFrame({"cell": cells, "zip": zips["zip"].to_numpy(), "weight": 1.0})


def write_census(nation: Nation, folder: Path) -> None:
    """Write the country's census files, as a project's ``[census]`` names them: ground, incomes, zips, counties, curve.

    Areas are ZIPs. Their incomes are the country's curve, moved to the ZIP's level.
    """
    import geopandas as gpd

    folder.mkdir(parents=True, exist_ok=True)
    ground = from_pandas(nation.places.assign(area_id=nation.places["zip"]).sort_values(["cell", "zip"]), GROUND)
    pq.write_table(ground, folder / "ground.parquet", compression="zstd")
    pq.write_table(_brackets(nation), folder / "incomes.parquet", compression="zstd")
    income, below = nation.curve
    pq.write_table(pa.table({"income_usd": income, "share_below": below}), folder / "curve.parquet")
    zips = nation.zips[["zip", "city", "county"]].assign(kind="standard")
    gpd.GeoDataFrame(zips, geometry=[None] * len(zips), crs=4326).to_parquet(folder / "zips.parquet", index=False)
    nation.counties.to_parquet(folder / "counties.parquet", index=False)


def _brackets(nation: Nation) -> pa.Table:
    """Return the households of every ZIP in the brackets of census table B19001."""
    by_zip = nation.places.groupby("zip", sort=True).agg(
        households=("households", "sum"), level=("income_level", "first")
    )
    lows = np.array(INCOME_EDGES, dtype=np.float64) * 1000.0
    income, share = nation.curve
    below = np.interp(np.log(lows[None, 1:] / by_zip["level"].to_numpy()[:, None]), np.log(income), share)
    n = len(by_zip)
    edges = np.hstack([np.zeros((n, 1)), below, np.ones((n, 1))])
    counts = np.diff(edges, axis=1) * by_zip["households"].to_numpy()[:, None]
    return pa.table(
        {
            "area_id": pa.array(np.repeat(by_zip.index.to_numpy(dtype=object), len(lows)), pa.string()),
            "low_usd": np.tile(lows, n),
            "high_usd": pa.array(np.tile(np.append(lows[1:], np.nan), n), pa.float64(), from_pandas=True),
            "households": counts.reshape(-1),
        },
        schema=BRACKETS,
    )
