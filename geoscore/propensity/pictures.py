"""Pictures of a model as SVG, drawn by hand: effects of the features, gains, and how true probabilities come."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

PANEL_W, BAR_H, LABEL_W, TOP = 430, 16, 170, 34
COLUMNS: Final = 2
MOST: Final = 12
UP, DOWN, INK, FAINT = "#1b7837", "#b35806", "#222222", "#bbbbbb"
FONT: Final = 'font-family="Helvetica, Arial, sans-serif"'


def draw_effects(effects: Sequence[dict[str, Any]]) -> str:
    """Return the effects of the twelve strongest features: a bar for every bin, its length in log odds.

    Parameters
    ----------
    effects
        As ``describe_effects`` gives them.
    """
    strongest = sorted(effects, key=_reach, reverse=True)[:MOST]
    widest = max([_reach(item) for item in strongest] or [1.0]) or 1.0
    heights = [TOP + BAR_H * len(item["bins"]) + 14 for item in strongest]
    rows = [max(heights[i : i + COLUMNS]) for i in range(0, len(heights), COLUMNS)]
    parts, y = [], 30
    parts.append(_text(10, 18, "What each feature adds to the log odds of giving, on average", size=14, bold=True))
    for i, item in enumerate(strongest):
        x = 10 + (i % COLUMNS) * PANEL_W
        parts.append(_panel(item, x, y, widest))
        if i % COLUMNS == COLUMNS - 1:
            y += rows[i // COLUMNS]
    return _page(10 + COLUMNS * PANEL_W, 40 + sum(rows), parts)


def _panel(item: dict[str, Any], x: float, y: float, widest: float) -> str:
    zero = x + LABEL_W + (PANEL_W - LABEL_W) / 2
    scale = (PANEL_W - LABEL_W - 90) / 2 / widest
    parts = [_text(x, y + 18, item["feature"].replace("_", " "), size=12, bold=True)]
    for i, found in enumerate(item["bins"]):
        top = y + TOP + i * BAR_H
        long = found["adds"] * scale
        left, color = (zero, UP) if long >= 0 else (zero + long, DOWN)
        label = found["bin"] if len(found["bin"]) < 27 else found["bin"][:25] + "…"  # noqa: PLR2004
        parts.append(_text(x + LABEL_W - 6, top + 11, label, size=10, anchor="end"))
        parts.append(
            f'<rect x="{left:.1f}" y="{top + 2:.1f}" width="{abs(long):.1f}" height="{BAR_H - 4}" fill="{color}"/>'
        )
        at = zero + long + 4 if long >= 0 else zero + long - 4
        anchor = "start" if long >= 0 else "end"
        parts.append(
            _text(
                at,
                top + 11,
                f"{found['adds'] + 0.0:+.2f}".replace("-0.00", "0.00").replace("+0.00", "0.00"),
                size=9,
                anchor=anchor,
            )
        )
    bottom = y + TOP + len(item["bins"]) * BAR_H
    parts.append(f'<line x1="{zero:.1f}" y1="{y + TOP}" x2="{zero:.1f}" y2="{bottom}" stroke="{FAINT}"/>')
    return "".join(parts)


def _reach(item: dict[str, Any]) -> float:
    return max((abs(found["adds"]) for found in item["bins"]), default=0.0)


def draw_gains(gains: Sequence[dict[str, Any]]) -> str:
    """Return two curves: the share of givers (and dollars) reached tenth by tenth, and expected against realized.

    Parameters
    ----------
    gains
        As ``figures.gains_table`` gives them.
    """
    size, left, top = 300.0, 60.0, 50.0
    total = sum(row["households"] for row in gains)
    order = "expected dollars" if "share_of_usd_so_far" in gains[0] else "chance of a gift"
    told = f"Gains: share reached, households in order of {order}"
    so_far, parts = 0.0, [_text(10, 20, told, size=14, bold=True)]
    curves: dict[str, list[tuple[float, float]]] = {"givers": [(0.0, 0.0)], "dollars": [(0.0, 0.0)]}
    for row in gains:
        so_far += row["households"] / max(total, 1)
        curves["givers"].append((so_far, row["share_of_givers_so_far"]))
        if "share_of_usd_so_far" in row:
            curves["dollars"].append((so_far, row["share_of_usd_so_far"]))
    parts.append(_frame(left, top, size))
    parts.append(_path([(0, 0), (1, 1)], left, top, size, FAINT))
    for (name, points), color in zip(curves.items(), (UP, DOWN), strict=True):
        if len(points) > 1:
            parts.append(_path(points, left, top, size, color))
            place = points[4] if name == "givers" else points[2]
            right = name == "givers"
            at, up = left + size * place[0] + (8 if right else -8), top + size * (1 - place[1]) + (12 if right else -4)
            parts.append(_text(at, up, name, size=11, color=color, anchor="start" if right else "end"))
    x = left + size + 90
    parts.append(_text(x - 50, 40, "Expected and realized givers, tenth by tenth", size=11))
    most = max(max(row["givers_expected"], row["givers"]) for row in gains) or 1.0
    points = [(row["givers_expected"] / most, row["givers"] / most) for row in gains]
    parts += [_frame(x, top, size, most=most), _path([(0, 0), (1, 1)], x, top, size, FAINT)]
    parts += [f'<circle cx="{x + size * a:.1f}" cy="{top + size * (1 - b):.1f}" r="4" fill="{UP}"/>' for a, b in points]
    parts.append(_text(x + size / 2, top + size + 34, "givers expected", size=11, anchor="middle"))
    parts.append(_text(left + size / 2, top + size + 34, "share of households", size=11, anchor="middle"))
    return _page(int(x + size + 30), int(top + size + 50), parts)


def _frame(x: float, y: float, size: float, *, most: float | None = None) -> str:
    parts = [f'<rect x="{x}" y="{y}" width="{size}" height="{size}" fill="none" stroke="{FAINT}"/>']
    for share in (0.0, 0.5, 1.0):
        label = f"{share:.0%}" if most is None else f"{share * most:,.0f}"
        parts.append(_text(x + size * share, y + size + 16, label, size=10, anchor="middle"))
        parts.append(_text(x - 6, y + size * (1 - share) + 4, label, size=10, anchor="end"))
    return "".join(parts)


def _path(points: Sequence[tuple[float, float]], x: float, y: float, size: float, color: str) -> str:
    places = " ".join(f"{x + size * a:.1f},{y + size * (1 - b):.1f}" for a, b in points)
    return f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="2"/>'


def _text(
    x: float, y: float, text: str, *, size: int, anchor: str = "start", bold: bool = False, color: str = INK
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" {FONT} font-size="{size}" text-anchor="{anchor}"{weight} fill="{color}">'
        f"{escape(text)}</text>"
    )


def _page(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )
