"""Huff's model and its kin, fitted: where people of an origin go, from what sites offer and what it costs to get there.

The share of origin i that goes to site j is exp(x_ij b) over the sum of that of all its sites, x the logarithms of cost
and attributes. Source: D. L. Huff, Land Economics 39 (1963), 81-90; M. Nakanishi and L. G. Cooper, Journal of Marketing
Research 11 (1974), 303-311.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.trade.flows import Flows
from geoscore.trade.inference import LEVEL, Sureness, clustered
from geoscore.trade.scenario import ChoiceModel

Floats = npt.NDArray[np.float64]
Method = Literal["mle", "mci", "least-squares", "totals"]
METHODS: Final[tuple[Method, ...]] = ("mle", "mci", "least-squares")
ROUNDS: Final = 200
CLOSE: Final = 1e-10
"""A fit has converged when no coefficient's standardized gradient is larger."""
FARTHEST: Final = 5.0
"""Longest Newton step, in standard deviations of ln(attraction)."""
FLATTEST: Final = 1e-8
"""An optimum that is flatter than this, against one unit of spread, lies at infinity."""


@dataclass(frozen=True)
class HuffFit:
    """A fitted choice model.

    Attributes
    ----------
    flows
        What it was fitted to.
    method
        ``mle``, ``mci``, ``least-squares`` or ``totals``.
    values
        Coefficients, shape (k,).
    sureness
        Origin-clustered covariance.
    model_errors
        Standard errors if every unit of flow chose by itself, shape (k,): usually far too small.
    converged
        Whether an optimum was reached.
    log_likelihood
        Sum of flow times the logarithm of the fitted share.
    notes
        What was assumed or left out.
    """

    flows: Flows
    method: Method
    values: Floats
    sureness: Sureness
    model_errors: Floats
    converged: bool
    rounds: int
    log_likelihood: float
    notes: tuple[str, ...] = ()
    target: Floats | None = None
    """Shares that were to be met where they are not those within each origin."""
    r2: float | None = None
    null_likelihood: float | None = None
    """Both where sites' totals were fitted and there are no shares by origin."""

    @property
    def coefficients(self) -> dict[str, float]:
        """Coefficients by name."""
        return dict(zip(self.flows.names, map(float, self.values), strict=True))

    @property
    def standard_errors(self) -> dict[str, float]:
        """Origin-clustered standard errors by name."""
        return dict(zip(self.flows.names, map(float, self.sureness.errors), strict=True))

    @property
    def shares(self) -> Floats:
        """Fitted shares of the rows, shape (n,)."""
        return predict_shares(self.flows, self.values)

    @property
    def r2_shares(self) -> float:
        """Share of the variance of the observed shares that the fitted ones explain, over all rows."""
        if self.r2 is not None:
            return self.r2
        return explained(self.flows.shares if self.target is None else self.target, self.shares)

    @property
    def pseudo_r2(self) -> float:
        """McFadden's: one minus the log-likelihood over that of equal shares for all sites of an origin."""
        null = equal_likelihood(self.flows) if self.null_likelihood is None else self.null_likelihood
        return 1.0 - self.log_likelihood / null

    def intervals(self, *, level: float = LEVEL) -> dict[str, tuple[float, float]]:
        """Return the interval of each coefficient by name, at a level between 0 and 1.

        Examples
        --------
        >>> from geoscore.trade.flows import prepare_flows
        >>> flows = prepare_flows(origin=["a", "a", "b", "b"], site=["x", "y", "x", "y"],
        ...                       flow=np.array([3.0, 1, 2, 3]), cost=np.array([1.0, 2, 2, 1]), attributes={})
        >>> low, high = fit_huff(flows).intervals(level=0.9)["cost"]
        >>> low < fit_huff(flows).coefficients["cost"] < high
        True
        """
        ends = self.sureness.intervals(self.values, level=level)
        return {name: (float(low), float(high)) for name, (low, high) in zip(self.flows.names, ends, strict=True)}

    def to_model(self, *, least_cost: float = 1.0) -> ChoiceModel:
        """Return what foretells shares of other places; costs below ``least_cost`` are taken for it.

        Examples
        --------
        >>> from geoscore.trade.flows import prepare_flows
        >>> flows = prepare_flows(origin=["a", "a", "b", "b"], site=["x", "y", "x", "y"],
        ...                       flow=np.array([3.0, 1, 2, 3]), cost=np.array([1.0, 2, 2, 1]), attributes={})
        >>> fit_huff(flows).to_model().shares(np.array([[1.0, 1.0]]), {}).tolist()
        [[0.5, 0.5]]
        """
        plain = tuple(name in self.flows.plain for name in self.flows.names)
        return ChoiceModel(self.flows.names, self.values, self.sureness.covariance, plain, least_cost)

    def residuals(self) -> list[dict[str, Any]]:
        """Return observed and fitted share of each pair, their difference, and the flow it stands for.

        Examples
        --------
        >>> from geoscore.trade.flows import prepare_flows
        >>> flows = prepare_flows(origin=["a", "a", "b", "b"], site=["x", "y", "x", "y"],
        ...                       flow=np.array([3.0, 1, 2, 3]), cost=np.array([1.0, 2, 2, 1]), attributes={})
        >>> row = fit_huff(flows).residuals()[0]
        >>> row["origin"], row["site"], row["share"]
        ('a', 'x', 0.75)
        """
        flows, fitted = self.flows, self.shares
        observed, totals = flows.shares, flows.totals
        return [
            {
                "origin": flows.origins[o],
                "site": flows.sites[s],
                "flow": float(flows.flow[i]),
                "share": float(observed[i]),
                "fitted_share": float(fitted[i]),
                "residual_share": float(observed[i] - fitted[i]),
                "fitted_flow": float(fitted[i] * totals[o]),
            }
            for i, (o, s) in enumerate(zip(flows.origin, flows.site, strict=True))
        ]


