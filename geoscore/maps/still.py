"""A still map as SVG: for reports, notebooks and print; the same surface gives the same bytes."""

from collections.abc import Iterable, Sequence
from html import escape
from textwrap import wrap
from typing import Any, Final

import numpy as np
import pyarrow as pa
import shapely

from geoscore.ladder import Capacity
from geoscore.maps.extent import Bounds
from geoscore.maps.layers import MapLayer
from geoscore.maps.measures import Measure
from geoscore.maps.scene import WIDTH, Scene, scene_from_surface
from geoscore.reference.basemap import Basemap
from geoscore.schemas import SurfaceNote

LEGEND: Final = 62.0
HIDDEN: Final = "#ecedeb"
HEADING: Final = 58.0
LINE: Final = 15.0
STYLE: Final = (
    ".map text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:#4a5763}"
    ".map .title{font-weight:600;font-size:21px;fill:#1b2530}.map .under{font-size:14px}"
    ".map .key{font-weight:600;fill:#1b2530}"
    ".map .name{font-weight:600;font-size:11px;fill:#28343f;text-anchor:middle}"
    ".map .halo{stroke:#fff;stroke-width:3px;stroke-linejoin:round;stroke-opacity:.85}"
    ".map .county{letter-spacing:.05em;font-size:10.5px}.map .layer{font-size:13px}"
)
"""Every rule names its kind of drawing, for it holds for the whole page that a map stands in."""
GROUND: Final = {
    "land": 'fill="#f8f7f3"',
    "zips": 'fill="none" stroke="#465460" stroke-opacity=".35" stroke-width=".6"',
    "borders": 'fill="none" stroke="#465460" stroke-opacity=".6" stroke-width=".8"',
    "hatch": 'fill="none" stroke="#aab2b8" stroke-width=".9"',
    "shore": 'fill="none" stroke="#68808e" stroke-width="1.1"',
}


def map_svg(
    table: pa.Table,
    *,
    note: SurfaceNote,
    capacity: Capacity = 2500.0,
    measure: Measure = "estimate",
    basemap: Basemap | None = None,
    layers: Sequence[MapLayer] = (),
    focus: Bounds | None = None,
    standalone: bool = False,
    width: float = WIDTH,
) -> str:
    """Return a map as an SVG element, or as a file of its own with title and footer.

    Parameters are those of `geoscore.maps.scene.scene_from_surface`.

    Examples
    --------
    >>> from geoscore.schemas import SURFACE
    >>> note = SurfaceNote(title="Bay", region="", universe="", formula="2pct", formula_text="", horizon="one year",
    ...                    purpose="", vintage="", resolution=7, k=10, published=True)
    >>> map_svg(SURFACE.empty_table(), note=note)[:4]
    '<svg'
    """
    scene = scene_from_surface(
        table,
        note=note,
        capacity=capacity,
        measure=measure,
        basemap=basemap,
        layers=layers,
        focus=focus,
        width=width,
    )
    return svg_from_scene(scene, standalone=standalone, width=width)


