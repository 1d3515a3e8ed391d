"""Hot spots: cells whose neighborhood is higher than chance would have it, with false discoveries held down.

Getis and Ord's Gi* and Anselin's local Moran, in closed form; equal to PySAL's esda on the same weights.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.spatial.cells import near_cells

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
FALSE_DISCOVERY: Final = 0.1
FEWEST: Final = 8


@dataclass(frozen=True)
class LocalStatistic:
    """A local statistic of n cells.

    Attributes
    ----------
    value
        Gi* has none of its own beside ``z``; Moran's I of each cell.
    z
        Standardized under the null hypothesis that values are laid out by chance.
    p
        Two-sided.
    found
        Whether it stands out when the share of false discoveries is held to ``false_discovery``.
    """

    value: Floats
    z: Floats
    p: Floats
    found: Bools


def neighbor_weights(cells: npt.NDArray[np.uint64], *, steps: int = 1, own: bool = False) -> Any:
    """Return which cells lie within so many steps of each, among those given; a sparse matrix of ones, shape (n, n).

    Examples
    --------
    >>> cells = near_cells(np.array([0x872834744FFFFFF], dtype=np.uint64), steps=1)[1]
    >>> int(neighbor_weights(cells).sum())
    24
    """
    from scipy.sparse import csr_array

    index, near = near_cells(cells, steps=steps)
    order = np.argsort(cells)
    at = np.searchsorted(cells[order], near).clip(max=max(len(cells) - 1, 0))
    known = cells[order][at] == near
    row, column = index[known], order[at[known]]
    kept = np.ones(len(row), dtype=bool) if own else row != column
    return csr_array((np.ones(int(kept.sum())), (row[kept], column[kept])), shape=(len(cells), len(cells)))


def getis_ord(values: Floats, weights: Any, *, false_discovery: float = FALSE_DISCOVERY) -> LocalStatistic:
    """Return Gi*: whether values around a cell, its own among them, sum to more or less than chance would have it.

    Parameters
    ----------
    values
        Shape (n,).
    weights
        Sparse, shape (n, n), each cell its own neighbor.
    false_discovery
        Expected share of false ones among those found, by Benjamini and Hochberg's procedure.

    References
    ----------
    J. K. Ord and A. Getis, Geographical Analysis 27 (1995), 286-306.

    Examples
    --------
    >>> values = np.array([9.0, 9, 9, 1, 1, 1, 1, 1, 1, 1])
    >>> from scipy.sparse import diags_array
    >>> chain = diags_array([np.ones(9), np.ones(10), np.ones(9)], offsets=[-1, 0, 1]).tocsr()
    >>> getis_ord(values, chain).z.round(2).tolist()[:4]
    [2.29, 3.0, 1.57, 0.14]
    """
    _check(values, weights)
    n = len(values)
    mean, spread = values.mean(), values.std()
    total = np.asarray(weights.sum(axis=1)).ravel()
    square = np.asarray((weights * weights).sum(axis=1)).ravel()
    scale = spread * np.sqrt(np.maximum(n * square - total**2, 0.0) / (n - 1))
    z = np.divide(weights @ values - mean * total, scale, out=np.zeros(n), where=scale > 0)
    return _tested(z, z, false_discovery)


def local_moran(values: Floats, weights: Any, *, false_discovery: float = FALSE_DISCOVERY) -> LocalStatistic:
    """Return local Moran's I: whether a cell is like its neighbors (above 0) or unlike them (below).

    p values by the moments of the conditional randomization.

    Parameters
    ----------
    values
        Shape (n,).
    weights
        Sparse, shape (n, n), without cells themselves; rows are brought to a sum of 1.

    References
    ----------
    L. Anselin, Geographical Analysis 27 (1995), 93-115; R. R. Sokal and others, Geographical Analysis 30 (1998),
    331-354.
    """
    from scipy.sparse import diags_array

    _check(values, weights)
    n = len(values)
    total = np.asarray(weights.sum(axis=1)).ravel()
    even = diags_array(np.divide(1.0, total, out=np.zeros(n), where=total > 0)) @ weights
    apart = values - values.mean()
    second = float((apart**2).mean())
    lag = even @ apart
    value = (n - 1) * apart * lag / (second * n)
    weight = np.asarray(even.sum(axis=1)).ravel()
    square = np.asarray(even.multiply(even).sum(axis=1)).ravel()
    expected, variance = conditional_moments(apart, second, weight, square)
    z = np.divide(value - expected, np.sqrt(variance), out=np.zeros(n), where=variance > 0)
    return _tested(value, z, false_discovery)


def conditional_moments(apart: Floats, second: float, weight: Floats, square: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of local Moran's I when all other values are laid out by chance."""
    n = len(apart)
    expected = -(apart**2) * weight / ((n - 1) * second)
    variance = (apart / second) ** 2 * (n / (n - 2)) * (square - weight**2 / (n - 1)) * (second - apart**2 / (n - 1))
    return expected, np.maximum(variance, 0.0)


def hold_down(p: Floats, *, false_discovery: float = FALSE_DISCOVERY) -> Bools:
    """Return which of many tests stand out, the expected share of false ones among them held down.

    References
    ----------
    Y. Benjamini and Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995), 289-300.

    Examples
    --------
    >>> hold_down(np.array([0.001, 0.04, 0.2, 0.9]), false_discovery=0.1).tolist()
    [True, True, False, False]
    """
    n = len(p)
    order = np.argsort(p)
    met = np.flatnonzero(p[order] <= false_discovery * np.arange(1, n + 1) / n)
    found = np.zeros(n, dtype=bool)
    if len(met):
        found[order[: met[-1] + 1]] = True
    return found


def _tested(value: Floats, z: Floats, false_discovery: float) -> LocalStatistic:
    from scipy.stats import norm

    p = np.asarray(2.0 * norm.sf(np.abs(z)), dtype=np.float64)
    return LocalStatistic(value, z, p, hold_down(p, false_discovery=false_discovery))


def _check(values: Floats, weights: Any) -> None:
    if len(values) < FEWEST:
        raise InputError(f"{len(values)} cells are too few to find hot spots among; at least {FEWEST} are needed")
    if weights.shape != (len(values), len(values)):
        raise InputError("weights are not those of the values")
    if values.std() == 0:
        raise InputError("all cells have the same value; there is no hot spot among them")
