"""JSON: objects become rows, their keys columns; one object a line, a list of them, or GeoJSON points."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from geoscore.errors import InputError
from geoscore.ingest.points import NO_POINT, find_degrees
from geoscore.ingest.raw import BATCH_ROWS, Batches, RawFile, as_text, check_names
from geoscore.ingest.streams import Encoding, find_encoding, open_text, read_block

LONGEST_LINE: Final = 1_000_000
MOST_JSON: Final = 2_000_000_000
"""Bytes of a JSON file that is one value, which is held in memory whole."""


def read_json_lines(path: Path, *, encoding: str | None = None) -> RawFile:
    r"""Open a file of JSON lines; it is read twice: for the names of all columns, and for the rows.

    Parameters
    ----------
    path
        The file, perhaps compressed.
    encoding
        Of the text; found out by default.

    Raises
    ------
    InputError
        It is no text, or no line of it is a JSON object.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.jsonl"
    >>> _ = path.write_text('{"zip": 94301}\n{"zip": 94110, "home": {"city": "Palo Alto"}}\n')
    >>> read_json_lines(path).names
    ['zip', 'home.city']
    """
    raw = RawFile(path, [])
    found = find_encoding(path) if encoding is None else Encoding(encoding)
    raw.notes.extend(found.notes)
    names: dict[str, None] = {}
    for _, item in _line_rows(raw, found.name):
        names.update(dict.fromkeys(item))
    raw.rejected.clear()
    raw.names = list(names)
    check_names(raw)
    raw.batches = _batches(raw.names, _line_rows(raw, found.name))
    return raw


def read_json(path: Path, *, encoding: str | None = None) -> RawFile:
    r"""Open a JSON file: a list of objects, an object that holds one such list, or GeoJSON points.

    JSON lines are read as such. Of GeoJSON, the properties become columns beside ``longitude`` and ``latitude``, in
    degrees (WGS 84); a feature without a point is a rejected row.

    Parameters
    ----------
    path
        The file, perhaps compressed.
    encoding
        Of the text; found out by default.

    Raises
    ------
    InputError
        It is no text, no JSON, larger than 2 GB, or holds no list of objects, or several.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> _ = path.write_text('{"count": 1, "donors": [{"zip": 94301, "home": {"city": "Palo Alto"}}]}')
    >>> read_json(path).names
    ['zip', 'home.city']
    """
    raw = RawFile(path, [])
    found = find_encoding(path) if encoding is None else Encoding(encoding)
    raw.notes.extend(found.notes)
    with open_text(path, found.name) as stream:
        text = b"".join(_pieces(path, stream))
    try:
        value = json.loads(text.decode().lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data":
            return read_json_lines(path, encoding=encoding)
        raise InputError(f"{path} is not valid JSON: {str(error)[:120]}") from error
    del text
    if isinstance(value, dict) and value.get("type") == "FeatureCollection":
        items = _features(raw, value)
    else:
        items = _objects(raw, value)
    raw.names = list(dict.fromkeys(name for _, item in items for name in item))
    check_names(raw)
    raw.batches = _batches(raw.names, iter(items))
    return raw


def _pieces(path: Path, stream: Any) -> Iterator[bytes]:
    size = 0
    while block := read_block(path, stream):
        size += len(block)
        if size > MOST_JSON:
            raise InputError(f"{path} is larger than {MOST_JSON:,} bytes; save it as JSON lines or Parquet")
        yield block


def _objects(raw: RawFile, value: Any) -> list[tuple[int, dict[str, Any]]]:
    if isinstance(value, dict):
        lists = {key: item for key, item in value.items() if isinstance(item, list) and item and _has_object(item)}
        if len(lists) > 1:
            raise InputError(f"{raw.path} holds several lists of objects ({', '.join(lists)}); save one of them alone")
        for key, item in lists.items():
            raw.notes.append(f"rows are the objects in {key!r}")
            value = item
    if not isinstance(value, list) or not _has_object(value):
        raise InputError(f"{raw.path} holds no list of JSON objects")
    rows = []
    for number, item in enumerate(value, 1):
        if isinstance(item, dict):
            rows.append((number, _flatten(item)))
        else:
            raw.rejected.append((number, "not a JSON object", type(item).__name__))
    return rows


def _has_object(items: list[Any]) -> bool:
    return any(isinstance(item, dict) for item in items)


def _features(raw: RawFile, value: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    features = value.get("features")
    if not isinstance(features, list) or not features:
        raise InputError(f"{raw.path} is GeoJSON without a feature")
    rows, points = [], []
    for number, feature in enumerate(features, 1):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        point = _point(geometry)
        if point is None:
            kind = geometry.get("type") if isinstance(geometry, dict) else "no geometry"
            raw.rejected.append((number, NO_POINT, str(kind)[:120]))
            continue
        properties = feature.get("properties")
        rows.append((number, _flatten(properties) if isinstance(properties, dict) else {}))
        points.append(point)
    if not rows:
        raise InputError(f"{raw.path} is GeoJSON without a point")
    crs = value.get("crs")  # of GeoJSON before 2016
    name = (crs.get("properties") or {}).get("name") if isinstance(crs, dict) else None
    places = find_degrees(raw, name)(np.array(points))
    for (_, item), (longitude, latitude) in zip(rows, places.tolist(), strict=True):
        item.update({"longitude": longitude, "latitude": latitude})
    return rows


def _point(geometry: Any) -> tuple[float, float] | None:
    if not isinstance(geometry, dict):
        return None
    place = geometry.get("coordinates")
    if geometry.get("type") == "MultiPoint" and isinstance(place, list) and len(place) == 1:
        place = place[0]
    elif geometry.get("type") != "Point":
        return None
    if not isinstance(place, list) or len(place) < 2:  # noqa: PLR2004  longitude and latitude
        return None
    x, y = place[:2]
    numbers = all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in (x, y))
    return (float(x), float(y)) if numbers else None


def _batches(names: list[str], rows: Iterator[tuple[int, dict[str, Any]]]) -> Batches:
    schema = pa.schema([(name, pa.string()) for name in names])
    while chunk := list(islice(rows, BATCH_ROWS)):
        data = [{key: as_text(value) for key, value in item.items()} for _, item in chunk]
        yield pa.RecordBatch.from_pylist(data, schema=schema), np.array([n for n, _ in chunk], dtype=np.int64)


def _line_rows(raw: RawFile, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    with open_text(raw.path, encoding) as stream:
        for line in _lines(raw.path, stream):
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


def _lines(path: Path, stream: Any) -> Iterator[bytes]:
    rest = b""
    while block := read_block(path, stream, 1 << 20):
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
