"""A surface protected: rows first, then bands, and what is left of the figures once both are."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from geoscore.disclosure.bands import BANDS, tell_bands
from geoscore.disclosure.rows import COUNTY, DECIMALS, ORDER, PLACE, ZIP, Floats, Ints, merge_rows, stepped
from geoscore.schemas import MEASURES
from geoscore.surface_format import Figures, figures, surface_table
from geoscore.tables import to_pandas

Parts = tuple[Floats, Floats, Floats]


class Public(Protocol):
    """What everybody may know of the rows: the census."""

    def curves(self, keys: pd.DataFrame, codes: Ints) -> Floats:
        """Return the shares above each rung in the shown rows, shape (m, 25).

        Parameters
        ----------
        keys
            Columns ``cell``, ``zip`` and ``county`` of the places that the shown rows are made of, n of them.
        codes
            The shown row of each, shape (n,).
        """
        ...

    def errors(self, shown: pd.DataFrame, doubtful: Floats) -> Parts:
        """Return what errors of the census do to rows, their ZIPs and counties, each of shape (m, 26).

        Parameters
        ----------
        shown
            Columns ``zip`` and ``county``, m rows: those of the last ``curves``.
        doubtful
            By how much a row changes for one unit of its census areas' error, shape (m, 26): its households times the
            root of p (1 - p), where the census has the word.
        """
        ...


class NothingPublic:
    """No census: all that is known comes from the files."""

    def curves(self, _keys: pd.DataFrame, codes: Ints) -> Floats:
        """Return an even spread over the ladder."""
        even = np.linspace(1.0, 0.0, BANDS + 1)[1:-1]
        return np.tile(even, (int(codes.max(initial=-1)) + 1, 1))

    def errors(self, _shown: pd.DataFrame, doubtful: Floats) -> Parts:
        """Return zeros."""
        none = np.zeros_like(doubtful)
        return none, none, none


@dataclass(frozen=True)
class Protected:
    """A surface that may be published.

    Attributes
    ----------
    table
        Table of schema ``SURFACE``.
    protection
        The counts that its bands were worked out from, for ``SurfaceNote.protection``.
    """

    table: pa.Table
    protection: str


def protect_surface(
    surface: pa.Table,
    *,
    k: int = 10,
    told: pa.Table | None = None,
    public: Public | None = None,
    beside: pa.Table | None = None,
) -> Protected:
    """Return the surface that may be published.

    Rows of fewer than k households are hidden: their households are counted in one row of their ZIP, without a
    cell; where that is still fewer than k, the smallest shown row of the ZIP is hidden with them. A ZIP with fewer
    than k households in all is counted in its county in the same way, and a county in the region. Every household
    stands in exactly one shown row, so that differences of sums are sums of shown rows again.

    Of the households that the files tell something of, groups of neighboring bands of capacity are counted, by row
    where there are many, else by what is left of a ZIP, a county or the region, and no group is of fewer than k.
    Figures at the rungs are worked out from these counts, the rows' households and the census, and from nothing else.
    So are their variances, but for two figures more: how sure positions are, by row, and how much the files leave open
    of what they tell, one for all of the region at every rung. Where all margins of a table are 0 or at least k, no
    smaller group in it can be bounded.

    Parameters
    ----------
    surface
        Table of schema ``SURFACE`` at the published resolution, unprotected.
    k
        Fewest households in a shown row, and in a group of bands.
    told
        Table of schema ``SURFACE`` of those households that the files tell something of, whose variances are of what
        they leave open; all of them by default.
    public
        The census; nothing by default.
    beside
        Measures of the same rows (``cell``, ``zip``, ``county`` and those of ``MEASURES``): they are published of the
        same groups of households, and of no others.

    Returns
    -------
    Protected
        Shown rows, rows without a cell for what was merged, and suppressed rows without figures for hidden ZIPs
        and for hidden (cell, ZIP) pairs of at least half an expected household. Figures are rounded to a tenth;
        households in all are conserved before rounding.

    Raises
    ------
    PolicyError
        All rows together hold fewer than k households.

    Examples
    --------
    >>> keys = pd.DataFrame({"cell": pd.array([1, 2, 3], "UInt64"), "zip": ["94301"] * 3, "county": ["06085"] * 3})
    >>> rich = np.array([[20.0], [2.0], [1.0]]) * (np.arange(25) < 13)  # above $2,500
    >>> raw = surface_table(keys, Figures.apart(np.array([50.0, 12.0, 4.0]), rich, 0 * rich))
    >>> table = protect_surface(raw, k=10).table
    >>> table["cell"].to_pylist(), table["households"].to_pylist()
    ([1, 2, 3, None], [50.0, None, None, 16.0])
    >>> float(figures(table).at_least[0, 12])  # of 50, and the other 30 are k or more as well
    20.0
    """
    surface = surface.sort_by(ORDER)
    merged = merge_rows(surface, k=k)
    places = _Places(to_pandas(surface.select(PLACE)), merged.codes, merged.shown)
    values = figures(surface).summed(merged.codes, len(merged.shown))
    found, protection = _protect(places, values, surface if told is None else told, public or NothingPublic(), k=k)
    table = surface_table(merged.shown, found)
    if beside is not None:
        table = _with_measures(table, places, beside)
    return Protected(pa.concat_tables([table, merged.marks], promote_options="default").sort_by(ORDER), protection)


def _with_measures(table: pa.Table, places: "_Places", beside: pa.Table) -> pa.Table:
    """Return shown rows with the sums of their households' measures, rounded."""
    found = places.keys.merge(to_pandas(beside), on=PLACE, how="left")
    for name in MEASURES.names:
        sums = np.bincount(places.codes, found[name].fillna(0.0).to_numpy(np.float64), table.num_rows)
        table = table.append_column(name, pa.array(np.round(sums, DECIMALS)))
    return table


