"""Plain opt-outs to a suppression list: people as a form or a registry gives them, as keyed hashes.

The list can be kept and passed on; who stands in it cannot be read from it without the key.
"""

import csv
import os
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.errors import InputError, did_you_mean, missing_column
from geoscore.ingest.files import read_file
from geoscore.ingest.identities import KEY_BYTES, check_value, hash_identity, optout_identities, read_key
from geoscore.ingest.raw import RawFile
from geoscore.standardize import parse_email, parse_phone, parse_text, parse_zip

HEADERS: Final[dict[str, str]] = {
    "email": "email emailaddress mail",
    "phone": "phone phonenumber telephone telephonenumber mobile cell mobilephone cellphone homephone",
    "full_name": "fullname name",
    "first_name": "firstname first givenname",
    "last_name": "lastname last surname familyname",
    "street": "street streetaddress address address1 addressline1 address1street",
    "unit": "unit apt apartment unitnumber aptnumber address2 addressline2",
    "zip": "zip zipcode zip5 postalcode postcode",
}
"""Headers by which a field of an opt-out file is known, in lower case and without anything between the words."""
SEVERAL: Final = ("email", "phone")
"""Fields that may stand in several columns."""
NOTHING: Final = "nothing to match by"


@dataclass(frozen=True)
class OptoutReport:
    """What became of plain opt-outs.

    Attributes
    ----------
    entries
        Hashes in the list, by kind.
    unread
        File, row and reason of what is not, or not wholly, in the list.
    """

    rows_read: int
    entries: dict[str, int]
    new_key: bool
    unread: list[tuple[str, int, str]] = field(default_factory=list)


def write_optouts(
    files: Sequence[Path],
    *,
    out: Path,
    key_path: Path,
    synced: date,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> OptoutReport:
    r"""Hash plain opt-out files into one suppression list; the key is made where there is none.

    Parameters
    ----------
    files
        Files with an e-mail, a telephone, or a name with street and ZIP in each row.
    out
        The list to write, ``.csv`` or ``.parquet``.
    key_path
        File of the key, 64 hexadecimal digits; a new one is readable by its owner alone.
    synced
        Day on which the opt-outs were collected.
    columns
        Names of columns by field, where their headers do not say it.

    Raises
    ------
    InputError
        A file cannot be read, a column is missing, or no column says who opted out.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "people.csv").write_text("Email\nann@example.org\nnobody\n")
    >>> done = write_optouts([folder / "people.csv"], out=folder / "optouts.csv",
    ...                          key_path=folder / "suppression.key", synced=date(2026, 11, 1))
    >>> done.rows_read, done.entries["email"], [(row, why) for _, row, why in done.unread]
    (2, 1, [(2, 'nothing to match by')])
    """
    if out.suffix.lower() not in (".csv", ".parquet"):
        raise InputError(f"{out}: a suppression list is written as .csv or .parquet")
    opened = [read_file(path) for path in files]
    found = [_find_columns(raw, columns or {}) for raw in opened]
    new_key = not key_path.exists()
    key = secrets.token_bytes(KEY_BYTES) if new_key else read_key(key_path)
    hashes: set[tuple[str, str]] = set()
    unread: list[tuple[str, int, str]] = []
    read = 0
    for raw, fields in zip(opened, found, strict=True):
        for batch, rows in _batches(raw):
            reasons = _hash_batch(batch, fields, key, hashes)
            unread += [(raw.path.name, int(rows[i]), why) for i, why in reasons.items()]
            read += batch.num_rows
        unread += [(raw.path.name, row, reason) for row, reason, _ in raw.rejected]
        read += len(raw.rejected)
    if new_key:
        _write_key(key_path, key)
    _write_list(out, [("check", check_value(key)), ("synced", str(synced)), *sorted(hashes)])
    return OptoutReport(read, dict(Counter(kind for kind, _ in sorted(hashes))), new_key, unread)


def _find_columns(raw: RawFile, given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the columns of each field: those that were named, else those whose headers say it."""
    for target, columns in given.items():
        if target not in HEADERS:
            raise InputError(f"{target!r} is no field of an opt-out{did_you_mean(target, HEADERS)}")
        for column in columns:
            if column not in raw.names:
                raise missing_column(column, raw.path.name, raw.names)
    plain = {name: "".join(letter for letter in name.lower() if letter.isalnum()) for name in raw.names}
    found = {
        target: list(given.get(target) or [name for name in raw.names if plain[name] in words.split()])
        for target, words in HEADERS.items()
    }
    for target, columns in found.items():
        if len(columns) > 1 and target not in SEVERAL:
            raise InputError(
                f"{raw.path.name}: {columns[0]!r} and {columns[1]!r} could both be the {target}; "
                f"say which with --column {target}=COLUMN"
            )
    named = (found["full_name"] or found["last_name"]) and found["street"] and found["zip"]
    if not (found["email"] or found["phone"] or named):
        raise InputError(
            f"{raw.path.name}: no column says who opted out by e-mail, telephone, or name with street and ZIP; "
            f"it has {', '.join(raw.names[:12])}; say which is which with --column email=COLUMN"
        )
    return {target: columns for target, columns in found.items() if columns}


def _batches(raw: RawFile) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
    try:
        yield from raw.batches
    except InputError as error:
        if "header but no row" not in str(error):  # nobody opted out yet: an empty list is a list
            raise


def _hash_batch(
    batch: pa.RecordBatch, fields: dict[str, list[str]], key: bytes, hashes: set[tuple[str, str]]
) -> dict[int, str]:
    """Add the hashes of a batch of opt-outs; return what was wrong, by position."""
    parsers = {"email": parse_email, "phone": parse_phone, "zip": parse_zip}
    parsed = [(name, parsers.get(name, parse_text)(batch.column(column))) for name in fields for column in fields[name]]
    people = {name: pa.nulls(batch.num_rows, pa.string()) for name in HEADERS}
    people |= {name: done.values for name, done in parsed}
    asked = [("name_address", pa.RecordBatch.from_pydict(people))]
    asked += [(name, pa.RecordBatch.from_pydict({name: done.values})) for name, done in parsed if name in SEVERAL]
    listed = [False] * batch.num_rows
    for kind, rows in asked:
        for i, texts in enumerate(optout_identities(rows, kind)):
            hashes.update((kind, hash_identity(key, kind, text).hex()) for text in texts)
            listed[i] = listed[i] or bool(texts)
    reasons = {
        i: f"{field} not readable" for field, done in parsed for i in range(batch.num_rows) if done.bad[i].as_py()
    }
    return dict(sorted({**reasons, **{i: NOTHING for i, known in enumerate(listed) if not known}}.items()))


def _write_key(path: Path, key: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")


def _write_list(path: Path, rows: list[tuple[str, str]]) -> None:
    """Write kinds and hashes, whole or not at all; sorted, so that their order tells nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    if path.suffix.lower() == ".parquet":
        kinds, texts = zip(*rows, strict=True)
        pq.write_table(pa.table({"kind": kinds, "hash": texts}), part)
    else:
        with part.open("w", encoding="ascii", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("kind", "hash"), *rows])
    os.replace(part, path)  # noqa: PTH105  the atomic one, by its own name
