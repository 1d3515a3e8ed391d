"""Surfaces: expected households above every rung of the ladder, for each (cell, ZIP) pair.

Households are counted by place and level of evidence first; all arithmetic happens on the counts.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.errors import SurfaceError
from geoscore.schemas import MEASURES, RUNG_EDGES
from geoscore.spatial.cells import parent_cells
from geoscore.surface_format import Figures, figures, measured, surface_table
from geoscore.surfaces.errors import Errors, Links, Parts, add_parts
from geoscore.surfaces.groups import AT, LEVEL_COLUMNS, GroupCounts, pack_groups
from geoscore.tables import to_pandas

Floats = npt.NDArray[np.float64]


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


def build_surface(
    groups: pa.Table | GroupCounts,
    *,
    kernel: pa.Table,
    prior: Prior,
    progress: Callable[[int, int], None] | None = None,
) -> pa.Table:
    """Build the surface: a row for each (cell, ZIP) pair that holds households.

    A household that lives in a pair with probability w, and lies above a rung with probability p, adds w p to the
    expected count and w p (1 - w p) to its variance; over its whole ZIP the doubt about its place cancels. Where p
    comes from the census, its sampling error is shared by all households of the area (docs/methods.md).

    Parameters
    ----------
    groups
        Table of schema ``GROUP``, or the same packed.
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

    Examples
    --------
    Twelve households of one cell, all known to lie in bin 9 of the capacity cube:

    >>> from types import SimpleNamespace
    >>> from scipy.sparse import csr_array
    >>> from geoscore.schemas import GROUP, KERNEL
    >>> place = {"cell": 0x8828347433FFFFF, "zip": "94301"}
    >>> level = {"known_bin": 9, "income_known": True, "households": 12}
    >>> groups = pa.Table.from_pylist([place | level], schema=GROUP)
    >>> row = place | {"county": "06085", "at_cell": place["cell"], "at_zip": "94301", "weight": 1.0}
    >>> kernel = pa.Table.from_pylist([row], schema=KERNEL)
    >>> pairs = pd.DataFrame([place | {"county": "06085"}]).astype({"cell": "UInt64"})
    >>> prior = SimpleNamespace(pairs=pairs, mix=csr_array(np.eye(1)), errors=Errors(np.ones(1), {}))
    >>> surface = build_surface(groups, kernel=kernel, prior=prior)
    >>> surface["households"].to_pylist(), surface["at_least"][0][0].as_py()
    ([12.0], 12.0)
    """
    counts = groups if isinstance(groups, GroupCounts) else pack_groups(groups.to_batches())
    rows = prior.pairs
    weights = _position_matrix(counts.positions, kernel, rows)
    mix = prior.mix.tocoo()
    links = Links(rows, mix.row.astype(np.int64), mix.col.astype(np.int64))
    squares = _squares(weights, links)
    known = counts.levels["income_known"].to_numpy(bool)
    expected, lives_here = _known(counts, known, weights, squares)
    shared = np.zeros_like(expected)
    for count, here, mass, curve in _by_level(counts, np.flatnonzero(~known), weights, prior, progress):
        mean = mass[:, None] * curve
        expected[here] += mean
        for i, square in enumerate(squares):
            lives_here[i][here] += mean - (square.T @ count)[here, None] * curve**2
        shared[here] += mass[:, None] * np.sqrt(curve * (1.0 - curve))
    parts = {
        "households and their places": (lives_here[0], lives_here[1], lives_here[2]),
        "survey, area by area": links.covariances(
            mix.data[:, None] * shared[links.row], prior.errors.spread[links.area]
        ),
        "survey, in common": links.together(shared, prior.errors.common_of(rows["county"])),
    }
    return surface_of(rows, expected, parts)


def _by_level(
    counts: GroupCounts,
    levels: npt.NDArray[np.int64],
    weights: Any,
    prior: Prior,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[Floats, npt.NDArray[np.int64], Floats, Floats]]:
    """Yield of levels that the census has a say in: households by position, pairs, households there, their shares."""
    order = np.argsort(counts.level, kind="stable")
    bounds = np.searchsorted(counts.level[order], np.stack([levels, levels + 1]))
    for done, number in enumerate(levels):
        members = order[bounds[0, done] : bounds[1, done]]
        count = np.bincount(counts.position[members], counts.households[members], weights.shape[0]).astype(np.float64)
        mass = weights.T @ count
        here = np.flatnonzero(mass)
        yield count, here, mass[here], with_all(_curve(counts.levels.iloc[number], prior, here))
        if progress:
            progress(done + 1, len(levels))


def _known(
    counts: GroupCounts, known: npt.NDArray[np.bool_], weights: Any, squares: list[Any]
) -> tuple[Floats, list[Floats]]:
    """Return expected households, shape (p, 26), and their own variances, of levels that leave nothing to the census.

    Each lies above a rung or does not, so that all levels are one product of matrices.
    """
    from scipy.sparse import csr_array

    bins = counts.levels["known_bin"].to_numpy(np.int64)
    above = with_all((bins[:, None] > RUNG_EDGES).astype(np.float64)) * known[:, None]
    which = known[counts.level]
    at = (counts.position[which], counts.level[which])
    table = csr_array((counts.households[which], at), shape=(weights.shape[0], len(bins)))
    expected = np.asarray((weights.T @ table) @ above)
    return expected, [expected - np.asarray((square.T @ table) @ above) for square in squares]


def count_told(groups: pa.Table | GroupCounts, kernel: pa.Table, prior: Prior, *, multiplier: float | None) -> pa.Table:
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
    counts = groups if isinstance(groups, GroupCounts) else pack_groups(groups.to_batches())
    weights = _position_matrix(counts.positions, kernel, prior.pairs)
    known, told = counts.levels["income_known"].to_numpy(bool), _says_something(counts.levels, multiplier)
    expected, _ = _known(counts, known & told, weights, [])
    left = np.zeros_like(expected)
    for _, here, mass, curve in _by_level(counts, np.flatnonzero(told & ~known), weights, prior, None):
        mean = mass[:, None] * curve
        expected[here] += mean
        left[here] += mean * (1.0 - curve)
    used = expected[:, 0] > 0
    values = Figures.apart(expected[used, 0], expected[used, 1:], left[used, 1:])
    return surface_table(prior.pairs[used], values)


def _says_something(levels: pd.DataFrame, multiplier: float | None) -> npt.NDArray[np.bool_]:
    """Return at which levels the files say anything that bears on capacity."""
    found = (levels["known_bin"] > 0) | levels["income_known"] | (levels["evidence"] > 0)
    found |= levels["income_low_usd"].notna() | levels["income_high_usd"].notna()
    if multiplier is not None:
        found |= levels["multiplier"].notna() & (levels["multiplier"] != multiplier)
    return np.asarray(found.to_numpy(bool))


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


def _position_matrix(positions: pa.Table, kernel: pa.Table, pairs: pd.DataFrame) -> Any:
    """Return the sparse matrix of weights from positions to pairs."""
    from scipy.sparse import csr_array

    links = to_pandas(kernel)
    numbered = to_pandas(positions).set_axis(AT, axis=1).assign(position=np.arange(positions.num_rows))
    at = links.merge(numbered, on=AT, how="left")["position"].to_numpy(np.float64)
    found = ~np.isnan(at)
    links, rows = links[found], at[found].astype(np.int64)
    missing = positions.num_rows - len(np.unique(rows))
    if missing:
        raise SurfaceError(f"{missing} positions have no cells; the kernel was made for other households")
    columns = links.merge(pairs.assign(pair=np.arange(len(pairs))), on=["cell", "zip", "county"], how="left")["pair"]
    shape = (positions.num_rows, len(pairs))
    return csr_array((links["weight"].to_numpy(), (rows, columns.to_numpy())), shape=shape)


def _curve(level: "pd.Series[Any]", prior: Prior, rows: npt.NDArray[np.int64]) -> Floats:
    """Return the exceedance of a level that the census has a say in, over pairs and rungs."""
    known = (level["known_bin"] > RUNG_EDGES).astype(np.float64)[None, :]
    low, high = (None if pd.isna(level[name]) else float(level[name]) for name in LEVEL_COLUMNS[2:4])
    code = None if pd.isna(level["evidence"]) else int(level["evidence"])
    curve = prior.exceedance(multiplier=float(level["multiplier"]), low=low, high=high, evidence=code, rows=rows)
    return np.maximum(known, curve)


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
