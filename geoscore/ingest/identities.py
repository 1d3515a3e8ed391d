"""Who a row names, in one form for every way of writing it, and the keyed hash of that.

What a record is known by, and what an opt-out asks for, are made here together, so that the two always meet.
"""

import hmac
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from geoscore.errors import InputError, InputNotFoundError
from geoscore.standardize import split_full_name, street_key

KINDS: Final = ("email", "phone", "name_address")
"""What an opt-out can be known by."""
ANY: Final = "*"
KEY_BYTES: Final = 32


def hash_identity(key: bytes, kind: str, text: str) -> bytes:
    """Return the keyed hash of one identity: HMAC-SHA256 of its kind and its standard form, 32 bytes.

    Examples
    --------
    >>> hash_identity(bytes(32), "phone", "6505550142").hex()[:8]
    '168c3675'
    """
    return hmac.digest(key, f"{kind}\0{text}".encode(), "sha256")


def check_value(key: bytes) -> str:
    """Return what a list tells its key by, in hexadecimal."""
    return hash_identity(key, "check", "geoscore suppression list").hex()


def read_key(path: Path) -> bytes:
    """Read the secret of a list: 64 hexadecimal digits.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        It holds something else.
    """
    if not path.exists():
        raise InputNotFoundError(f"there is no key {path}; without the key of the suppression list nobody is found")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise InputError(f"{path} is not the key of a suppression list: 64 hexadecimal digits are expected")
    return key


# --- who a row names ------------------------------------------------------------------------------------------


def record_identities(records: pa.RecordBatch, kind: str) -> Iterator[Sequence[str]]:
    """Give for each record the identities under which it may stand in a list.

    Names count by first initial and last word of the last name, for "J. O'Neil" is John O'Neil as often as not;
    ``*`` stands for any initial or any unit.

    Examples
    --------
    >>> from geoscore.schemas import RECORD
    >>> row = {"full_name": "John O'Neil", "street": "12 Main Street", "unit": "4", "zip": "94301"}
    >>> batch = pa.RecordBatch.from_pylist([row], schema=RECORD)
    >>> next(record_identities(batch, "name_address"))[:2]
    ['J|ONEIL|12 MAIN ST|4|94301', 'J|ONEIL|12 MAIN ST|*|94301']
    """
    if kind != "name_address":
        yield from ([text] if text else [] for text in records.column(kind).to_pylist())
        return
    for people, line, unit, code in _named(records):
        yield [_join(i, last, line, u, code) for initial, last in people for i in (initial, ANY) for u in (unit, ANY)]


def optout_identities(people: pa.RecordBatch, kind: str) -> Iterator[Sequence[str]]:
    """Give for each opt-out the identities to be hashed.

    One without a unit meets the name at any unit of the address; one with a unit meets that unit and records
    without a unit. In the same way the first initial, where there is none.
    """
    if kind != "name_address":
        yield from record_identities(people, kind)
        return
    for named, line, unit, code in _named(people):
        units = (unit, "") if unit else (ANY,)
        yield [
            _join(i, last, line, u, code)
            for initial, last in named
            for i in ((initial, "") if initial else (ANY,))
            for u in units
        ]


def _join(*parts: str) -> str:
    return "|".join(parts)


def _named(batch: pa.RecordBatch) -> Iterator[tuple[list[tuple[str, str]], str, str, str]]:
    """Give people, street line, unit and ZIP of each row; nobody where one of the needed parts is missing."""
    lines, units = street_key(batch.column("street"), batch.column("unit"))
    last = batch.column("last_name")
    together = pc.binary_join_element_wise(pc.fill_null(batch.column("first_name"), ""), last, " ")
    columns = [_people(together), _people(batch.column("full_name"))]
    columns += [lines.to_pylist(), units.to_pylist(), batch.column("zip").to_pylist()]
    for own, full, line, unit, code in zip(*columns, strict=True):
        people = sorted({*own, *full}) if line and code else []
        yield people, line or "", unit or "", code or ""


def _people(names: pa.Array) -> list[list[tuple[str, str]]]:
    """Return first initial and last word of the last name of everybody whom each text names."""
    encoded = pc.dictionary_encode(names)
    texts = [_spellings(text) for text in encoded.dictionary.to_pylist()]
    flat = pa.array([spelling for spellings in texts for spelling in spellings], pa.string())
    parts = split_full_name(flat)
    first, last = parts["first"].to_pylist(), parts["last"].to_pylist()
    found: list[list[tuple[str, str]]] = []
    start = 0
    for spellings in texts:
        span = range(start, start + len(spellings))
        found.append([((first[i] or "")[:1], last[i].split()[-1]) for i in span if last[i]])
        start = span.stop
    return [[] if code is None else found[code] for code in encoded.indices.to_pylist()]


_COUPLE: Final = re.compile(r"\s+(?:&|and)\s+", re.IGNORECASE)
_SPLIT_O: Final = re.compile(r"\bO\s+(?=[a-z]{3})", re.IGNORECASE)


def _spellings(text: str) -> list[str]:
    """Return a text, and one for each of a couple, also with O Neil written O'Neil."""
    found = [text]
    parts = _COUPLE.split(text)
    if len(parts) > 1 and "," in parts[0]:
        last, given = parts[0].split(",", 1)
        found += [f"{last}, {part}" for part in (given, *parts[1:])]
    elif len(parts) > 1:
        family = parts[-1].split()[-1:]
        found += [part if " " in part.strip() else " ".join([part, *family]) for part in parts]
    return [*found, *(_SPLIT_O.sub("O", name) for name in found if _SPLIT_O.search(name))]
