"""Fitting: features, folds, competing models, calibration and figures, in this order; nothing is chosen by hope."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.errors import InputError
from geoscore.propensity.amounts import Amounts, fit_amounts
from geoscore.propensity.calibration import (
    ENOUGH_FOR_STEPS,
    Blend,
    cross_fitted,
    fit_blend,
    log_loss,
    probability,
)
from geoscore.propensity.card import describe_fit
from geoscore.propensity.effects import describe_effects, find_effects
from geoscore.propensity.features import Codes, Recipe, learn_recipe
from geoscore.propensity.folds import Folds, make_folds
from geoscore.propensity.leaks import find_leaks
from geoscore.propensity.learners import (
    OutOfFold,
    Terms,
    blend_terms,
    fit_logistic,
    fit_scorecard,
    fit_trees,
    judge_amounts,
    judge_givers,
)
from geoscore.propensity.model import Kind, Model
from geoscore.propensity.outcome import FEWEST_GIVERS, Outcome
from geoscore.propensity.positives import anchor_prevalence

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
FEWEST_GIFTS: Final = 25
ENOUGH_TO_BOOST: Final = 200
"""Rows of either class from which trees are tried."""
GIFTS_TO_BOOST: Final = 500
ROWS_FOR_THREADS: Final = 30_000
FURTHEST_OFF: Final = 1.15
WEIGHTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True)
class Households:
    """What a fit is given: n households, their columns, and what became of them.

    Attributes
    ----------
    rows
        Columns that may be features, each of its own type.
    outcome
        Who gave, and how much.
    keys
        What names each household; rows of one key are held out together.
    blocks, regions
        Place of each row: small ones that are held out together, and large ones that are left out one by one.
    times
        When each was asked, in days; NaN where not known.
    refused
        Columns that are no features, and why.
    names
        What the outcome's columns are called.
    """

    rows: pa.Table
    outcome: Outcome
    keys: Any
    blocks: Any = None
    regions: Any = None
    times: Any = None
    refused: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a fit is made.

    Attributes
    ----------
    as_of
        The day on which dates are looked at.
    kind
        ``scorecard`` or ``boosting`` alone, or both and the better by log score.
    prevalence
        Low, middle and high share of givers, where only givers are known.
    unlabelled
        Only givers are known.
    seed
        Of what is drawn by chance.
    """

    as_of: date
    kind: Kind | None = None
    prevalence: tuple[float, float, float] | None = None
    unlabelled: bool = False
    seed: int = 0


@dataclass
class Work:
    """What the steps of a fit share."""

    given: Households
    options: Options
    recipe: Recipe
    codes: Codes
    numbers: Floats
    y: Floats
    usd: Floats | None
    folds: Folds
    odd: dict[str, float]
    refused: dict[str, str]
    judged: OutOfFold
    kind: Kind = "scorecard"
    curve: bool = False
    compared: dict[str, float] = field(default_factory=dict)
    eta: Floats = field(default_factory=lambda: np.empty(0))
    gift: Floats | None = None
    amounts: Amounts | None = None

    @property
    def tested(self) -> npt.NDArray[np.bool_]:
        """Rows that a fold tested."""
        return self.folds.tested


