"""MCI: the choice model as a linear regression, by taking logarithms of shares and centering them by origin.

Source: M. Nakanishi and L. G. Cooper, Journal of Marketing Research 11 (1974), 303-311.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.trade.flows import Flows, check_told
from geoscore.trade.huff import HuffFit, log_likelihood
from geoscore.trade.inference import clustered

Floats = npt.NDArray[np.float64]


def fit_mci(flows: Flows, *, add: float = 0.0) -> HuffFit:
    """Fit by ordinary least squares of ln(flow) on the design, both centered by origin.

    Flows of zero have no logarithm: they are left out unless something is added to all.

    Parameters
    ----------
    flows
        From `prepare_flows`.
    add
        Added to every flow as it was given, before logarithms are taken.

    Raises
    ------
    InputError
        Too few flows above zero are left.
    """
    if add < 0 or not np.isfinite(add):
        raise InputError(f"{add:g} cannot be added to flows; give a number above zero, such as 1")
    raised = flows.given + add
    kept = raised > 0
    notes = list(flows.notes)
    if not kept.all():
        notes.append(
            f"{int((~kept).sum()):,} flows of zero have no logarithm and were left out of the regression, which makes"
            " sites look more attractive than they are where nobody comes; method mle uses them, or add 1 to all"
        )
    if add:
        notes.append(f"{add:g} was added to every flow before taking logarithms")
    used = _subset(flows, raised, kept)
    counts = used.per_origin(np.ones(len(used.flow)))
    y = np.log(used.flow)
    y = y - (used.per_origin(y) / counts)[used.origin]
    x = used.design - (used.per_origin(used.design) / counts[:, None])[used.origin]
    values = np.asarray(np.linalg.lstsq(x, y, rcond=None)[0], dtype=np.float64)
    rest = y - x @ values
    sureness = clustered(used.per_origin(rest[:, None] * x), used.per_origin(x[:, :, None] * x[:, None, :]))
    free = max(len(y) - len(counts) - len(values), 1)
    model = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * float(rest @ rest) / free)
    return HuffFit(
        flows, "mci", values, sureness, model, converged=True, rounds=1,
        log_likelihood=log_likelihood(flows, values), notes=tuple(notes),
    )  # fmt: skip


def _subset(flows: Flows, raised: Floats, kept: npt.NDArray[np.bool_]) -> Flows:
    """Return the rows whose flow has a logarithm, of origins that keep at least two."""
    left = np.bincount(flows.origin[kept], minlength=len(flows.origins))
    kept = kept & (left[flows.origin] > 1)
    if not kept.any():
        raise InputError("no origin has two flows above zero, and MCI needs their logarithms; take --method mle")
    present, number = np.unique(flows.origin[kept], return_inverse=True)
    used = replace(
        flows, origins=flows.origins[present], origin=number.reshape(-1).astype(np.int64), site=flows.site[kept],
        flow=raised[kept], design=flows.design[kept], given=flows.given[kept],
    )  # fmt: skip
    check_told(used)
    return used
