"""What people are handed of a surface beside the map: the report, with every answer that stands in it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely.geometry

from geoscore.errors import SurfaceError
from geoscore.ladder import Capacity
from geoscore.maps import MapLayer
from geoscore.query import Answer, Selection, Surface
from geoscore.reference.basemap import Basemap
from geoscore.reports import ReportContent, write_report
from geoscore.spatial.polygons import merged_cells, read_area

HEADLINE: Final = 2500.0
"""The threshold that a run speaks of, in dollars."""
TOP_ZIPS: Final = 15
TOP_CELLS: Final = 10
MOST_CELLS: Final = 50_000
"""Cells on one map; more are merged into coarser ones."""


def drawable(surface: Surface) -> Surface:
    """Return a surface with no more cells than a page can carry: itself, or a coarser one where it has too many."""
    while len(surface.table["cell"].unique()) > MOST_CELLS:
        surface = surface.rollup(surface.note.resolution - 1)
    return surface


def save_report(
    surface: Surface,
    path: Path,
    *,
    capacity: Capacity = HEADLINE,
    zips: tuple[str, ...] = (),
    area: Path | None = None,
    summary: dict[str, Any] | None = None,
    drawn: Surface | None = None,
    basemap: Basemap | None = None,
    layers: Sequence[MapLayer] = (),
    template: Path | None = None,
) -> None:
    """Write a report on a surface, or on some ZIPs and areas of it, as one HTML page or a PDF.

    Parameters
    ----------
    surface
        A published surface.
    path
        A file ending in ``.html`` or ``.pdf``.
    capacity
        Threshold in US dollars, or band.
    zips, area
        ZIPs and a file of polygons to be compared with each other and the region.
    summary
        What a run counted.
    drawn
        A coarser surface for the map, where the surface has more cells than a map can carry.
    basemap
        Outlines and names; those of the samples where they hold the surface's counties.
    layers
        Shapes of the user's own, drawn on the map and listed with their figures.
    template
        A Jinja2 template in place of geoscore's own, or one that extends it.
    """
    basemap = basemap or surface.basemap
    chosen = [(surface.select(zip=code), _zip_shape(surface, basemap, code)) for code in zips]
    if area is not None:
        chosen.append((surface.select(area=area), read_area(area)))
    answers = [surface.answer(selection, capacity=capacity) for selection, _ in chosen]
    region = surface.query(capacity=capacity)
    listing = surface.at_least(capacity)
    where = {code: place.name for place in basemap.places for code in place.zips}
    ladder = surface.note.ladder
    content = ReportContent(
        note=surface.note,
        table=(drawn or surface).table,
        drawn=(drawn or surface).note,
        capacity=capacity,
        region=region.to_dict(),
        sentences=tuple(_sentence(surface, answer) for answer in (region, *answers)),
        places=tuple(_compared(answer, region, where) for answer in answers),
        counties=tuple(row for row in listing.by("county").to_rows()),
        top_zips=_top(listing.by("zip").top(TOP_ZIPS).to_rows(), where),
        top_cells=_top(listing.by("cell").top(TOP_CELLS).to_rows(), where, zips=_zips_of_cells(surface)),
        curve=_curve(surface, surface.select(), ladder),
        place_curves=tuple((selection.area, _curve(surface, selection, ladder)) for selection, _ in chosen),
        outlines=tuple(MapLayer(selection.area, shape) for selection, shape in chosen if shape is not None),
        layers=tuple(layers),
        layer_answers=tuple(_layer_answer(surface, layer, capacity) for layer in layers),
        basemap=basemap,
        summary=summary,
    )
    write_report(content, path, template=template)


def _sentence(surface: Surface, answer: Answer) -> str:
    """Return an answer's sentence with its formula in words, as a board reads it; the method says its id."""
    return str(replace(answer, formula=surface.note.formula_text or answer.formula))


def _compared(answer: Answer, region: Answer, where: dict[str, str]) -> dict[str, Any]:
    index = None if answer.share is None or not region.share else 100.0 * answer.share / region.share
    return {**answer.to_dict(), "index": index, "where": where.get(answer.area.removeprefix("ZIP "), "")}


def _top(
    rows: list[dict[str, Any]], where: dict[str, str], *, zips: dict[str, tuple[str, ...]] | None = None
) -> tuple[dict[str, Any], ...]:
    """Return the rows that say something, with the names of the places they lie in."""
    told = []
    for row in rows:
        key = row.get("zip") or row.get("cell")
        if not row["estimate"] or key is None:
            continue
        codes = (key,) if zips is None else zips.get(key, ())
        names = dict.fromkeys(where[code] for code in codes if code in where)
        words = ", ".join(names) if zips is None else ", ".join([*codes[:3], *names][:4])
        told.append({**row, "where": words})
    return tuple(told)


def _zips_of_cells(surface: Surface) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for cell, code in zip(surface.table["cell"].to_pylist(), surface.table["zip"].to_pylist(), strict=True):
        if cell is not None and code is not None:
            found.setdefault(f"{cell:x}", []).append(code)
    return {cell: tuple(dict.fromkeys(codes)) for cell, codes in found.items()}


def _curve(surface: Surface, selection: Selection, ladder: tuple[int, ...]) -> tuple[dict[str, Any], ...]:
    return tuple(surface.answer(selection, capacity=float(rung)).to_dict() for rung in ladder)


def _zip_shape(surface: Surface, basemap: Basemap, code: str) -> Any:
    """Return the outline of a ZIP, or of its cells where there is none; None where it has no cell either."""
    for feature in (basemap.zips or {}).get("features", ()):
        if feature["properties"].get("zip") == code:
            return shapely.geometry.shape(feature["geometry"])
    cells = surface.table.filter(surface.select(zip=code).weights > 0)["cell"].drop_null()
    shape = merged_cells(np.array(cells.to_pylist(), dtype=np.uint64))
    return None if shape.is_empty else shape


def _layer_answer(surface: Surface, layer: MapLayer, capacity: Capacity) -> dict[str, Any] | None:
    """Return what the surface says of a layer's polygons; None for lines, points and places without cells."""
    shape = layer.shape()
    if shape.area == 0:
        return None
    try:
        return surface.query(area=shape, capacity=capacity).to_dict()
    except SurfaceError:
        return None
