"""What every reader gives: named columns, Arrow batches with their row numbers, and the rows that failed."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.errors import InputError

Batches: TypeAlias = Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]
"""Batches of rows, each with the rows' numbers in the file, from 1."""

BATCH_ROWS: Final = 65_536
SUFFIXES: Final = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".psv"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".json", ".geojson"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".ods"), "spreadsheet"),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), "sqlite"),
    ".gpkg": "geopackage",
    **dict.fromkeys((".duckdb", ".ddb"), "duckdb"),
}
"""Kinds of files, by their endings."""


@dataclass
class RawFile:
    """A file being read: its columns, and its batches one after another.

    ``rejected`` fills up while batches are read; ``notes`` says how the file was understood.
    """

    path: Path
    names: list[str]
    batches: Batches = field(default_factory=lambda: iter(()))
    rejected: list[tuple[int, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_kind(name: str) -> str | None:
    """Return the kind of a file by its ending, or by one before it, as in ``donors.csv.gz``.

    Examples
    --------
    >>> find_kind("donors.CSV.gz"), find_kind("letter.docx")
    ('csv', None)
    """
    return next((SUFFIXES[s.lower()] for s in reversed(Path(name).suffixes) if s.lower() in SUFFIXES), None)


def check_names(raw: RawFile) -> None:
    """Refuse a file without columns, or with two of one name.

    Raises
    ------
    InputError
        There is no column, or a name stands twice.

    Examples
    --------
    >>> check_names(RawFile(Path("a.csv"), ["zip", "income"]))
    """
    if not raw.names:
        raise InputError(f"{raw.path} has no columns")
    twice = next((name for name, count in Counter(raw.names).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"two columns of {raw.path} are called {twice!r}; rename one of them")


def choose_one(path: Path, kind: str, names: Sequence[str], wanted: str | None, filled: Sequence[str]) -> str:
    """Return the table or layer to read: the one asked for, or the only one there can be.

    Parameters
    ----------
    path, kind
        The file, and what its parts are called, for the error.
    names
        All its parts.
    wanted
        The one that was asked for, if any.
    filled
        The parts that have rows.

    Raises
    ------
    InputError
        There is no part of that name, none at all, or several to choose from.

    Examples
    --------
    >>> choose_one(Path("a.db"), "table", ["donors", "log"], None, ["donors"])
    'donors'
    """
    if wanted is not None:
        if wanted not in names:
            raise InputError(f"{path} has no {kind} {wanted!r}; it has {', '.join(names) or 'none'}")
        return wanted
    if not names:
        raise InputError(f"{path} has no {kind} in it")
    if len(names) == 1:
        return names[0]
    if len(filled) == 1:
        return filled[0]
    raise InputError(f"{path} has several {kind}s; name one with sheet: {', '.join(filled or names)}")


def as_text(value: Any) -> str | None:
    """Return a cell of a spreadsheet, database or JSON as the text that a person would have typed.

    Examples
    --------
    >>> as_text(94301.0), as_text(1.5), as_text("")
    ('94301', '1.5', None)
    """
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004  exact in a double
        return str(int(value))
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value)
