"""Which rows are shown: disjoint groups of at least k households, so that no subtraction tells fewer apart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.errors import PolicyError
from geoscore.surface_format import figures, no_figures, surface_table
from geoscore.tables import to_pandas

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Enough = Callable[[Floats, int], bool]
PLACE: Final = ["cell", "zip", "county"]
ORDER: Final = [(name, "ascending") for name in PLACE]
COUNTED_IN: Final = (*PLACE, "region")
ZIP, COUNTY, REGION = 1, 2, 3
STEP: Final = 2.0**-20
FAINT: Final = 0.5
"""Expected households below which a hidden pair gets no row: ZIPs are spread thinly over all their land."""
DECIMALS: Final = 1
"""Published figures are rounded to a tenth of a household: more digits would tell of single households."""


@dataclass(frozen=True)
class Merged:
    """The rows that may be shown.

    Attributes
    ----------
    shown
        Columns ``cell``, ``zip``, ``county`` and ``counted_in``; m rows.
    codes
        The shown row in which each row of the surface is counted, shape (n,).
    marks
        Table of schema ``SURFACE``: rows that say of a place only that somebody is there.
    """

    shown: pd.DataFrame
    codes: Ints
    marks: pa.Table


def stepped(households: Floats) -> Floats:
    """Return households in steps of a millionth, the nearest power of two, so that sums of them are exact.

    Whole numbers are common, and so is exactly k: without this, what is hidden would hang on the order of a sum, and
    on the processor's last bit.

    Examples
    --------
    >>> thirds = stepped(np.full(30, 1 / 3))
    >>> float(thirds.sum()) == 30 * float(thirds[0])
    True
    """
    return np.asarray(np.round(households / STEP) * STEP)


def merge_rows(surface: pa.Table, *, k: int) -> Merged:
    """Find the rows that may be shown; ``protect_surface`` says how.

    Raises
    ------
    PolicyError
        All rows together hold fewer than k households.
    """
    households = stepped(figures(surface).households)
    if households.sum() < k:
        raise PolicyError(f"{households.sum():.0f} households in all are fewer than k = {k}; nothing can be published")
    keys = to_pandas(surface.select(PLACE))
    level = count_levels(keys, households, k)
    home = places_at(keys, level).assign(counted_in=np.array(COUNTED_IN)[level])
    codes = np.asarray(home.groupby(["counted_in", *PLACE], dropna=False, sort=True).ngroup(), dtype=np.int64)
    shown = home.assign(code=codes).drop_duplicates("code").sort_values("code").drop(columns="code")
    return Merged(shown.reset_index(drop=True), codes, _marks(keys, home["counted_in"], level, households, k))


def protect_rows(surface: pa.Table, *, k: int) -> pa.Table:
    """Return the surface with its small rows merged and nothing else protected: for figures that are noise already.

    Parameters
    ----------
    surface
        Table of schema ``SURFACE`` at the published resolution, unprotected.
    k
        Fewest households in a shown row.

    Returns
    -------
    Table of schema ``SURFACE``
        As from ``protect_surface``; households in all, and those above each rung, are conserved before rounding.
    """
    surface = surface.sort_by(ORDER)
    merged = merge_rows(surface, k=k)
    values = figures(surface).summed(merged.codes, len(merged.shown)).rounded(DECIMALS)
    return pa.concat_tables([surface_table(merged.shown, values), merged.marks]).sort_by(ORDER)


def places_at(keys: pd.DataFrame, level: Ints) -> pd.DataFrame:
    """Return cell, ZIP and county of every row, without those that its level of counting leaves open."""
    finest = {"cell": 0, "zip": ZIP, "county": COUNTY}
    return pd.DataFrame({name: keys[name].where(level <= step) for name, step in finest.items()})


def count_levels(
    keys: pd.DataFrame, households: Floats, k: int, *, alone: float = 1.0, enough: Enough | None = None
) -> Ints:
    """Return how far up each row's households are counted: 0 cell, 1 ZIP, 2 county, 3 region.

    Parameters
    ----------
    keys
        Columns ``zip`` and ``county``, n rows.
    households
        Shape (n,).
    k
        Fewest households that are counted together.
    alone
        How many times k a row holds at least that is counted by itself.
    enough
        Whether rows that are counted together hold k; that of rows which are marked by default.
    """
    enough = enough or _enough
    level = np.where(households < alone * k, ZIP, 0).astype(np.int64)
    level[(level == ZIP) & keys["zip"].isna().to_numpy()] = COUNTY
    level[(level == COUNTY) & keys["county"].isna().to_numpy()] = REGION
    for step, column in ((ZIP, "zip"), (COUNTY, "county")):
        for members in keys.groupby(column, sort=True).indices.values():
            _fill_up(level, households, np.asarray(members, dtype=np.int64), step=step, k=k, enough=enough)
    _fill_up(level, households, np.arange(len(level)), step=REGION, k=k, enough=enough)
    return level


def _fill_up(level: Ints, households: Floats, members: Ints, *, step: int, k: int, enough: Enough) -> None:
    """Make the households counted at ``step`` among ``members`` at least k, hiding the smallest shown rows with them.

    Where all members together are too few, they are counted one step further up.
    """
    here = members[level[members] == step]
    if len(here) == 0 or enough(households[here], k):
        return
    below = members[level[members] < step]
    if not enough(households[np.concatenate([here, below])], k):
        level[here] = min(step + 1, REGION)
        level[below] = min(step + 1, REGION)
        return
    for group in _shown_groups(level, households, below):
        level[group] = step
        here = np.concatenate([here, group])
        if enough(households[here], k):
            return


def _enough(households: Floats, k: int) -> bool:
    """Return whether these are k, though half a household of every other marked row is known.

    Whoever reads that somebody is there must not learn that one of them holds fewer than k.
    """
    marked = int((households >= FAINT).sum())
    return float(households.sum()) - FAINT * max(marked - 1, 0) >= k


def _shown_groups(level: Ints, households: Floats, rows: Ints) -> list[Ints]:
    """Return the rows that are shown one by one or together, the smallest first."""
    alone = [np.array([row]) for row in rows[level[rows] == 0]]
    together = [rows[level[rows] == step] for step in (ZIP, COUNTY)]
    groups = [group for group in (*alone, *together) if len(group)]
    return sorted(groups, key=lambda group: (float(households[group].sum()), int(group[0])))


def _marks(keys: pd.DataFrame, counted_in: pd.Series, level: Ints, households: Floats, k: int) -> pa.Table:
    """Return the suppressed rows: hidden pairs that hold somebody, and hidden ZIPs."""
    told = keys.assign(counted_in=counted_in)
    # where all of the region together is hardly k, not even a mark says where somebody is
    marked = (level < REGION) | _enough(households[level == REGION], k)
    pairs = told[(level > 0) & (households >= FAINT) & marked]
    zips = told[(level > ZIP) & keys["zip"].notna().to_numpy() & marked].copy()
    zips["cell"] = pd.array([None] * len(zips), dtype="UInt64")
    rows = pd.concat([pairs, zips.drop_duplicates()])
    return surface_table(rows, no_figures(len(rows)), suppressed=np.ones(len(rows), dtype=bool))