def protect_groups(surface: pa.Table, *, k: int, told: pa.Table, public: Public) -> Protected:
    """Return what files may say where the census speaks of all the others: rows of at least k of their households.

    Households of smaller rows are left to the census, so that nothing published depends on them. Bands are protected
    as by ``protect_surface``.
    """
    placed = surface["cell"].is_valid().to_numpy()
    surface = surface.filter(pa.array((stepped(figures(surface).households) >= k) & placed)).sort_by(ORDER)
    if surface.num_rows == 0:
        return Protected(surface, "")
    keys = to_pandas(surface.select(PLACE))
    places = _Places(keys, np.arange(len(keys)), keys)
    found, protection = _protect(places, figures(surface), told, public, k=k)
    return Protected(surface_table(keys, found), protection)


@dataclass(frozen=True)
class _Places:
    """Where the shown rows lie: the places they are made of, the shown row of each, and the rows' own keys."""

    keys: pd.DataFrame
    codes: Ints
    shown: pd.DataFrame

    def sums_of(self, table: pa.Table) -> Floats:
        """Return the households of another surface of the same places, and those above each rung, by shown row."""
        values = figures(table)
        whole = stepped(np.hstack([values.households[:, None], values.at_least]))
        there = to_pandas(table.select(PLACE)).assign(at=np.arange(table.num_rows))
        at = self.keys.merge(there, on=PLACE, how="left")["at"].to_numpy(float)
        here = ~np.isnan(at)
        found = np.zeros((len(self.shown), BANDS))
        np.add.at(found, self.codes[here], whole[at[here].astype(np.int64)])
        return found


def _protect(places: _Places, values: Figures, told: pa.Table, public: Public, *, k: int) -> tuple[Figures, str]:
    """Return figures of the shown rows that are worked out from counts of k or more, and these counts."""
    households = np.round(values.households, DECIMALS)
    curves = public.curves(places.keys, places.codes)
    found = tell_bands(places.shown, households, places.sums_of(told), curves, k=k)
    untold = (households - found.households)[:, None]
    by_files = np.cumsum(found.bands[:, :0:-1], axis=1)[:, ::-1]
    at_least = np.minimum(untold * curves + by_files, households[:, None])
    # how much the files leave open of households that they tell of is one figure a rung for all of the region
    drawn = _spread(by_files, found.households)
    left = _share(figures(told).variance[:, 1:].sum(axis=0), drawn.sum(axis=0))
    open_ = np.minimum(found.split + left * drawn, drawn) + untold * curves * (1.0 - curves)
    doubtful = np.zeros((len(untold), BANDS))
    doubtful[:, 1:] = untold * np.sqrt(curves * (1.0 - curves)) + np.sqrt(left * drawn * found.households[:, None])
    errors = public.errors(places.shown, doubtful)
    sums = replace(values, households=households, at_least=at_least)
    return _with_variances(sums, found.level, open_, errors).rounded(DECIMALS), found.protection.to_text()


def _spread(above: Floats, households: Floats) -> Floats:
    """Return n p (1 - p) at every rung, shape (m, 25)."""
    n = households[:, None]
    return np.maximum(above - _share(above**2, n), 0.0)


def _share(part: Floats, whole: Floats) -> Floats:
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


def _with_variances(values: Figures, level: Ints, open_: Floats, errors: Parts) -> Figures:
    """Return figures with the variances of the true counts around them.

    Where a row's households that the files tell of are counted with those of other rows, any of its households may be
    one of them: the count above a rung varies as that of so many draws. Over all rows of the block the households of
    each group are known, and what is left is what the files and the census leave ``open_``. So it is in the row alone
    where that is a block.
    """
    share = _share(values.at_least, values.households[:, None])
    drawn = _spread(values.at_least, values.households)
    found = []
    places = (values.variance, values.zip_covariance, values.county_covariance)
    for step, place, error in zip((0, ZIP, COUNTY), places, errors, strict=True):
        whole = np.zeros((len(share), BANDS))
        whole[:, 0] = place[:, 0]
        whole[:, 1:] = place[:, :1] * share**2 + np.where((level <= step)[:, None], open_, drawn)
        found.append(whole + error)
    return replace(values, variance=found[0], zip_covariance=found[1], county_covariance=found[2])
