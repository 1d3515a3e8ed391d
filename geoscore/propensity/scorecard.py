"""The additive scorecard: every bin of every feature has its points, and points add up.

A penalized likelihood: neighboring bins are drawn together, categories towards nothing, each feature as strongly as the
data say (empirical Bayes), so that points are as large as they can be relied on and no larger.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.propensity.features import Codes, Recipe, straight

Floats = npt.NDArray[np.float64]
Family = Literal["binomial", "gaussian"]
ROUNDS: Final = 30
CLOSE: Final = 0.02
"""Change of the log likelihood of all rows together from which on nothing is worth another step."""
CHUNK: Final = 8_192
WEAKEST, STRONGEST = 1e-2, 1e8
FIRST: Final = 10.0
KEEP: Final = 1e-3
"""Weight of the penalty that only makes the solution unique."""
MOST_FEATURES: Final = 40
STEEPEST: Final = 12.0


@dataclass(frozen=True)
class Points:
    """What a fitted scorecard says.

    Attributes
    ----------
    intercept
        Log odds, or mean, of a household with no points.
    steps
        Points of every bin, those of one feature after the other's: shape (bins,).
    slopes
        Points for one width of each feature's straight line, shape (p,).
    residual
        Standard deviation of what is left, of a Gaussian scorecard.
    """

    intercept: float
    steps: Floats
    slopes: Floats
    residual: float = 1.0

    def predict(self, codes: Codes, lines: Floats, offsets: npt.NDArray[np.int64]) -> Floats:
        """Return log odds or means, shape (n,).

        Parameters
        ----------
        codes
            Bins, shape (n, p).
        lines
            Straight values of ``features.straight``, shape (n, p).
        offsets
            Where each feature's bins begin.
        """
        found = np.full(len(codes), self.intercept)
        for j in np.flatnonzero([self.steps[a:b].any() for a, b in pairwise(offsets)]):
            found += self.steps[offsets[j] : offsets[j + 1]][codes[:, j]]
        used = np.flatnonzero(self.slopes)
        found += lines[:, used] @ self.slopes[used]
        return found


def fit_points(recipe: Recipe, codes: Codes, lines: Floats, y: Floats, *, family: Family) -> Points:
    """Fit a scorecard.

    Newton steps on the penalized likelihood, the strength of each feature's penalty renewed with each of them by the
    rule of Fellner and Schall (Wood and Fasiolo 2017, Biometrics 73:1071).

    Parameters
    ----------
    recipe
        Of the features.
    codes, lines
        Bins and straight values of the households, shape (n, p).
    y
        0 and 1, or numbers, shape (n,).
    family
        ``binomial`` for 0 and 1, ``gaussian`` for numbers.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from datetime import date
    >>> from geoscore.propensity.features import learn_recipe
    >>> rng = np.random.default_rng(0)
    >>> x, noise = rng.normal(size=(2, 4000))
    >>> recipe = learn_recipe(pa.table({"x": x, "noise": noise}), as_of=date(2026, 1, 1))
    >>> codes, values = recipe.encode(pa.table({"x": x, "noise": noise}))
    >>> lines = straight_lines(recipe, values)
    >>> y = (rng.random(4000) < 1 / (1 + np.exp(-x))).astype(float)
    >>> points = fit_points(recipe, codes, lines, y, family="binomial")
    >>> tilt = points.predict(codes, lines, recipe.offsets)
    >>> bool(np.corrcoef(tilt, x)[0, 1] > 0.98)
    True
    """
    chosen = _strongest(recipe, codes, y)
    offsets = np.concatenate([[0], np.cumsum([recipe.features[j].size for j in chosen])]).astype(np.int64)
    blocks = _Blocks(recipe, chosen, offsets)
    at = codes[:, chosen].astype(np.int64) + offsets[:-1]
    found, residual = _newton(blocks, at, np.ascontiguousarray(lines[:, chosen]), y, family)
    steps, slopes = np.zeros(int(recipe.offsets[-1])), np.zeros(len(recipe.features))
    for place, j in enumerate(chosen):
        own = found[1 + offsets[place] : 1 + offsets[place + 1]]
        steps[recipe.offsets[j] : recipe.offsets[j + 1]] = own
        slopes[j] = found[1 + offsets[-1] + place]
    return Points(float(found[0]), steps, slopes, residual)


def straight_lines(recipe: Recipe, values: Floats) -> Floats:
    """Return the straight values of all features, shape (n, p)."""
    return np.column_stack([straight(item, values[:, j]) for j, item in enumerate(recipe.features)])


def _strongest(recipe: Recipe, codes: Codes, y: Floats) -> npt.NDArray[np.int64]:
    """Return the features that tell the most by themselves, at most 40, in their order."""
    if len(recipe.features) <= MOST_FEATURES:
        return np.arange(len(recipe.features))
    centered = y - y.mean()
    gains = []
    for j, item in enumerate(recipe.features):
        count = np.bincount(codes[:, j], minlength=item.size)
        total = np.bincount(codes[:, j], centered, minlength=item.size)
        # explained squares beyond what chance explains
        gains.append(float((total**2 / np.maximum(count, 1)).sum() - centered.var() * ((count > 0).sum() - 1)))
    return np.sort(np.argsort(gains)[::-1][:MOST_FEATURES])


class _Blocks:
    """The penalties: differences of neighboring bins of numbers, sizes of everything else, one strength a feature."""

    def __init__(self, recipe: Recipe, chosen: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> None:
        self.size = 1 + int(offsets[-1]) + len(chosen)
        self.spans: list[tuple[slice, Floats, int]] = []
        for place, j in enumerate(chosen):
            item, first = recipe.features[j], 1 + int(offsets[place])
            matrix = np.eye(item.size)
            if item.kind != "category":
                d = np.diff(np.eye(item.size - 1), axis=0)
                matrix[1:, 1:] = d.T @ d
            rank = item.size - (item.kind != "category")
            self.spans.append((slice(first, first + item.size), matrix, rank))
        self.lines = slice(1 + int(offsets[-1]), self.size)
        self.spans.append((self.lines, np.eye(len(chosen)), len(chosen)))
        self.strength = np.full(len(self.spans), FIRST)

    def penalty(self) -> Floats:
        found = np.eye(self.size) * KEEP
        found[0, 0] = 1e-9
        for (span, matrix, _), strength in zip(self.spans, self.strength, strict=True):
            found[span, span] += strength * matrix
        return found

    def renew(self, beta: Floats, covariance: Floats) -> None:
        """Make every penalty as strong as its coefficients are small beyond doubt."""
        for i, (span, matrix, rank) in enumerate(self.spans):
            free = rank - self.strength[i] * float(np.sum(covariance[span, span] * matrix))
            squares = float(beta[span] @ matrix @ beta[span])
            wanted = max(free, 1e-3) / max(squares, 1e-10)
            # a step of at most a factor of eight keeps the search steady
            step = np.clip(wanted / self.strength[i], 0.125, 8.0)
            self.strength[i] = float(np.clip(self.strength[i] * step, WEAKEST, STRONGEST))


def _newton(
    blocks: _Blocks, at: npt.NDArray[np.int64], lines: Floats, y: Floats, family: Family
) -> tuple[Floats, float]:
    beta = np.zeros(blocks.size)
    mean = float(np.clip(y.mean(), 1e-6, 1 - 1e-6)) if family == "binomial" else float(y.mean())
    beta[0] = np.log(mean / (1 - mean)) if family == "binomial" else mean
    variance = float(y.var()) or 1.0
    before = np.inf
    for _ in range(ROUNDS):
        eta = _linear(beta, at, lines)
        if family == "binomial":
            mu = 1.0 / (1.0 + np.exp(-eta))
            weight, gradient = np.maximum(mu * (1.0 - mu), 1e-9), y - mu
            loss = float(np.sum(np.logaddexp(0.0, eta) - y * eta))
        else:
            weight, gradient = np.full(len(y), 1.0 / variance), (y - eta) / variance
            loss = float(np.sum((y - eta) ** 2)) / (2 * variance) + len(y) / 2 * np.log(variance)
        information = _information(at, lines, weight, blocks)
        penalty = blocks.penalty()
        covariance = np.asarray(np.linalg.inv(information + penalty), dtype=np.float64)
        step = covariance @ (_gradient(at, lines, gradient, blocks) - penalty @ beta)
        beta = beta + step / max(1.0, float(np.abs(step).max()) / STEEPEST)
        blocks.renew(beta, covariance)
        if family == "gaussian":
            left = y - _linear(beta, at, lines)
            freedom = max(len(y) - float(np.sum(covariance * information)), len(y) / 4)
            variance = max(float(left @ left) / freedom, 1e-12)
        if abs(before - loss) < CLOSE:
            break
        before = loss
    return beta, float(np.sqrt(variance))


def _linear(beta: Floats, at: npt.NDArray[np.int64], lines: Floats) -> Floats:
    bins = beta[1 : len(beta) - lines.shape[1]]
    found: Floats = beta[0] + lines @ beta[len(beta) - lines.shape[1] :]
    for j in range(at.shape[1]):
        found += bins[at[:, j]]
    return found


def _gradient(at: npt.NDArray[np.int64], lines: Floats, residual: Floats, blocks: _Blocks) -> Floats:
    found = np.zeros(blocks.size)
    found[0] = residual.sum()
    bins = blocks.size - 1 - lines.shape[1]
    for j in range(at.shape[1]):
        found[1 : 1 + bins] += np.bincount(at[:, j], residual, minlength=bins)
    found[blocks.lines] = lines.T @ residual
    return found


def _information(at: npt.NDArray[np.int64], lines: Floats, weight: Floats, blocks: _Blocks) -> Floats:
    """Return the weighted cross products of all columns, made from one dense block of rows after the other."""
    found = np.zeros((blocks.size, blocks.size))
    for first in range(0, len(at), CHUNK):
        rows = slice(first, first + CHUNK)
        root = np.sqrt(weight[rows]).astype(np.float32)
        block = np.zeros((len(root), blocks.size), dtype=np.float32)
        block[:, 0] = root
        np.put_along_axis(block, at[rows] + 1, root[:, None], axis=1)
        block[:, blocks.lines] = lines[rows] * root[:, None]
        found += block.T @ block
    return found
