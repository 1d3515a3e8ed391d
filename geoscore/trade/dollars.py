"""Expected dollars of capacity, from how many households lie above each rung of the ladder."""

from typing import Final

import numpy as np
import numpy.typing as npt

from geoscore.ladder import Z
from geoscore.schemas import LADDER

Floats = npt.NDArray[np.float64]
LEAST: Final = 1e-12


def dollar_weights() -> Floats:
    """Return what a household above each rung adds to the expected dollars; the first is for any household at all.

    Expected dollars are the integral of the number of households above t over t. Between two rungs this number is
    linear in ln t, as everywhere in geoscore; below the lowest it is linear in t; nobody is counted with more than the
    highest rung, $1,000,000.

    Returns
    -------
    ndarray of shape (26,)

    Examples
    --------
    >>> everyone_above_all = np.ones(26)
    >>> round(float(dollar_weights() @ everyone_above_all))
    1000000
    """
    rungs = np.array(LADDER, dtype=np.float64)
    weights = np.zeros(1 + len(rungs))
    weights[0] = weights[1] = rungs[0] / 2.0
    wide = np.diff(rungs)
    mean = wide / np.log(rungs[1:] / rungs[:-1])
    weights[1:-1] += mean - rungs[:-1]
    weights[2:] += rungs[1:] - mean
    return weights


def expected_dollars(households: Floats, at_least: Floats, variance: Floats) -> tuple[Floats, Floats, Floats]:
    """Return expected dollars of capacity with a 90% interval, each of shape (n,).

    How errors at two rungs go together is not published: they are taken to go together fully, so that the interval is
    at least as wide as it should be; it is lognormal.

    Parameters
    ----------
    households, at_least, variance
        Of `Figures`: shapes (n,), (n, 25) and (n, 26).
    """
    weights = dollar_weights()
    expected = weights[0] * households + at_least @ weights[1:]
    spread = np.sqrt(np.maximum(variance, 0.0)) @ weights
    ratio = np.divide(spread, expected, out=np.zeros_like(spread), where=expected > LEAST)
    sigma = np.sqrt(np.log1p(ratio**2))
    return expected, expected * np.exp(-Z * sigma), expected * np.exp(Z * sigma)