def fit_model(
    given: Households, *, options: Options, progress: Callable[[str, int, int | None], None] | None = None
) -> Model:
    """Fit a propensity model, with its card.

    Parameters
    ----------
    given
        Households and their outcome.
    options
        How.
    progress
        Called with a stage's name, the steps done and all steps.

    Raises
    ------
    InputError
        No column is left that may be a feature.
    """
    tell = progress or (lambda _stage, _done, _all: None)
    known = ~np.isnan(given.outcome.gave)
    if not known.all():
        given = _kept(given, known)
    y = given.outcome.gave
    usd = given.outcome.amount_usd
    tell("look for leaks", 0, None)
    recipe, codes, values, odd, refused = _features(given, options)
    folds = make_folds(y, keys=given.keys, blocks=given.blocks, times=given.times, seed=options.seed)
    boosting = options.kind != "scorecard" and min(y.sum(), (1 - y).sum()) >= ENOUGH_TO_BOOST
    with few_threads(len(y)):
        judged = judge_givers(recipe, codes, values, y, folds, boosting=boosting, seed=options.seed, tell=tell)
    work = Work(given, options, recipe, codes, values, y, usd, folds, odd, refused, judged)
    _choose(work)
    with few_threads(len(y)):
        model = _fit_givers(work, tell)
        if usd is not None and int((~np.isnan(usd)).sum()) >= FEWEST_GIFTS:
            tell("fit amounts", 0, None)
            model = _fit_gifts(work, model)
    if options.unlabelled:
        model = replace(model, prevalence=anchor_prevalence(work.eta, y, work.tested, options.prevalence))
    tell("write the card", 0, None)
    model = replace(model, effects=find_effects(model, codes, values, seed=options.seed))
    return replace(model, card=describe_fit(work, model) | {"effects": describe_effects(model, codes)})


