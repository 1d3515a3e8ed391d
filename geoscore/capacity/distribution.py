"""From brackets to any threshold: the income distribution of every area, exact at every published edge.

The reference warp of METHODS 2: each area is a monotone bend of the region's own curve, tail and all.
"""

from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.errors import InputError

Floats = npt.NDArray[np.float64]


class IncomeDistribution:
    """Income distributions of n areas, learned from bracket counts and one regional curve.

    For an area with cumulative shares F at the bracket edges e, and the regional distribution G, a monotone cubic
    (PCHIP) h joins the knots (probit G(e), probit F(e)), with unit slope outside; then F(x) = Phi(h(probit G(x))).

    Parameters
    ----------
    curve
        Regional distribution: incomes in US dollars, increasing, and the share of households below each,
        both of shape (m,).

    Attributes
    ----------
    area_ids_
        Ids of the areas, in the order of every result.
    households_
        Households of each area, shape (n,).

    Examples
    --------
    >>> import numpy as np, pyarrow as pa
    >>> curve = (np.array([1e3, 5e4, 1e5, 1e6]), np.array([0.01, 0.4, 0.7, 0.999]))
    >>> brackets = pa.table({"area_id": ["a"] * 3, "low_usd": [0.0, 5e4, 1e5], "high_usd": [5e4, 1e5, None],
    ...                      "households": [20.0, 50.0, 30.0]})
    >>> distribution = IncomeDistribution(curve).fit(brackets)
    >>> np.round(distribution.exceedance(np.array([5e4, 1e5])), 9).tolist()
    [[0.8, 0.3]]
    """

    area_ids_: list[str]
    households_: Floats

    def __init__(self, curve: tuple[Floats, Floats]) -> None:
        income, below = (np.asarray(values, dtype=np.float64) for values in curve)
        inner = (below > 0) & (below < 1) & (income > 0)
        income, below = income[inner], below[inner]
        if len(income) < 2 or np.any(np.diff(income) <= 0) or np.any(np.diff(below) < 0):  # noqa: PLR2004
            raise InputError("the regional income curve must rise: two or more incomes, shares between 0 and 1")
        from scipy.special import ndtri

        self._log_income, self._probit = np.log(income), ndtri(below)

    def fit(self, brackets: pa.Table) -> Self:
        """Learn the areas from a table of schema ``BRACKETS``.

        Raises
        ------
        InputError
            Areas have different brackets, or brackets with gaps.
        """
        from scipy.interpolate import PchipInterpolator
        from scipy.special import ndtri

        self.area_ids_, edges, counts = bracket_matrix(brackets)
        self.households_ = counts.sum(axis=1)
        total = np.maximum(self.households_, 1.0)[:, None]
        below = np.clip(np.cumsum(counts[:, :-1], axis=1) / total, 0.5 / total, 1.0 - 0.5 / total)
        knots = self._regional(edges)
        if np.any(np.diff(knots) <= 0):
            raise InputError("the regional income curve is flat between two bracket edges; give one that rises there")
        self._knots, self._heights = knots, ndtri(below)
        self._warp = PchipInterpolator(knots, self._heights, axis=1)
        return self

    def exceedance(self, incomes: Floats) -> Floats:
        """Return the share of each area's households with at least each income.

        Parameters
        ----------
        incomes
            US dollars, shape (t,).

        Returns
        -------
        ndarray of shape (n areas, t)
        """
        from scipy.special import ndtr

        at = self._regional(np.asarray(incomes, dtype=np.float64))
        inner = np.clip(at, self._knots[0], self._knots[-1])
        return np.asarray(ndtr(-(self._warp(inner) + (at - inner)[None, :])))

    def _regional(self, incomes: Floats) -> Floats:
        """Return probit G, linear in ln income between the curve's points and beyond its ends."""
        with np.errstate(divide="ignore"):
            x = np.log(np.maximum(incomes, 1e-9))
        inner = np.interp(x, self._log_income, self._probit)
        first, last = _slope(self._log_income, self._probit, 0), _slope(self._log_income, self._probit, -1)
        before = np.minimum(x - self._log_income[0], 0.0) * first
        after = np.maximum(x - self._log_income[-1], 0.0) * last
        return np.asarray(inner + before + after)


def _slope(x: Floats, y: Floats, end: int) -> float:
    """Return the slope over a tenth of the curve at one of its ends."""
    width = max(1, len(x) // 10)
    i, j = (0, width) if end == 0 else (len(x) - 1 - width, len(x) - 1)
    return max(float((y[j] - y[i]) / (x[j] - x[i])), 1e-6)


def bracket_matrix(brackets: pa.Table, *, missing: bool = False) -> tuple[list[str], Floats, Floats]:
    """Return area ids, the k - 1 inner edges, and counts of shape (n, k); NaN counts only where they may be missing."""
    frame = brackets.to_pandas()
    wide = frame.pivot_table(
        index="area_id", columns="low_usd", values="households", aggfunc="first", sort=True, dropna=False
    )
    lows = wide.columns.to_numpy(np.float64)
    highs = np.sort(frame["high_usd"].dropna().unique())
    if len(lows) < 3 or lows[0] != 0.0 or not np.array_equal(highs, lows[1:]):  # noqa: PLR2004
        raise InputError("income brackets must start at 0, follow each other without a gap, and end open")
    if not missing and wide.isna().to_numpy().any():
        area = wide.index[wide.isna().any(axis=1)][0]
        raise InputError(f"area {area!r} does not have every income bracket")
    return list(wide.index), lows[1:], wide.to_numpy(np.float64)
