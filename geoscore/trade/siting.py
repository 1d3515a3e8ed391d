"""Where to go: k sites that are near to most (p-median) or reach most (maximal cover), exactly or greedily."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Way = Literal["exact", "greedy"]
SECONDS: Final = 120.0
MOST_PAIRS: Final = 2_000_000
ROUNDS: Final = 50
STEPS: Final = 3000
PATIENCE: Final = 80
LEAST_STRIDE: Final = 1e-5
MOMENTUM: Final = 0.3
MET: Final = 1e-9


@dataclass(frozen=True)
class Chosen:
    """Candidates that were chosen.

    Attributes
    ----------
    candidates
        Their numbers, ascending, shape (k,).
    nearest
        Which of them (a candidate's number) is nearest to each place, -1 where none is in reach, shape (n,).
    value
        The mean cost of all that demand (p-median), or the demand that is covered (maximal cover).
    bound
        What no choice can better: equal to ``value`` where it is proven to be the best.
    proven
        Whether it is the best there is.
    """

    candidates: Integers
    nearest: Integers
    value: float
    bound: float | None
    proven: bool


def p_median(
    demand: Floats, cost: Floats, *, count: int, way: Way = "exact", kept: Bools | None = None, seconds: float = SECONDS
) -> Chosen:
    """Choose sites so that demand, taken together, is as near to its nearest site as can be.

    Parameters
    ----------
    demand
        Of each place, shape (n,).
    cost
        Of each candidate to each place, shape (c, n); infinite is out of reach, and at least one choice must reach all.
    count
        Number of sites, those that are kept among them.
    way
        ``exact``: a mixed-integer program; ``greedy``: one after another, then exchanged while that helps.
    kept
        Candidates that are there already, shape (c,).
    seconds
        Longest time for the exact way; what it has by then is returned, with a bound.

    References
    ----------
    M. B. Teitz and P. Bart, Operations Research 16 (1968), 955-961 (exchange).

    Examples
    --------
    >>> at = np.array([0.0, 1, 10, 11])
    >>> p_median(np.ones(4), np.abs(at[:, None] - at[None, :]), count=2).value
    0.5
    """
    fixed = _check(demand, cost, count, kept)
    reach = np.where(np.isfinite(cost), cost, _far(cost))
    chosen = _exchange(_greedy(demand, reach, count, fixed), demand, reach, fixed)
    value = float(demand @ reach[chosen].min(axis=0))
    bound, proven = None, False
    if way == "exact":
        chosen, bound, proven = _prove_median(demand, reach, chosen, fixed, seconds)
        value = float(demand @ reach[chosen].min(axis=0))
    whole = float(demand.sum())
    return _told(chosen, cost, value / whole, None if bound is None else bound / whole, proven=proven)


def max_cover(
    demand: Floats, cost: Floats, *, count: int, reach: float, way: Way = "exact", kept: Bools | None = None,
    seconds: float = SECONDS,
) -> Chosen:  # fmt: skip
    """Choose sites so that as much demand as can be lies within reach of one.

    Parameters
    ----------
    demand, cost, count, way, kept, seconds
        As for `p_median`.
    reach
        Farthest cost that counts as covered.

    References
    ----------
    R. Church and C. ReVelle, Papers of the Regional Science Association 32 (1974), 101-118.

    Examples
    --------
    >>> at = np.array([0.0, 1, 2, 10])
    >>> max_cover(np.array([1.0, 1, 1, 2]), np.abs(at[:, None] - at[None, :]), count=1, reach=1).value
    3.0
    """
    fixed = _check(demand, cost, count, kept)
    covers = cost <= reach
    miss = np.where(covers, 0.0, 1.0)
    chosen = _exchange(_greedy(demand, miss, count, fixed), demand, miss, fixed)
    value = float(demand @ covers[chosen].any(axis=0))
    bound, proven = None, False
    if way == "exact":
        found = _cover_program(demand, covers, count, fixed, seconds)
        if found is not None:
            picked, bound, proven = found
            better = float(demand @ covers[picked].any(axis=0))
            chosen, value = (picked, better) if better > value else (chosen, value)
    return _told(chosen, np.where(covers, cost, np.inf), value, bound, proven=proven)


def _check(demand: Floats, cost: Floats, count: int, kept: Bools | None) -> Bools:
    fixed = np.zeros(len(cost), dtype=bool) if kept is None else kept
    if not 1 <= count <= len(cost):
        raise InputError(f"{count} sites of {len(cost)} candidates; choose at least 1 and at most all of them")
    if fixed.sum() > count:
        raise InputError(f"{int(fixed.sum())} sites are there already, and only {count} are to be in all")
    if not demand.sum() > 0:
        raise InputError("there is no demand to be near to")
    return fixed


def _far(cost: Floats) -> float:
    """Return what being out of reach costs: ten times the worst way there is."""
    known = cost[np.isfinite(cost)]
    if not len(known):
        raise InputError("no candidate reaches any place")
    return 10.0 * float(known.max()) + 1.0


def _greedy(demand: Floats, cost: Floats, count: int, fixed: Bools) -> Integers:
    chosen = [int(one) for one in np.flatnonzero(fixed)]
    best = cost[chosen].min(axis=0) if chosen else np.full(cost.shape[1], cost.max())
    while len(chosen) < count:
        gain = np.maximum(best[None, :] - cost, 0.0) @ demand
        gain[chosen] = -1.0
        pick = int(gain.argmax())
        chosen.append(pick)
        best = np.minimum(best, cost[pick])
    return np.array(sorted(chosen), dtype=np.int64)


def _exchange(chosen: Integers, demand: Floats, cost: Floats, fixed: Bools) -> Integers:
    """Exchange one chosen candidate for another while that helps."""
    current = float(demand @ cost[chosen].min(axis=0))
    for _ in range(ROUNDS):
        improved = False
        for out in [one for one in chosen if not fixed[one]]:
            rest = chosen[chosen != out]
            best = cost[rest].min(axis=0) if len(rest) else np.full(cost.shape[1], cost.max())
            total = np.minimum(best[None, :], cost) @ demand
            total[rest] = np.inf
            pick = int(total.argmin())
            if total[pick] < current * (1 - 1e-12):
                chosen, current, improved = np.sort(np.append(rest, pick)), float(total[pick]), True
        if not improved:
            break
    return chosen


def _prove_median(
    demand: Floats, cost: Floats, chosen: Integers, fixed: Bools, seconds: float
) -> tuple[Integers, float, bool]:
    """Return the best choice, a bound on all choices, and whether it is proven.

    A Lagrangian bound comes first (each place may go to several sites or to none, at a price); candidates that it shows
    to be in no better choice are left out, and what little is undecided goes to the mixed-integer program.

    References
    ----------
    S. C. Narula, U. I. Ogbu and H. M. Samuelsson, Operations Research 25 (1977), 709-713.
    """
    if cost.size > MOST_PAIRS:
        raise InputError(
            f"{len(cost):,} candidates and {cost.shape[1]:,} places are too many for the exact way; take --method"
            " greedy, or coarser cells"
        )
    weighted = cost * demand[None, :]
    count = len(chosen)
    price, chosen, best = _raise_bound(weighted, chosen, fixed)
    saved = np.minimum(weighted - price, 0.0).sum(axis=1)
    taken = _cheapest(saved, count, fixed)
    bound = float(price.sum() + saved[taken].sum())
    slack = best - bound + 1e-9 * abs(best)
    free = ~np.isin(np.arange(len(cost)), taken)
    worst = saved[taken[~fixed[taken]]].max(initial=-np.inf)
    out = free & (saved - worst > slack)
    least = saved[free & ~out].min(initial=np.inf)
    sure = ~free & (fixed | (least - saved > slack))
    if int(sure.sum()) == count or slack <= 3 * MET * abs(best):
        return chosen, best, True
    open_ = np.flatnonzero(~out)
    found = _median_program(weighted[open_], count, sure[open_], seconds)
    if found is None:
        return chosen, bound, False
    picked, lowest, proven = open_[found[0]], found[1], found[2]
    if float(weighted[picked].min(axis=0).sum()) < best:
        chosen = picked
    return chosen, max(lowest, bound), proven


def _raise_bound(weighted: Floats, chosen: Integers, fixed: Bools) -> tuple[Floats, Integers, float]:
    """Return the price of each place at the best bound found, by subgradients, and the best choice met on the way."""
    count = len(chosen)
    best = float(weighted[chosen].min(axis=0).sum())
    price = weighted[chosen].min(axis=0)
    top, top_price = -np.inf, price
    stride, waited = 2.0, 0
    heading = np.zeros(len(price))
    for _ in range(STEPS):
        gain = np.minimum(weighted - price, 0.0)
        taken = _cheapest(gain.sum(axis=1), count, fixed)
        bound = float(price.sum() + gain.sum(axis=1)[taken].sum())
        met = float(weighted[taken].min(axis=0).sum())
        if met < best * (1 - 1e-12):
            chosen, best = np.sort(taken), met
        if best - bound <= MET * abs(best):
            return price, chosen, best
        waited += 1
        if bound > top + MET * abs(best):
            top, top_price, waited = bound, price, 0
        elif waited >= PATIENCE:
            stride, waited, price = stride / 2.0, 0, top_price
            if stride < LEAST_STRIDE:
                break
            continue
        heading = 1.0 - (gain[taken] < 0).sum(axis=0) + MOMENTUM * heading
        length = float((heading**2).sum())
        if length == 0:
            break
        price = price + stride * (best - bound) / length * heading
    return top_price, chosen, best


def _cheapest(saved: Floats, count: int, fixed: Bools) -> Integers:
    """Return the candidates that save most, those that are kept among them."""
    order = np.lexsort((saved, ~fixed))
    return order[:count].astype(np.int64)


def _median_program(weighted: Floats, count: int, fixed: Bools, seconds: float) -> tuple[Integers, float, bool] | None:
    """Solve the p-median as a mixed-integer program: x_j chosen, y_ji the share of place i that goes to j.

    Places that prefer the candidates in the same order always go to the same one, and are taken together; nobody goes
    past a site that is sure to be there.
    """
    from scipy.optimize import Bounds, LinearConstraint
    from scipy.sparse import coo_array

    order = np.argsort(weighted, axis=0, kind="stable")
    _, group = np.unique(order.T, axis=0, return_inverse=True)
    group = group.reshape(-1)
    size, c = int(group.max()) + 1, len(weighted)
    summed = np.column_stack([np.bincount(group, line, size) for line in weighted]).T
    nearest = summed[fixed].min(axis=0) if fixed.any() else np.full(size, np.inf)
    j, i = np.nonzero(summed <= nearest[None, :])
    pairs = len(j)
    at = np.arange(pairs)
    ones = np.ones(pairs)
    served = coo_array((ones, (i, c + at)), shape=(size, c + pairs))
    opened = coo_array((np.append(ones, -ones), (np.append(at, at), np.append(c + at, j))), shape=(pairs, c + pairs))
    number = coo_array((np.ones(c), (np.zeros(c, dtype=int), np.arange(c))), shape=(1, c + pairs))
    limits = [LinearConstraint(served.tocsr(), 1, 1), LinearConstraint(opened.tocsr(), -np.inf, 0),
              LinearConstraint(number.tocsr(), count, count)]  # fmt: skip
    low = np.concatenate([fixed.astype(float), np.zeros(pairs)])
    whole = np.concatenate([np.ones(c), np.zeros(pairs)])
    return _solve(np.concatenate([np.zeros(c), summed[j, i]]), limits, Bounds(low, 1), whole, c, seconds)


def _cover_program(
    demand: Floats, covers: Bools, count: int, fixed: Bools, seconds: float
) -> tuple[Integers, float, bool] | None:
    """Solve maximal cover: x_j chosen, y_i covered, y_i no more than the sum of the x that cover it."""
    from scipy.optimize import Bounds, LinearConstraint
    from scipy.sparse import coo_array, eye_array, hstack

    c, n = covers.shape
    covered = hstack([-coo_array(covers.T.astype(float)), eye_array(n)])
    number = coo_array((np.ones(c), (np.zeros(c, dtype=int), np.arange(c))), shape=(1, c + n))
    limits = [LinearConstraint(covered.tocsr(), -np.inf, 0), LinearConstraint(number.tocsr(), count, count)]
    low = np.concatenate([fixed.astype(float), np.zeros(n)])
    whole = np.concatenate([np.ones(c), np.zeros(n)])
    found = _solve(np.concatenate([np.zeros(c), -demand]), limits, Bounds(low, 1), whole, c, seconds)
    return None if found is None else (found[0], -found[1], found[2])


def _solve(
    objective: Floats, limits: list[Any], bounds: Any, whole: Floats, c: int, seconds: float
) -> tuple[Integers, float, bool] | None:
    """Return the chosen candidates, the bound, and whether they are proven best; None where time ran out at once."""
    from scipy.optimize import milp

    result = milp(
        objective, constraints=limits, bounds=bounds, integrality=whole,
        options={"time_limit": seconds, "mip_rel_gap": 1e-9},
    )  # fmt: skip
    if result.x is None:
        return None
    picked = np.flatnonzero(result.x[:c] > 0.5)  # noqa: PLR2004  zero or one
    bound = float(result.mip_dual_bound if result.mip_dual_bound is not None else result.fun)
    return picked.astype(np.int64), bound, result.status == 0


def _told(chosen: Integers, cost: Floats, value: float, bound: float | None, *, proven: bool) -> Chosen:
    near = cost[chosen].argmin(axis=0)
    reached = np.isfinite(cost[chosen].min(axis=0))
    return Chosen(chosen, np.where(reached, chosen[near], -1), value, bound, proven)
