"""Layers on the map page of a surface."""

from pathlib import Path
from typing import Final

from geoscore.errors import InputError
from geoscore.maps import MapLayer
from geoscore.query import Surface
from geoscore.trade.layer import Layer

MOST_DRAWN: Final = 100


def save_areas_map(surface: Surface, layer: Layer, path: Path, *, capacity: float) -> None:
    """Write the surface's map with the areas drawn over it, and their figures listed below.

    Raises
    ------
    InputError
        There are too many shapes to draw each by its name.
    """
    if len(layer) > MOST_DRAWN:
        raise InputError(
            f"{len(layer):,} shapes are too many to draw by name; take --top {MOST_DRAWN}, or --format geojson"
        )
    surface.save_map(path, capacity=capacity, layers=[MapLayer(*item) for item in layer.named_shapes()])
