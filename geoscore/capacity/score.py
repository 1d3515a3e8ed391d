"""Scoring: each household is put on its level of evidence; households of one level and place share one curve.

A pure function over batches, so that the work for a household is a lookup, however many there are.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.capacity.evidence import NOTHING, Evidence
from geoscore.formulas import Formula
from geoscore.schemas import CUBE_EDGES, EVIDENCE, SCORED
from geoscore.tables import Table

Floats = npt.NDArray[np.float64]
COPIED: Final = ("household_id", "cell", "zip", "spread_m")


def score_households(located: Table, *, formula: Formula, evidence: Evidence = NOTHING) -> Table:
    """Put every located household on its level of evidence.

    Parameters
    ----------
    located
        Table of schema ``LOCATED``.
    formula
        What capacity means.
    evidence
        What other figures say of income; nothing by default.

    Returns
    -------
    Table of schema ``SCORED``
        ``known_bin`` holds the capacity that follows from known figures: the number of cube edges at or below it.
        Where income is unknown, ``multiplier`` says what a dollar of it would be worth.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> from geoscore.formulas import open_formula
    >>> from geoscore.schemas import LOCATED
    >>> rows = [{"household_id": "h", "income_usd": 125_000.0}, {"household_id": "i"}]
    >>> with open_engine() as engine:
    ...     located = Table.from_arrow(pa.Table.from_pylist(rows, schema=LOCATED), engine=engine)
    ...     scored = score_households(located, formula=open_formula("income-2pct-1y")).collect()
    >>> scored = scored.sort_by("household_id")
    >>> scored["income_known"].to_pylist(), scored["multiplier"].to_pylist()
    ([True, False], [None, 0.02])
    """

    def score(batch: pa.RecordBatch) -> pa.RecordBatch:
        return score_batch(batch, formula, evidence)

    return located.map_batches(score, SCORED)


def score_batch(batch: pa.RecordBatch, formula: Formula, evidence: Evidence = NOTHING) -> pa.RecordBatch:
    """Put a batch of located households, of schema ``LOCATED``, on their levels of evidence: schema ``SCORED``."""
    figures = {name: _floats(batch.column(name)) for name in EVIDENCE}
    capacity = formula.capacity(figures)
    known = np.searchsorted(CUBE_EDGES, np.nan_to_num(capacity, nan=0.0), side="right")
    income = formula.income()
    decided = np.ones(len(known), dtype=bool) if income is None else ~np.isnan(figures["income_usd"])
    factor = np.full(len(known), np.nan) if income is None else income.factor(figures["age"])
    # a band of income says more than what else is known
    banded = ~(np.isnan(figures["income_low_usd"]) & np.isnan(figures["income_high_usd"]))
    columns = {
        **{name: batch.column(name) for name in COPIED},
        "known_bin": pa.array(known.astype(np.int16)),
        "income_known": pa.array(decided),
        "income_low_usd": _null_where(figures["income_low_usd"], decided),
        "income_high_usd": _null_where(figures["income_high_usd"], decided),
        "multiplier": _null_where(factor, decided),
        "evidence": pa.array(evidence.codes(figures), mask=decided | banded),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in SCORED.names], schema=SCORED)


def _floats(values: pa.Array) -> Floats:
    return values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)


def _null_where(values: Floats, missing: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=missing | np.isnan(values))