def fit_huff(
    flows: Flows,
    *,
    method: Method = "mle",
    start: Floats | None = None,
    as_given: bool = False,
    add: float = 0.0,
) -> HuffFit:
    """Fit a choice model to flows.

    Parameters
    ----------
    flows
        From `prepare_flows`.
    method
        ``mle``: multinomial likelihood, each flow weighing what it is; concave, so that damped Newton steps reach the
        one optimum from any start; flows of zero are welcome. ``mci``: log-centered regression of shares; flows of
        zero have no logarithm and are left out, said. ``least-squares``: shares as close as can be.
    start
        Coefficients to start from, shape (k,); zeros by default. With ``mci`` there is no start.
    as_given
        Least squares: take the flows as the shares to be met even where an origin's do not sum to 1.
    add
        MCI: what is added to every flow first, so that zeros have a logarithm.

    Raises
    ------
    InputError
        The method is none, a start has the wrong length, or MCI is left without flows above zero.

    Examples
    --------
    >>> from geoscore.trade.flows import prepare_flows
    >>> cost = np.array([1.0, 2, 4, 2, 1, 3, 5, 2, 1])
    >>> attraction = cost**-1.5
    >>> flow = attraction / np.repeat(attraction.reshape(3, 3).sum(axis=1), 3)
    >>> flows = prepare_flows(origin=list("aaabbbccc"), site=list("xyzxyzxyz"), flow=100 * flow, cost=cost,
    ...                       attributes={})
    >>> [round(fit_huff(flows, method=method).coefficients["cost"], 6) for method in METHODS]
    [-1.5, -1.5, -1.5]
    """
    if method not in METHODS:
        raise InputError(f"method {method!r}; choose one of {', '.join(METHODS)}")
    first = np.zeros(len(flows.names)) if start is None else np.asarray(start, dtype=np.float64)
    if first.shape != (len(flows.names),) or not np.isfinite(first).all():
        raise InputError(f"a start has one number for each of {', '.join(flows.names)}")
    if method == "mle":
        return _fit_likelihood(flows, first)
    if method == "mci":
        from geoscore.trade.mci import fit_mci

        return fit_mci(flows, add=add)
    from geoscore.trade.least_squares import fit_least_squares

    return fit_least_squares(flows, first if start is not None else None, as_given=as_given)


