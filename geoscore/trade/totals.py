"""The choice model from what sites take in all, where nobody knows who comes from where."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.trade.flows import Flows
from geoscore.trade.huff import HuffFit, explained, predict_shares
from geoscore.trade.inference import Sureness

Floats = npt.NDArray[np.float64]
STARTS: Final = 12
NOTE: Final = "fitted to what sites take in all: R2 is of their shares of it, and errors are not clustered by origin"
CLOSE: Final = 1e-6


def fit_totals(demand: Flows, totals: Mapping[str, float], *, seed: int = 0) -> HuffFit:
    """Fit a choice model so that sites draw what they take: multinomial likelihood of the sites' totals.

    Sites are the units here, so that their number bounds how much can be told. The likelihood has several hills: it is
    climbed from several starts, and the highest counts. Standard errors are those of the totals' own scatter.

    Parameters
    ----------
    demand
        From `prepare_flows`, the flow of every row being what its origin has in all.
    totals
        What each site takes, by name.
    seed
        Of the starts.

    Raises
    ------
    InputError
        A site has no total, an origin's demand differs between its rows, or there are too few sites.

    Examples
    --------
    >>> from geoscore.trade.flows import prepare_flows
    >>> cost = np.random.default_rng(0).uniform(1, 9, (5, 4))
    >>> shares = cost**-2.0 / (cost**-2.0).sum(axis=1, keepdims=True)
    >>> demand = prepare_flows(origin=np.repeat(np.arange(5), 4), site=np.tile(list("abcd"), 5), flow=np.full(20, 10.0),
    ...                        cost=cost.ravel(), attributes={})
    >>> fit = fit_totals(demand, dict(zip("abcd", 10 * shares.sum(axis=0))))
    >>> round(fit.coefficients["cost"], 4)
    -2.0
    """
    from scipy.optimize import minimize

    taken = _taken(demand, totals)
    many = demand.given[demand.starts]
    if not np.allclose(demand.given, many[demand.origin], rtol=1e-9):
        raise InputError("what an origin has in all differs between its rows; --total is one number for each origin")
    k, sites = len(demand.names), len(demand.sites)
    if sites <= k:
        raise InputError(
            f"totals of {sites} sites cannot tell {k} coefficients ({', '.join(demand.names)}): more sites than"
            " coefficients are needed; bring flows by origin, or leave attributes out"
        )

    def loss(values: Floats) -> tuple[float, Floats]:
        drawn, slopes = _draw(demand, many, values)
        with np.errstate(divide="ignore"):
            fit = np.log(np.maximum(drawn, 1e-300) / drawn.sum())
        gradient = (taken / np.maximum(drawn, 1e-300)) @ slopes
        return float(-(taken @ fit) / taken.sum()), np.asarray(-gradient / taken.sum(), dtype=np.float64)

    rng = np.random.default_rng(seed)
    scale = np.maximum(demand.design.std(axis=0), 1e-9)
    starts = [np.zeros(k), *(rng.normal(0.0, 1.0, k) / scale for _ in range(STARTS - 1))]
    tried = [
        minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 500}) for start in starts
    ]
    best = min(tried, key=lambda found: float(found.fun))
    values = np.asarray(best.x, dtype=np.float64)
    converged = bool(np.abs(best.jac * 1.0 / scale).max() < CLOSE)
    drawn, slopes = _draw(demand, many, values)
    drawn, slopes = drawn * taken.sum() / drawn.sum(), slopes * taken.sum() / drawn.sum()
    information = (slopes / np.maximum(drawn, 1e-300)[:, None]).T @ slopes
    free = max(sites - 1 - k, 1)
    scatter = float(((taken - drawn) ** 2 / np.maximum(drawn, 1e-300)).sum()) / free
    model = np.linalg.pinv(information)
    part = taken / taken.sum()
    with np.errstate(divide="ignore"):
        likelihood = float(taken @ np.log(drawn / drawn.sum()))
    return HuffFit(
        demand, "totals", values, Sureness(scatter * model, np.full(k, float(free))),
        np.sqrt(np.maximum(np.diag(model), 0.0)), converged=converged, rounds=int(best.nit), log_likelihood=likelihood,
        notes=(*demand.notes, NOTE),
        r2=explained(part, drawn / drawn.sum()), null_likelihood=float(taken.sum() * -np.log(sites)),
    )  # fmt: skip


def _taken(demand: Flows, totals: Mapping[str, float]) -> Floats:
    """Return the totals in the order of the sites."""
    missing = [str(name) for name in demand.sites if not np.isfinite(totals.get(str(name), np.nan))]
    if missing:
        raise InputError(f"site {missing[0]} has no total; every site needs what it takes in all")
    taken = np.array([float(totals[str(name)]) for name in demand.sites])
    if (taken < 0).any() or taken.sum() <= 0:
        raise InputError("totals of sites must be 0 or more, and not all 0")
    return taken


def _draw(demand: Flows, many: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return what each site draws, shape (s,), and how it changes with the coefficients, shape (s, k)."""
    shares = predict_shares(demand, values)
    flow = many[demand.origin] * shares
    apart = demand.design - demand.per_origin(shares[:, None] * demand.design)[demand.origin]
    size = len(demand.sites)
    drawn = np.asarray(np.bincount(demand.site, flow, size), dtype=np.float64)
    slopes = np.column_stack([np.bincount(demand.site, flow * column, size) for column in apart.T])
    return drawn, np.asarray(slopes, dtype=np.float64)
