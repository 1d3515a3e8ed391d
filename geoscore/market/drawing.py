"""Layers on the map page of a surface."""

from pathlib import Path
from typing import Final

import shapely

from geoscore.errors import InputError
from geoscore.query import Surface
from geoscore.reference.census import sample_outlines
from geoscore.trade.layer import Layer

MOST_DRAWN: Final = 100


def save_areas_map(surface: Surface, layer: Layer, path: Path, *, capacity: float) -> None:
    """Write the surface's map with the areas on it.

    The areas are drawn as outlines beside those of the counties; where the page draws layers of its own, this is the
    one place to hand them over: ``layers=[MapLayer(*item) for item in layer.named_shapes()]``.

    Raises
    ------
    InputError
        There are too many shapes to draw each by its name.
    """
    if len(layer) > MOST_DRAWN:
        raise InputError(
            f"{len(layer):,} shapes are too many to draw by name; take --top {MOST_DRAWN}, or --format geojson"
        )
    known = sample_outlines(surface.note.counties) or {"type": "FeatureCollection", "features": []}
    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": shapely.geometry.mapping(shapely.simplify(shape, 1e-4)),
        }
        for name, shape, _ in layer.named_shapes()
    ]
    outlines = {**known, "features": [*known["features"], *features]}
    surface.save_map(path, capacity=capacity, outlines=outlines)
