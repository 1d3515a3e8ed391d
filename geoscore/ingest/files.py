"""Files as people have them, read as numbered Arrow batches: text, Parquet, JSON, spreadsheets, databases, addresses.

Readers know nothing of households: they give raw columns, row numbers, and the rows that could not be read.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.errors import InputError, InputNotFoundError
from geoscore.ingest.databases import read_duckdb, read_points, read_sqlite
from geoscore.ingest.delimited import read_delimited
from geoscore.ingest.download import fetch, is_address
from geoscore.ingest.json_files import read_json
from geoscore.ingest.raw import BATCH_ROWS, Batches, RawFile, check_names
from geoscore.ingest.spreadsheets import read_spreadsheet
from geoscore.ingest.streams import find_member

SUFFIXES: Final = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".psv", ".tab", ".dat"), "delimited"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".jsonl", ".ndjson"), "lines"),
    **dict.fromkeys((".json", ".geojson"), "json"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".ods"), "spreadsheet"),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), "sqlite"),
    **dict.fromkeys((".duckdb", ".ddb"), "duckdb"),
    ".gpkg": "points",
}
PACKED: Final = (".gz", ".bz2", ".zst", ".zip")


def read_file(
    path: Path, *, sheet: str | None = None, delimiter: str | None = None, encoding: str | None = None
) -> RawFile:
    r"""Open a household file.

    Parameters
    ----------
    path
        Delimited text or JSON (also packed: ``.gz``, ``.bz2``, ``.zst``, ``.zip``), Parquet, a spreadsheet, SQLite,
        DuckDB, GeoJSON or GeoPackage points, or an ``https://`` address of one of these.
    sheet
        Sheet of a spreadsheet (the first by default), table of a database (its only one).
    delimiter, encoding
        Of a text file; found out by default.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        It is empty, broken, of an unknown kind, or has two columns of one name.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("zip;income\n94301;100\n")
    >>> raw = read_file(path)
    >>> raw.names, [batch.num_rows for batch, rows in raw.batches]
    (['zip', 'income'], [1])
    """
    if is_address(path):
        path = fetch(path)
    if not path.exists():
        raise InputNotFoundError(f"there is no file {path}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: there is not even a header in it")
    kind = kind_of(path)
    readers: dict[str, Callable[[], RawFile]] = {
        "delimited": lambda: read_delimited(path, delimiter=delimiter, encoding=encoding),
        "parquet": lambda: _read_parquet(path),
        "lines": lambda: read_json(path, encoding=encoding, lines=True),
        "json": lambda: read_json(path, encoding=encoding),
        "spreadsheet": lambda: read_spreadsheet(path, sheet=sheet),
        "sqlite": lambda: read_sqlite(path, table=sheet),
        "duckdb": lambda: read_duckdb(path, table=sheet),
        "points": lambda: read_points(path, layer=sheet),
    }
    if kind is None:
        raise InputError(f"{path}: no reader for {path.suffix or 'a file without ending'}; use {', '.join(SUFFIXES)}")
    raw = readers[kind]()
    check_names(raw)
    return raw


def kind_of(path: Path) -> str | None:
    """Return which reader a file needs, by its ending, or by that of the one file in a zip.

    Examples
    --------
    >>> kind_of(Path("a.csv.gz")), kind_of(Path("README.md"))
    ('delimited', None)
    """
    endings = [suffix.lower() for suffix in path.suffixes]
    if endings and endings[-1] == ".zip" and path.is_file():
        endings = [Path(find_member(path)).suffix.lower()]
    while endings and endings[-1] in PACKED:
        endings.pop()
    return SUFFIXES.get(endings[-1]) if endings else None


def is_readable(path: Path) -> bool:
    """Return whether a file's ending is one that ``read_file`` knows.

    Examples
    --------
    >>> is_readable(Path("a.csv.gz")), is_readable(Path("README.md"))
    (True, False)
    """
    return is_address(path) or kind_of(path) is not None


def _read_parquet(path: Path) -> RawFile:
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is no whole Parquet file (cut off, or something else): {error}") from error

    def batches() -> Batches:
        first = 1
        try:
            for batch in file.iter_batches(BATCH_ROWS):
                yield batch, np.arange(first, first + batch.num_rows, dtype=np.int64)
                first += batch.num_rows
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is damaged after row {first - 1:,}: {error}") from error

    return RawFile(path, file.schema_arrow.names, batches())
