"""What is expected if everybody in an area is asked: givers, dollars, and givers among those who have the capacity."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.ladder import LEVEL, Capacity, at_threshold
from geoscore.schemas import SurfaceNote

Floats = npt.NDArray[np.float64]
ERROR: Final = 0.05
"""How far a model's totals may be off, as a share, where its card does not say."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Givers and dollars expected of an area if all its households are asked, with 90% intervals.

    Attributes
    ----------
    expected_givers, givers_low, givers_high
        Households that would give.
    expected_usd, usd_low, usd_high
        Dollars that would come.
    able_givers
        Households that would give and have the capacity asked for; None for a band of capacity.
    """

    expected_givers: float
    givers_low: float
    givers_high: float
    expected_usd: float
    usd_low: float
    usd_high: float
    able_givers: float | None = None


def expected_of(sums: Floats, note: SurfaceNote, *, households: float, estimate: float, capacity: Capacity) -> Expected:
    """Return what is expected of an area.

    Parameters
    ----------
    sums
        Sums of the measures over its rows: givers, their variance, dollars, their variance; shape (4,).
    note
        Of the surface, with what it says of the model.
    households, estimate
        In the area, and those of them with the capacity.
    capacity
        The threshold.
    """
    told = note.propensity or {}
    givers = interval(sums[0], sums[1], error=told.get("givers_error") or ERROR)
    usd = interval(sums[2], sums[3], error=told.get("dollars_error") or ERROR)
    able = None
    if not isinstance(capacity, tuple) and households > 0:
        tilt = told.get("capacity_tilt")
        factor = 1.0 if tilt is None else float(at_threshold(np.asarray(tilt, dtype=np.float64), capacity))
        able = round(min(estimate * sums[0] / households * factor, float(sums[0]), estimate), 4)
    return Expected(
        expected_givers=round(float(sums[0]), 4), givers_low=givers[0], givers_high=givers[1],
        expected_usd=round(float(sums[2]), 2), usd_low=usd[0], usd_high=usd[1], able_givers=able,
    )  # fmt: skip


def interval(total: Any, variance: Any, *, error: float) -> tuple[float, float]:
    """Return a 90% interval around an expected total: the gifts' own chance, and what the model may be off by.

    Gamma quantiles of the same mean and variance: never below zero, and skewed as a sum of gifts is.

    Examples
    --------
    >>> interval(1000.0, 100.0**2, error=0.0)
    (841.39, 1169.97)
    """
    from scipy.stats import gamma

    mean, spread = float(total), float(variance) + (error * float(total)) ** 2
    if mean <= 0 or spread <= 0:
        return round(mean, 2), round(mean, 2)
    shape = mean**2 / spread
    low, high = gamma.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], shape, scale=spread / mean)
    return round(float(low), 2), round(float(high), 2)
