"""Query: questions to a surface, by ZIP, cell, drawn area or all of it, at any threshold.

An answer is a sum over the surface's rows; no household is ever looked at.
"""

from geoscore.query.answer import Answer
from geoscore.query.select import Selection
from geoscore.query.surface import Surface, open_surface

__all__ = ["Answer", "Selection", "Surface", "open_surface"]
