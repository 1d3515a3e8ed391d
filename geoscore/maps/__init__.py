"""Maps: a surface as hexagons, in a notebook or as one file that asks nothing of any network.

Maps are handed a surface's published table and its note; they never see a household.
"""

from geoscore.maps.deck import MEASURES, Measure, deck_from_surface
from geoscore.maps.layers import MapLayer, read_layers
from geoscore.maps.page import embed_snippet, page_html, save_page
from geoscore.maps.tiles import Tiles, read_tiles

__all__ = [
    "MEASURES",
    "MapLayer",
    "Measure",
    "Tiles",
    "deck_from_surface",
    "embed_snippet",
    "page_html",
    "read_layers",
    "read_tiles",
    "save_page",
]
