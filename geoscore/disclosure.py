"""Disclosure control: the only road from a surface to a published one.

The published rows are disjoint groups of at least k households, so that no subtraction tells fewer apart.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.errors import PolicyError
from geoscore.schemas import MEASURES
from geoscore.surface_format import figures, no_figures, surface_table
from geoscore.tables import to_pandas

Ints = npt.NDArray[np.int64]
COUNTED_IN: Final = ("cell", "zip", "county", "region")
REGION: Final = 3
FAINT: Final = 0.5
"""Expected households below which a hidden pair gets no row: ZIPs are spread thinly over all their land."""
DECIMALS: Final = 1
"""Published figures are rounded to a tenth of a household: more digits would tell of single households."""


def protect_surface(surface: pa.Table, *, k: int = 10, beside: pa.Table | None = None) -> pa.Table:
    """Return the surface that may be published.

    Rows of fewer than k households are hidden: their households are counted in one row of their ZIP, without a
    cell; where that is still fewer than k, the smallest shown row of the ZIP is hidden with them. A ZIP with fewer
    than k households in all is counted in its county in the same way, and a county in the region. Every household
    stands in exactly one shown row, so that differences of sums are sums of shown rows again.

    Parameters
    ----------
    surface
        Table of schema ``SURFACE`` at the published resolution, unprotected.
    k
        Fewest households in a shown row.
    beside
        Measures of the same rows (``cell``, ``zip``, ``county`` and those of ``MEASURES``): they are published of the
        same groups of households, and of no others.

    Returns
    -------
    Table of schema ``SURFACE``
        Shown rows, rows without a cell for what was merged, and suppressed rows without figures for hidden ZIPs
        and for hidden (cell, ZIP) pairs of at least half an expected household. Figures are rounded to a tenth;
        households in all are conserved before rounding.

    Raises
    ------
    PolicyError
        All rows together hold fewer than k households.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from geoscore.surface_format import Figures
    >>> keys = pd.DataFrame({"cell": pd.array([1, 2, 3], "UInt64"), "zip": ["94301"] * 3, "county": ["06085"] * 3})
    >>> ladder = np.zeros((3, 25))
    >>> raw = surface_table(keys, Figures.apart(np.array([50.0, 12.0, 4.0]), ladder, ladder))
    >>> protected = protect_surface(raw, k=10)
    >>> protected["cell"].to_pylist(), protected["households"].to_pylist()
    ([1, 2, 3, None], [50.0, None, None, 16.0])
    """
    order = [("cell", "ascending"), ("zip", "ascending"), ("county", "ascending")]
    surface = surface.sort_by(order)
    values = figures(surface)
    households = values.households
    if households.sum() < k:
        raise PolicyError(f"{households.sum():.0f} households in all are fewer than k = {k}; nothing can be published")
    keys = to_pandas(surface.select(["cell", "zip", "county"]))
    level = _levels(keys, households, k)
    home = keys.assign(
        cell=keys["cell"].where(level < 1),
        zip=keys["zip"].where(level < 2),  # noqa: PLR2004  levels: 0 cell, 1 ZIP, 2 county, 3 region
        county=keys["county"].where(level < 3),  # noqa: PLR2004
        counted_in=np.array(COUNTED_IN)[level],
    )
    codes = home.groupby(["counted_in", "cell", "zip", "county"], dropna=False, sort=True).ngroup().to_numpy()
    shown = home.assign(code=codes).drop_duplicates("code").sort_values("code")
    table = surface_table(shown, values.summed(codes, len(shown)).rounded(DECIMALS))
    if beside is not None:
        table = _with_measures(table, keys, codes, beside)
    marks = _marks(keys, home["counted_in"], level, households, k)
    return pa.concat_tables([table, marks], promote_options="default").sort_by(order)


def _with_measures(
    table: pa.Table, keys: pd.DataFrame, codes: npt.NDArray[np.integer[Any]], beside: pa.Table
) -> pa.Table:
    """Return shown rows with the sums of their households' measures, rounded."""
    found = keys.merge(to_pandas(beside), on=["cell", "zip", "county"], how="left")
    for name in MEASURES.names:
        sums = np.bincount(codes, found[name].fillna(0.0).to_numpy(np.float64), table.num_rows)
        table = table.append_column(name, pa.array(np.round(sums, DECIMALS)))
    return table


