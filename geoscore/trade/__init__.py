"""Trade: who can come, who does come, and what is left; trade areas, choice models, measures and sites.

Rooms here are handed arrays and shapes; they never open a surface or a file.
"""

from geoscore.trade.flows import Flows, prepare_flows
from geoscore.trade.huff import HuffFit, fit_huff

__all__ = ["Flows", "HuffFit", "fit_huff", "prepare_flows"]
