"""A still map: hexagons in classes of color with a legend, as SVG for reports and print."""

from html import escape
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.ladder import at_threshold
from geoscore.maps.palette import SEQUENTIAL, class_breaks, ramp
from geoscore.schemas import SurfaceNote
from geoscore.spatial.polygons import cell_polygons
from geoscore.surface_format import figures

Floats = npt.NDArray[np.float64]
WIDTH: Final = 820.0
LEGEND: Final = 54.0
WHOLE: Final = 10.0
"""Breaks are whole numbers from here on."""
HIDDEN_COLOR: Final = "#d9dee2"


def map_svg(table: pa.Table, *, note: SurfaceNote, capacity: float) -> str:
    """Return a map of expected households above a threshold as an SVG element.

    Parameters
    ----------
    table
        Table of schema ``SURFACE``; rows without a cell have no place on the map.
    note
        What the surface says of itself.
    capacity
        Threshold in US dollars.
    """
    known = np.asarray(table["cell"].is_valid().to_numpy(), dtype=bool)
    unique, codes = np.unique(
        np.array(table["cell"].filter(pa.array(known)).to_numpy(), np.uint64), return_inverse=True
    )
    estimate = at_threshold(figures(table).at_least, capacity)[known]
    shown = ~np.asarray(table["suppressed"].to_numpy(), dtype=bool)[known]
    values = np.bincount(codes.reshape(-1), estimate, len(unique)).astype(np.float64)
    visible = np.bincount(codes.reshape(-1), shown, len(unique)) > 0
    breaks = class_breaks(values[visible])
    colors = ramp(SEQUENTIAL["light"], classes=len(breaks) + 1)
    classes = np.searchsorted(breaks, values, side="right")
    fills = [colors[classes[i]] if visible[i] else HIDDEN_COLOR for i in range(len(unique))]
    paths, height = _paths(cell_polygons(unique)) if len(unique) else ([], 1.0)
    shapes = "".join(f'<path d="{path}" fill="{fill}"/>' for path, fill in zip(paths, fills, strict=True))
    legend = _legend(breaks, colors, height, None if visible.all() else note.k)
    title = escape(f"{note.title}: expected households with capacity of at least ${capacity:,.0f}")
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {height + LEGEND:.0f}" role="img" aria-label="{title}">'
        f'<g stroke="#fff" stroke-width=".4">{shapes}</g>{legend}</svg>'
    )


def _paths(polygons: Any) -> tuple[list[str], float]:
    """Return each polygon as an SVG path, and the height of the drawing (equirectangular at the middle)."""
    rings = [np.asarray(polygon.exterior.coords) for polygon in polygons]
    points = np.concatenate(rings)
    west, south = points.min(axis=0)
    east, north = points.max(axis=0)
    squeeze = np.cos(np.radians((south + north) / 2))
    scale = WIDTH / ((east - west) * squeeze)

    def path(ring: Floats) -> str:
        x, y = (ring[:-1, 0] - west) * squeeze * scale, (north - ring[:-1, 1]) * scale
        return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True)) + "Z"

    return [path(ring) for ring in rings], float((north - south) * scale)


def _legend(breaks: tuple[float, ...], colors: tuple[str, ...], top: float, k: int | None) -> str:
    edges = [f"{value:,.0f}" if value >= WHOLE else f"{value:.2g}" for value in breaks]
    words = [f"under {edges[0]}", *(f"{low} to {high}" for low, high in pairwise(edges))] if edges else []
    words += [f"{edges[-1]} and more"] if edges else ["all"]
    boxes = [*zip(colors, words, strict=True), *([(HIDDEN_COLOR, f"hidden (< {k})")] if k is not None else [])]
    step = WIDTH / len(boxes)
    return "".join(
        f'<rect x="{i * step:.1f}" y="{top + 16:.0f}" width="{step - 4:.1f}" height="10" fill="{color}"/>'
        f'<text x="{i * step:.1f}" y="{top + 42:.0f}">{escape(word)}</text>'
        for i, (color, word) in enumerate(boxes)
    )
