"""Capacity: what is known of a household, and of its neighborhood where the household says nothing.

Known figures go through the formula; an unknown income is the area's own distribution of incomes.
"""

from geoscore.capacity.areas import FittedAreas, fit_areas
from geoscore.capacity.distribution import IncomeDistribution
from geoscore.capacity.evidence import NOTHING, Evidence, find_contradictions, learn_evidence
from geoscore.capacity.prior import AreaPrior, rung_shares
from geoscore.capacity.score import score_households

__all__ = [
    "NOTHING",
    "AreaPrior",
    "Evidence",
    "FittedAreas",
    "IncomeDistribution",
    "find_contradictions",
    "fit_areas",
    "learn_evidence",
    "rung_shares",
    "score_households",
]