def large_groups(surface: pa.Table, *, k: int) -> pa.Table:
    """Return the rows of at least k households: what files may say where the census speaks of all the others.

    Households of smaller rows are left to the census, so that nothing published depends on them.

    Parameters
    ----------
    surface
        Table of schema ``SURFACE`` at the published resolution, unprotected.
    k
        Fewest households in a row.
    """
    households = figures(surface).households
    placed = surface["cell"].is_valid().to_numpy()
    return surface.filter(pa.array((households >= k) & placed))


def _marks(
    keys: pd.DataFrame, counted_in: pd.Series, level: Ints, households: npt.NDArray[np.float64], k: int
) -> pa.Table:
    """Return the suppressed rows: hidden pairs that hold somebody, and hidden ZIPs."""
    told = keys.assign(counted_in=counted_in)
    # where all of the region together is hardly k, not even a mark says where somebody is
    marked = (level < REGION) | _enough(households[level == REGION], k)
    pairs = told[(level > 0) & (households >= FAINT) & marked]
    zips = told[(level > 1) & keys["zip"].notna().to_numpy() & marked].copy()
    zips["cell"] = pd.array([None] * len(zips), dtype="UInt64")
    rows = pd.concat([pairs, zips.drop_duplicates()])
    return surface_table(rows, no_figures(len(rows)), suppressed=np.ones(len(rows), dtype=bool))


def _levels(keys: pd.DataFrame, households: npt.NDArray[np.float64], k: int) -> Ints:
    """Return how far up each row's households are counted: 0 cell, 1 ZIP, 2 county, 3 region."""
    level = np.where(households < k, 1, 0).astype(np.int64)
    level[(level == 1) & keys["zip"].isna().to_numpy()] = 2
    for step, column in ((1, "zip"), (2, "county")):
        for members in keys.groupby(column, sort=True).indices.values():
            _fill_up(level, households, np.asarray(members, dtype=np.int64), step=step, k=k)
    _fill_up(level, households, np.arange(len(level)), step=3, k=k)
    return level


def _fill_up(level: Ints, households: npt.NDArray[np.float64], members: Ints, *, step: int, k: int) -> None:
    """Make the households counted at ``step`` among ``members`` at least k, hiding the smallest shown rows with them.

    At least k, though half a household of every other hidden row is known: whoever reads that somebody is there must
    not learn that one of them holds fewer than k. Where all members together are too few, they are counted one step
    further up.
    """
    here = members[level[members] == step]
    if len(here) == 0 or _enough(households[here], k):
        return
    below = members[level[members] < step]
    if not _enough(households[np.concatenate([here, below])], k):
        level[here] = min(step + 1, REGION)
        level[below] = min(step + 1, REGION)
        return
    for group in _shown_groups(level, households, below):
        level[group] = step
        here = np.concatenate([here, group])
        if _enough(households[here], k):
            return


def _enough(households: npt.NDArray[np.float64], k: int) -> bool:
    marked = int((households >= FAINT).sum())
    return float(households.sum()) - FAINT * max(marked - 1, 0) >= k


def _shown_groups(level: Ints, households: npt.NDArray[np.float64], rows: Ints) -> list[Ints]:
    """Return the rows that are shown one by one or together, the smallest first."""
    alone = [np.array([row]) for row in rows[level[rows] == 0]]
    together = [rows[level[rows] == step] for step in (1, 2)]
    groups = [group for group in (*alone, *together) if len(group)]
    return sorted(groups, key=lambda group: (float(households[group].sum()), int(group[0])))
