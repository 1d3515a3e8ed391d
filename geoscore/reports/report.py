"""The report: headline, map, areas compared, best ZIPs, capacity curve, method and provenance on one page.

The page is self-contained and prints well, or is a PDF. Its template may be replaced or extended by a user's own.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from geoscore.errors import InputError, missing_file
from geoscore.ladder import Capacity
from geoscore.maps import MapLayer, Scene, map_svg, scene_from_surface, svg_from_scene
from geoscore.maps.layers import figure_columns
from geoscore.maps.measures import terms
from geoscore.maps.page import clean
from geoscore.reference.basemap import Basemap
from geoscore.reports.charts import comparison_svg, curve_svg
from geoscore.reports.pdf import pdf_from_html
from geoscore.schemas import SurfaceNote

ENDINGS: Final = (".html", ".htm", ".pdf")
AROUND: Final = 0.35
"""How much of its size is shown around an area, on each side, and at least:"""
AROUND_DEGREES: Final = 0.06
TALLEST: Final = 1.15
"""Height of a closer map, beside its width."""
MAP_WIDTH: Final = 600.0
"""Dots across a map: few, so that its words can be read on paper."""


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """What a report shows: answers as plain values, and the surface's rows for its map."""

    note: SurfaceNote
    table: pa.Table
    capacity: Capacity
    region: dict[str, Any]
    sentences: tuple[str, ...]
    places: tuple[dict[str, Any], ...]
    counties: tuple[dict[str, Any], ...]
    top_zips: tuple[dict[str, Any], ...]
    curve: tuple[dict[str, Any], ...]
    summary: dict[str, Any] | None = None
    top_cells: tuple[dict[str, Any], ...] = ()
    place_curves: tuple[tuple[str, tuple[dict[str, Any], ...]], ...] = ()
    outlines: tuple[MapLayer, ...] = ()  # of the places
    layers: tuple[MapLayer, ...] = ()  # the user's own
    layer_answers: tuple[dict[str, Any] | None, ...] = ()
    basemap: Basemap | None = None
    drawn: SurfaceNote | None = None  # of the table, where it is coarser than the surface


def write_report(content: ReportContent, path: Path, *, template: Path | None = None) -> None:
    """Write a report as one HTML file or a PDF, whole or not at all.

    Parameters
    ----------
    content
        What it shows.
    path
        A file ending in ``.html`` or ``.pdf``.
    template
        A Jinja2 template in place of geoscore's own, or one that extends it: ``{% extends "report.html" %}``.

    Raises
    ------
    InputError
        The path ends otherwise, the template cannot be used, or nothing is there that makes a PDF.
    """
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"{path}: a report is written as .html or .pdf")
    html = report_html(content, template=template)
    data = pdf_from_html(html) if path.suffix.lower() == ".pdf" else html.encode("utf-8")
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(data)
    os.replace(part, path)  # noqa: PTH105  the atomic one, by its own name


def report_html(content: ReportContent, *, template: Path | None = None) -> str:
    """Return the report as HTML."""
    from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment
    from markupsafe import Markup

    own = PackageLoader("geoscore.reports", ".")
    if template is not None and not template.is_file():
        raise missing_file(template, "template")
    environment = SandboxedEnvironment(
        loader=own if template is None else ChoiceLoader([own, FileSystemLoader(template.parent)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "dollars": _dollars, "share": _share, "figure": _figure}
    region = content.region
    scene = scene_from_surface(content.table, layers=(*content.outlines, *content.layers), **_shown(content))
    try:
        page = environment.get_template("report.html") if template is None else environment.from_string(_read(template))
        return page.render(
            c=content,
            note=content.note,
            terms=terms(content.capacity),
            region_share=(region["estimate"] or 0.0) / (region["households"] or 1.0),
            layer_columns=figure_columns(content.layers),
            map_words=_map_words(scene, content.note),
            **{name: Markup(svg) for name, svg in drawings(content, scene).items()},  # noqa: S704  ours, all texts escaped
        )
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"{template or 'report.html'}{f', line {line}' if line else ''}"
        raise InputError(f"{where}: {error.message or error}") from error


def _shown(content: ReportContent) -> dict[str, Any]:
    """Return what all maps of a report share."""
    return {
        "note": content.drawn or content.note,
        "capacity": content.capacity,
        "basemap": content.basemap,
        "width": MAP_WIDTH,
    }


def _map_words(scene: Scene, note: SurfaceNote) -> str:
    """Return what the map shows: how fine, and of what.

    Examples
    --------
    >>> from types import SimpleNamespace as Some
    >>> _map_words(Some(resolution=7, outside=0.0), Some(region="Bay Area"))
    'in each hexagon (H3 resolution 7), all of Bay Area'
    >>> _map_words(Some(resolution=3, outside=0.007), Some(region="United States"))
    'in each hexagon (H3 resolution 3); 0.7% of the households of United States live beyond this map'
    """
    told = f"in each hexagon (H3 resolution {scene.resolution})"
    if scene.outside <= 0:
        return f"{told}, all of {note.region}"
    return f"{told}; {scene.outside:.1%} of the households of {note.region} live beyond this map"


def drawings(content: ReportContent, scene: Scene) -> dict[str, str]:
    """Return the report's pictures as SVG: ``map``, ``detail``, ``curve``, ``comparison``; empty where not needed."""
    shown = _shown(content)
    marks = content.capacity if isinstance(content.capacity, tuple) else (content.capacity,)
    outlines = (*content.outlines, *content.layers)
    focus = _focus(content.outlines)
    return {
        "map": svg_from_scene(scene, width=MAP_WIDTH),
        "detail": map_svg(content.table, layers=outlines, focus=focus, **shown) if focus else "",
        "curve": curve_svg(content.curve, content.place_curves, marks=marks),
        "comparison": comparison_svg(content.places, content.region) if content.places else "",
    }


def _focus(outlines: tuple[MapLayer, ...]) -> tuple[float, float, float, float] | None:
    """Return what a closer map of the areas shows: them, and something around."""
    bounds = [layer.shape().bounds for layer in outlines]
    if not bounds:
        return None
    west, south = (min(box[i] for box in bounds) for i in (0, 1))
    east, north = (max(box[i] for box in bounds) for i in (2, 3))
    across, up = (max(AROUND * side, AROUND_DEGREES) for side in (east - west, north - south))
    west, south, east, north = west - across, south - up, east + across, north + up
    squeeze = math.cos(math.radians((south + north) / 2))
    wider = max((north - south) / TALLEST / squeeze - (east - west), 0.0) / 2
    return west - wider, south, east + wider, north


def _read(template: Path) -> str:
    try:
        return template.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"the template {template} cannot be read: {error}") from error


def _figure(value: float | str | None) -> str:
    """Return a figure of a layer as people write it.

    Examples
    --------
    >>> _figure(1234.5678), _figure(3), _figure(None), _figure("open")
    ('1,234.6', '3', '-', 'open')
    """
    if value is None:
        return "-"
    if isinstance(value, str):
        return str(clean(value))
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _count(value: float | None) -> str:
    return "hidden" if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "hidden" if value is None else f"{value:.0%}"


def _dollars(value: float) -> str:
    return f"${value:,.0f}"
