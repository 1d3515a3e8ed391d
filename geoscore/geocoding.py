"""Geocoding: every household gets a position, as sure as its file allows, and no surer.

Coordinates give a cell; a ZIP alone is spread over its cells by their households, never piled on a center.
"""

from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.schemas import EVIDENCE, KERNEL, LOCATED
from geoscore.spatial.cells import cell_centers, cells_from_points, distance_m
from geoscore.tables import Table, from_pandas, to_pandas

SIGMA_GIVEN_M: Final = 10.0
"""Taken for coordinates of a file: a parcel's center, 95% within 21 m in a city (METHODS 5)."""
NO_PLACE: Final = "no place: neither coordinates nor ZIP"
OUTSIDE: Final = "ZIP outside the region"
PO_BOX: Final = "ZIP of PO boxes or one office, where no household lives"


@dataclass(frozen=True)
class Located:
    """Households with a position, and those without one, with the reason."""

    households: Table
    """Schema ``LOCATED``."""
    unlocated: Table
    """``household_id`` and ``reason``."""


def locate_households(
    households: Table, ground: pa.Table, *, resolution: int, without_homes: frozenset[str] = frozenset()
) -> Located:
    """Give every household the cell of its coordinates, else its ZIP, else the reason why it has neither.

    Parameters
    ----------
    households
        Table of schema ``HOUSEHOLD``.
    ground
        Table of schema ``GROUND``: the ZIPs where households live.
    resolution
        H3 resolution of the cells.
    without_homes
        Known ZIPs where no household lives (PO boxes, single organizations).

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> from geoscore.schemas import GROUND, HOUSEHOLD
    >>> row = {"cell": 0x8828347433FFFFF, "zip": "94301", "county": "06085", "area_id": "a", "households": 9.0}
    >>> ground = pa.Table.from_pylist([row], schema=GROUND)
    >>> homes = pa.Table.from_pylist([{"household_id": "h", "zip": "94301"}, {"household_id": "i"}], schema=HOUSEHOLD)
    >>> with open_engine() as engine:
    ...     located = locate_households(Table.from_arrow(homes, engine=engine), ground, resolution=8)
    ...     located.households.collect()["precision"].to_pylist(), located.unlocated.count()
    (['zip'], 1)
    """
    sigma = zip_sigma_m(ground)
    mapped = pa.schema([*LOCATED, ("reason", pa.string())])

    def locate(batch: pa.RecordBatch) -> pa.RecordBatch:
        return _locate_batch(batch, sigma, resolution=resolution, without_homes=without_homes, schema=mapped)

    both = households.map_batches(locate, mapped)
    unlocated = pa.schema([mapped.field("household_id"), mapped.field("reason")])
    return Located(
        both.derive(LOCATED, lambda frame: frame.filter(nw.col("reason").is_null())),
        both.derive(unlocated, lambda frame: frame.filter(~nw.col("reason").is_null())),
    )


