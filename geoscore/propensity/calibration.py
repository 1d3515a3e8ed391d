"""Calibration: what several models say, weighed into one probability that comes true as often as it says."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
ENOUGH_FOR_STEPS: Final = 1_000
"""Givers from which a free monotone curve is tried; below it a straight one on the scale of log odds is all."""
DRAWN: Final = 4.0
"""Precision of the belief that all models weigh alike."""
WHOLE: Final = 50.0
"""Precision of the belief that weights add up to one: models judged out of fold are nearly calibrated already."""
LEVEL: Final = 200.0
"""Precision of the belief that the level is right."""
FURTHEST: Final = 30.0
TINY: Final = 1e-9
PLACES: Final = 12
"""Decimal places of a probability as it is written, at most."""


@dataclass(frozen=True)
class Blend:
    """Log odds from several models' log odds.

    Attributes
    ----------
    intercept
        Added to the weighed sum.
    weights
        Of each model, none below zero; shape (models,).
    knots, heights
        Log odds before and after the monotone curve, rising; empty where there is none.
    """

    intercept: float
    weights: Floats
    knots: Floats
    heights: Floats

    def predict(self, scores: Floats) -> Floats:
        """Return calibrated log odds, shape (n,), from those of the models, shape (n, models)."""
        return self.bent(self.intercept + scores @ self.weights)

    def bent(self, eta: Floats) -> Floats:
        """Return log odds behind the monotone curve; beyond its ends it goes on straight."""
        if not len(self.knots):
            return eta
        inside = np.interp(eta, self.knots, self.heights)
        beyond = np.minimum(eta - self.knots[0], 0.0) + np.maximum(eta - self.knots[-1], 0.0)
        found: Floats = inside + beyond
        return found


def probability(eta: Floats) -> Floats:
    """Return probabilities from log odds."""
    found: Floats = 1.0 / (1.0 + np.exp(-np.clip(eta, -FURTHEST, FURTHEST)))
    return found


def rounded(p: Floats) -> Floats:
    """Return probabilities to eight significant digits and at most twelve places, which keeps their order.

    Examples
    --------
    >>> rounded(np.array([0.0123456789123, 8.4e-14])).tolist()
    [0.012345679, 0.0]
    """
    ten = 10.0 ** np.clip(7 - np.floor(np.log10(np.maximum(p, 1e-12))), 7, PLACES)
    found: Floats = np.round(p * ten) / ten
    return found


def log_loss(y: Floats, eta: Floats) -> Floats:
    """Return the logarithmic loss of every row, shape (n,), from its log odds."""
    found: Floats = np.logaddexp(0.0, eta) - y * eta
    return found


def fit_blend(scores: Floats, y: Floats, *, curve: bool = False) -> Blend:
    """Learn weights, and perhaps a curve, from log odds that models gave of households they had not seen.

    Parameters
    ----------
    scores
        Shape (n, models).
    y
        0 and 1, shape (n,).
    curve
        Bend the sum by an isotonic curve through the centers of its blocks.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> eta = rng.normal(-1, 1, 20_000)
    >>> y = (rng.random(20_000) < probability(eta)).astype(float)
    >>> blend = fit_blend(np.column_stack([2 * eta, 2 * eta]), y)  # both models twice as sure as they may be
    >>> bool(abs(blend.weights.sum() - 0.5) < 0.03)
    True
    """
    from scipy.optimize import minimize

    models = scores.shape[1]
    even = np.full(models, 1.0 / models)

    def loss(parts: Floats) -> tuple[float, Floats]:
        eta = parts[0] + scores @ parts[1:]
        off = probability(eta) - y
        pull, whole = parts[1:] - even, float(parts[1:].sum()) - 1.0
        value = float(log_loss(y, eta).sum()) + DRAWN / 2 * float(pull @ pull)
        value += WHOLE / 2 * whole**2 + LEVEL / 2 * float(parts[0]) ** 2
        own = scores.T @ off + DRAWN * pull + WHOLE * whole
        return value, np.concatenate([[off.sum() + LEVEL * parts[0]], own])

    start = np.concatenate([[0.0], even])
    bounds = [(None, None), *[(0.0, None)] * models]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500, "ftol": 1e-12})
    weights = np.where(found.x[1:] < 1e-6, 0.0, found.x[1:])  # noqa: PLR2004
    blend = Blend(float(found.x[0]), weights, np.empty(0), np.empty(0))
    if not curve:
        return blend
    knots, heights = _isotonic(blend.predict(scores), y)
    return Blend(blend.intercept, blend.weights, knots, heights)


def _isotonic(eta: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the centers of the blocks of the isotonic regression, on the scale of log odds."""
    from sklearn.isotonic import isotonic_regression

    order = np.argsort(eta, kind="stable")
    x, level = eta[order], isotonic_regression(y[order])
    _, first, size = np.unique(level, return_index=True, return_counts=True)
    givers = np.add.reduceat(y[order], first)
    center = np.add.reduceat(x, first) / size
    # half a giver and half another one more: no block is sure
    rate = (givers + 0.5 * y.mean()) / (size + 0.5)
    height = np.maximum.accumulate(np.log(rate / np.maximum(1.0 - rate, TINY)))
    kept = np.concatenate([[True], np.diff(center) > TINY])
    if kept.sum() < 3:  # noqa: PLR2004
        return np.empty(0), np.empty(0)
    return center[kept], height[kept]


def cross_fitted(scores: Floats, y: Floats, number: npt.NDArray[np.int64], *, curve: bool = False) -> Floats:
    """Return calibrated log odds of every row, each from a blend that was learned without the row's own fold.

    Parameters
    ----------
    scores
        Out-of-fold log odds, shape (n, models).
    y
        0 and 1, shape (n,).
    number
        Fold of each row, shape (n,).
    curve
        As for ``fit_blend``.
    """
    found = np.empty(len(y))
    for k in np.unique(number):
        own = number == k
        found[own] = fit_blend(scores[~own], y[~own], curve=curve).predict(scores[own])
    return found
