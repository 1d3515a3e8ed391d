"""Surfaces: expected households above every rung of the ladder, for each (cell, ZIP) pair.

Households are counted by place and level of evidence first; all arithmetic happens on the counts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.engines import Frame
from geoscore.errors import SurfaceError
from geoscore.schemas import GROUP, LADDER, MEASURES, RUNG_EDGES
from geoscore.spatial.cells import parent_cells
from geoscore.surface_format import Figures, figures, measured, surface_table
from geoscore.surfaces.errors import Errors, Links, Parts, add_parts
from geoscore.tables import Table, to_pandas

Floats = npt.NDArray[np.float64]
LEVEL_COLUMNS: Final = ("known_bin", "income_known", "income_low_usd", "income_high_usd", "multiplier", "evidence")
POSITION: Final = ("cell", "zip", "spread_m")
AT: Final = [f"at_{name}" for name in POSITION]


class Prior(Protocol):
    """What a place says of households whose income is unknown."""

    pairs: pd.DataFrame
    mix: Any
    errors: Errors

    def exceedance(
        self,
        *,
        multiplier: float,
        low: float | None,
        high: float | None,
        evidence: int | None,
        rows: npt.NDArray[np.int64],
    ) -> Floats:
        """Return shares above each rung of some of the pairs, shape (rows, 25)."""
        ...


def count_groups(scored: Table) -> pa.Table:
    """Count the households that share a position and a level of evidence.

    Parameters
    ----------
    scored
        Table of schema ``SCORED``.

    Returns
    -------
    Table of schema ``GROUP``, sorted
    """
    keys = [name for name in GROUP.names if name != "households"]

    def group(frame: Frame) -> Frame:
        return frame.group_by(*keys).agg(nw.len().cast(nw.Int64).alias("households"))

    return scored.derive(GROUP, group).collect().sort_by([(name, "ascending") for name in keys])


def build_surface(
    groups: pa.Table, kernel: pa.Table, prior: Prior, *, progress: Callable[[int, int], None] | None = None
) -> pa.Table:
    """Build the surface: a row for each (cell, ZIP) pair that holds households.

    A household that lives in a pair with probability w, and lies above a rung with probability p, adds w p to the
    expected count and w p (1 - w p) to its variance; over its whole ZIP the doubt about its place cancels. Where p
    comes from the census, its sampling error is shared by all households of the area (docs/methods.md).

    Parameters
    ----------
    groups
        Table of schema ``GROUP``.
    kernel
        Table of schema ``KERNEL`` with a row for every position in ``groups``.
    prior
        Exceedance where income is unknown, over the kernel's pairs.
    progress
        Called with the levels done and all of them.

    Returns
    -------
    Table of schema ``SURFACE``, sorted by cell and ZIP
        ``households`` sum to those in ``groups``.

    Raises
    ------
    SurfaceError
        A group's position is not in the kernel, so that its households would be lost.
    """
    positions, weights = _position_matrix(groups, kernel, prior.pairs)
    rows = prior.pairs
    mix = prior.mix.tocoo()
    links = Links(rows, mix.row.astype(np.int64), mix.col.astype(np.int64))
    squares = _squares(weights, links)
    p = len(rows)
    expected, shared = np.zeros((p, 1 + len(LADDER))), np.zeros((p, 1 + len(LADDER)))
    lives_here = [np.zeros_like(expected) for _ in range(3)]
    for level in _by_level(groups, positions, weights, prior, progress):
        here, curve = level.here, level.curve
        mean = level.mass[:, None] * curve
        expected[here] += mean
        for i, square in enumerate(squares):
            lives_here[i][here] += mean - (square.T @ level.count)[here, None] * curve**2
        if level.unknown:
            shared[here] += level.mass[:, None] * np.sqrt(curve * (1.0 - curve))
    parts = {
        "households and their places": (lives_here[0], lives_here[1], lives_here[2]),
        "survey, area by area": links.covariances(
            mix.data[:, None] * shared[links.row], prior.errors.spread[links.area]
        ),
        "survey, in common": links.together(shared, prior.errors.common_of(rows["county"])),
    }
    return surface_of(rows, expected, parts)


def count_told(groups: pa.Table, kernel: pa.Table, prior: Prior, *, multiplier: float | None) -> pa.Table:
    """Count the households that files tell something of: their income or its band, a capacity, other evidence.

    Parameters
    ----------
    groups, kernel, prior
        As for ``build_surface``.
    multiplier
        Capacity for a dollar of income where nothing is known of a household; None where none counts.

    Returns
    -------
    Table of schema ``SURFACE``
        A row for each (cell, ZIP) pair that holds any of them. Variances are of what the files leave open of the
        households' capacities, not of their places.
    """
    groups = groups.filter(_says_something(groups, multiplier))
    expected, left = (np.zeros((len(prior.pairs), 1 + len(LADDER))) for _ in range(2))
    if groups.num_rows:
        for level in _by_level(groups, *_position_matrix(groups, kernel, prior.pairs), prior, None):
            mean = level.mass[:, None] * level.curve
            expected[level.here] += mean
            left[level.here] += mean * (1.0 - level.curve)
    used = expected[:, 0] > 0
    values = Figures.apart(expected[used, 0], expected[used, 1:], left[used, 1:])
    return surface_table(prior.pairs[used], values)


def _says_something(groups: pa.Table, multiplier: float | None) -> pa.ChunkedArray:
    """Return of which groups the files say anything that bears on capacity."""
    known = pc.greater(groups["known_bin"], 0)
    known = pc.or_(known, groups["income_known"])
    for name in ("income_low_usd", "income_high_usd"):
        known = pc.or_(known, pc.is_valid(groups[name]))
    known = pc.or_(known, pc.fill_null(pc.greater(groups["evidence"], 0), False))
    usual = pa.scalar(multiplier, pa.float64())
    return pc.or_(known, pc.fill_null(pc.not_equal(groups["multiplier"], usual), False))


@dataclass(frozen=True)
class _Level:
    """Households of one level of evidence.

    ``count`` by position, ``here`` the pairs where they may live, ``mass`` how many do, ``curve`` their shares behind a
    column of ones, ``unknown`` whether the census had a say in it.
    """

    count: Floats
    here: npt.NDArray[np.int64]
    mass: Floats
    curve: Floats
    unknown: bool


def _by_level(
    groups: pa.Table,
    positions: npt.NDArray[np.int64],
    weights: Any,
    prior: Prior,
    progress: Callable[[int, int], None] | None,
) -> Iterator[_Level]:
    frame = to_pandas(groups).assign(position=positions)
    levels = frame.groupby(list(LEVEL_COLUMNS), dropna=False, sort=True)
    for done, (level, members) in enumerate(levels, start=1):
        counted = np.bincount(members["position"], weights=members["households"], minlength=weights.shape[0])
        count = np.asarray(counted, dtype=np.float64)
        mass = weights.T @ count
        here = np.flatnonzero(mass)
        curve, unknown = _curve(dict(zip(LEVEL_COLUMNS, level, strict=True)), prior, here)
        yield _Level(count, here, mass[here], with_all(np.broadcast_to(curve, (len(here), len(LADDER)))), unknown)
        if progress:
            progress(done, levels.ngroups)


def with_all(shares: Floats) -> Floats:
    """Return shares above each rung behind a column of ones: the households themselves, whatever they have."""
    return np.hstack([np.ones((len(shares), 1)), shares])


def surface_of(rows: pd.DataFrame, expected: Floats, parts: dict[str, Parts]) -> pa.Table:
    """Return the surface of rows that hold households, with the parts of their variance added up.

    Parameters
    ----------
    rows
        Columns ``cell``, ``zip`` and ``county``, p rows.
    expected
        Households, and those above each rung, shape (p, 26).
    parts
        Of their variance, by name.
    """
    own, by_zip, by_county = add_parts(list(parts.values()))
    none = np.full(len(rows), -1)
    found = Figures(expected[:, 0], expected[:, 1:], own, by_zip, by_county, none, none)
    used = found.households > 0
    return surface_table(rows[used], found.take(used))


def _squares(weights: Any, links: Links) -> list[Any]:
    """Return for every weight of a position its product with itself, with its ZIP's weight, with its county's."""
    coo = weights.tocoo()
    found = [weights.multiply(weights).tocsr()]
    for place in (links.zip_at, links.county_at):
        key = coo.row.astype(np.int64) * (int(place.max(initial=0)) + 1) + place[coo.col]
        _, at = np.unique(key, return_inverse=True)
        whole = np.bincount(at.reshape(-1), coo.data)[at.reshape(-1)]
        found.append(type(weights)((coo.data * whole, (coo.row, coo.col)), shape=weights.shape))
    return found


def _position_matrix(groups: pa.Table, kernel: pa.Table, pairs: pd.DataFrame) -> tuple[npt.NDArray[np.int64], Any]:
    """Return the position of every group, and the sparse matrix of weights from positions to pairs."""
    from scipy.sparse import csr_array

    links = to_pandas(kernel)
    at = links[AT].drop_duplicates().reset_index(drop=True)
    at["position"] = np.arange(len(at))
    rows = links.merge(at, on=AT, how="left")["position"].to_numpy()
    numbered = pairs.assign(pair=np.arange(len(pairs)))
    columns = links.merge(numbered, on=["cell", "zip", "county"], how="left")["pair"].to_numpy()
    weights = csr_array((links["weight"].to_numpy(), (rows, columns)), shape=(len(at), len(pairs)))
    wanted = to_pandas(groups.select(list(POSITION))).set_axis(AT, axis=1)
    found = wanted.merge(at, on=AT, how="left")["position"]
    if found.isna().any():
        raise SurfaceError(
            f"{int(found.isna().sum())} positions have no cells; the kernel was made for other households"
        )
    return found.to_numpy(np.int64), weights


def _curve(level: dict[str, Any], prior: Prior, rows: npt.NDArray[np.int64]) -> tuple[Floats, bool]:
    """Return the exceedance of a level over pairs and rungs, and whether the census had a say in it."""
    known = (level["known_bin"] > RUNG_EDGES).astype(np.float64)[None, :]
    if level["income_known"]:
        return known, False
    low, high = (None if pd.isna(level[name]) else float(level[name]) for name in LEVEL_COLUMNS[2:4])
    code = None if pd.isna(level["evidence"]) else int(level["evidence"])
    curve = prior.exceedance(multiplier=float(level["multiplier"]), low=low, high=high, evidence=code, rows=rows)
    return np.maximum(known, curve), True


def roll_up(surface: pa.Table, *, resolution: int) -> pa.Table:
    """Return the surface with every cell replaced by its ancestor: plain sums, nothing else.

    Parameters
    ----------
    surface
        Table of schema ``SURFACE``; rows without a cell stay as they are, suppressed rows stay suppressed.
    resolution
        H3 resolution, not finer than the surface's.
    """
    keys = to_pandas(surface.select(["cell", "zip", "county", "suppressed", "counted_in"]))
    has_cell = keys["cell"].notna()
    cells = keys.loc[has_cell, "cell"].to_numpy(np.uint64)
    keys.loc[has_cell, "cell"] = pd.array(parent_cells(cells, resolution=resolution), dtype="UInt64")
    codes = keys.groupby(list(keys.columns), dropna=False, sort=True).ngroup().to_numpy(np.int64)
    kept = keys.assign(code=codes).drop_duplicates("code").sort_values("code")
    summed = figures(surface).summed(codes, len(kept))
    rolled = surface_table(kept, summed, suppressed=kept["suppressed"].to_numpy(bool))
    measures = measured(surface)
    if measures is not None:
        hidden = kept["suppressed"].to_numpy(bool)
        for name, column in zip(MEASURES.names, measures.T, strict=True):
            rolled = rolled.append_column(name, pa.array(np.bincount(codes, column, len(kept)), mask=hidden))
    return rolled