def predict_shares(flows: Flows, values: Floats) -> Floats:
    """Return the share of each row in its origin under coefficients, shape (n,); an origin's sum to 1."""
    height = flows.design @ values
    top = np.maximum.reduceat(height, flows.starts)
    attraction = np.exp(height - top[flows.origin])
    return np.asarray(attraction / flows.per_origin(attraction)[flows.origin], dtype=np.float64)


def log_likelihood(flows: Flows, values: Floats) -> float:
    """Return the sum of flow times ln(share): the multinomial log-likelihood without its constant."""
    height = flows.design @ values
    top = np.maximum.reduceat(height, flows.starts)
    whole = top + np.log(flows.per_origin(np.exp(height - top[flows.origin])))
    return float(flows.flow @ (height - whole[flows.origin]))


def equal_likelihood(flows: Flows) -> float:
    """Return the log-likelihood where all sites of an origin have equal shares."""
    return float(-flows.totals @ np.log(flows.per_origin(np.ones(len(flows.flow)))))


def explained(observed: Floats, fitted: Floats) -> float:
    """Return one minus the squared differences over those from the mean."""
    around = ((observed - observed.mean()) ** 2).sum()
    return float(1.0 - ((observed - fitted) ** 2).sum() / around) if around > 0 else float("nan")


def gradient_by_origin(flows: Flows, values: Floats) -> tuple[Floats, Floats]:
    """Return gradient and negative Hessian of the log-likelihood by origin, shapes (o, k) and (o, k, k)."""
    shares, totals = predict_shares(flows, values), flows.totals
    mean = flows.per_origin(shares[:, None] * flows.design)
    apart = flows.design - mean[flows.origin]
    expected = totals[flows.origin] * shares
    scores = flows.per_origin((flows.flow - expected)[:, None] * apart)
    information = flows.per_origin(expected[:, None, None] * apart[:, :, None] * apart[:, None, :])
    return scores, information


def _fit_likelihood(flows: Flows, start: Floats) -> HuffFit:
    """Climb the multinomial likelihood: Newton steps, halved until they rise and never too long."""
    counts = flows.per_origin(np.ones(len(flows.flow)))
    center = (flows.per_origin(flows.design) / counts[:, None])[flows.origin]
    scale = np.sqrt(((flows.design - center) ** 2).mean(axis=0))
    values, best = np.array(start), log_likelihood(flows, start)
    mass = float(flows.flow.sum())
    converged, rounds = False, 0
    while rounds < ROUNDS:
        rounds += 1
        scores, information = gradient_by_origin(flows, values)
        gradient, hessian = scores.sum(axis=0), information.sum(axis=0)
        if np.abs(gradient / scale).max() <= CLOSE * mass:
            converged = float(np.linalg.eigvalsh(hessian / np.outer(scale, scale))[0]) > FLATTEST * mass
            break
        # from a far start nearly all go to one site and the Hessian all but vanishes: a little of its scale is added
        ridge = 1e-10 * mass * np.diag(scale**2)
        step = np.linalg.solve(hessian + ridge, gradient)
        step *= min(1.0, FARTHEST / float(np.linalg.norm(step * scale)))
        moved = False
        for _ in range(40):
            reached = log_likelihood(flows, values + step)
            if reached >= best - 1e-12 * abs(best):
                moved = bool(np.any(values + step != values))
                values, best = values + step, max(reached, best)
                break
            step /= 2.0
        if not moved:
            converged = bool(np.abs(gradient / scale).max() <= np.sqrt(CLOSE) * mass)
            break
    return _finish(flows, values, converged=converged, rounds=rounds)


def _finish(flows: Flows, values: Floats, *, converged: bool, rounds: int) -> HuffFit:
    scores, information = gradient_by_origin(flows, values)
    notes = list(flows.notes)
    if not converged:
        notes.append("no optimum: some site takes everything whatever the coefficients, so that they grow without end")
    hessian = information.sum(axis=0)
    with np.errstate(invalid="ignore"):
        model = np.sqrt(np.diag(np.linalg.pinv(hessian)))
    return HuffFit(
        flows,
        "mle",
        values,
        clustered(scores, information),
        model,
        converged,
        rounds,
        log_likelihood(flows, values),
        tuple(notes),
    )
