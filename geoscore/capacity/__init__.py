"""Capacity: what is known of a household, and of its neighborhood where the household says nothing.

Known figures go through the formula; an unknown income is the area's own distribution of incomes.
"""

from geoscore.capacity.distribution import IncomeDistribution
from geoscore.capacity.prior import AreaPrior
from geoscore.capacity.score import score_households

__all__ = ["AreaPrior", "IncomeDistribution", "score_households"]
