"""Shares of small areas, steadied by the areas around them: empirical Bayes on income brackets.

A block group is known from some forty households that the survey asked, and its shares are mostly noise. Its counts
are drawn towards the tract's, and the tract's towards the county's, by a Dirichlet-multinomial model whose strength is
learned from how much areas differ; then the county's own counts are restored (docs/methods.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
SAMPLED: Final = 0.12
"""Share of households that the American Community Survey's five-year files have asked (METHODS 3)."""
DESIGN_EFFECT: Final = 1.5
TRACT_DIGITS: Final = 11
STRONGEST: Final = 1e5
ROUNDS: Final = 200
CLOSE: Final = 1e-12


@dataclass(frozen=True)
class Steadied:
    """Bracket counts after shrinkage, and what they are worth.

    Attributes
    ----------
    counts
        Households of each area by bracket, shape (n, k); areas and county brackets add up to the published ones.
    trials
        Effective number of households behind each area's shares, borrowed ones included, shape (n,).
    common
        Variance over p (1 - p) of the error that a county's areas share, shape (n,).
    strength
        Trials borrowed by an area from its tract, and by a tract from its county; 0 where there is none.
    """

    counts: Floats
    trials: Floats
    common: Floats
    strength: tuple[float, float]


def modelled_trials(households: Floats) -> Floats:
    """Return effective sample sizes where no margins of error are known.

    Examples
    --------
    >>> modelled_trials(np.array([500.0])).round(3).tolist()
    [40.0]
    """
    return np.maximum(households * SAMPLED / DESIGN_EFFECT, 1.0)


def trials_from_margins(counts: Floats, margins: Floats) -> Floats:
    """Return effective sample sizes from the brackets' own margins of error.

    ``sum p (1 - p) / sum se^2``, se = MOE / 1.645 / households: brackets of one table vary against each other, so
    that adding their squares would make errors up to 2.5 times too large (METHODS 3).

    Parameters
    ----------
    counts, margins
        Households by bracket and their 90% margins of error, shape (n, k); a margin that is not known is NaN. The
        margin of an empty bracket is a constant of the survey and says nothing.

    Returns
    -------
    ndarray of shape (n,)
        NaN where no margin tells.

    Examples
    --------
    >>> counts = np.array([[50.0, 50.0]])
    >>> se = 100 * np.sqrt(0.25 / 40)
    >>> trials_from_margins(counts, 1.645 * np.array([[se, se]])).round(6).tolist()
    [40.0]
    """
    total = counts.sum(axis=1, keepdims=True)
    p = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    se = margins / 1.645 / np.maximum(total, 1.0)
    told = (counts > 0) & np.isfinite(se) & (se > 0)
    above = np.where(told, p * (1.0 - p), 0.0).sum(axis=1)
    below = np.where(told, se**2, 0.0).sum(axis=1)
    return np.divide(above, below, out=np.full(len(counts), np.nan), where=below > 0)


