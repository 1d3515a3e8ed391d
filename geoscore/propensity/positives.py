"""Givers alone: lists without anybody who did not give tell who is likelier, not how likely.

The share of givers is not in such data (Elkan and Noto's estimate was off by 2.5 times where it could be checked), so
it is taken from outside with its interval, or probabilities are refused.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.propensity.model import SUREST, Prevalence

Floats = npt.NDArray[np.float64]
PARTS: Final = 3


def parse_prevalence(text: str) -> tuple[float, float, float]:
    """Return low, middle and high share of givers as people write them.

    Raises
    ------
    InputError
        They are not three rising shares between 0 and 1.

    Examples
    --------
    >>> parse_prevalence("0.1:0.15:0.2"), parse_prevalence("10%:15%:20%")
    ((0.1, 0.15, 0.2), (0.1, 0.15, 0.2))
    """
    try:
        values = [float(part.strip().rstrip("%")) / (100 if "%" in part else 1) for part in text.split(":")]
    except ValueError:
        values = []
    if len(values) != PARTS or not 0 < values[0] <= values[1] <= values[2] < 1:
        raise InputError(
            f"prevalence {text!r}: write low, middle and high share of givers, such as 0.10:0.15:0.20; "
            "one figure without its interval is not enough"
        )
    return values[0], values[1], values[2]


def anchor_prevalence(eta: Floats, y: Floats, tested: Any, prevalence: tuple[float, float, float] | None) -> Prevalence:
    """Return what turns the log odds of being a known giver into an index, and into probabilities if a share is given.

    The ratio r(x) of how frequent a household's features are among givers and among all is its index; P(gives | x) is
    r(x) times the share of givers, and at most 1.

    Parameters
    ----------
    eta
        Out-of-fold log odds of being a known giver, shape (n,).
    y
        1 for known givers, 0 for the others.
    tested
        Rows that have been tested.
    prevalence
        Share of the others that would give, with its interval.

    Examples
    --------
    >>> found = anchor_prevalence(np.zeros(100), np.array([1.0] * 20 + [0.0] * 80), slice(None), (0.1, 0.2, 0.3))
    >>> [round(value, 3) for value in found.shift], found.ratio
    ([0.025, 0.05, 0.075], 4.0)
    """
    others = eta[tested][y[tested] == 0]
    ratio = float((y == 0).sum() / (y == 1).sum())
    index = np.exp(np.minimum(others, 50.0)) * ratio
    quantiles = tuple(np.maximum.accumulate(np.quantile(100.0 * index, np.linspace(0, 1, 101))).tolist())
    if prevalence is None:
        return Prevalence(None, None, None, ratio, (), quantiles)
    shifts = tuple(_shift(index, share) for share in prevalence)
    return Prevalence(*prevalence, ratio, shifts, quantiles)


def _shift(index: Floats, share: float) -> float:
    """Return the factor with which probabilities of at most 1 have the mean ``share``."""
    low, high = 1e-9, 1e9
    for _ in range(100):
        middle = float(np.sqrt(low * high))
        if float(np.minimum(middle * index, SUREST).mean()) < share:
            low = middle
        else:
            high = middle
    return high
