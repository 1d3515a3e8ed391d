"""The models that compete: plain logistic regression, the scorecard and boosted trees, each judged out of fold.

The first two are sums over features and stay so when they are blended: one set of points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.propensity.features import CHUNK, Codes, Recipe, straight
from geoscore.propensity.folds import Folds
from geoscore.propensity.forest import MOST_TREES, Forest, fit_forest, staged
from geoscore.propensity.scorecard import Family, fit_points, straight_lines

Floats = npt.NDArray[np.float64]
EVERY: Final = 10
"""Trees between two looks at how well a forest does."""


@dataclass(frozen=True)
class Terms:
    """A sum over features: points of bins, of straight lines, and of the values themselves.

    Attributes
    ----------
    intercept
        Where the sum begins.
    steps
        Points of every bin, feature after feature: shape (bins,).
    slopes
        Points for one width of a feature's straight line, shape (p,).
    rates
        Points for one unit of a feature's value, shape (p,).
    """

    intercept: float
    steps: Floats
    slopes: Floats
    rates: Floats

    def predict(self, recipe: Recipe, codes: Codes, values: Floats) -> Floats:
        """Return the sums of households, shape (n,)."""
        return predict_sums([self], recipe, codes, values)[0]

    def part(self, recipe: Recipe, j: int, codes: Codes, values: Floats) -> Floats:
        """Return what feature ``j`` adds to the sums of households, shape (n,)."""
        found = np.zeros(len(codes))
        _add_part([self], [found], recipe, j, codes, values)
        return found


def predict_sums(terms: Sequence[Terms], recipe: Recipe, codes: Codes, values: Floats) -> list[Floats]:
    """Return several sums over the same features, each of shape (n,): what they share is computed once."""
    found = [np.full(len(codes), own.intercept) for own in terms]
    for first in range(0, len(codes), CHUNK):
        rows = slice(first, first + CHUNK)
        into = [total[rows] for total in found]
        for j in range(len(recipe.features)):
            _add_part(terms, into, recipe, j, codes[rows, j], values[rows, j])
    return found


def _add_part(
    terms: Sequence[Terms], into: Sequence[Floats], recipe: Recipe, j: int, codes: Codes, values: Floats
) -> None:
    """Add what feature ``j`` adds to each of several sums."""
    item, bins = recipe.features[j], slice(recipe.offsets[j], recipe.offsets[j + 1])
    at = codes.astype(np.intp)
    line = straight(item, values) if any(own.slopes[j] for own in terms) else None
    plain = np.where(at > 0, values, 0.0) if any(own.rates[j] for own in terms) else None
    for own, total in zip(terms, into, strict=True):
        steps = own.steps[bins]
        if steps.any():
            np.add(total, steps.take(at), out=total)
        if own.slopes[j] and line is not None:
            np.add(total, own.slopes[j] * line, out=total)
        if own.rates[j] and plain is not None:
            np.add(total, own.rates[j] * plain, out=total)


def blend_terms(terms: Sequence[Terms], weights: Sequence[float], intercept: float) -> Terms:
    """Return the weighed sum of sums, which is one again."""
    pairs = list(zip(terms, weights, strict=True))
    return Terms(
        intercept + sum(w * t.intercept for t, w in pairs),
        np.sum([w * t.steps for t, w in pairs], axis=0),
        np.sum([w * t.slopes for t, w in pairs], axis=0),
        np.sum([w * t.rates for t, w in pairs], axis=0),
    )


def fit_logistic(recipe: Recipe, codes: Codes, values: Floats, y: Floats) -> Terms:
    """Fit plain logistic regression: standardized values, an indicator for missing ones, one for every level; C = 1."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    columns, places = [], []
    for j, item in enumerate(recipe.features):
        first = 0 if item.kind == "category" or (codes[:, j] == 0).any() else item.size
        for code in range(first, item.size if item.kind == "category" else 1):
            columns.append((codes[:, j] == code).astype(np.float64))
            places.append((j, code))
    numeric = [j for j, item in enumerate(recipe.features) if item.kind != "category"]
    plain = values[:, numeric]
    center = np.nan_to_num(np.nanmean(np.where(np.isnan(plain).all(axis=0), 0.0, plain), axis=0))
    width = np.nan_to_num(np.nanstd(np.where(np.isnan(plain).all(axis=0), 0.0, plain), axis=0))
    width = np.where(width > 0, width, 1.0)
    design = np.column_stack([np.nan_to_num((plain - center) / width, nan=0.0), *columns])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=1.0, max_iter=300).fit(design, y)
    beta = fitted.coef_[0]
    steps, rates = np.zeros(int(recipe.offsets[-1])), np.zeros(len(recipe.features))
    intercept = float(fitted.intercept_[0])
    for at, j in enumerate(numeric):
        rates[j] = beta[at] / width[at]
        # a missing value stands at the mean
        intercept -= rates[j] * center[at]
        steps[recipe.offsets[j]] += rates[j] * center[at]
    for at, (j, code) in enumerate(places):
        steps[recipe.offsets[j] + code] += beta[len(numeric) + at]
    return Terms(intercept, steps, np.zeros(len(recipe.features)), rates)