def steady(trials: Floats, counts: Floats, *, tracts: Sequence[str], counties: Sequence[str]) -> Steadied:
    """Steady the bracket counts of areas by those of their tract, and tracts by their county.

    Parameters
    ----------
    trials
        Effective sample size of each area, shape (n,).
    counts
        Households by bracket, shape (n, k).
    tracts
        Ids that begin with the tract's eleven digits, n of them.
    counties
        The county of each area.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> ids = [f"06001{tract:06d}{group}" for tract in range(60) for group in range(3)]
    >>> truth = np.repeat(rng.dirichlet([6.0, 6.0, 6.0], 60), 3, axis=0)
    >>> asked = np.array([rng.multinomial(40, p) for p in truth])
    >>> found = steady(np.full(180, 40.0), asked * 12.5, tracts=ids, counties=["06001"] * 180)
    >>> off = lambda counts: float(np.sqrt(np.mean((counts / counts.sum(axis=1, keepdims=True) - truth) ** 2)))
    >>> off(found.counts) < 0.7 * off(asked)
    True
    """
    total = counts.sum(axis=1)
    shares = np.divide(
        counts, total[:, None], out=np.full_like(counts, 1.0 / counts.shape[1]), where=total[:, None] > 0
    )
    worth = np.where(total > 0, trials, 0.0)
    county = _codes(counties)
    if not len(county) or np.bincount(county).max() == 1:
        return Steadied(counts, worth, np.zeros(len(counts)), (0.0, 0.0))  # nothing around to borrow from
    tract = _codes([area[:TRACT_DIGITS] for area in tracts])
    asked = worth[:, None] * shares
    in_county, in_tract = _sums(asked, county), _sums(asked, tract)
    county_of_tract = np.zeros(len(in_tract), dtype=np.int64)
    county_of_tract[tract] = county
    center = _shares(in_county)[county_of_tract]
    tract_strength = _strength(in_tract, center)
    # what a tract says of one of its areas is what its other areas say
    others = in_tract[tract] - asked
    borrowed = others.sum(axis=1)
    mean = (others + tract_strength * center[tract]) / (borrowed + tract_strength)[:, None]
    alone = bool((np.bincount(tract) <= 1).all())
    strength = tract_strength if alone else _strength(asked, mean)
    found = (asked + strength * mean) / (worth + strength)[:, None]
    restored = _restored(found * total[:, None], total, county, counts)
    # how sure the borrowed mean itself is bounds what may be borrowed
    common = _common(total, worth, worth + strength, county)
    return Steadied(restored, worth + strength, common, (0.0 if alone else strength, tract_strength))


def _codes(labels: Sequence[str]) -> Integers:
    codes, _ = pd.factorize(np.array(labels, dtype=object), sort=True)
    return np.asarray(codes, dtype=np.int64)


def _sums(values: Floats, codes: Integers) -> Floats:
    total = np.zeros((int(codes.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(total, codes, values)
    return total


def _shares(counts: Floats) -> Floats:
    floor = 1e-6
    return (counts + floor) / (counts + floor).sum(axis=1, keepdims=True)


def _strength(asked: Floats, center: Floats) -> float:
    """Return the concentration of areas around their centers that makes what was asked most likely.

    The Dirichlet-multinomial likelihood, with effective counts in the place of counts.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    n = asked.sum(axis=1)
    used = n > 1
    asked, n, center = asked[used], n[used], np.maximum(center[used], 1e-9)
    if not len(asked):
        return 1.0

    def loss(log_strength: float) -> float:
        s = np.exp(log_strength)
        whole = gammaln(s) - gammaln(n + s)
        parts = (gammaln(asked + s * center) - gammaln(s * center)).sum(axis=1)
        return -float((whole + parts).sum())

    found = minimize_scalar(loss, bounds=(np.log(0.5), np.log(STRONGEST)), method="bounded")
    return float(np.exp(found.x))


def _restored(counts: Floats, total: Floats, county: Integers, published: Floats) -> Floats:
    """Return counts whose areas and whose county brackets add up to the published ones (iterative proportions)."""
    wanted = _sums(published, county)
    for _ in range(ROUNDS):
        now = _sums(counts, county)
        factor = np.divide(wanted, now, out=np.ones_like(now), where=now > 0)
        counts = counts * factor[county]
        rows = counts.sum(axis=1)
        counts = counts * np.divide(total, rows, out=np.zeros_like(rows), where=rows > 0)[:, None]
        if np.abs(factor - 1.0).max(initial=0.0) < CLOSE:
            break
    return counts


def _common(total: Floats, worth: Floats, trials: Floats, county: Integers) -> Floats:
    """Return what a county's sum varies by beyond what its areas, each by itself, add up to.

    The county's counts are restored, so that its sum is as unsure as the published one is.
    """
    squares = np.divide(total**2, worth, out=np.zeros_like(total), where=worth > 0)
    published, alone = np.bincount(county, squares), np.bincount(county, total**2 / (trials + 1.0))
    all_of_it = np.bincount(county, total)
    extra = np.maximum(published - alone, 0.0)
    return np.divide(extra, all_of_it**2, out=np.zeros_like(extra), where=all_of_it > 0)[county]
