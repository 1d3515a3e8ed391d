"""The report: headline, map, best ZIPs, capacity curve, method and provenance on one HTML page.

The page is self-contained and prints well; its template is a file that a user may read.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from geoscore.errors import InputError
from geoscore.maps.still import map_svg
from geoscore.schemas import SurfaceNote

CURVE_WIDTH: Final = 640
CURVE_HEIGHT: Final = 240
MARGIN: Final = (52, 16, 16, 36)
"""Left, top, right and bottom of the curve's frame, in SVG units."""
TICKS: Final = (100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """What a report shows: answers as plain values, and the surface's rows for its map."""

    note: SurfaceNote
    table: pa.Table
    capacity: float
    region: dict[str, Any]
    sentences: tuple[str, ...]
    places: tuple[dict[str, Any], ...]
    counties: tuple[dict[str, Any], ...]
    top_zips: tuple[dict[str, Any], ...]
    curve: tuple[dict[str, Any], ...]
    summary: dict[str, Any] | None = None


def write_report(content: ReportContent, path: Path) -> None:
    """Write a report as one HTML file, whole or not at all.

    Raises
    ------
    InputError
        The path does not end in ``.html``.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: a report is written as .html for now; print it to PDF from a browser")
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(report_html(content), encoding="utf-8")
    os.replace(part, path)  # noqa: PTH105  the atomic one, by its own name


def report_html(content: ReportContent) -> str:
    """Return the report as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("geoscore.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "dollars": _dollars, "share": _share}
    figure = map_svg(content.table, note=content.note, capacity=content.capacity)
    return environment.get_template("report.html").render(
        c=content,
        note=content.note,
        map=Markup(figure),  # noqa: S704  our own SVG, every text in it escaped
        curve=Markup(curve_svg(content.curve, capacity=content.capacity)),  # noqa: S704
        region_share=(content.region["estimate"] or 0.0) / (content.region["households"] or 1.0),
    )


def curve_svg(answers: tuple[dict[str, Any], ...], *, capacity: float) -> str:
    """Return the capacity curve as SVG: the share of households at or above each threshold, with its interval."""
    import math

    left, top, right, bottom = MARGIN
    first, last = math.log(answers[0]["capacity_usd"]), math.log(answers[-1]["capacity_usd"])

    def x(usd: float) -> float:
        return left + (math.log(usd) - first) / (last - first) * (CURVE_WIDTH - left - right)

    def y(share: float) -> float:
        return top + (1.0 - share) * (CURVE_HEIGHT - top - bottom)

    def line(name: str) -> list[str]:
        return [f"{x(a['capacity_usd']):.1f},{y((a[name] or 0.0) / (a['households'] or 1.0)):.1f}" for a in answers]

    band = " ".join([*line("low"), *reversed(line("high"))])
    grid = "".join(
        f'<line x1="{left}" x2="{CURVE_WIDTH - right}" y1="{y(s):.1f}" y2="{y(s):.1f}" class="grid"/>'
        f'<text x="{left - 8}" y="{y(s) + 4:.1f}" text-anchor="end">{s:.0%}</text>'
        for s in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    ticks = "".join(
        f'<text x="{x(usd):.1f}" y="{CURVE_HEIGHT - 12}" text-anchor="{"end" if usd == TICKS[-1] else "middle"}">'
        f"{_dollars(usd)}</text>"
        for usd in TICKS
    )
    mark = f'<line x1="{x(capacity):.1f}" x2="{x(capacity):.1f}" y1="{top}" y2="{CURVE_HEIGHT - bottom}" class="mark"/>'
    return (
        f'<svg viewBox="0 0 {CURVE_WIDTH} {CURVE_HEIGHT}" role="img" aria-label="Share of households by capacity">'
        f'{grid}{ticks}<polygon points="{band}" class="band"/>'
        f'<polyline points="{" ".join(line("estimate"))}" class="curve"/>{mark}</svg>'
    )


def _count(value: float | None) -> str:
    return "hidden" if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "hidden" if value is None else f"{value:.0%}"


def _dollars(value: float) -> str:
    return f"${value:,.0f}"
