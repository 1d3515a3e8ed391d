"""How much a giver gives: the expected gift, and the chance of at least every rung of the ladder.

Amounts are heavy-tailed and stand on round figures, so their logarithm is modelled, its mean brought back to dollars by
a calibration on gifts held out, and every rung has a level of its own.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from geoscore.propensity.calibration import probability
from geoscore.schemas import LADDER

Floats = npt.NDArray[np.float64]
ROUNDS: Final = 60
WIDE: Final = 0.25
"""How far, in standard deviations, a calibration may go from "as predicted" without good evidence."""
TAIL: Final = 1.8
"""Pareto exponent beyond the largest gifts, where nothing is known."""


@dataclass(frozen=True)
class Amounts:
    """From predicted log amounts, and log odds of giving, to dollars.

    Attributes
    ----------
    level, tilt, tie
        ln E(gift | gives) = level + tilt (eta - center) + tie (score - middle).
    center, middle
        Means over givers of the predicted log amount, and of the log odds.
    lowest, highest
        Expected gifts are kept between these, in US dollars.
    rungs
        Log odds, of a giver expected to give one dollar, to give at least each rung: shape (25,), falling.
    steep
        Their change with the logarithm of the expected gift.
    spread
        Coefficient of variation of a gift around what was expected.
    """

    level: float
    tilt: float
    tie: float
    center: float
    middle: float
    lowest: float
    highest: float
    rungs: Floats
    steep: float
    spread: float

    def expected(self, eta: Floats, score: Floats) -> Floats:
        """Return E(gift | gives) in US dollars, shape (n,)."""
        raw = self.level + self.tilt * (eta - self.center) + self.tie * (score - self.middle)
        return np.clip(np.exp(np.minimum(raw, 50.0)), self.lowest, self.highest)

    def at_least(self, expected_usd: Floats) -> Floats:
        """Return P(gift >= rung | gives), shape (n, 25); it falls from rung to rung."""
        return probability(self.rungs[None, :] + self.steep * np.log(expected_usd)[:, None])

    def scaled(self, factor: float) -> "Amounts":
        """Return the same with expected gifts times a factor, and the chances of rungs as they were."""
        return replace(
            self,
            level=self.level + float(np.log(factor)),
            lowest=self.lowest * factor,
            highest=self.highest * factor,
            rungs=self.rungs - self.steep * float(np.log(factor)),
        )

    def to_dict(self) -> dict[str, object]:
        """Return it ready for JSON."""
        return {**self.__dict__, "rungs": self.rungs.tolist()}


def fit_amounts(eta: Floats, score: Floats, usd: Floats) -> Amounts:
    """Learn from gifts whose log amount was predicted without looking at them.

    Parameters
    ----------
    eta
        Predicted log amounts of givers, shape (n,).
    score
        Their log odds of giving.
    usd
        What they gave, in US dollars.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> eta = rng.normal(3, 0.5, 4000)
    >>> usd = np.exp(eta + rng.normal(0, 0.8, 4000))
    >>> found = fit_amounts(eta, np.zeros(4000), usd)
    >>> bool(abs(found.expected(eta, np.zeros(4000)).sum() / usd.sum() - 1) < 1e-6), bool(abs(found.tilt - 1) < 0.1)
    (True, True)
    """
    center, middle = float(eta.mean()), float(score.mean())
    design = np.column_stack([np.ones(len(eta)), eta - center, score - middle])
    prior = np.array([0.0, 1.0, 0.0])
    beta = np.array([np.log(usd.mean()), 1.0, 0.0])
    for _ in range(ROUNDS):
        mean = np.exp(np.clip(design @ beta, -20, 25))
        # variance of a gift about as its square: a few large gifts must not decide alone
        noise = float(np.mean((usd - mean) ** 2 / mean))
        pull = np.array([0.0, noise / WIDE**2, noise / WIDE**2])
        gradient = design.T @ (usd - mean) - pull * (beta - prior)
        step = np.linalg.solve((design * mean[:, None]).T @ design + np.diag(pull + 1e-9), gradient)
        beta = beta + step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-10:  # noqa: PLR2004
            break
    mean = np.exp(design @ beta)
    low, high = np.quantile(mean, [0.0, 1.0])
    spread = float(np.sqrt(np.mean((usd / mean - 1.0) ** 2)))
    rungs, steep = _fit_rungs(np.log(mean), usd)
    return Amounts(
        level=float(beta[0]), tilt=float(beta[1]), tie=float(beta[2]), center=center, middle=middle,
        lowest=float(low) * 0.8, highest=float(high) * 1.25, rungs=rungs, steep=steep, spread=spread,
    )  # fmt: skip


def _fit_rungs(log_mean: Floats, usd: Floats) -> tuple[Floats, float]:
    """Fit proportional odds: one level a rung, one slope for all, so that no rung can cross another."""
    from scipy.optimize import minimize_scalar

    shares = np.array([(usd >= rung).mean() for rung in LADDER])
    n = len(usd)
    seen = (shares > 0) & (shares < 1)
    used = np.flatnonzero(seen)

    def levels(steep: float) -> Floats:
        found = np.array([_level(steep * log_mean, (shares[k] * n + 0.5 * shares[k]) / (n + 0.5)) for k in used])
        return np.minimum.accumulate(found) if len(found) else found

    def loss(steep: float) -> float:
        total = 0.0
        for k, level in zip(used, levels(steep), strict=True):
            line = level + steep * log_mean
            total += float((np.logaddexp(0.0, line) - (usd >= LADDER[k]) * line).sum())
        return total

    steep = float(minimize_scalar(loss, bounds=(0.0, 8.0), method="bounded").x) if len(used) else 1.0
    rungs = np.empty(len(LADDER))
    rungs[used] = levels(steep)
    below, above = np.flatnonzero(shares >= 1), np.flatnonzero(shares <= 0)
    if len(below):
        first = rungs[used[0]] if len(used) else 0.0
        rungs[below] = max(_level(steep * log_mean, 1 - 0.5 / (n + 1)), first)
    for k in above:
        # beyond the largest gift a power law, from half a giver in all
        reached = max(float(usd.max()), 1.0)
        share = 0.5 / (n + 1) * (reached / LADDER[k]) ** TAIL
        rungs[k] = _level(steep * log_mean, share)
    return np.minimum.accumulate(rungs), steep


def _level(line: Floats, share: float) -> float:
    """Return the level at which the mean probability is ``share``."""
    low, high = -60.0 - float(line.max()), 60.0 - float(line.min())
    for _ in range(80):
        middle = (low + high) / 2
        if float(probability(middle + line).mean()) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
