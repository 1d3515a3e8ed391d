"""Databases: one table of an SQLite or DuckDB file, or one point layer of a GeoPackage, opened read-only."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.engines.duckdb_file import list_tables, read_table
from geoscore.errors import InputError
from geoscore.ingest.points import NO_POINT, ToDegrees, find_degrees
from geoscore.ingest.raw import BATCH_ROWS, Batches, RawFile, as_text, check_names, choose_one

POINTS: Final = ("POINT", "MULTIPOINT", "GEOMETRY", "GEOMETRYCOLLECTION")
"""Types of layers that may hold points."""
ENVELOPES: Final = (0, 32, 48, 48, 64)
"""Bytes of the box in the header of a GeoPackage geometry, by the code that says which."""
HEADER: Final = 8
UNSTATED: Final = 0
"""Number by which a GeoPackage says that its system is of degrees, and no more."""


@dataclass(frozen=True)
class _Layer:
    """A layer of a GeoPackage, or a table in it without geometry."""

    geometry: str = ""
    system: Any = None
    note: str | None = None


def read_sqlite(path: Path, *, sheet: str | None = None) -> RawFile:
    """Open one table or view of an SQLite file.

    Parameters
    ----------
    path
        The file.
    sheet
        Its table; by default the only one that has rows.

    Raises
    ------
    InputError
        It is no SQLite file or damaged, there is no such table, or several to choose from.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.sqlite"
    >>> with closing(sqlite3.connect(path)) as connection:
    ...     _ = connection.executescript("create table donors (zip); insert into donors values (94301);")
    >>> read_sqlite(path).names
    ['zip']
    """
    with _connect(path) as connection:
        found = connection.execute(
            "select name, type from sqlite_master where type in ('table', 'view') and name not like 'sqlite@_%' "
            "escape '@' order by name"
        ).fetchall()
        filled = [name for name, kind in found if kind == "table" and _has_row(connection, name)]
        table = choose_one(path, "table", [name for name, _ in found], sheet, filled)
        raw = RawFile(path, _columns(connection, table))
    if len(found) > 1:
        raw.notes.append(f"table {table!r} of {len(found)}")
    check_names(raw)
    schema = pa.schema([(name, pa.string()) for name in raw.names])
    raw.batches = ((_batch(rows, schema), _numbers(first, len(rows))) for first, rows in _rows(path, table))
    return raw


def read_geopackage(path: Path, *, sheet: str | None = None) -> RawFile:
    """Open one point layer of a GeoPackage; its points become ``longitude`` and ``latitude``, in degrees (WGS 84).

    A row without a point is rejected. A table without geometry is read as it is.

    Parameters
    ----------
    path
        The file.
    sheet
        Its layer; by default the only one that has rows.

    Raises
    ------
    InputError
        It is no GeoPackage or damaged, there is no such layer, none of points, or several to choose from; the layer
        states no coordinate system.

    Examples
    --------
    >>> import geopandas, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.gpkg"
    >>> points = geopandas.points_from_xy([-122.1], [37.4], crs=4326)
    >>> geopandas.GeoDataFrame({"zip": ["94301"]}, geometry=points).to_file(path)
    >>> raw = read_geopackage(path)
    >>> [batch.select(["zip", "longitude"]).to_pylist() for batch, rows in raw.batches]
    [[{'zip': '94301', 'longitude': '-122.1'}]]
    """
    with _connect(path) as connection:
        layers = _layers(path, connection)
        filled = [name for name in layers if _has_row(connection, name)]
        name = choose_one(path, "point layer", list(layers), sheet, filled)
        columns = _columns(connection, name)
    layer = layers[name]
    raw = RawFile(path, columns)
    if len(layers) > 1:
        raw.notes.append(f"layer {name!r} of {len(layers)}")
    if layer.note:
        raw.notes.append(layer.note)
    points: ToDegrees | None = None
    if layer.geometry:
        points = find_degrees(raw, layer.system)
        raw.names = [name for name in columns if name not in (layer.geometry, "longitude", "latitude")]
        raw.names += ["longitude", "latitude"]
    check_names(raw)
    raw.batches = _layer_batches(raw, columns, name, layer.geometry, points)
    return raw


def read_duckdb(path: Path, *, sheet: str | None = None) -> RawFile:
    """Open one table or view of a DuckDB file.

    Parameters
    ----------
    path
        The file.
    sheet
        Its table; by default the only one that has rows.

    Raises
    ------
    InputError
        It is no DuckDB file, damaged or being written, there is no such table, or several to choose from.

    Examples
    --------
    >>> read_duckdb(Path(__file__))  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    geoscore.errors.InputError: databases.py cannot be read as a DuckDB database
    """
    tables = list_tables(path)
    table = choose_one(path, "table", list(tables), sheet, [name for name, filled in tables.items() if filled])
    found = read_table(path, table, BATCH_ROWS)
    names = next(found).schema.names

    def batches() -> Batches:
        first = 1
        for batch in found:
            yield batch, _numbers(first, batch.num_rows)
            first += batch.num_rows

    raw = RawFile(path, names, batches())
    if len(tables) > 1:
        raw.notes.append(f"table {table!r} of {len(tables)}")
    check_names(raw)
    return raw


# --- SQLite ---------------------------------------------------------------------------------------------------


@contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        # read in the thread that asks for rows, whichever that is
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        with closing(connection):
            connection.text_factory = lambda text: text.decode("utf-8", errors="replace")
            yield connection
    except sqlite3.Error as error:
        raise InputError(f"{path} cannot be read as an SQLite database: {error}") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _has_row(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute(f"select 1 from {_quoted(table)} limit 1").fetchone() is not None  # noqa: S608  quoted


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    cursor = connection.execute(f"select * from {_quoted(table)} limit 0")  # noqa: S608  quoted
    return [column[0] for column in cursor.description]


def _rows(path: Path, table: str) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
    """Yield rows of a table in batches, each with the number of its first row."""
    with _connect(path) as connection:
        cursor = connection.execute(f"select * from {_quoted(table)}")  # noqa: S608  quoted
        first = 1
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield first, rows
            first += len(rows)


def _numbers(first: int, rows: int) -> npt.NDArray[np.int64]:
    return np.arange(first, first + rows, dtype=np.int64)


def _batch(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(map(as_text, column), pa.string()) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


# --- GeoPackage -----------------------------------------------------------------------------------------------


def _layers(path: Path, connection: sqlite3.Connection) -> dict[str, _Layer]:
    try:
        found = connection.execute(
            "select c.table_name, g.column_name, upper(g.geometry_type_name), g.srs_id, s.organization, "
            "s.organization_coordsys_id, s.definition "
            "from gpkg_contents c left join gpkg_geometry_columns g on g.table_name = c.table_name "
            "left join gpkg_spatial_ref_sys s on s.srs_id = g.srs_id "
            "where c.data_type in ('features', 'attributes') order by c.table_name"
        ).fetchall()
    except sqlite3.OperationalError as error:
        raise InputError(f"{path} is not a GeoPackage: {error}") from error
    layers = {}
    for name, column, kind, number, organization, code, definition in found:
        if column is None:
            layers[name] = _Layer()
        elif kind not in POINTS:
            continue
        elif number == UNSTATED:
            layers[name] = _Layer(column, None, "coordinate system not stated; read as longitude and latitude")
        elif number is None or number < 0 or (organization is None and definition is None):
            raise InputError(f"{path}: layer {name!r} states no coordinate system")
        else:
            known = str(organization).upper() in ("EPSG", "ESRI")
            layers[name] = _Layer(column, f"{organization}:{code}".upper() if known else definition)
    return layers


def _layer_batches(
    raw: RawFile, columns: Sequence[str], table: str, geometry: str, to_degrees: ToDegrees | None
) -> Batches:
    schema = pa.schema([(name, pa.string()) for name in raw.names])
    at = [columns.index(name) for name in raw.names if not to_degrees or name not in ("longitude", "latitude")]
    for first, rows in _rows(raw.path, table):
        if to_degrees is None:
            yield _batch(rows, schema), _numbers(first, len(rows))
            continue
        place = columns.index(geometry)
        places, kinds = _read_points([row[place] for row in rows])
        places = to_degrees(places)
        good = np.isfinite(places).all(axis=1)
        raw.rejected += [(first + int(i), NO_POINT, kinds[i]) for i in np.flatnonzero(~good)]
        used = [(*(rows[i][k] for k in at), *places[i].tolist()) for i in np.flatnonzero(good)]
        yield _batch(used, schema), _numbers(first, len(rows))[good]


def _read_points(blobs: Sequence[Any]) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Return x and y of the geometries, NaN where one is no point, and what each of them is."""
    import shapely

    shapes = shapely.from_wkb(np.array([_wkb(blob) for blob in blobs], dtype=object), on_invalid="ignore")
    single = shapely.get_geometry(shapes, 0)  # a point in a collection of one; a point itself
    shapes = np.where(shapely.get_num_geometries(shapes) == 1, single, shapes)
    filled = np.where(shapely.is_empty(shapes), None, shapes)
    places = np.column_stack((shapely.get_x(filled), shapely.get_y(filled)))
    return places, [shape.geom_type if shape is not None else "no geometry" for shape in shapes]


def _wkb(blob: Any) -> bytes | None:
    """Return the geometry in a GeoPackage blob, without the header."""
    if not isinstance(blob, bytes) or len(blob) < HEADER or blob[:2] != b"GP":
        return None
    box = blob[3] >> 1 & 7
    return blob[HEADER + ENVELOPES[box] :] if box < len(ENVELOPES) else None
