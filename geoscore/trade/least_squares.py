"""The choice model by least squares on shares: what fits the observed shares best, whatever origins weigh."""

from typing import Final

import numpy as np
import numpy.typing as npt

from geoscore.trade.flows import Flows
from geoscore.trade.huff import HuffFit, fit_huff, log_likelihood, predict_shares
from geoscore.trade.inference import clustered

Floats = npt.NDArray[np.float64]
STARTS: Final = (0.0, 0.5, 2.0)
"""Multiples of the likelihood's optimum from which it is tried as well: squares of shares have several valleys."""


def fit_least_squares(flows: Flows, start: Floats | None = None, *, as_given: bool = False) -> HuffFit:
    """Fit by Levenberg and Marquardt's method with exact derivatives, from several starts; the best is kept.

    Parameters
    ----------
    flows
        From `prepare_flows`.
    start
        One start of one's own, shape (k,).
    as_given
        Meet the flows as they were given rather than each as a share of its origin's.
    """
    from scipy.optimize import least_squares

    target = flows.given if as_given else flows.shares

    def rest(values: Floats) -> Floats:
        return predict_shares(flows, values) - target

    def slopes(values: Floats) -> Floats:
        shares = predict_shares(flows, values)
        mean = flows.per_origin(shares[:, None] * flows.design)
        return np.asarray(shares[:, None] * (flows.design - mean[flows.origin]))

    likely = fit_huff(flows).values
    starts = [likely, *(factor * likely for factor in STARTS), *([] if start is None else [start])]
    tried = [least_squares(rest, first, jac=slopes, method="trf", xtol=1e-14, ftol=1e-14, gtol=1e-14, x_scale="jac",
                           max_nfev=500) for first in starts]  # fmt: skip
    best = min(tried, key=lambda found: found.cost)
    values = np.asarray(best.x, dtype=np.float64)
    x, error = slopes(values), rest(values)
    sureness = clustered(flows.per_origin(-error[:, None] * x), flows.per_origin(x[:, :, None] * x[:, None, :]))
    free = max(len(error) - len(values), 1)
    model = np.sqrt(np.diag(np.linalg.pinv(x.T @ x)) * float(error @ error) / free)
    notes = list(flows.notes)
    if as_given and not np.allclose(flows.per_origin(flows.given), 1.0, rtol=1e-3):
        notes.append("the shares as given do not sum to 1 by origin; fitted ones always do")
    return HuffFit(
        flows, "least-squares", values, sureness, model, converged=bool(best.status > 0), rounds=int(best.nfev),
        log_likelihood=log_likelihood(flows, values), notes=tuple(notes), target=target if as_given else None,
    )  # fmt: skip
