"""Maps: a surface as hexagons, in a notebook or as one file that asks nothing of any network.

Maps are handed a surface's published table and its note; they never see a household.
"""

from geoscore.maps.deck import deck_from_surface
from geoscore.maps.layers import MapLayer, read_layers
from geoscore.maps.measures import MEASURES, Measure
from geoscore.maps.notebook import explore_cells, lonboard_layer
from geoscore.maps.page import embed_snippet, page_html, save_page
from geoscore.maps.picture import lettered_width, save_picture
from geoscore.maps.scene import Scene, scene_from_surface
from geoscore.maps.still import map_svg, svg_from_scene
from geoscore.maps.tiles import Tiles, read_tiles

__all__ = [
    "MEASURES",
    "MapLayer",
    "Measure",
    "Scene",
    "Tiles",
    "deck_from_surface",
    "embed_snippet",
    "explore_cells",
    "lettered_width",
    "lonboard_layer",
    "map_svg",
    "page_html",
    "read_layers",
    "read_tiles",
    "save_page",
    "save_picture",
    "scene_from_surface",
    "svg_from_scene",
]
