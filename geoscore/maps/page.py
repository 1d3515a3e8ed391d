"""A surface as one HTML file with a threshold slider: it opens from a disk and asks nothing of any network.

A content policy inside the page forbids every request and every script but its own.
"""

import base64
import hashlib
import html
import json
import os
import unicodedata
from importlib import resources
from pathlib import Path
from typing import Final

import pyarrow as pa

from geoscore.ladder import Capacity
from geoscore.maps.bundle import inline_script, read_bundle
from geoscore.maps.figures import read_rows
from geoscore.maps.layers import MapLayer
from geoscore.maps.packing import compressed
from geoscore.maps.payload import page_data
from geoscore.maps.tiles import Tiles
from geoscore.reference.basemap import Basemap
from geoscore.schemas import SurfaceNote

SCRIPTS: Final = ("figures.js", "ladder.js", "shapes.js", "drawing.js", "panels.js", "map.js", "page.js")
_UNSAFE_IN_JSON: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&'"}
_DIRECTION_MARKS: Final = frozenset(map(chr, (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def save_page(
    path: str | Path,
    table: pa.Table,
    *,
    note: SurfaceNote,
    capacity: Capacity = 2500.0,
    basemap: Basemap | None = None,
    layers: tuple[MapLayer, ...] = (),
    tiles: Tiles | None = None,
) -> None:
    """Write the page of `page_html` to ``path``, as UTF-8, whole or not at all.

    Examples
    --------
    >>> from geoscore.schemas import SURFACE
    >>> note = SurfaceNote(title="Bay", region="Bay", universe="", formula="income-2pct-1y", formula_text="",
    ...                    horizon="one year", purpose="research", vintage="2017", resolution=7, k=10,
    ...                    published=True)
    >>> path = getfixture("tmp_path") / "map.html"
    >>> save_page(path, SURFACE.empty_table(), note=note)
    >>> path.read_text(encoding="utf-8")[:15]
    '<!doctype html>'
    """
    text = page_html(table, note=note, capacity=capacity, basemap=basemap, layers=layers, tiles=tiles)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)  # noqa: PTH105  the atomic one, by its own name


def page_html(
    table: pa.Table,
    *,
    note: SurfaceNote,
    capacity: Capacity = 2500.0,
    basemap: Basemap | None = None,
    layers: tuple[MapLayer, ...] = (),
    tiles: Tiles | None = None,
) -> str:
    """Return a page that maps a surface, complete in itself.

    Parameters
    ----------
    table
        A surface's rows, as `geoscore.schemas.SURFACE`.
    note
        What the surface says of itself; all of it is shown, none of it is trusted as markup.
    capacity
        The threshold, or band, at which the page opens, in US dollars, anywhere on the ladder.
    basemap
        Outlines and names for the ground of the map.
    layers
        Shapes of one's own, drawn over the hexagons and listed in a table with their figures.
    tiles
        A server of map tiles for the ground; only with it the page asks anything of a network, and only of it.

    Returns
    -------
    str
        HTML of 2 to 6 MB, 1.6 of them deck.gl; the same surface gives the same bytes.

    Raises
    ------
    SurfaceError
        The threshold lies off the ladder, or the table is not a surface.
    InputError
        pydeck's script is missing or not its own, outlines are not polygons, or a layer has no shape.

    Examples
    --------
    >>> from geoscore.schemas import SURFACE
    >>> note = SurfaceNote(title="Bay <b>", region="Bay", universe="", formula="income-2pct-1y",
    ...                    formula_text="", horizon="one year", purpose="research", vintage="2017",
    ...                    resolution=7, k=10, published=True)
    >>> "Bay &lt;b&gt;" in page_html(SURFACE.empty_table(), note=note)
    True
    """
    from jinja2 import Environment, StrictUndefined

    head, figures = page_data(
        read_rows(table, note=note), note=note, capacity=capacity, basemap=basemap, layers=layers, clean=clean
    )
    if tiles is not None:
        head["tiles"] = {"url": tiles.url}
    scripts = [inline_script(_part(name)) for name in SCRIPTS]
    drawing_code = read_bundle()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_part("page.html") + "\n").render(
        note=clean(note.to_dict()),
        style=_part("page.css"),
        data=json_for_script(clean(head)),
        figures=figures,
        scripts=scripts,
        drawing_code=compressed(drawing_code.encode("utf-8")),
        hashes=[_script_hash(text) for text in (*scripts, drawing_code)],
        tiles=tiles,
        tiles_from=f" {tiles.origin}" if tiles else "",
        basemap_note=clean(basemap.note) if basemap else "",
    )


def embed_snippet(title: str, *, source: str | None = None, page: str | None = None, height_px: int = 720) -> str:
    """Return an ``iframe`` that shows a page inside another one: by its address, or with the page inside it.

    Parameters
    ----------
    title
        What the frame shows, for screen readers.
    source
        Address of the page, relative to the page that frames it.
    page
        The page's own HTML, which then travels inside the snippet.
    height_px
        Height on the framing page, in pixels.

    Examples
    --------
    >>> embed_snippet("Bay", source="m.html").split(" style")[0]
    '<iframe title="Bay" src="m.html" loading="lazy" sandbox="allow-scripts allow-downloads"'
    """
    what = f'src="{html.escape(source)}"' if source is not None else f'srcdoc="{html.escape(page or "")}"'
    style = f"width:100%;height:{height_px}px;border:0"
    sandbox = 'sandbox="allow-scripts allow-downloads"'
    name = f'title="{html.escape(clean_text(title))}"'
    frame = f'<iframe {name} {what} loading="lazy" {sandbox} style="{style}"></iframe>'
    return frame.encode("ascii", "xmlcharrefreplace").decode("ascii")  # whatever the framing page is encoded in


def json_for_script(data: object) -> str:
    r"""Return JSON in ASCII that cannot end the ``<script>`` element it stands in.

    Examples
    --------
    >>> json_for_script({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.translate(_UNSAFE_IN_JSON)


def clean_text(text: str) -> str:
    r"""Return text without control characters and without marks that would turn its neighbors around.

    Examples
    --------
    >>> clean_text("Palo\x00 Alto \u202etxt.exe")
    'Palo Alto txt.exe'
    """
    if text.isascii() and text.isprintable():
        return text
    kept = (" " if sign in "\t\n\r" else sign for sign in text if sign not in _DIRECTION_MARKS)
    return "".join(sign for sign in kept if unicodedata.category(sign) not in {"Cc", "Cs"})


def clean(value: object) -> object:
    """Return plain values with all text in them, names of columns too, cleaned by `clean_text`."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _script_hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
