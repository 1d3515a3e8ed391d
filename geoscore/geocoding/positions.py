"""Positions to cells: every household gets a position, as sure as its file allows, and no surer.

Coordinates give a cell, or where they are uncertain the cells around, by how far off they may be and where households
live; a ZIP alone is spread over its cells by their households, never piled on a center.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.reference.gazetteer_places import METERS_PER_DEGREE
from geoscore.schemas import EVIDENCE, KERNEL, LOCATED
from geoscore.spatial.cells import (
    cell_centers,
    cell_resolution,
    cells_from_points,
    distances_m,
    parent_cells,
)
from geoscore.tables import Table, from_pandas, to_pandas

SIGMA_GIVEN_M: Final = 10.0
"""Taken for coordinates of a file: a parcel's center, 95% within 21 m in a city (METHODS 5)."""
SPREAD_FROM_M: Final = 15.0
"""Positions less sure than this are spread over cells."""
FINER: Final = 3
"""Uncertain positions are grouped by cells this many resolutions finer: 25 m across the edge at a working 8."""
RINGS, RAYS = 12, 16
"""Points that stand for a kernel: equal shares of a two-dimensional normal distribution."""
EMPTY_SHARE: Final = 0.01
"""A cell without census households counts as this share of the mean cell, for the census may be wrong."""
PLACED: Final = ("given", "rooftop", "range", "street")
NO_PLACE: Final = "no place: neither coordinates nor ZIP"
OUTSIDE: Final = "ZIP outside the region"
PO_BOX: Final = "ZIP of PO boxes or one office, where no household lives"


MAPPED: Final = pa.schema([*LOCATED, ("reason", pa.string())])
"""Households with the place that they have, or the reason why they have none."""


@dataclass(frozen=True)
class Located:
    """Households with a position, and those without one, with the reason."""

    households: Table
    """Schema ``LOCATED``."""
    unlocated: Table
    """``household_id`` and ``reason``."""