def _locate_batch(
    batch: pa.RecordBatch,
    sigma: dict[str, float],
    *,
    resolution: int,
    without_homes: frozenset[str],
    schema: pa.Schema,
) -> pa.RecordBatch:
    longitude, latitude = (
        batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64) for name in ("longitude", "latitude")
    )
    given = ~np.isnan(longitude) & ~np.isnan(latitude)
    cell = np.zeros(len(given), dtype=np.uint64)
    cell[given] = cells_from_points(longitude[given], latitude[given], resolution=resolution)
    zips = batch.column("zip")
    known = pc.is_in(zips, pa.array(list(sigma), pa.string())).to_numpy(zero_copy_only=False)
    boxes = pc.is_in(zips, pa.array(list(without_homes), pa.string())).to_numpy(zero_copy_only=False)
    absent = zips.is_null().to_numpy(zero_copy_only=False)
    reason = np.select(
        [given | known, absent, boxes], np.array([None, NO_PLACE, PO_BOX], dtype=object), default=OUTSIDE
    )
    spread = np.array([sigma.get(code, np.nan) for code in zips.to_pylist()], dtype=np.float64)
    columns = {
        "household_id": batch.column("household_id"),
        "cell": pa.array(cell, mask=~given),
        "zip": pc.if_else(pa.array(known), zips, pa.scalar(None, pa.string())),
        "precision": pa.array(np.where(given, "given", "zip")),
        "sigma_m": pa.array(np.where(given, SIGMA_GIVEN_M, spread)),
        **{name: batch.column(name) for name in EVIDENCE},
        "reason": pa.array(reason, pa.string()),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def zip_sigma_m(ground: pa.Table) -> dict[str, float]:
    """Return for every ZIP the standard distance of its households from their center, in meters.

    Parameters
    ----------
    ground
        Table of schema ``GROUND``.
    """
    frame = to_pandas(ground.select(["cell", "zip", "households"])).dropna(subset=["zip"])
    frame["longitude"], frame["latitude"] = cell_centers(frame["cell"].to_numpy(np.uint64))
    return {str(code): _standard_distance_m(part) for code, part in frame.groupby("zip") if part["households"].sum()}


def _standard_distance_m(part: Any) -> float:
    weights = part["households"] / part["households"].sum()
    center = (float((weights * part["longitude"]).sum()), float((weights * part["latitude"]).sum()))
    distance = distance_m(part["longitude"].to_numpy(), part["latitude"].to_numpy(), to=center)
    return float(np.sqrt((weights * distance**2).sum() / 2))


def spread_positions(groups: pa.Table, ground: pa.Table) -> pa.Table:
    """Say to which (cell, ZIP) pairs the households at each position belong, and in what shares.

    Parameters
    ----------
    groups
        Table with the positions in use, columns ``cell`` and ``zip``, either of them null where unknown.
    ground
        Table of schema ``GROUND``.

    Returns
    -------
    Table of schema ``KERNEL``, sorted
        A cell and a ZIP together stay as they are; a ZIP alone goes to its cells, and a cell alone to its ZIPs,
        by census households. Weights of a position sum to 1.
    """
    frame = to_pandas(ground)
    pairs = frame.groupby(["cell", "zip", "county"], dropna=False)["households"].sum().reset_index()
    pairs = pairs[pairs["households"] > 0]
    at = to_pandas(groups.select(["cell", "zip"])).drop_duplicates()
    at = at.rename(columns={"cell": "at_cell", "zip": "at_zip"})
    has_cell, has_zip = at["at_cell"].notna(), at["at_zip"].notna()
    parts = [
        _as_given(at[has_cell & has_zip], frame),
        _spread(at[~has_cell & has_zip], pairs.assign(at_zip=pairs["zip"]), on="at_zip"),
        _spread(at[has_cell & ~has_zip], pairs.assign(at_cell=pairs["cell"]), on="at_cell"),
    ]
    parts.append(_at_empty_cells(at[has_cell & ~has_zip], parts[2], frame))
    kernel = pd.concat([part for part in parts if len(part)], ignore_index=True)
    kernel = kernel.sort_values(["at_cell", "at_zip", "cell", "zip"], kind="stable")
    return from_pandas(kernel, KERNEL)


def _as_given(at: pd.DataFrame, ground: pd.DataFrame) -> pd.DataFrame:
    county = ground.dropna(subset=["zip"]).drop_duplicates("zip").set_index("zip")["county"]
    return at.assign(cell=at["at_cell"], zip=at["at_zip"], county=at["at_zip"].map(county), weight=1.0)


def _spread(at: pd.DataFrame, pairs: pd.DataFrame, *, on: str) -> pd.DataFrame:
    merged = at.merge(pairs, on=on, how="inner")
    merged["weight"] = merged["households"] / merged.groupby(on)["households"].transform("sum")
    return merged


def _at_empty_cells(at: pd.DataFrame, spread: pd.DataFrame, ground: pd.DataFrame) -> pd.DataFrame:
    """Place households whose cell touches the region but holds no census household: the ZIP of most of its land."""
    left = at[~at["at_cell"].isin(spread["at_cell"])]
    land = ground.drop_duplicates("cell").assign(at_cell=lambda rows: rows["cell"])
    return left.merge(land, on="at_cell", how="inner").assign(weight=1.0)


def inside_region(ground: pa.Table, *, resolution: int) -> Any:
    """Return a function that says of points (longitude, latitude) whether their cell touches the region.

    Parameters
    ----------
    ground
        Table of schema ``GROUND`` at ``resolution``.
    """
    cells: npt.NDArray[np.uint64] = np.unique(ground["cell"].to_numpy())

    def inside(longitude: npt.NDArray[np.float64], latitude: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        return np.isin(cells_from_points(longitude, latitude, resolution=resolution), cells)

    return inside