def few_threads(rows: int) -> AbstractContextManager[object]:
    """Return a context in which small work runs on one core: several would mostly wait for each other."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1) if rows < ROWS_FOR_THREADS else nullcontext()


def _kept(given: Households, rows: npt.NDArray[np.bool_]) -> Households:
    def part(values: Any) -> Any:
        return None if values is None else np.asarray(values, dtype=object)[rows]

    usd = given.outcome.amount_usd
    outcome = replace(given.outcome, gave=given.outcome.gave[rows], amount_usd=None if usd is None else usd[rows])
    return replace(
        given,
        rows=given.rows.filter(pa.array(rows)),
        outcome=outcome,
        keys=part(given.keys),
        blocks=part(given.blocks),
        regions=part(given.regions),
        times=part(given.times),
    )


def _features(given: Households, options: Options) -> tuple[Recipe, Codes, Floats, dict[str, float], dict[str, str]]:
    """Return the features, without those that know the answer."""
    recipe = learn_recipe(given.rows, as_of=options.as_of)
    refused = dict(given.refused)
    for name in given.rows.column_names:
        if name not in recipe.names:
            refused[name] = "says nothing: it is empty, or the same in every row"
    codes, values = recipe.encode(given.rows)
    leaks, odd = find_leaks(recipe, codes, values, given.outcome.gave, given.outcome.amount_usd, names=given.names)
    refused |= leaks
    kept = [j for j, name in enumerate(recipe.names) if name not in leaks]
    if not kept:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(refused.items())[:4])
        raise InputError(f"no column is left to learn from ({reasons or 'there is none but the outcome'})")
    recipe = replace(recipe, features=tuple(recipe.features[j] for j in kept))
    return recipe, np.asfortranarray(codes[:, kept]), np.asfortranarray(values[:, kept]), odd, refused


def _members(kind: Kind) -> list[str]:
    return ["logistic", "scorecard", "boosting"] if kind == "boosting" else ["logistic", "scorecard"]


def _matrix(judged: OutOfFold, kind: Kind, rows: Any) -> Floats:
    return np.column_stack([judged.scores[name][rows] for name in _members(kind)])


def _choose(work: Work) -> None:
    """Choose the kind of model and of calibration by cross-fitted log score; the simpler one where that is no worse."""
    tested, y = work.tested, work.y[work.tested]
    number = work.folds.number[tested]
    kinds: list[Kind] = ["scorecard"] if "boosting" not in work.judged.scores else ["scorecard", "boosting"]
    if work.options.kind == "boosting" and "boosting" in kinds:
        kinds = ["boosting"]
    tried: dict[tuple[Kind, bool], Floats] = {}
    curves = [False, True] if min(y.sum(), (1 - y).sum()) >= ENOUGH_FOR_STEPS else [False]
    for kind in kinds:
        for curve in curves:
            tried[kind, curve] = cross_fitted(_matrix(work.judged, kind, tested), y, number, curve=curve)
    best = (kinds[0], False)
    for candidate, eta in tried.items():
        gain = log_loss(y, tried[best]) - log_loss(y, eta)
        if float(gain.mean()) > float(gain.std()) / np.sqrt(len(y)):
            best = candidate
        label = f"{candidate[0]}, {'isotonic' if candidate[1] else 'sigmoid'}"
        work.compared[label] = -float(log_loss(y, eta).mean())
    work.kind, work.curve = best
    work.eta = np.full(len(work.y), np.nan)
    work.eta[tested] = tried[best]


def _fit_givers(work: Work, tell: Callable[[str, int, int | None], None]) -> Model:
    """Fit the chosen model on all households, and blend it as the folds have shown."""
    tell("fit on all households", 0, None)
    tested = work.tested
    blend = fit_blend(_matrix(work.judged, work.kind, tested), work.y[tested], curve=work.curve)
    rows = (work.codes, work.numbers, work.y)
    parts: list[Terms] = [
        fit_logistic(work.recipe, *rows),
        fit_scorecard(work.recipe, *rows, family="binomial"),
    ]
    terms = blend_terms(parts, list(blend.weights[:2]), blend.intercept)
    weight = float(blend.weights[2]) if work.kind == "boosting" else 0.0
    forest = None
    if weight > 0:
        forest = fit_trees(work.numbers, work.y, amounts=False, trees=work.judged.trees, seed=work.options.seed)
    curve = Blend(0.0, np.ones(1), blend.knots, blend.heights)
    return Model(work.kind, work.recipe, terms, curve, forest, weight)


def _fit_gifts(work: Work, model: Model) -> Model:
    """Fit how much givers give, and what was expected of every household out of fold."""
    usd = np.asarray(work.usd)
    known = ~np.isnan(usd)
    log_usd = np.log(np.where(known, np.maximum(usd, 0.01), np.nan))
    boosting = work.kind == "boosting" and int(known.sum()) >= GIFTS_TO_BOOST
    seed = work.options.seed
    judged = judge_amounts(work.recipe, work.codes, work.numbers, log_usd, work.folds, boosting=boosting, seed=seed)
    givers = known & work.tested
    plain = judged.scores["scorecard"]
    weight = 0.0
    if boosting:
        other = judged.scores["boosting"]
        squares = [float(np.mean(((1 - w) * plain + w * other - log_usd)[givers] ** 2)) for w in WEIGHTS]
        weight = WEIGHTS[int(np.argmin(squares))]
        plain = (1 - weight) * plain + weight * other
    work.gift = np.full(len(usd), np.nan)
    for k in range(work.folds.count):
        own = work.folds.number == k
        others = givers & ~own
        if int(others.sum()) < min(FEWEST_GIFTS, FEWEST_GIVERS):
            others = givers
        fold = _fit_amounts(work, plain, others, work.tested & ~own)
        work.gift[own] = fold.expected(plain[own], work.eta[own])
    work.amounts = _fit_amounts(work, plain, givers, work.tested)
    terms = fit_scorecard(work.recipe, work.codes[known], work.numbers[known], log_usd[known], family="gaussian")
    forest = None
    if weight > 0:
        forest = fit_trees(work.numbers[known], log_usd[known], amounts=True, trees=judged.trees, seed=seed)
    return replace(model, amounts=work.amounts, amount_terms=terms, amount_forest=forest, amount_weight=weight)


def _fit_amounts(work: Work, log_usd: Floats, givers: Bools, asked: Bools) -> Amounts:
    """Fit amounts on givers, so that the dollars expected of all who were asked are those that came.

    Chances and gifts that are each right on average need not be so together: likely givers may give less.
    """
    usd = np.asarray(work.usd)
    found = fit_amounts(log_usd[givers], work.eta[givers], usd[givers])
    counted = asked & ~((work.y > 0) & ~givers)
    expected = probability(work.eta[counted]) * found.expected(log_usd[counted], work.eta[counted])
    factor = float(usd[givers].sum() / expected.sum())
    return found.scaled(float(np.clip(factor, 1 / FURTHEST_OFF, FURTHEST_OFF)))