def locate_households(
    households: Table, *, ground: pa.Table, resolution: int, without_homes: frozenset[str] = frozenset()
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
    ...     located = locate_households(Table.from_arrow(homes, engine=engine), ground=ground, resolution=8)
    ...     located.households.collect()["precision"].to_pylist(), located.unlocated.count()
    (['zip'], 1)
    """
    sigma = zip_sigma_m(ground)

    def locate(batch: pa.RecordBatch) -> pa.RecordBatch:
        return locate_batch(batch, sigma, resolution=resolution, without_homes=without_homes)

    both = households.map_batches(locate, MAPPED)
    unlocated = pa.schema([MAPPED.field("household_id"), MAPPED.field("reason")])
    return Located(
        both.derive(LOCATED, lambda frame: frame.filter(nw.col("reason").is_null())),
        both.derive(unlocated, lambda frame: frame.filter(~nw.col("reason").is_null())),
    )


def locate_batch(
    batch: pa.RecordBatch, sigma: Mapping[str, float], *, resolution: int, without_homes: frozenset[str]
) -> pa.RecordBatch:
    """Give a batch of households their cells or ZIPs, or the reason why they have neither.

    Parameters
    ----------
    batch
        Schema ``HOUSEHOLD``.
    sigma
        Standard distance of every known ZIP's households from their center, in meters.
    resolution
        H3 resolution of the cells.
    without_homes
        Known ZIPs where no household lives.

    Returns
    -------
    RecordBatch
        Schema ``LOCATED``, and ``reason`` behind it: null where there is a place.
    """
    longitude, latitude, sigma_m = (
        batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
        for name in ("longitude", "latitude", "sigma_m")
    )
    given = ~np.isnan(longitude) & ~np.isnan(latitude)
    sigma_m = np.where(np.isnan(sigma_m), SIGMA_GIVEN_M, sigma_m)
    wide = given & (sigma_m >= SPREAD_FROM_M)
    cell = np.zeros(len(given), dtype=np.uint64)
    spread_class = np.zeros(len(given), dtype=np.int32)
    spread_class[wide] = _spread_class(sigma_m[wide])
    for which, finer in ((given & ~wide, 0), (wide, FINER)):
        if which.all():  # no copies
            cell = cells_from_points(longitude, latitude, resolution=resolution + finer)
        else:
            cell[which] = cells_from_points(longitude[which], latitude[which], resolution=resolution + finer)
    zips = batch.column("zip")
    coded = pc.dictionary_encode(zips)
    by_code = np.array([*(sigma.get(code, np.nan) for code in coded.dictionary.to_pylist()), np.nan])
    spread = by_code[pc.fill_null(coded.indices, -1).to_numpy()]
    known = ~np.isnan(spread)
    boxes = pc.is_in(zips, pa.array(list(without_homes), pa.string())).to_numpy(zero_copy_only=False)
    absent = zips.is_null().to_numpy(zero_copy_only=False)
    placed = given | known
    reason = pa.nulls(len(given), pa.string())
    if not placed.all():
        told = np.select([placed, absent, boxes], np.array([None, NO_PLACE, PO_BOX], dtype=object), default=OUTSIDE)
        reason = pa.array(told, pa.string())
    columns = {
        "household_id": batch.column("household_id"),
        "cell": pa.array(cell, mask=~given),
        "zip": pc.if_else(pa.array(known), zips, pa.scalar(None, pa.string())),
        "spread_m": pa.array(spread_class, mask=~wide),
        "precision": pc.if_else(pa.array(given), pc.fill_null(batch.column("precision"), "given"), "zip"),
        "sigma_m": pa.array(np.where(given, sigma_m, spread)),
        **{name: batch.column(name) for name in EVIDENCE},
        "reason": reason,
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in MAPPED.names], schema=MAPPED)


def _spread_class(sigma_m: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Return sigma rounded to half powers of two, so that positions of one place and class share a kernel.

    Examples
    --------
    >>> _spread_class(np.array([20.0, 23.0, 100.0])).tolist()
    [23, 23, 91]
    """
    steps = np.round(2.0 * np.log2(np.maximum(sigma_m, 1.0)))
    return np.round(2.0 ** (steps / 2.0)).astype(np.int32)


def zip_sigma_m(ground: pa.Table) -> dict[str, float]:
    """Return for every ZIP the standard distance of its households from their center, in meters.

    Parameters
    ----------
    ground
        Table of schema ``GROUND``.
    """
    frame = to_pandas(ground.select(["cell", "zip", "households"])).dropna(subset=["zip"])
    longitude, latitude = cell_centers(frame["cell"].to_numpy(np.uint64))
    codes, names = pd.factorize(frame["zip"], sort=True)
    households = frame["households"].to_numpy(np.float64)
    total = np.bincount(codes, households)
    lived_in = total > 0
    weight = np.divide(households, total[codes], out=np.zeros(len(codes)), where=lived_in[codes])
    center = [np.bincount(codes, weight * degrees).astype(np.float64) for degrees in (longitude, latitude)]
    distance = distances_m(longitude, latitude, center[0][codes], center[1][codes])
    sigma = np.sqrt(np.bincount(codes, weight * distance**2) / 2)
    return {str(name): float(value) for name, value in zip(names[lived_in], sigma[lived_in], strict=True)}


def spread_positions(groups: pa.Table, ground: pa.Table) -> pa.Table:
    """Say to which (cell, ZIP) pairs the households at each position belong, and in what shares.

    Parameters
    ----------
    groups
        Table with the positions in use, columns ``cell`` and ``zip``, either of them null where unknown, and
        ``spread_m``, null where the cell is sure.
    ground
        Table of schema ``GROUND``.

    Returns
    -------
    Table of schema ``KERNEL``, sorted
        A cell and a ZIP together stay as they are; a ZIP alone goes to its cells, and a cell alone to its ZIPs,
        by census households. An uncertain position goes to the cells around it (within its ZIP where that is known),
        by the normal distribution of its error times their census households. Weights of a position sum to 1.
    """
    frame = to_pandas(ground)
    pairs = frame.groupby(["cell", "zip", "county"], dropna=False)["households"].sum().reset_index()
    pairs = pairs[pairs["households"] > 0]
    at = to_pandas(groups.select(["cell", "zip", "spread_m"])).drop_duplicates().add_prefix("at_")
    around = _around(at[at["at_spread_m"].notna()], frame, pairs)
    at = at[at["at_spread_m"].isna()]
    has_cell, has_zip = at["at_cell"].notna(), at["at_zip"].notna()
    parts = [
        _as_given(at[has_cell & has_zip], frame),
        _spread(at[~has_cell & has_zip], pairs.assign(at_zip=pairs["zip"]), on="at_zip"),
        _spread(at[has_cell & ~has_zip], pairs.assign(at_cell=pairs["cell"]), on="at_cell"),
    ]
    parts.append(_at_empty_cells(at[has_cell & ~has_zip], parts[2], frame))
    kernel = pd.concat([part for part in (*parts, around) if len(part)], ignore_index=True)
    kernel = kernel.sort_values(["at_cell", "at_zip", "at_spread_m", "cell", "zip"], kind="stable")
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


def _around(at: pd.DataFrame, ground: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs around uncertain positions, with their shares: likelihood of the error times households."""
    if at.empty:
        return at
    at = at.reset_index(drop=True)
    resolution = cell_resolution(int(ground["cell"].iloc[0]))
    mass = _error_mass(at, resolution=resolution)
    known = pairs[["cell", "zip", "county", "households"]]
    met = mass.merge(known, on="cell", how="inner")
    zip_of = met["position"].map(at["at_zip"])
    met = met[zip_of.isna() | (zip_of == met["zip"])]
    least = EMPTY_SHARE * float(pairs["households"].mean())
    met = met.assign(weight=met["mass"] * np.maximum(met["households"], least))
    found = met.merge(at, left_on="position", right_index=True).drop(columns=["mass", "position"])
    # positions whose surroundings hold no census household of their ZIP stay in the cell they were found in
    left = at[~at.index.isin(met["position"])].copy()
    left["cell"] = parent_cells(left["at_cell"].to_numpy(np.uint64), resolution=resolution)
    counties = ground.dropna(subset=["zip"]).drop_duplicates("zip").set_index("zip")["county"]
    by_cell = ground.drop_duplicates("cell").set_index("cell")
    left["zip"] = left["at_zip"].fillna(left["cell"].map(by_cell["zip"]))
    left["county"] = left["zip"].map(counties).fillna(left["cell"].map(by_cell["county"]))
    both = pd.concat([found, left.assign(weight=1.0)], ignore_index=True)
    keys = ["at_cell", "at_zip", "at_spread_m"]
    both["weight"] /= both.groupby(keys, dropna=False)["weight"].transform("sum")
    return both.astype({"cell": "UInt64"})


def _error_mass(at: pd.DataFrame, *, resolution: int) -> pd.DataFrame:
    """Return the share of each position's error that falls into each cell: ``position``, ``cell``, ``mass``."""
    radius = np.sqrt(-2.0 * np.log(1.0 - (np.arange(RINGS) + 0.5) / RINGS))
    turn = 2.0 * np.pi * (np.arange(RAYS)[None, :] + 0.5 * (np.arange(RINGS) % 2)[:, None]) / RAYS
    east, north = (radius[:, None] * np.cos(turn)).ravel(), (radius[:, None] * np.sin(turn)).ravel()
    longitude, latitude = cell_centers(at["at_cell"].to_numpy(np.uint64))
    sigma = at["at_spread_m"].to_numpy(np.float64)
    lat = latitude[:, None] + north[None, :] * sigma[:, None] / METERS_PER_DEGREE
    lon = (
        longitude[:, None]
        + east[None, :] * sigma[:, None] / (METERS_PER_DEGREE * np.cos(np.radians(latitude)))[:, None]
    )
    cells = cells_from_points(lon.ravel(), lat.ravel(), resolution=resolution)
    frame = pd.DataFrame({"position": np.repeat(np.arange(len(at)), len(east)), "cell": cells})
    return (
        frame.groupby(["position", "cell"])
        .size()
        .div(len(east))
        .rename("mass")
        .reset_index()
        .astype({"cell": "UInt64"})
    )


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
