"""DuckDB database files, read only: which tables they have, and the rows of one."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from geoscore.errors import InputError


def list_tables(path: Path) -> dict[str, bool]:
    """Return the tables and views of a DuckDB file, each with whether it is a table that has rows.

    Raises
    ------
    InputError
        It is no DuckDB file, is damaged, or is being written by another program.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.duckdb"
    >>> with duckdb.connect(path) as connection:
    ...     _ = connection.execute("create table donors as select 94301 as zip")
    >>> list_tables(path)
    {'donors': True}
    """
    with _connect(path) as connection:
        try:
            found = connection.execute(
                "select table_name, table_type = 'BASE TABLE' from information_schema.tables "
                "where table_schema = current_schema() and table_catalog = current_database() order by table_name"
            ).fetchall()
            return {name: real and _has_row(connection, name) for name, real in found}
        except duckdb.Error as error:
            raise _damaged(path, error) from error


def read_table(path: Path, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one table of a DuckDB file; an empty batch first, for the names.

    Raises
    ------
    InputError
        It cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.duckdb"
    >>> with duckdb.connect(path) as connection:
    ...     _ = connection.execute("create table donors as select 94301 as zip")
    >>> [batch.to_pylist() for batch in read_table(path, "donors", 10)]
    [[], [{'zip': 94301}]]
    """
    with _connect(path) as connection:
        try:
            reader = connection.sql(f"from {_quoted(table)}").to_arrow_reader(batch_rows)
            yield pa.RecordBatch.from_pylist([], schema=reader.schema)
            yield from reader
        except (duckdb.Error, pa.ArrowException) as error:
            raise _damaged(path, error) from error


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        # a view may name other files and addresses; they are not opened
        return duckdb.connect(path, read_only=True, config={"enable_external_access": "false"})
    except duckdb.Error as error:
        raise _damaged(path, error) from error


def _has_row(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return connection.execute(f"select 1 from {_quoted(table)} limit 1").fetchone() is not None  # noqa: S608  quoted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} cannot be read as a DuckDB database: {str(error).splitlines()[0]}")
