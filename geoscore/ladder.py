"""Reading a ladder: any threshold from its rungs, and the interval around an expected count.

Everything that shows a figure, a query, a map or a report, computes it here.
"""

from typing import Final

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
