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

MOST_TRIALS: Final = 1e15


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


def interval(estimate: Floats, variance: Floats, households: Floats) -> tuple[Floats, Floats]:
    """Return the 90% interval of expected counts.

    It is Wilson's score interval of the share, with the number of trials that would have the variance given
    (n_eff = p (1 - p) / (variance / households^2)). So it lies between none and all of the households, holds the
    estimate, and stays sane where nearly all or nearly none of them lie above the threshold.
    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.

    Parameters
    ----------
    estimate, variance, households
        Expected households above a threshold, the variance of their number, and households in all: shape (n,).

    Returns
    -------
    low, high
        Households, shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> low, high = interval(np.array([50.0]), np.array([25.0]), np.array([100.0]))
    >>> round(float(low[0]), 1), round(float(high[0]), 1)
    (41.9, 58.1)
    """
    estimate, variance, households = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (estimate, variance, households))
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = estimate / households
        open_ = (variance > 0) & (share > 0) & (share < 1)
        trials = np.minimum(share * (1.0 - share) * households**2 / variance, MOST_TRIALS)
        middle = (share * trials + Z**2 / 2.0) / (trials + Z**2)
        reach = Z * np.sqrt(share * (1.0 - share) * trials + Z**2 / 4.0) / (trials + Z**2)
        low, high = (
            np.maximum(households * (middle - reach), 0.0),
            np.minimum(households * (middle + reach), households),
        )
    return np.where(open_, np.minimum(low, estimate), estimate), np.where(open_, np.maximum(high, estimate), estimate)
