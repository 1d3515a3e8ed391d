"""What the hexagons of a map are colored by, at a threshold or in a band."""

from typing import Final, Literal

import numpy as np

from geoscore.errors import SurfaceError
from geoscore.ladder import Capacity, counts_at, interval
from geoscore.maps.figures import Figures, Floats

Measure = Literal["estimate", "share", "index", "low"]
MEASURES: Final[tuple[Measure, ...]] = ("estimate", "share", "index", "low")
"""Expected households, their share of all, that share with the region's at 100, the interval's low end."""


def check_measure(measure: str) -> None:
    """Raise ``SurfaceError`` unless a measure is one of the four."""
    if measure not in MEASURES:
        raise SurfaceError(f"measure {measure!r} is unknown; use one of {', '.join(MEASURES)}")


def measure_of(sums: Figures, region: Figures, *, capacity: Capacity, measure: Measure) -> Floats:
    """Return what a map colors, for each place: shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> from geoscore.maps.figures import Figures
    >>> one = np.ones(1)
    >>> some = Figures(households=10 * one, at_least=np.full((1, 25), 4.0), variance=np.ones((1, 25)),
    ...                spread=np.ones((1, 26)), most=10 * one, hidden=np.zeros(1, np.uint8))
    >>> float(measure_of(some, some, capacity=2500, measure="share")[0])
    0.4
    """
    estimate, variance = counts_at(sums.at_least, sums.spread, sums.households, capacity)
    if measure == "low":
        return interval(estimate, variance, sums.most)[0]
    if measure == "estimate":
        return estimate
    share = ratio(estimate, sums.households)
    if measure == "share":
        return share
    whole = ratio(counts_at(region.at_least, region.spread, region.households, capacity)[0], region.households)
    return 100.0 * ratio(share, np.broadcast_to(whole, share.shape))


def terms(capacity: Capacity) -> str:
    """Return a threshold or band in words.

    Examples
    --------
    >>> terms(2500), terms((400, 2500))
    ('$2,500 or more', '$400 to under $2,500')
    """
    if isinstance(capacity, tuple):
        return f"${capacity[0]:,.0f} to under ${capacity[1]:,.0f}"
    return f"${capacity:,.0f} or more"


def ratio(top: Floats, bottom: Floats) -> Floats:
    """Return quotients, 0 where the divisor is."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
