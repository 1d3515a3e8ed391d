"""A surface as one HTML file with a threshold slider: it opens from a disk and asks nothing of any network.

A content policy inside the page forbids every request and every script but its own.
"""

import base64
import hashlib
import json
import unicodedata
from importlib import resources
from pathlib import Path
from typing import Final

import pyarrow as pa

from geoscore.maps.bundle import inline_script, read_bundle
from geoscore.maps.figures import read_rows
from geoscore.maps.payload import page_data
from geoscore.schemas import SurfaceNote

_UNSAFE_IN_JSON: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&'"}
_DIRECTION_MARKS: Final = frozenset(map(chr, (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def save_page(
    path: str | Path,
    table: pa.Table,
    *,
    note: SurfaceNote,
    capacity: float = 2500,
    outlines: dict[str, object] | None = None,
) -> None:
    """Write the page of `page_html` to ``path``, as UTF-8.

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
    text = page_html(table, note=note, capacity=capacity, outlines=outlines)
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def page_html(
    table: pa.Table,
    *,
    note: SurfaceNote,
    capacity: float = 2500,
    outlines: dict[str, object] | None = None,
) -> str:
    """Return a page that maps a surface, complete in itself.

    Parameters
    ----------
    table
        A surface's rows, as `geoscore.schemas.SURFACE`.
    note
        What the surface says of itself; all of it is shown, none of it is trusted as markup.
    capacity
        The threshold at which the page opens, in US dollars, anywhere on the ladder.
    outlines
        County polygons for the ground of the map, a GeoJSON FeatureCollection in degrees with a ``name``
        in the properties of each feature.

    Returns
    -------
    str
        HTML of about 5 MB, most of it deck.gl; the same surface gives the same bytes.

    Raises
    ------
    SurfaceError
        The threshold lies off the ladder, or the table is not a surface.
    InputError
        pydeck's script is missing or not its own, or the outlines are not polygons.

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

    data = page_data(read_rows(table, note=note), note=note, capacity=capacity, outlines=outlines)
    scripts = [*(inline_script(_part(name)) for name in ("figures.js", "map.js", "page.js")), read_bundle()]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_part("page.html") + "\n").render(
        note=_clean(note.to_dict()),
        style=_part("page.css"),
        data=json_for_script(_clean(data)),
        scripts=scripts,
        hashes=[_script_hash(text) for text in scripts],
    )


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


def _clean(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _script_hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
