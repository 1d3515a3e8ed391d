"""Reading a ladder: any threshold from its rungs, and the interval around an expected count.

Everything that shows a figure, a query, a map or a report, computes it here.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.errors import SurfaceError
from geoscore.schemas import LADDER

Floats = npt.NDArray[np.float64]
LEVEL: Final = 0.9
Z: Final = 1.6448536269514722
"""Standard normal quantile of 0.95: an interval of level 0.9 leaves 5% on either side."""

FLATTEST: Final = 0.99
TINY: Final = 1e-12
LEAST_TRIALS: Final = 1e-3
MOST_TRIALS: Final = 1e12


def at_threshold(figures: Floats, capacity: float) -> Floats:
    """Return figures at any threshold from figures at the rungs, linear in ln T between two of them.

    Parameters
    ----------
    figures
        Expected households, or their variance, at each rung: shape (..., 25).
    capacity
        Threshold in US dollars, from the lowest rung to the highest.

    Returns
    -------
    ndarray of shape (...)

    Raises
    ------
    SurfaceError
        The threshold lies off the ladder.

    Examples
    --------
    >>> import numpy as np
    >>> figures = np.linspace(25, 1, 25)
    >>> float(at_threshold(figures, 50)), float(at_threshold(figures, 2500))
    (25.0, 13.0)
    """
    check_threshold(capacity)
    rungs = np.log(LADDER)
    upper = min(int(np.searchsorted(LADDER, capacity, side="right")), len(LADDER) - 1)
    share = (np.log(capacity) - rungs[upper - 1]) / (rungs[upper] - rungs[upper - 1])
    if share == 0.0:
        return np.asarray(figures[..., upper - 1], dtype=np.float64)
    return np.asarray((1.0 - share) * figures[..., upper - 1] + share * figures[..., upper], dtype=np.float64)


Capacity = float | tuple[float, float]
"""A threshold in US dollars, or a band: at least the first and less than the second."""


def parse_capacity(text: str) -> Capacity:
    """Return a threshold or band as people write it.

    Raises
    ------
    SurfaceError
        It is neither a number nor two with a colon between, the smaller first.

    Examples
    --------
    >>> parse_capacity("2500"), parse_capacity("400:2500"), parse_capacity("$1,000")
    (2500.0, (400.0, 2500.0), 1000.0)
    """
    parts = text.replace("$", "").replace(",", "").split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if len(values) == 1:
        check_threshold(values[0])
        return values[0]
    if len(values) == 2:  # noqa: PLR2004  from and to
        check_band((values[0], values[1]))
        return values[0], values[1]
    raise SurfaceError(f"capacity {text!r} is no threshold; write 2500, or a band as 400:2500")


def read_capacity(capacity: Any) -> Capacity:
    """Return a threshold or band, also one that is written as on the command line.

    Raises
    ------
    SurfaceError
        It is none.

    Examples
    --------
    >>> read_capacity("400:2500"), read_capacity(2500), read_capacity([400, 2500])
    ((400.0, 2500.0), 2500, (400, 2500))
    """
    if isinstance(capacity, str):
        return parse_capacity(capacity)
    if isinstance(capacity, list):
        capacity = tuple(capacity)
    numbers = capacity if isinstance(capacity, tuple) else (capacity,)
    if len(numbers) > 2 or not all(isinstance(number, int | float) for number in numbers):  # noqa: PLR2004
        raise SurfaceError(f"{capacity!r} is no threshold; give dollars as 2500, or a band as (400, 2500)")
    return capacity


def check_band(band: tuple[float, float]) -> None:
    """Raise ``SurfaceError`` unless both ends of a band lie on the ladder and rise."""
    for end in band:
        check_threshold(end)
    if not band[0] < band[1]:
        raise SurfaceError(f"the band ${band[0]:,.0f} to ${band[1]:,.0f} is empty; write the smaller amount first")


def counts_at(at_least: Floats, variance: Floats, households: Floats, capacity: Capacity) -> tuple[Floats, Floats]:
    """Return expected households at a threshold or in a band, and the variance of their number.

    The variance in a band is made of the two at its ends: what comes from how many households are here goes with the
    square of the band's share, the rest as that of a share does, p (1 - p), by the mean of what both ends show.

    Parameters
    ----------
    at_least
        Expected households above each rung, shape (n, 25).
    variance
        Variances of the households and of these counts, shape (n, 26).
    households
        Shape (n,).
    capacity
        Threshold or band.

    Returns
    -------
    tuple of ndarray
        Both of shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> at_least = np.linspace(100, 4, 25)[None, :]
    >>> variance = np.hstack([[0.0], at_least[0] * (1 - at_least[0] / 100)])[None, :]
    >>> count, spread = counts_at(at_least, variance, np.array([100.0]), (50.0, 2500.0))
    >>> float(count[0]), round(float(spread[0]), 6)
    (48.0, 24.96)
    """
    if not isinstance(capacity, tuple):
        return at_threshold(at_least, capacity), at_threshold(variance[..., 1:], capacity)
    check_band(capacity)
    ends = [at_threshold(at_least, end) for end in capacity]
    count = ends[0] - ends[1]
    share = np.divide(count, households, out=np.zeros_like(count), where=households > 0)
    factors, known = np.zeros_like(count), np.zeros_like(count)
    for end, above in zip(capacity, ends, strict=True):
        p = np.divide(above, households, out=np.zeros_like(above), where=households > 0)
        even = households * p * (1.0 - p)
        rest = np.maximum(at_threshold(variance[..., 1:], end) - p**2 * variance[..., 0], 0.0)
        factors += np.divide(rest, even, out=np.zeros_like(rest), where=even > 0)
        known += even > 0
    factor = np.divide(factors, known, out=np.ones_like(factors), where=known > 0)
    return count, share**2 * variance[..., 0] + factor * households * share * (1.0 - share)


def check_threshold(capacity: float) -> None:
    """Raise ``SurfaceError`` unless the threshold lies on the ladder.

    Examples
    --------
    >>> check_threshold(10)
    Traceback (most recent call last):
    ...
    geoscore.errors.SurfaceError: capacity $10 is off the ladder; ask for $50 to $1,000,000
    """
    if not LADDER[0] <= capacity <= LADDER[-1]:
        raise SurfaceError(f"capacity ${capacity:,.0f} is off the ladder; ask for ${LADDER[0]:,} to ${LADDER[-1]:,}")


def interval(estimate: Floats, variance: Floats, most: Floats) -> tuple[Floats, Floats]:
    """Return the 90% interval of expected counts.

    The share of the households that may be here is taken to have the Beta distribution of this mean and variance:
    the 5% and 95% points, by Paulson's cube-root approximation of the F distribution (after Wilson and Hilferty),
    which needs no special functions. So an interval lies between none and all, is skewed where the count is (a cell
    that may be empty), and is the usual one where it is large. It always holds the estimate.
    Source: E. Paulson, Annals of Mathematical Statistics 13 (1942), 233-235.

    Parameters
    ----------
    estimate, variance, most
        Expected households above a threshold, the variance of their number, and the households that there may be at
        most: shape (n,).

    Returns
    -------
    low, high
        Households, shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> low, high = interval(np.array([50.0]), np.array([25.0]), np.array([100.0]))
    >>> round(float(low[0]), 1), round(float(high[0]), 1)
    (41.8, 58.2)
    """
    estimate, variance, most = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (estimate, variance, most))
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = estimate / most
        open_ = (variance > 0) & (share > 0) & (share < 1)
        trials = np.clip(share * (1.0 - share) * most**2 / variance - 1.0, LEAST_TRIALS, MOST_TRIALS)
        low = most * _quantile(share, trials, -Z)
        high = most * _quantile(share, trials, Z)
    return np.where(open_, np.minimum(low, estimate), estimate), np.where(open_, np.maximum(high, estimate), estimate)


def _quantile(share: Floats, trials: Floats, z: float) -> Floats:
    """Return a quantile of Beta(share trials, (1 - share) trials), by the normal quantile ``z``."""
    a, b = share * trials, (1.0 - share) * trials
    u, v = np.minimum(1.0 / (9.0 * a), FLATTEST), np.minimum(1.0 / (9.0 * b), FLATTEST)
    # ((1 - v) x - (1 - u))^2 = z^2 (u + v x^2), x the cube root of the F quantile
    square, middle, rest = (1.0 - v) ** 2 - z**2 * v, (1.0 - u) * (1.0 - v), (1.0 - u) ** 2 - z**2 * u
    reach = np.sqrt(np.maximum(middle**2 - square * rest, 0.0))
    root = np.maximum(rest, 0.0) / (middle + reach) if z < 0 else (middle + reach) / np.maximum(square, TINY)
    ratio = a * root**3
    return ratio / (ratio + b)
