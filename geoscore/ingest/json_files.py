"""JSON: lines of objects, an array of objects, an object that holds one, and points of GeoJSON."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from geoscore.errors import InputError
from geoscore.ingest.raw import BATCH_ROWS, Batches, RawFile, as_text, check_names
from geoscore.ingest.streams import find_encoding, open_text

LONGEST_LINE: Final = 1_000_000
LARGEST_ARRAY: Final = 1_000_000_000
"""Bytes; an array is read whole, lines are not."""


def read_json(path: Path, *, encoding: str | None = None, lines: bool = False) -> RawFile:
    r"""Open a JSON file.

    Parameters
    ----------
    path
        Lines of objects, an array of them, an object that holds one such array, or a GeoJSON collection of points.
    encoding
        Found out by default.
    lines
        Whether it surely holds lines of objects.

    Raises
    ------
    InputError
        It is no JSON, or holds no objects.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> _ = path.write_text('{"people": [{"zip": "94301", "home": {"city": "Palo Alto"}}]}')
    >>> read_json(path).names
    ['zip', 'home.city']
    """
    found = find_encoding(path) if encoding is None else None
    name, notes = (found.name, found.notes) if found else (str(encoding), ())
    with open_text(path, name) as stream:
        start = stream.read(1 << 16).decode("utf-8", errors="ignore").lstrip("\ufeff \t\r\n")
    if lines or _is_lines(start):
        return _read_lines(path, name, notes)
    return _read_whole(path, name, notes)


def _is_lines(start: str) -> bool:
    first = start.split("\n", 1)[0].strip()
    try:
        item = json.loads(first)
    except ValueError:
        return False
    return isinstance(item, dict) and not any(
        isinstance(value, list) and value and isinstance(value[0], dict) for value in item.values()
    )


def _read_whole(path: Path, encoding: str, notes: tuple[str, ...]) -> RawFile:
    """Read a file that is one JSON value."""
    if path.stat().st_size > LARGEST_ARRAY:
        raise InputError(f"{path} is one JSON value of more than {LARGEST_ARRAY:,} bytes; write it as JSON lines")
    with open_text(path, encoding) as stream:
        try:
            value = json.loads(_whole(stream).decode().lstrip("\ufeff"))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is no valid JSON: {error}") from error
    raw = RawFile(path, [], notes=list(notes))
    rows = list(_flat_rows(raw, _items(path, value)))
    raw.names = list(dict.fromkeys(name for _, row in rows for name in row))
    check_names(raw)
    schema = pa.schema([(name, pa.string()) for name in raw.names])

    def batches() -> Batches:
        for first in range(0, len(rows), BATCH_ROWS):
            part = rows[first : first + BATCH_ROWS]
            data = [{name: as_text(cell) for name, cell in row.items()} for _, row in part]
            numbers = np.array([number for number, _ in part], dtype=np.int64)
            yield pa.RecordBatch.from_pylist(data, schema=schema), numbers

    raw.batches = batches()
    return raw


def _whole(stream: Any) -> bytes:
    return b"".join(iter(lambda: stream.read(1 << 22), b""))


def _items(path: Path, value: Any) -> list[Any]:
    if isinstance(value, dict) and value.get("type") == "FeatureCollection":
        return [_Feature(item) for item in value.get("features", [])]
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list) and item and isinstance(item[0], dict)]
        if len(lists) != 1:
            raise InputError(f"{path} holds {len(lists)} lists of objects where one is expected")
        value = lists[0]
    if not isinstance(value, list):
        raise InputError(f"{path} holds no list of objects")
    return value


class _Feature(dict[str, Any]):
    """A feature of GeoJSON."""


def _flat_rows(raw: RawFile, items: list[Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, item in enumerate(items, start=1):
        if isinstance(item, _Feature):
            geometry = item.get("geometry") or {}
            point = geometry.get("coordinates") if geometry.get("type") == "Point" else None
            if not (isinstance(point, list) and len(point) >= 2):  # noqa: PLR2004  longitude and latitude
                raw.rejected.append((number, "not a point", str(geometry.get("type"))))
                continue
            yield number, _flatten(item.get("properties") or {}) | {"longitude": point[0], "latitude": point[1]}
        elif isinstance(item, dict):
            yield number, _flatten(item)
        else:
            raw.rejected.append((number, "not a JSON object", type(item).__name__))


def _read_lines(path: Path, encoding: str, notes: tuple[str, ...]) -> RawFile:
    """Read JSON lines twice: once for the names of all columns, once for the rows."""
    raw = RawFile(path, [], notes=list(notes))
    names: dict[str, None] = {}
    for _, item in _json_rows(raw, encoding):
        names.update(dict.fromkeys(item))
    raw.rejected.clear()
    raw.names = list(names)
    schema = pa.schema([(name, pa.string()) for name in raw.names])

    def batches() -> Batches:
        rows = _json_rows(raw, encoding)
        while chunk := list(islice(rows, BATCH_ROWS)):
            data = [{key: as_text(value) for key, value in item.items()} for _, item in chunk]
            yield pa.RecordBatch.from_pylist(data, schema=schema), np.array([n for n, _ in chunk], dtype=np.int64)

    raw.batches = batches()
    return raw


def _json_rows(raw: RawFile, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    with open_text(raw.path, encoding) as stream:
        for line in _lines(stream):
            if not line.strip():
                continue
            number += 1
            if len(line) > LONGEST_LINE:
                raw.rejected.append((number, "line too long", f"{len(line):,} bytes"))
                continue
            try:
                item = json.loads(line.decode().lstrip("\ufeff"))
            except (ValueError, RecursionError) as error:
                raw.rejected.append((number, "not valid JSON", str(error)[:120]))
                continue
            if isinstance(item, dict):
                yield number, _flatten(item)
            else:
                raw.rejected.append((number, "not a JSON object", type(item).__name__))


def _lines(stream: Any) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(1 << 20):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _flatten(item: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in item.items():
        if isinstance(value, dict) and not prefix.count("."):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
