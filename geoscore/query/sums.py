"""Sums of a surface's rows become answers: counts at a threshold, their interval, and what a model expects."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from geoscore.ladder import Capacity, counts_at, interval
from geoscore.query.answer import Answer
from geoscore.query.expected import expected_of
from geoscore.schemas import SurfaceNote
from geoscore.surface_format import Figures

Floats = npt.NDArray[np.float64]


def answers_of(
    areas: Sequence[str],
    sums: Figures,
    *,
    note: SurfaceNote,
    capacity: Capacity,
    hidden: Any,
    empty: Any,
    measures: Floats | None = None,
) -> list[Answer]:
    """Return the answers that sums make; ``measures`` are those of the propensity model, shape (n, 4)."""
    estimate, variance = counts_at(sums.at_least, sums.variance, sums.households, capacity)
    low, high = interval(estimate, variance, sums.most())
    at, below = capacity if isinstance(capacity, tuple) else (capacity, None)
    return [
        Answer(
            area=area,
            capacity_usd=float(at),
            below_usd=None if below is None else float(below),
            households=None if empty[i] else float(sums.households[i]),
            estimate=None if empty[i] else float(estimate[i]),
            low=None if empty[i] else float(low[i]),
            high=None if empty[i] else float(high[i]),
            level=note.level,
            suppressed=bool(hidden[i]),
            formula=note.formula,
            horizon=note.horizon,
            universe=note.universe,
            vintage=note.vintage,
            expected=None
            if measures is None or empty[i]
            else expected_of(
                measures[i],
                note,
                households=float(sums.households[i]),
                estimate=float(estimate[i]),
                capacity=capacity,
            ),
        )
        for i, area in enumerate(areas)
    ]