def fit_scorecard(recipe: Recipe, codes: Codes, values: Floats, y: Floats, *, family: Family) -> Terms:
    """Fit the scorecard of ``geoscore.propensity.scorecard``."""
    points = fit_points(recipe, codes, straight_lines(recipe, values), y, family=family)
    return Terms(points.intercept, points.steps, points.slopes, np.zeros(len(recipe.features)))


@dataclass(frozen=True)
class OutOfFold:
    """What each model says of households it did not learn from.

    Attributes
    ----------
    scores
        Predictions by model, each of shape (n,); NaN where a row is never tested.
    trees
        How many trees did best.
    """

    scores: dict[str, Floats]
    trees: int


def judge_givers(
    recipe: Recipe, codes: Codes, values: Floats, y: Floats, folds: Folds, *, boosting: bool, seed: int, tell: Any
) -> OutOfFold:
    """Return the log odds of giving that every model gives to the households of each fold in turn."""
    names = ["logistic", "scorecard", *(["boosting"] if boosting else [])]
    found = {name: np.full(len(y), np.nan) for name in names}
    stages: list[tuple[Any, Floats]] = []
    for number, (learn, test) in enumerate(folds.parts()):
        tell("fit", number, folds.count)
        rows, others = (codes[learn], values[learn], y[learn]), (codes[test], values[test])
        found["logistic"][test] = fit_logistic(recipe, *rows).predict(recipe, *others)
        found["scorecard"][test] = fit_scorecard(recipe, *rows, family="binomial").predict(recipe, *others)
        if boosting:
            stages.append((test, staged(rows[1], rows[2], others[1], task="classify", seed=seed, every=EVERY)))
    trees = MOST_TREES
    if boosting:
        losses = np.array([(np.logaddexp(0.0, s) - y[test] * s).sum(axis=1) for test, s in stages])
        trees = _take_best(found["boosting"], stages, losses)
    return OutOfFold(found, trees)


def judge_amounts(
    recipe: Recipe,
    codes: Codes,
    values: Floats,
    log_usd: Floats,
    folds: Folds,
    *,
    boosting: bool,
    seed: int,
) -> OutOfFold:
    """Return the log amounts that every model predicts for the households of each fold, givers or not.

    Parameters
    ----------
    log_usd
        Of givers whose amount is known, NaN elsewhere, shape (n,).
    """
    found = {name: np.full(len(log_usd), np.nan) for name in ["scorecard", *(["boosting"] if boosting else [])]}
    stages: list[tuple[Any, Floats]] = []
    known = ~np.isnan(log_usd)
    for learn, test in folds.parts():
        own = learn & known
        rows, others = (codes[own], values[own], log_usd[own]), (codes[test], values[test])
        found["scorecard"][test] = fit_scorecard(recipe, *rows, family="gaussian").predict(recipe, *others)
        if boosting:
            stages.append((test, staged(rows[1], rows[2], others[1], task="regress", seed=seed, every=EVERY)))
    trees = MOST_TREES
    if boosting:
        squares = [((s - log_usd[test]) ** 2)[:, known[test]].sum(axis=1) for test, s in stages]
        trees = _take_best(found["boosting"], stages, np.array(squares))
    return OutOfFold(found, trees)


def _take_best(found: Floats, stages: list[tuple[Any, Floats]], losses: Floats) -> int:
    """Fill in predictions, those of a fold after as many trees as are best in the others; return the best of all."""
    for k, (test, predictions) in enumerate(stages):
        others = losses.sum(axis=0) - losses[k] if len(losses) > 1 else losses[k]
        found[test] = predictions[int(np.argmin(others))]
    return EVERY * (1 + int(np.argmin(losses.sum(axis=0))))


def fit_trees(values: Floats, y: Floats, *, amounts: bool, trees: int, seed: int) -> Forest:
    """Fit the forest that was found best on all households."""
    return fit_forest(values, y, task="regress" if amounts else "classify", seed=seed, trees=trees)
