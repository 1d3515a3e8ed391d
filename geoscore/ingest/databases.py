"""Tables of databases, and points of geographic files: SQLite, DuckDB, GeoPackage."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from geoscore.errors import InputError
from geoscore.ingest.raw import BATCH_ROWS, Batches, RawFile, as_text, choose_one

if TYPE_CHECKING:
    import geopandas as gpd


TABLES: Final = "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%'"


def read_sqlite(path: Path, *, table: str | None = None) -> RawFile:
    """Open a table of an SQLite database, for reading alone.

    Raises
    ------
    InputError
        It is no database, has no such table, or several and none is named.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.sqlite"
    >>> with closing(sqlite3.connect(path)) as base:
    ...     _ = base.execute("create table donors (zip text)")
    >>> read_sqlite(path).names
    ['zip']
    """
    try:
        with closing(_open_sqlite(path)) as base:
            rows = base.execute(
                "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%'"
            )
            tables = sorted(name for (name,) in rows)
            filled = [name for name in tables if base.execute(f"select 1 from {_quoted(name)} limit 1").fetchone()]  # noqa: S608  quoted
            chosen = choose_one(path, "table", tables, table, filled)
            names = [column[0] for column in base.execute(f"select * from {_quoted(chosen)} limit 0").description]  # noqa: S608  quoted
    except sqlite3.Error as error:
        raise InputError(f"{path} cannot be read as an SQLite database: {error}") from error
    schema = pa.schema([(name, pa.string()) for name in names])

    def batches() -> Batches:
        first = 1
        with closing(_open_sqlite(path)) as base:
            cursor = base.execute(f"select * from {_quoted(chosen)}")  # noqa: S608  quoted
            while rows := cursor.fetchmany(BATCH_ROWS):
                columns = [pa.array([as_text(row[i]) for row in rows], pa.string()) for i in range(len(names))]
                numbers = np.arange(first, first + len(rows), dtype=np.int64)
                yield pa.RecordBatch.from_arrays(columns, schema=schema), numbers
                first += len(rows)

    return RawFile(path, names, batches(), notes=[f"table {chosen!r}"])


def read_duckdb(path: Path, *, table: str | None = None) -> RawFile:
    """Open a table of a DuckDB database, for reading alone.

    Raises
    ------
    InputError
        It is no database, has no such table, or several and none is named.

    Examples
    --------
    >>> read_duckdb(Path(__file__))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    geoscore.errors.InputError: ...databases.py cannot be read as a DuckDB database; is it one, and is it closed?
    """
    from geoscore.engines.database import list_tables, stream_table

    tables = list_tables(path)
    chosen = choose_one(path, "table", sorted(tables), table, [name for name, rows in tables.items() if rows])
    names, stream = stream_table(path, chosen)

    def batches() -> Batches:
        first = 1
        for batch in stream:
            yield batch, np.arange(first, first + batch.num_rows, dtype=np.int64)
            first += batch.num_rows

    return RawFile(path, names, batches(), notes=[f"table {chosen!r}"])


def read_points(path: Path, *, layer: str | None = None) -> RawFile:
    """Open a layer of points; their coordinates become columns ``longitude`` and ``latitude``, in WGS 84.

    Raises
    ------
    InputError
        It cannot be read, has several layers and none is named, or says not where its coordinates are counted from.
    """
    import geopandas as gpd
    import pyogrio  # type: ignore[import-untyped]

    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        frame = gpd.read_file(path, layer=choose_one(path, "layer", layers, layer, layers))
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if "geometry" not in frame:
        raise InputError(f"{path} has a layer without shapes; export it as CSV")
    if frame.crs is None:
        raise InputError(f"{path} does not say its coordinate system; write it with one")
    return _point_rows(path, frame.to_crs("EPSG:4326"))


def _point_rows(path: Path, frame: "gpd.GeoDataFrame") -> RawFile:
    points = (frame.geometry.geom_type == "Point").to_numpy() & ~frame.geometry.is_empty.to_numpy()
    raw = RawFile(path, [])
    raw.rejected += [(int(i) + 1, "not a point", "") for i in np.flatnonzero(~points)]
    kept = frame[points]
    table = pa.Table.from_pandas(kept.drop(columns="geometry"), preserve_index=False)
    table = table.append_column("longitude", pa.array(kept.geometry.x.to_numpy()))
    table = table.append_column("latitude", pa.array(kept.geometry.y.to_numpy()))
    raw.names = table.column_names
    numbers = np.flatnonzero(points) + 1

    def batches() -> Batches:
        for first in range(0, table.num_rows, BATCH_ROWS):
            part = table.slice(first, BATCH_ROWS).combine_chunks().to_batches()[0]
            yield part, numbers[first : first + BATCH_ROWS]

    raw.batches = batches()
    return raw


def _open_sqlite(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
