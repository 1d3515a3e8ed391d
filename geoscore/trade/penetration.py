"""Penetration: customers against households, what an area's fair share would be, and how it falls with distance."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError

Floats = npt.NDArray[np.float64]
ROUNDS: Final = 100


@dataclass(frozen=True)
class Penetration:
    """Customers of n areas against their potential.

    Attributes
    ----------
    rate
        Customers for each household, shape (n,); NaN where there is none.
    rate_at_capacity
        Customers for each household at the capacity, shape (n,).
    fair_share
        Customers that the area would have if all customers were spread by potential, shape (n,).
    gap
        Fair share less customers: above 0 there is something left, shape (n,).
    index
        Rate at the capacity against that of all areas, 100 for the same, shape (n,).
    """

    rate: Floats
    rate_at_capacity: Floats
    fair_share: Floats
    gap: Floats
    index: Floats


def penetrate(customers: Floats, households: Floats, potential: Floats) -> Penetration:
    """Return penetration, fair share and gap of areas.

    Parameters
    ----------
    customers, households, potential
        Of each area, shape (n,); the potential is households at the capacity.

    Raises
    ------
    InputError
        There is no potential at all.

    Examples
    --------
    >>> told = penetrate(np.array([30.0, 10]), np.array([100.0, 100]), np.array([20.0, 20]))
    >>> told.fair_share.tolist(), told.gap.tolist(), told.index.tolist()
    ([20.0, 20.0], [-10.0, 10.0], [150.0, 50.0])
    """
    whole = float(potential.sum())
    if whole <= 0:
        raise InputError("no area has any potential at this capacity; ask for a lower one")
    rate, at_capacity = (
        np.divide(customers, many, out=np.full(len(customers), np.nan), where=many > 0)
        for many in (households, potential)
    )
    overall = float(customers.sum()) / whole
    fair = overall * potential
    index = 100.0 * at_capacity / overall if overall > 0 else np.full(len(customers), np.nan)
    return Penetration(rate, at_capacity, fair, fair - customers, index)


@dataclass(frozen=True)
class Decay:
    """How penetration falls with distance.

    Attributes
    ----------
    form
        ``power`` (rate is a times distance ** b) or ``exponential`` (a times exp(b distance)), whichever is likelier.
    a, b
        Its figures; b is below 0 where penetration falls.
    error
        Standard error of b, blown up by how customers scatter.
    half_km
        Distance over which an exponential rate halves; None where it does not fall, or under a power.
    """

    form: str
    a: float
    b: float
    error: float
    half_km: float | None


def fit_decay(customers: Floats, households: Floats, distance_km: Floats) -> Decay:
    """Fit how penetration falls with distance: Poisson regression of customers on households by band or cell.

    Parameters
    ----------
    customers, households, distance_km
        Of each band or cell, shape (n,); those without households say nothing.

    Raises
    ------
    InputError
        There are fewer than three with households, or no customer.

    Examples
    --------
    >>> km = np.arange(1.0, 11)
    >>> decay = fit_decay(1000 * 0.2 * np.exp(-0.3 * km), np.full(10, 1000.0), km)
    >>> decay.form, round(decay.b, 6), round(decay.half_km, 3)
    ('exponential', -0.3, 2.31)
    """
    kept = households > 0
    customers, households, km = customers[kept], households[kept], np.maximum(distance_km[kept], 0.1)
    if len(km) < 3 or customers.sum() <= 0:  # noqa: PLR2004  two figures and something to spare
        raise InputError("distance decay needs customers, and households in at least three bands")
    fits = {}
    for form, x in (("power", np.log(km)), ("exponential", km)):
        fits[form] = _poisson(customers, households, x)
    form = max(fits, key=lambda name: fits[name][2])
    a, b, _, error = fits[form]
    half = float(np.log(2) / -b) if form == "exponential" and b < 0 else None
    return Decay(form, float(np.exp(a)), b, error, half)


def _poisson(y: Floats, many: Floats, x: Floats) -> tuple[float, float, float, float]:
    """Return level, slope, log-likelihood and the slope's error of ln(y / many) = level + slope x."""
    design = np.column_stack([np.ones(len(x)), x])
    values = np.array([np.log(y.sum() / many.sum()), 0.0])
    for _ in range(ROUNDS):
        fitted = many * np.exp(np.clip(design @ values, -50, 50))
        step = np.linalg.solve(design.T @ (fitted[:, None] * design) + 1e-12 * np.eye(2), design.T @ (y - fitted))
        values = values + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-12:  # noqa: PLR2004  converged
            break
    fitted = many * np.exp(design @ values)
    covariance = np.linalg.inv(design.T @ (fitted[:, None] * design))
    scatter = max(float(((y - fitted) ** 2 / np.maximum(fitted, 1e-12)).sum()) / max(len(y) - 2, 1), 1.0)
    likelihood = float((y * np.log(np.maximum(fitted, 1e-300)) - fitted).sum())
    return float(values[0]), float(values[1]), likelihood, float(np.sqrt(scatter * covariance[1, 1]))
