"""The charts of a report, as SVG that carries its own style: capacity curves, and areas beside each other."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any, Final

WIDTH: Final = 640
HEIGHT: Final = 260
MARGIN: Final = (52, 16, 16, 36)
"""Left, top, right and bottom of the curve's frame, in SVG units."""
TICKS: Final = (100, 1_000, 10_000, 100_000, 1_000_000)
COLORS: Final = ("#22577a", "#b3541e", "#7a1f84", "#3f7d20", "#8a6d00")
"""Of areas, told apart by every kind of color vision, and by the order of the key."""
MOST_CURVES: Final = len(COLORS)
MOST_BANDS: Final = 2
ROW: Final = 26
STYLE: Final = (
    "<style>.chart text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;fill:#5b6b7a}"
    ".chart .grid{stroke:#dbe2e8}.chart .mark{stroke:#5b6b7a;stroke-dasharray:4 3}"
    ".chart .name{fill:#1b2733;font-weight:600}"
    ".chart .region{fill:none;stroke:#5b6b7a;stroke-width:1.6;stroke-dasharray:5 4}</style>"
)
"""Rules of a drawing hold for the whole page that it stands in, so each names its own kind of drawing."""
VALUE: Final = 38
"""Width of a share as it is written beside its interval."""
LONGEST_NAME: Final = 24

Answers = Sequence[dict[str, Any]]


def curve_svg(region: Answers, areas: Sequence[tuple[str, Answers]] = (), *, marks: Sequence[float]) -> str:
    """Return capacity curves: the share of households at or above each threshold, with their intervals.

    Parameters
    ----------
    region
        The region's answers at ascending thresholds, as plain values.
    areas
        Names and answers of areas at the same thresholds, drawn against the region; the first five.
    marks
        Thresholds to be marked, in US dollars.
    """
    left, top, right, bottom = MARGIN
    first, last = math.log(region[0]["capacity_usd"]), math.log(region[-1]["capacity_usd"])

    def x(usd: float) -> float:
        return left + (math.log(usd) - first) / (last - first) * (WIDTH - left - right)

    def y(share: float) -> float:
        return top + (1.0 - share) * (HEIGHT - top - bottom)

    def points(answers: Answers, name: str) -> list[str]:
        return [f"{x(a['capacity_usd']):.1f},{y((a[name] or 0.0) / (a['households'] or 1.0)):.1f}" for a in answers]

    def band(answers: Answers, color: str) -> str:
        around = " ".join([*points(answers, "low"), *reversed(points(answers, "high"))])
        return f'<polygon points="{around}" fill="{color}" fill-opacity=".16"/>'

    def line(answers: Answers, how: str) -> str:
        return f'<polyline points="{" ".join(points(answers, "estimate"))}" {how}/>'

    told = [(name, answers) for name, answers in areas if answers[0]["households"]][:MOST_CURVES]
    grid = "".join(
        f'<line x1="{left}" x2="{WIDTH - right}" y1="{y(s):.1f}" y2="{y(s):.1f}" class="grid"/>'
        f'<text x="{left - 8}" y="{y(s) + 4:.1f}" text-anchor="end">{s:.0%}</text>'
        for s in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    ticks = "".join(
        f'<text x="{x(usd):.1f}" y="{HEIGHT - 12}" text-anchor="{"end" if usd == TICKS[-1] else "middle"}">'
        f"${usd:,}</text>"
        for usd in TICKS
    )
    lines = [f'<line x1="{x(m):.1f}" x2="{x(m):.1f}" y1="{top}" y2="{HEIGHT - bottom}" class="mark"/>' for m in marks]
    how = 'fill="none" stroke="{}" stroke-width="2.5"'
    if told:
        lines.append(line(region, 'class="region"'))
        for color, (_, answers) in zip(COLORS, told, strict=False):
            lines += [*([band(answers, color)] if len(told) <= MOST_BANDS else []), line(answers, how.format(color))]
    else:
        lines += [band(region, COLORS[0]), line(region, how.format(COLORS[0]))]
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Share of households by capacity">{STYLE}'
        f"{grid}{ticks}{''.join(lines)}{_key([name for name, _ in told])}</svg>"
    )


def _key(names: Sequence[str]) -> str:
    """Return the key of the curves, in the empty corner of the frame."""
    rows = [*zip(names, COLORS, strict=False)]
    lines = [
        f'<line x1="430" x2="456" y1="{28 + 18 * i}" y2="{28 + 18 * i}" stroke="{color}" stroke-width="2.5"/>'
        f'<text class="name" x="464" y="{32 + 18 * i}">{escape(_short(name))}</text>'
        for i, (name, color) in enumerate(rows)
    ]
    if rows:
        end = 28 + 18 * len(rows)
        lines.append(f'<line x1="430" x2="456" y1="{end}" y2="{end}" class="region"/>')
        lines.append(f'<text x="464" y="{end + 4}">region</text>')
    return "".join(lines)


def comparison_svg(areas: Answers, region: dict[str, Any]) -> str:
    """Return the shares of areas, one below the other with their intervals, against that of the region.

    Parameters
    ----------
    areas, region
        Answers as plain values; areas of which nothing can be told say so.
    """
    left, right = 190, 60
    rows = [*areas, region]
    most = max([0.01, *((a["high"] or 0.0) / (a["households"] or 1.0) for a in rows)])
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if most / s <= 5 or s == 0.25)  # noqa: PLR2004  at most
    top = step * math.ceil(most / step)
    height = ROW * len(rows) + 34

    def x(share: float) -> float:
        return left + share / top * (WIDTH - left - right)

    base = (region["estimate"] or 0.0) / (region["households"] or 1.0)
    lines = [
        f'<line x1="{x(i * step):.1f}" x2="{x(i * step):.1f}" y1="4" y2="{height - 26}" class="grid"/>'
        f'<text x="{x(i * step):.1f}" y="{height - 8}" text-anchor="middle">{i * step:.0%}</text>'
        for i in range(round(top / step) + 1)
    ]
    lines.append(f'<line x1="{x(base):.1f}" x2="{x(base):.1f}" y1="4" y2="{height - 26}" class="mark"/>')
    for i, answer in enumerate(rows):
        y = 4 + ROW * i + ROW / 2
        name = escape(_short(answer["area"]))
        lines.append(f'<text class="name" x="{left - 12}" y="{y + 4}" text-anchor="end">{name}</text>')
        if not answer["households"]:
            lines.append(f'<text x="{left + 6}" y="{y + 4}">too few households to tell</text>')
            continue
        low, share, high = (answer[name] / answer["households"] for name in ("low", "estimate", "high"))
        at = x(high) + 10
        if at - 5 < x(base) < at + VALUE:  # the line of the region would strike it through
            at = x(base) + 6
        color = "#5b6b7a" if answer is region else COLORS[i % len(COLORS)] if len(areas) <= MOST_CURVES else COLORS[0]
        lines.append(
            f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" stroke="{color}" stroke-width="2"/>'
            f'<circle cx="{x(share):.1f}" cy="{y}" r="5" fill="{color}"/>'
            f'<text x="{at:.1f}" y="{y + 4}">{share:.0%}</text>'
        )
    label = "Share of households with the capacity, by area"
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{STYLE}'
        f"{''.join(lines)}</svg>"
    )


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
