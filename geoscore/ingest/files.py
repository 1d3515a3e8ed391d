"""Files as people have them, read as numbered Arrow batches: which reader reads which file.

Readers know nothing of households: they give raw columns, row numbers, and the rows that could not be read.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.errors import InputError, missing_file
from geoscore.ingest.databases import read_duckdb, read_geopackage, read_sqlite
from geoscore.ingest.delimited import read_delimited
from geoscore.ingest.download import local_copy
from geoscore.ingest.fec import refuse_contributions
from geoscore.ingest.json_files import read_json, read_json_lines
from geoscore.ingest.raw import BATCH_ROWS, SUFFIXES, Batches, RawFile, check_names, find_kind
from geoscore.ingest.spreadsheets import read_spreadsheet
from geoscore.ingest.streams import COMPRESSED, check_content, find_member
from geoscore.project import is_address

__all__ = ["RawFile", "read_file"]

SHEETS: Final[dict[str, Callable[..., RawFile]]] = {
    "spreadsheet": read_spreadsheet,
    "sqlite": read_sqlite,
    "geopackage": read_geopackage,
    "duckdb": read_duckdb,
}
"""Readers of files that hold several tables."""
TEXTS: Final = ("csv", "jsonl", "json")
"""Kinds that may be compressed."""


def read_file(
    path: Path,
    *,
    sheet: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    to_look: bool = False,
) -> RawFile:
    r"""Open a household file.

    Parameters
    ----------
    path
        A CSV or other delimited text file, JSON, JSON lines or GeoJSON (all of them also ``.gz``, ``.bz2``, ``.zst``,
        ``.zip``), Parquet, a spreadsheet, or a database: SQLite, GeoPackage, DuckDB.
    sheet
        Sheet of a spreadsheet, the first by default; table or layer of a database, by default the only one with rows.
    delimiter, encoding
        Of a text file; found out by default.
    to_look
        Only to say what it is: not to be refused for what it holds.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        It is empty, broken, of an unknown kind, or has two columns of one name.
    PolicyError
        It has the shape of FEC individual-contributor data.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("zip;income\n94301;100\n")
    >>> raw = read_file(path)
    >>> raw.names, [batch.num_rows for batch, rows in raw.batches]
    (['zip', 'income'], [1])
    """
    path = local_copy(path)
    if not path.exists():
        raise missing_file(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: there is not even a header in it")
    raw = _open(path, sheet=sheet, delimiter=delimiter, encoding=encoding)
    if not to_look:
        refuse_contributions(path, raw)
    return raw


def _open(path: Path, *, sheet: str | None, delimiter: str | None, encoding: str | None) -> RawFile:
    kind = _kind_of(path)
    if kind in TEXTS:
        check_content(path)
    if kind == "csv":
        return read_delimited(path, delimiter=delimiter, encoding=encoding)
    if kind == "jsonl":
        return read_json_lines(path, encoding=encoding)
    if kind == "json":
        return read_json(path, encoding=encoding)
    if kind == "parquet":
        return _read_parquet(path)
    return SHEETS[kind](path, sheet=sheet)


def is_readable(path: Path) -> bool:
    """Return whether a file is of a kind that ``read_file`` knows, by its ending.

    Examples
    --------
    >>> is_readable(Path("a.csv.gz")), is_readable(Path("README.md"))
    (True, False)
    """
    return is_address(path) or path.suffix.lower() == ".zip" or find_kind(path.name) is not None


def _kind_of(path: Path) -> str:
    """Return the kind that the ending says; for a zip, the ending of the file in it."""
    packed = path.suffix.lower() in (*COMPRESSED, ".zip")
    name = Path(find_member(path)) if path.suffix.lower() == ".zip" else path
    kind = find_kind(name.name)
    if kind is None:
        raise InputError(f"{path}: no reader for {name.suffix or 'a file without ending'}; use {', '.join(SUFFIXES)}")
    if packed and kind not in TEXTS:
        raise InputError(f"{path}: only text files are read compressed; unpack it and name the file in it")
    return kind


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

    raw = RawFile(path, file.schema_arrow.names, batches())
    check_names(raw)
    return raw
