"""What people are handed of a surface beside the map: the report, with every answer that stands in it."""

from pathlib import Path
from typing import Any, Final

from geoscore.query import Surface
from geoscore.reports import ReportContent, write_report

HEADLINE: Final = 2500.0
"""The threshold that a run speaks of, in dollars."""
TOP_ZIPS: Final = 15
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
    capacity: float = HEADLINE,
    zips: tuple[str, ...] = (),
    area: Path | None = None,
    summary: dict[str, Any] | None = None,
    drawn: Surface | None = None,
) -> None:
    """Write a report on a surface, or on some ZIPs and areas of it, as one HTML page; its map may be a coarser one."""
    region = surface.query(capacity=capacity)
    places = [surface.query(zip=code, capacity=capacity) for code in zips]
    if area is not None:
        places.append(surface.query(area=area, capacity=capacity))
    ranked = sorted(surface.at_least(capacity).by("zip"), key=lambda answer: -(answer.estimate or 0.0))
    whole = surface.select()
    content = ReportContent(
        note=surface.note,
        table=(drawn or surface).table,
        capacity=capacity,
        region=region.to_dict(),
        sentences=tuple(str(answer) for answer in (region, *places)),
        places=tuple(answer.to_dict() for answer in places),
        counties=tuple(answer.to_dict() for answer in surface.at_least(capacity).by("county")),
        top_zips=tuple(answer.to_dict() for answer in ranked[:TOP_ZIPS] if answer.estimate),
        curve=tuple(surface.answer(whole, capacity=rung).to_dict() for rung in surface.note.ladder),
        summary=summary,
    )
    write_report(content, path)
