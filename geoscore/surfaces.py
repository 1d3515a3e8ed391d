"""Surfaces: expected households above every rung of the ladder, for each (cell, ZIP) pair.

Households are counted by place and level of evidence first; all arithmetic happens on the counts.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.engines import Frame
from geoscore.errors import SurfaceError
from geoscore.schemas import GROUP, LADDER, RUNG_EDGES
from geoscore.spatial.cells import parent_cells
from geoscore.surface_format import figures, no_figures, surface_table
from geoscore.tables import Table, to_pandas

Floats = npt.NDArray[np.float64]
LEVEL_COLUMNS: Final = ("known_bin", "income_known", "income_low_usd", "income_high_usd", "multiplier")
POSITION: Final = ("cell", "zip", "spread_m")
AT: Final = [f"at_{name}" for name in POSITION]


class Prior(Protocol):
    """What a place says of households whose income is unknown."""

    pairs: pd.DataFrame
    n_eff: Floats

    def exceedance(self, *, multiplier: float, low: float | None, high: float | None) -> Floats:
        """Return shares above each rung, shape (pairs, 25)."""
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

    A household spread with weight w that lies above a rung with probability p adds w p to the expected count,
    w p (1 - p) to its variance, and w (1 - w) to the variance of how many are here. Where p comes from the census,
    its sampling variance p (1 - p) / (n_eff + 1) is shared by all households of the pair and adds the square of what
    it does to their sum (docs/methods.md).

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
    squared = weights.multiply(weights)
    p = len(prior.pairs)
    found = no_figures(p)
    shared = np.zeros((p, len(LADDER)))
    frame = to_pandas(groups).assign(position=positions)
    levels = frame.groupby(list(LEVEL_COLUMNS), dropna=False, sort=True)
    for done, (level, members) in enumerate(levels, start=1):
        count = np.bincount(members["position"], weights=members["households"], minlength=weights.shape[0])
        mass, own = weights.T @ count, squared.T @ count
        curve, unknown = _curve(dict(zip(LEVEL_COLUMNS, level, strict=True)), prior)
        found.households[:] += mass
        found.place_variance[:] += np.maximum(mass - own, 0.0)
        found.at_least[:] += mass[:, None] * curve
        found.variance[:] += mass[:, None] * curve * (1.0 - curve)
        if unknown:
            shared += mass[:, None] * np.sqrt(curve * (1.0 - curve) / (prior.n_eff[:, None] + 1.0))
        if progress:
            progress(done, levels.ngroups)
    found.variance[:] += shared**2
    used = found.households > 0
    return surface_table(prior.pairs[used], found.take(used))


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


def _curve(level: dict[str, Any], prior: Prior) -> tuple[Floats, bool]:
    """Return the exceedance of a level over pairs and rungs, and whether the census had a say in it."""
    known = (level["known_bin"] > RUNG_EDGES).astype(np.float64)[None, :]
    if level["income_known"]:
        return known, False
    low, high = (None if pd.isna(level[name]) else float(level[name]) for name in LEVEL_COLUMNS[2:4])
    curve = prior.exceedance(multiplier=float(level["multiplier"]), low=low, high=high)
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
    return surface_table(kept, summed, suppressed=kept["suppressed"].to_numpy(bool))
