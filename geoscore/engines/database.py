"""DuckDB database files that people bring: their tables, read as Arrow batches and never written to."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from geoscore.errors import InputError

BATCH_ROWS = 65_536


def list_tables(path: Path) -> dict[str, int]:
    """Return the tables and views of a database file, with their rows.

    Raises
    ------
    InputError
        It is no database, or another program is writing to it.
    """
    with _open(path) as base:
        names = [row[0] for row in base.execute("select table_name from information_schema.tables").fetchall()]
        return {name: int(base.table(_quoted(name)).count("*").fetchall()[0][0]) for name in names}


def stream_table(path: Path, table: str) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    """Return the columns of a table and its rows in batches."""
    with _open(path) as base:
        names = list(base.table(_quoted(table)).columns)

    def batches() -> Iterator[pa.RecordBatch]:
        with _open(path) as base:
            yield from base.table(_quoted(table)).to_arrow_reader(BATCH_ROWS)

    return names, batches()


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise InputError(f"{path} cannot be read as a DuckDB database; is it one, and is it closed?") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
