"""Capacity: what is known of a household, and of its neighborhood where the household says nothing.

Known figures go through the formula; an unknown income is the area's own distribution of incomes.
"""

from geoscore.capacity.areas import FittedAreas, fit_areas
from geoscore.capacity.distribution import IncomeDistribution
from geoscore.capacity.evidence import (
    FIELDS,
    NOTHING,
    Evidence,
    contradiction_kinds,
    find_contradictions,
    learn_evidence,
)
from geoscore.capacity.prior import AreaPrior, rung_shares
from geoscore.capacity.score import score_batch, score_households

__all__ = [
    "FIELDS",
    "NOTHING",
    "AreaPrior",
    "Evidence",
    "FittedAreas",
    "IncomeDistribution",
    "contradiction_kinds",
    "find_contradictions",
    "fit_areas",
    "learn_evidence",
    "rung_shares",
    "score_batch",
    "score_households",
]
