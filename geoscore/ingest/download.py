"""Household files on the web and in object stores, brought to a temporary folder that ends with the program."""

import atexit
import http.client
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import Request, urlopen

from geoscore.errors import InputError, InputNotFoundError
from geoscore.ingest.raw import find_kind
from geoscore.project import is_address
from geoscore.storage import fetch_object, is_object, object_address

TIMEOUT_SECONDS: Final = 60
MOST_BYTES: Final = 10_000_000_000
BLOCK: Final = 1 << 20
WEB_PAGE: Final = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)
TYPES: Final = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/plain": ".txt",
    "application/json": ".json",
    "application/geo+json": ".geojson",
    "application/x-ndjson": ".jsonl",
    "application/zip": ".zip",
    "application/geopackage+sqlite3": ".gpkg",
    "application/vnd.sqlite3": ".sqlite",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
}
"""Endings of files whose address has none, by what the server calls them."""


def local_copy(path: Path) -> Path:
    """Return where a file can be opened: itself, or the copy of what stands at an address.

    An address is asked once, until ``forget_copies``.

    Parameters
    ----------
    path
        A path, or an address that begins with ``http://``, ``https://``, ``s3://`` or ``s3a://`` (``https:/`` once it
        went through a path).

    Raises
    ------
    InputNotFoundError
        There is no such file on the server.
    InputError
        The server cannot be reached or refuses, the file is cut off, larger than 10 GB, or a web page.

    Examples
    --------
    >>> local_copy(Path("donors.csv")).name
    'donors.csv'
    """
    return _fetch(_address(path)) if is_address(path) else path


def forget_copies() -> None:
    """Ask addresses anew from now on; files that are being read stay.

    Examples
    --------
    >>> forget_copies()
    """
    _fetch.cache_clear()


def show_path(path: Path) -> str:
    """Return a path or address as it may be written down: without password and without what follows ``?``.

    Examples
    --------
    >>> show_path(Path("https://me:secret@example.org/donors.csv?key=secret")), show_path(Path("donors.csv"))
    ('https://example.org/donors.csv', 'donors.csv')
    """
    if not is_address(path):
        return str(path)
    if is_object(path):
        return object_address(path)
    parts = urlsplit(_address(path))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _address(path: Path) -> str:
    """Return the address with both of its slashes, of which a path keeps one."""
    scheme, _, rest = path.as_posix().partition(":")
    return f"{scheme.lower()}://{rest.lstrip('/')}"


@cache
def _fetch(address: str) -> Path:
    if is_object(address):
        return fetch_object(address, into=Path(tempfile.mkdtemp(dir=_folder())))
    shown = show_path(Path(address))
    # what a person copies from a page may hold spaces and letters that addresses spell otherwise
    request = Request(quote(address, safe="%/:?#[]@!$&'()*+,;=~"), headers={"User-Agent": "geoscore"})  # noqa: S310
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  is_address let no other scheme pass
            path = Path(tempfile.mkdtemp(dir=_folder())) / _file_name(address, answer.headers)
            _save(answer, path, shown)
    except InputError:
        raise
    except HTTPError as error:
        error.close()
        raise _refused(shown, error) from error
    except URLError as error:
        raise InputError(f"{shown} cannot be reached: {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise InputError(f"{shown} cannot be downloaded: {error}") from error
    return path


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="geoscore-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _save(answer: Any, path: Path, shown: str) -> None:
    stated = int(answer.headers.get("Content-Length") or 0)
    size = 0
    with path.open("wb") as file:
        while block := answer.read(BLOCK):
            if not size and WEB_PAGE.match(block):
                raise InputError(f"{shown} is a web page, not a file; does it need a login, or another address?")
            size += len(block)
            if max(size, stated) > MOST_BYTES:
                raise InputError(f"{shown} is larger than {MOST_BYTES / 1e9:g} GB; download it and name the file")
            file.write(block)
    if size < stated:
        raise InputError(f"{shown} was cut off after {size:,} of {stated:,} bytes; try again")


def _refused(shown: str, error: HTTPError) -> InputError:
    if error.code in (404, 410):
        return InputNotFoundError(f"there is no file {shown} (the server answers {error.code})")
    hint = "; it needs a login, download it and name the file" if error.code in (401, 403) else ""
    return InputError(f"{shown} cannot be downloaded: the server answers {error.code} {error.reason}{hint}")


def _file_name(address: str, headers: Any) -> str:
    """Return a name with an ending that says what the file is: the server's, the address's, or by its type."""
    names = [headers.get_filename() or "", unquote(urlsplit(address).path)]
    names = [re.split(r"[/\\]", name.replace("\0", ""))[-1][-100:] for name in names]
    name = next((name for name in names if find_kind(name) or name.lower().endswith(".zip")), None)
    if name is None:
        name = f"{Path(names[1]).stem or 'file'}{TYPES.get(headers.get_content_type(), Path(names[1]).suffix)}"
    return name