def svg_from_scene(scene: Scene, *, standalone: bool = False, width: float = WIDTH) -> str:
    """Return a scene as SVG."""
    scale = width / scene.size_km[0]
    high = scene.size_km[1] * scale
    head = HEADING if standalone else 0.0
    foot = wrap(scene.footer, int(width / 6.5)) if standalone else []
    height = head + high + LEGEND + (LINE * len(foot) + 8 if foot else 0)
    number = f"h{len(scene.cells)}x{round(high)}"  # ids must not meet those of another map on the same page
    clip = f'<clipPath id="c{number}"><rect width="{width:.0f}" height="{high:.1f}"/></clipPath>'
    title = escape(f"{scene.title}: {scene.legend}")
    space = ' xmlns="http://www.w3.org/2000/svg"' if standalone else ""
    parts = [
        f'<svg{space} class="map" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{title}">',
        f"<style>{STYLE}</style><defs>{clip}</defs>",
    ]
    if standalone:
        parts.append(f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>')
        parts.append(f'<text class="title" x="14" y="27">{escape(scene.title)}</text>')
        parts.append(f'<text class="under" x="14" y="48">{escape(scene.headline)}</text>')
    parts.append(f'<g transform="translate(0 {head:g})"><g clip-path="url(#c{number})">')
    parts.append(f'<rect width="{width:.0f}" height="{high:.1f}" fill="#dfe7ea"/>')
    parts += _drawn(scene, scale, high)
    parts.append(f"</g>{_scale_bar(scene, scale, high)}{_legend(scene, high, width)}</g>")
    parts += [
        f'<text x="14" y="{head + high + LEGEND + LINE * i + 4:.1f}">{escape(line)}</text>'
        for i, line in enumerate(foot)
    ]
    return "".join([*parts, "</svg>"])


def _drawn(scene: Scene, scale: float, high: float) -> Iterable[str]:
    yield _group(scene.land, GROUND["land"], scale, high)
    fills = [HIDDEN, *scene.colors]
    for number in range(-1, len(scene.colors)):
        some = scene.cells[scene.classes == number]
        yield _group(some, f'fill="{fills[number + 1]}" stroke="#fff" stroke-width=".35"', scale, high)
    for name in ("hatch", "zips", "borders", "shore"):
        yield _group(getattr(scene, name), GROUND[name], scale, high)
    for shape, color in zip(scene.layers, scene.layer_colors, strict=True):
        yield _group([shape], f'fill="{color}" fill-opacity=".08" stroke="{color}" stroke-width="2"', scale, high)
    for label in scene.labels:
        x, y = label.at[0] * scale, high - label.at[1] * scale
        where, text = f'x="{x:.1f}" y="{y + 4:.1f}"', escape(label.text)
        for kind in (f"name {label.kind} halo", f"name {label.kind}"):  # `paint-order` is not known everywhere
            color = f' style="fill:{label.color}"' if label.color else ""
            yield f'<text class="{kind}" {where}{color}>{text}</text>'


def _group(shapes: Any, how: str, scale: float, high: float) -> str:
    paths = "".join(_path(shape, scale, high) for shape in shapes)
    return f'<path d="{paths}" {how} fill-rule="evenodd"/>' if paths else ""


def _path(shape: shapely.Geometry, scale: float, high: float) -> str:
    if shape.geom_type.startswith("Multi") or shape.geom_type == "GeometryCollection":
        return "".join(_path(part, scale, high) for part in shape.geoms)
    if shape.geom_type == "Polygon":
        return "".join(_line(ring, scale, high) + "Z" for ring in (shape.exterior, *shape.interiors))
    if shape.geom_type == "Point":
        x, y = shape.x * scale, high - shape.y * scale
        return f"M{x - 5:.1f} {y:.1f}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z"
    return _line(shape, scale, high)


def _line(line: Any, scale: float, high: float) -> str:
    points = np.asarray(line.coords)
    closed = line.geom_type == "LinearRing"
    points = points[:-1] if closed else points
    x, y = points[:, 0] * scale, high - points[:, 1] * scale
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))


def _scale_bar(scene: Scene, scale: float, high: float) -> str:
    length, words = scene.scale()
    x, y, wide = 16.0, high - 16.0, length * scale
    return (
        f'<path d="M{x:g} {y - 5:.1f}V{y:.1f}H{x + wide:.1f}V{y - 5:.1f}" fill="none" stroke="#28343f" '
        f'stroke-width="1.4"/><text x="{x:g}" y="{y - 9:.1f}">{words}</text>'
    )


def _legend(scene: Scene, high: float, width: float) -> str:
    boxes = [*zip(scene.colors, scene.words, strict=True)]
    if scene.hides:
        boxes.append((HIDDEN, f"hidden (< {scene.k})"))
    step = width / len(boxes)
    lines = "".join(f"M{(len(boxes) - 1) * step + at:.1f} {high + 37:.0f}l11 -11" for at in np.arange(0, step - 15, 5))
    return (
        f'<text class="key" y="{high + 19:.0f}">{escape(scene.legend)}</text>'
        + "".join(
            f'<rect x="{i * step:.1f}" y="{high + 26:.0f}" width="{step - 4:.1f}" height="11" fill="{color}"/>'
            f'<text x="{i * step:.1f}" y="{high + 51:.0f}">{escape(word)}</text>'
            for i, (color, word) in enumerate(boxes)
        )
        + (f'<path d="{lines}" {GROUND["hatch"]}/>' if scene.hides else "")
    )
