"""Map tiles, for those who ask for them: the only thing for which a page ever calls a server."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from geoscore.errors import InputError, InputNotFoundError

_MEND = "give an address like https://tiles.example.org/{z}/{x}/{y}.png, or a MapLibre style file with a raster source"


@dataclass(frozen=True)
class Tiles:
    """A server of square map tiles.

    Attributes
    ----------
    url
        Address with ``{z}``, ``{x}`` and ``{y}``.
    credit
        Whom its terms of use ask to name; shown on the map.
    """

    url: str
    credit: str = ""

    @property
    def origin(self) -> str:
        """The server, as a content policy names it.

        Examples
        --------
        >>> Tiles("https://tiles.example.org/{z}/{x}/{y}.png").origin
        'https://tiles.example.org'
        """
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def read_tiles(style: str) -> Tiles:
    """Return the tiles that a style names: an address, or a MapLibre style file with a raster source.

    Raises
    ------
    InputNotFoundError, InputError
        There is no such file, or it names no raster tiles that a page can ask for.

    Examples
    --------
    >>> read_tiles("https://tiles.example.org/{z}/{x}/{y}.png").credit
    ''
    """
    if "://" in style:
        return _checked(Tiles(style))
    path = Path(style)
    if not path.exists():
        raise InputNotFoundError(f"there is no style file {path}; {_MEND}")
    try:
        sources = json.loads(path.read_text(encoding="utf-8"))["sources"]
        rasters = [source for source in sources.values() if source.get("type") == "raster" and source.get("tiles")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no MapLibre style; {_MEND}") from error
    if not rasters:
        raise InputError(f"{path} names no raster tiles (vector tiles need a program that we do not carry); {_MEND}")
    return _checked(Tiles(str(rasters[0]["tiles"][0]), _plain(rasters[0].get("attribution"))))


def _checked(tiles: Tiles) -> Tiles:
    parts = urlsplit(tiles.url)
    usable = parts.scheme in ("https", "http") and re.fullmatch(r"[\w.-]+(:\d+)?", parts.netloc, re.ASCII)
    if not usable or not all(mark in tiles.url for mark in ("{z}", "{x}", "{y}")):
        raise InputError(f"{tiles.url!r} is no address of map tiles; {_MEND}")
    return tiles


def _plain(text: Any) -> str:
    return re.sub(r"<[^>]*>", "", str(text or "")).strip()
