"""The deck.gl script that the pydeck package carries, made ready to stand inside a page.

It is pinned by hash for the versions we have drawn with; a newer one must show that it has what we call.
"""

import hashlib
import re
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from geoscore.errors import InputError

SHA256: Final = {
    "0.9.2": "d4c385b54d22f76a7080c03d87967f48d4613a8dad60fb3024d79d3388aa5388",
    "0.9.3": "63b908f47867492024126a39ef1adde632144364ad28287743b0c1d9b3137155",
}
"""Hash of ``pydeck/nbextension/static/index.js`` by version of pydeck."""

ENTRY_POINTS: Final = (
    *("Deck", "FlyToInterpolator", "GeoJsonLayer", "H3HexagonLayer", "LineLayer", "TextLayer"),
    "WebMercatorViewport",
)
"""What the page's own script calls; the script hangs them on ``globalThis.deck``."""

_UNFIT: Final = {"0.9.1"}  # its deck.gl 9.0 leaves the page's map empty
_MEND: Final = "reinstall it with: pip install --force-reinstall 'pydeck>=0.9.2'"


def read_bundle() -> str:
    """Return the deck.gl script of the installed pydeck, safe inside a ``<script>`` element.

    Raises
    ------
    InputError
        pydeck is not installed, carries no script, or carries one that is not its version's own or lacks
        what the page calls.

    Examples
    --------
    >>> "H3HexagonLayer" in read_bundle(), "sourceMappingURL" in read_bundle()
    (True, False)
    """
    found = find_spec("pydeck")
    if found is None or found.origin is None:
        raise InputError("pydeck, which carries the map's drawing code, is missing; pip install 'pydeck>=0.9.2'")
    path = Path(found.origin).parent / "nbextension" / "static" / "index.js"
    return script_from_file(path, version=metadata.version("pydeck"))


def script_from_file(path: Path, *, version: str) -> str:
    """Return the script at ``path``, checked as pydeck ``version``'s and safe inside a ``<script>`` element.

    Raises
    ------
    InputError
        As for `read_bundle`.

    Examples
    --------
    >>> script_from_file(Path("nowhere/index.js"), version="0.9.3")
    Traceback (most recent call last):
    ...
    geoscore.errors.InputError: pydeck 0.9.3 lacks nowhere/index.js; reinstall it with: pip install ...
    """
    if version in _UNFIT:
        raise InputError(f"pydeck {version} draws no page; pip install --upgrade 'pydeck>=0.9.2'")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"pydeck {version} lacks {path.as_posix()}; {_MEND}") from error
    known = SHA256.get(version)
    if known is not None and hashlib.sha256(data).hexdigest() != known:
        raise InputError(f"{path.as_posix()} is not pydeck {version}'s own script; {_MEND}")
    text = data.decode("utf-8")
    absent = [name for name in ENTRY_POINTS if not re.search(rf"\b{name}:\(\)=>", text)]
    if absent or "globalThis.deck" not in text:
        missing = ", ".join(absent) or "deck"
        raise InputError(f"pydeck {version} no longer offers {missing}; pip install 'pydeck==0.9.3'")
    return inline_script(re.sub(r"(?m)^//[#@] sourceMappingURL=.*$", "", text))


def inline_script(text: str) -> str:
    r"""Return JavaScript that means the same and cannot end, or confuse, the element that holds it.

    Examples
    --------
    >>> inline_script("x = '</script><!--'")
    "x = '<\\/script><\\!--'"
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"<(?=/script)", r"<\\", text, flags=re.IGNORECASE).replace("<!--", "<\\!--")
