"""A still map as PNG or PDF, by matplotlib: at the size of a slide, a printed page, or any other."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from geoscore.errors import InputError
from geoscore.maps.scene import LETTER, Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZES: Final = {"slide": (40 / 3, 7.5, 144), "print": (7.1, 8.6, 300)}
"""Width and height in inches and dots an inch: a 16:9 slide of 1920 x 1080 dots; a page in its margins."""
BROAD: Final = 1.2
"""A sheet that is this much wider than high has the legend beside the map."""
PAD: Final = 0.34
MOST_TITLE_LINES: Final = 3
EM: Final = 0.6
"""Width of a letter in its own size, bold ones too."""
MOST_DOTS: Final = 10_000
INK: Final = "#1b2530"
SOFT: Final = "#4a5763"
_TEXT: Final[Any] = {"font.family": "DejaVu Sans", "hatch.linewidth": 0.5, "svg.hashsalt": "geoscore"}


def picture_size(text: str) -> tuple[float, float, int]:
    """Return width and height in inches and dots an inch from ``slide``, ``print``, or dots such as ``1600x900``.

    Raises
    ------
    InputError
        It is none of them.

    Examples
    --------
    >>> picture_size("slide"), picture_size("1500x900")
    ((13.333333333333334, 7.5, 144), (10.0, 6.0, 150))
    """
    if text in SIZES:
        return SIZES[text]
    wide, _, high = text.partition("x")
    if wide.isdigit() and high.isdigit() and all(200 <= int(side) <= MOST_DOTS for side in (wide, high)):  # noqa: PLR2004
        return int(wide) / 150, int(high) / 150, 150
    raise InputError(f"size {text!r}: write slide, print, or dots as 1600x900, each side 200 to {MOST_DOTS:,}")


def lettered_width(size: str) -> float:
    """Return the width at which a scene's names keep apart on a picture: small sheets have large letters.

    Examples
    --------
    >>> round(lettered_width("slide")), round(lettered_width("800x600"))
    (590, 459)
    """
    wide, high, _ = picture_size(size)
    across = min(0.64 * wide, high - 2 * PAD) if wide > BROAD * high else wide - 2 * PAD
    return LETTER * across * 72 / (EM * _map_letter(across))


def _map_letter(across: float) -> float:
    """Return the size in points of names on a map so many inches wide."""
    return min(9.0, 0.95 * across + 2.4)


def save_picture(scene: Scene, path: Path | str, *, size: str = "slide") -> None:
    """Draw a scene to a file; the same scene gives the same bytes.

    Parameters
    ----------
    scene
        What is drawn.
    path
        A file ending in ``.png`` or ``.pdf``.
    size
        ``slide``, ``print``, or dots as ``1600x900``.

    Raises
    ------
    InputError
        matplotlib is missing, or the file's ending is another.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".pdf"):
        raise InputError(f"{path}: a picture is written as .png, .pdf or .svg")
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(
            "pictures are drawn by matplotlib, which is missing; pip install 'geoscore[pictures]'"
        ) from error
    wide, high, dpi = picture_size(size)
    with mpl.rc_context(_TEXT):
        figure = Figure(figsize=(wide, high), dpi=dpi, facecolor="white")
        _compose(figure, scene, wide=wide, high=high)
        metadata: dict[str, Any] = {"Software": None} if path.suffix.lower() == ".png" else {"CreationDate": None}
        figure.savefig(path, dpi=dpi, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class _Sheet:
    """A sheet of paper: its size and letters, and where things are put on it, in inches from its lower left corner."""

    figure: "Figure"
    wide: float
    high: float
    letter: float  # points

    def write(self, x: float, y: float, text: str, *, size: float = 1.0, **how: Any) -> float:
        """Write lines of text downwards from ``y`` and return where they end."""
        style = {"va": "top", "color": SOFT, **how}
        self.figure.text(x / self.wide, y / self.high, text, size=self.letter * size, **style)
        return y - self.letter * size * 1.3 / 72 * (1 + text.count("\n"))

    def fold(self, text: str, width: float, *, size: float = 1.0, bold: bool = False) -> str:
        """Break a text into lines of a width in inches."""
        return fill(text, max(12, int(width * 72 / (self.letter * size * (0.7 if bold else 0.61)))))

    def box(self, x: float, y: float, wide: float, high: float, *, color: str, hatch: str) -> None:
        """Fill a box."""
        from matplotlib.patches import Rectangle

        edge = "#aab2b8" if hatch else color
        corner, size = (x / self.wide, y / self.high), (wide / self.wide, high / self.high)
        patch = Rectangle(corner, *size, facecolor=color, edgecolor=edge, hatch=hatch, linewidth=0)
        patch.set_transform(self.figure.transFigure)
        self.figure.add_artist(patch)


def _compose(figure: "Figure", scene: Scene, *, wide: float, high: float) -> None:
    """Put map, title, legend and footer on the sheet: side by side on a wide one, one below the other on a tall one."""
    if wide > BROAD * high:
        _compose_aside(_Sheet(figure=figure, wide=wide, high=high, letter=13 * high / 7.5), scene)
    else:
        _compose_below(_Sheet(figure=figure, wide=wide, high=high, letter=9 * wide / 7.1), scene)


def _compose_aside(sheet: _Sheet, scene: Scene) -> None:
    pad = PAD
    across = min(0.64 * sheet.wide, (sheet.high - 2 * pad) * scene.size_km[0] / scene.size_km[1])
    tall = across * scene.size_km[1] / scene.size_km[0]
    _put_map(sheet, scene, (sheet.wide - pad - across, (sheet.high - tall) / 2, across, tall))
    room = sheet.wide - across - 3 * pad
    large = 1.8 if sheet.fold(scene.title, room, size=1.8, bold=True).count("\n") < MOST_TITLE_LINES else 1.3
    title = sheet.fold(scene.title, room, size=large, bold=True)
    y = sheet.write(pad, sheet.high - pad, title, size=large, color=INK, weight="bold")
    gap = sheet.letter / 72  # a line, whatever the size of the sheet
    y = sheet.write(pad, y - gap, sheet.fold(scene.headline, room), color=INK)
    y = sheet.write(pad, y - 1.5 * gap, sheet.fold(scene.legend, room, bold=True), color=INK, weight="bold")
    footer, boxes = sheet.fold(scene.footer, room, size=0.72), _boxes(scene)
    y -= 0.5 * gap
    top = pad + 0.72 * 1.3 * gap * (1 + footer.count("\n")) + gap
    step = min(1.75 * gap, (y - top) / len(boxes))  # a legend keeps clear of the footer
    for color, word, hatch in [*reversed(boxes[: len(scene.colors)]), *boxes[len(scene.colors) :]]:
        y -= step
        sheet.box(pad, y, 2 * gap, step * 0.9, color=color, hatch=hatch)
        sheet.write(pad + 2.6 * gap, y + step * 0.45, word, va="center")
    sheet.write(pad, pad, footer, size=0.72, va="bottom")


def _compose_below(sheet: _Sheet, scene: Scene) -> None:
    pad, room = PAD, sheet.wide - 2 * PAD
    y = sheet.write(
        pad, sheet.high - pad, sheet.fold(scene.title, room, size=1.8, bold=True), size=1.8, color=INK, weight="bold"
    )
    y = sheet.write(pad, y - 0.06, sheet.fold(scene.headline, room), color=INK) - 0.12
    tall = min(y - 1.6 * sheet.letter / 9, room * scene.size_km[1] / scene.size_km[0])
    across = tall * scene.size_km[0] / scene.size_km[1]
    _put_map(sheet, scene, ((sheet.wide - across) / 2, y - tall, across, tall))
    y = sheet.write(pad, y - tall - 0.14, scene.legend, color=INK, weight="bold")
    boxes = _boxes(scene)
    step = room / len(boxes)
    for i, (color, word, hatch) in enumerate(boxes):
        sheet.box(pad + i * step, y - 0.2, step - 0.05, 0.14, color=color, hatch=hatch)
        sheet.write(pad + i * step, y - 0.26, fill(word, 12), size=0.86)
    sheet.write(pad, 0.6 * pad, sheet.fold(scene.footer, room, size=0.78), size=0.78, va="bottom")


def _put_map(sheet: _Sheet, scene: Scene, box: tuple[float, float, float, float]) -> None:
    x, y, wide, high = box
    axes = sheet.figure.add_axes((x / sheet.wide, y / sheet.high, wide / sheet.wide, high / sheet.high))
    _draw_map(axes, scene, letter=_map_letter(wide))


def _draw_map(axes: "Axes", scene: Scene, *, letter: float) -> None:
    import matplotlib.patheffects as effects

    axes.set(xlim=(0, scene.size_km[0]), ylim=(0, scene.size_km[1]), xticks=[], yticks=[], facecolor="#dfe7ea")
    axes.set_aspect("equal")
    for spine in axes.spines.values():
        spine.set(color="#b9c2c8", linewidth=0.6)
    _polygons(axes, scene.land, facecolor="#f8f7f3", linewidth=0)
    for number, color in enumerate(scene.colors):
        _polygons(axes, scene.cells[scene.classes == number], facecolor=color, edgecolor="white", linewidth=0.15)
    hidden = scene.cells[scene.classes < 0]
    if len(hidden):
        _polygons(axes, hidden, facecolor="#ecedeb", linewidth=0)
        _lines(axes, scene.hatch, color="#aab2b8", linewidth=0.45)
    _lines(axes, scene.zips, color="#465460", alpha=0.35, linewidth=0.4)
    _lines(axes, scene.borders, color="#465460", alpha=0.7, linewidth=0.6)
    _lines(axes, scene.shore, color="#68808e", linewidth=0.8)
    for shape, color in zip(scene.layers, scene.layer_colors, strict=True):
        _polygons(axes, [shape], facecolor=(color, 0.08), edgecolor=color, linewidth=1.4)
        _lines(axes, [shape], color=color, linewidth=1.6)
        points = [part for part in shapely.get_parts([shape]) if part.geom_type == "Point"]
        axes.scatter([p.x for p in points], [p.y for p in points], s=22, color=color, edgecolor="white", zorder=5)
    halo = [effects.withStroke(linewidth=2.0, foreground="white", alpha=0.85)]
    for label in scene.labels:
        color = label.color or INK
        text_size = letter * {"county": 0.85, "place": 0.95, "layer": 1.15}[label.kind]
        axes.text(
            *label.at,
            label.text,
            size=text_size,
            color=color,
            ha="center",
            va="center",
            weight="bold",
            path_effects=halo,
        )
    length, words = scene.scale()
    x, y = 0.025 * scene.size_km[0], 0.025 * scene.size_km[0]
    tick = 0.008 * scene.size_km[0]
    axes.plot([x, x, x + length, x + length], [y + tick, y, y, y + tick], color=INK, linewidth=1.0)
    axes.text(x, y + 1.8 * tick, words, size=letter, color=INK, va="bottom")


def _polygons(axes: "Axes", shapes: Any, **how: Any) -> None:
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path as Outline

    parts = [part for part in _parts(shapes) if part.geom_type == "Polygon"]
    if not parts:
        return
    rings = [[Outline(np.asarray(ring.coords), closed=True) for ring in (p.exterior, *p.interiors)] for p in parts]
    paths = [Outline.make_compound_path(*some) for some in rings]
    axes.add_collection(PathCollection(paths, **how))


def _lines(axes: "Axes", shapes: Any, **how: Any) -> None:
    from matplotlib.collections import LineCollection

    parts = [np.asarray(part.coords) for part in _parts(shapes) if part.geom_type in ("LineString", "LinearRing")]
    axes.add_collection(LineCollection(parts, **how))


def _parts(shapes: Any) -> Any:
    return shapely.get_parts(shapely.get_parts(shapes)) if len(shapes) else []


def _boxes(scene: Scene) -> list[tuple[str, str, str]]:
    boxes = [(color, word, "") for color, word in zip(scene.colors, scene.words, strict=True)]
    return [*boxes, ("#ecedeb", f"hidden: fewer than {scene.k}", "//////")] if scene.hides else boxes
