"""Maps: a surface as hexagons, in a notebook or as one file that asks nothing of any network.

Maps are handed a surface's published table and its note; they never see a household.
"""

from geoscore.maps.deck import MEASURES, Measure, deck_from_surface
from geoscore.maps.page import page_html, save_page

__all__ = ["MEASURES", "Measure", "deck_from_surface", "page_html", "save_page"]
