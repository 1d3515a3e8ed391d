"""Layers on the map page of a surface."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from geoscore.errors import InputError
from geoscore.maps import MapLayer
from geoscore.query import Surface
from geoscore.trade.layer import Layer

MOST_DRAWN: Final = 100


def save_areas_map(surface: Surface, layer: Layer, path: Path, *, capacity: float) -> Layer:
    """Write the surface's map with the areas drawn over it, and their figures listed below.

    Areas without a shape, such as that of a closed site, are left out.

    Returns
    -------
    Layer
        The same, with a note on what is not drawn.

    Raises
    ------
    InputError
        There are too many shapes to draw each by its name.
    """
    drawn = [MapLayer(*item) for item in layer.named_shapes() if not item[1].is_empty]
    if len(drawn) > MOST_DRAWN:
        raise InputError(
            f"{len(drawn):,} shapes are too many to draw by name; take --top {MOST_DRAWN}, or --format geojson"
        )
    surface.save_map(path, capacity=capacity, layers=drawn)
    empty = [name for name, shape, _ in layer.named_shapes() if shape.is_empty]
    if not empty:
        return layer
    return replace(layer, notes=(*layer.notes, f"not on the map, for no place is theirs: {', '.join(empty)}"))
