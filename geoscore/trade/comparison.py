"""Choice models against each other: likelihood-ratio tests of every column, and shares of origins held out."""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.trade.flows import Flows
from geoscore.trade.huff import HuffFit, Method, equal_likelihood, explained, fit_huff, log_likelihood, predict_shares

Floats = npt.NDArray[np.float64]
FOLDS: Final = 5


@dataclass(frozen=True)
class RatioTest:
    """What a column adds to the likelihood.

    Attributes
    ----------
    statistic
        Twice the loss of log-likelihood without the column.
    p
        Its p value if every unit of flow chose by itself (chi-square, 1 degree of freedom).
    dispersion
        How much more flows scatter than that (Pearson's chi-square over its degrees of freedom).
    p_dispersed
        p value of the statistic over the dispersion: the one to go by.
    """

    name: str
    statistic: float
    p: float
    dispersion: float
    p_dispersed: float


@dataclass(frozen=True)
class HeldOut:
    """How well shares of origins are foretold by a model that has not seen them.

    Attributes
    ----------
    folds
        Number of parts, each held out once.
    r2_shares
        Share of the variance of the observed shares that is foretold.
    log_likelihood
        Of the flows of origins held out, each under the model of the others.
    gain
        Gain over equal shares, in units of log-likelihood for each unit of flow.
    """

    folds: int
    r2_shares: float
    log_likelihood: float
    gain: float


def dispersion(fit: HuffFit) -> float:
    """Return Pearson's chi-square of a fit over its degrees of freedom, at least 1."""
    flows = fit.flows
    expected = fit.shares * flows.totals[flows.origin]
    free = len(flows.flow) - len(flows.origins) - len(flows.names)
    if free <= 0:
        return 1.0
    chi = float(((flows.flow - expected) ** 2 / np.maximum(expected, 1e-12)).sum())
    return max(chi / free, 1.0)


def ratio_tests(fit: HuffFit) -> list[RatioTest]:
    """Test every column of a model that was fitted by likelihood.

    Examples
    --------
    >>> from geoscore.trade.flows import prepare_flows
    >>> cost = np.array([1.0, 2, 4, 2, 1, 3, 5, 2, 1])
    >>> flows = prepare_flows(origin=list("aaabbbccc"), site=list("xyzxyzxyz"), flow=100 / cost, cost=cost,
    ...                       attributes={})
    >>> [test.p < 0.001 for test in ratio_tests(fit_huff(flows))]
    [True]
    """
    from scipy.stats import chi2

    spread = dispersion(fit)
    tests = []
    for name in fit.flows.names:
        rest = fit.flows.without(name)
        less = equal_likelihood(rest) if not rest.names else fit_huff(rest).log_likelihood
        statistic = max(2.0 * (fit.log_likelihood - less), 0.0)
        p, dispersed = (float(chi2.sf(statistic / by, 1)) for by in (1.0, spread))
        tests.append(RatioTest(name, statistic, p, spread, dispersed))
    return tests


def hold_out(flows: Flows, *, method: Method = "mle", folds: int = FOLDS) -> HeldOut:
    """Cross-validate a choice model: an origin's rows stay in one part; parts go by a hash of its name.

    Raises
    ------
    InputError
        There are fewer origins than parts, or a part's rest cannot tell the coefficients.
    """
    if not 2 <= folds <= len(flows.origins):  # noqa: PLR2004  at least two parts
        raise InputError(f"{folds} parts of {len(flows.origins)} origins; give 2 to {len(flows.origins)}")
    marks = [hashlib.sha256(str(name).encode()).hexdigest() for name in flows.origins]
    part = np.empty(len(marks), dtype=np.int64)
    part[np.argsort(marks)] = np.arange(len(marks)) % folds
    foretold = np.empty(len(flows.flow))
    likelihood = 0.0
    for held in range(folds):
        fit = fit_huff(flows.take_origins(part != held), method=method)
        rows, other = part[flows.origin] == held, flows.take_origins(part == held)
        foretold[rows] = predict_shares(other, fit.values)
        likelihood += log_likelihood(other, fit.values)
    gain = (likelihood - equal_likelihood(flows)) / float(flows.flow.sum())
    return HeldOut(folds, explained(flows.shares, foretold), likelihood, gain)
