"""The surface as a table and as a file: one Parquet file that says of itself what it is.

Plain duckdb, polars or geopandas read it too; docs/surface-format.md describes it.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geoscore.errors import SurfaceError, missing_file
from geoscore.schemas import FORMAT_VERSION, LADDER, MEASURES, SURFACE, SurfaceNote
from geoscore.storage import fetch_object, is_object

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.integer[Any]]
METADATA_KEY: Final = b"geoscore"
PARQUET: Final = (".parquet", ".pq", "")
SURFACE_FILE: Final = "surface.parquet"
"""Name of a surface in a run's folder."""
SURE: Final = 3.0
"""No more households than expected and this many standard deviations are here."""
MANY: Final = 50_000
"""Rows from which on a sparse product adds them up, ten times as fast."""
LADDERS: Final = ("at_least", "variance", "zip_covariance", "county_covariance")
_PLACE: Final = pa.schema([SURFACE.field(name) for name in ("cell", "zip", "county")])


@dataclass(frozen=True)
class Figures:
    """The figures of n rows of a surface; zeros where suppressed.

    Attributes
    ----------
    households
        Shape (n,).
    at_least
        Expected households above each rung, shape (n, 25).
    variance
        Variances of how many households are here, and of the count above each rung, shape (n, 26).
    zip_covariance, county_covariance
        Covariances of these with those of the whole ZIP, and of the whole county, shape (n, 26): summed over a ZIP
        (a county), the first (the second) is its variance, shared errors and all.
    zip_at, county_at
        Numbers of the row's ZIP and county, shape (n,); -1 where it has none.
    """

    households: Floats
    at_least: Floats
    variance: Floats
    zip_covariance: Floats
    county_covariance: Floats
    zip_at: Integers
    county_at: Integers

    def summed(
        self, codes: Integers, size: int, *, weights: Floats | None = None, rows: Integers | None = None
    ) -> "Figures":
        """Return the sums of the rows that share a code, 0 to ``size`` - 1.

        Rows of one ZIP vary together, and so do ZIPs of one county. All of a ZIP has the variance that its rows'
        covariances with it add up to; a part of it, by its share of the households, as much of what the rows have in
        common. So all of a county is exact, a ZIP but for its share of the county, and what lies between is
        interpolated; a row alone is taken for an even part of its ZIP, its own share of it included.

        Parameters
        ----------
        codes
            Shape (n,).
        rows
            Which rows the codes and weights are of; all by default. A ZIP's other rows count as not in a sum.
        size
            Number of sums.
        weights
            Share of each row that counts, shape (n,); the households of a part are a chance sample of the row's.
        """
        if rows is not None:
            return self._summed_some(codes, size, weights, rows)
        return self._summed(codes, size, weights, self.zip_households, self.county_households)

    @cached_property
    def zip_households(self) -> Floats:
        """Households of each ZIP, by ``zip_at`` + 1."""
        return np.asarray(np.bincount(self.zip_at + 1, self.households), dtype=np.float64)

    @cached_property
    def county_households(self) -> Floats:
        """Households of each county, by ``county_at`` + 1."""
        return np.asarray(np.bincount(self.county_at + 1, self.households), dtype=np.float64)

    def _summed_some(self, codes: Integers, size: int, weights: Floats | None, rows: Integers) -> "Figures":
        return self.take(rows)._summed(codes, size, weights, self.zip_households, self.county_households)  # noqa: SLF001

    def _summed(
        self, codes: Integers, size: int, weights: Floats | None, of_zip: Floats, of_county: Floats
    ) -> "Figures":
        w = np.ones(len(codes)) if weights is None else weights
        mass = w * self.households
        part = np.ones_like(self.variance)
        some = self.households[:, None] > 0
        part[:, 1:] = np.divide(self.at_least, self.households[:, None], out=np.zeros_like(self.at_least), where=some)
        own = w[:, None] * self.variance + (w * (1.0 - w) * self.households)[:, None] * part**2
        by_zip, by_county = w[:, None] * self.zip_covariance, w[:, None] * self.county_covariance
        shared = _within(codes, size, self.zip_at, of_zip, mass, by_zip - own)
        shared += _within(codes, size, self.county_at, of_county, mass, by_county - by_zip)
        at_least = _add(codes, size, w[:, None] * self.at_least)
        variance = np.maximum(_add(codes, size, own) + shared, 0.0)
        zip_at, county_at = (_common(codes, size, place) for place in (self.zip_at, self.county_at))
        return Figures(
            _add(codes, size, mass),
            at_least,
            variance,
            np.where(zip_at[:, None] >= 0, _add(codes, size, by_zip), variance),
            np.where(county_at[:, None] >= 0, _add(codes, size, by_county), variance),
            zip_at,
            county_at,
        )

    @classmethod
    def apart(cls, households: Floats, at_least: Floats, variance: Floats) -> "Figures":
        """Return figures of rows that vary each by itself, their households' places sure; variance of shape (n, 25)."""
        whole = np.hstack([np.zeros((len(households), 1)), variance])
        none = np.full(len(households), -1)
        return cls(households, at_least, whole, whole, whole, none, none)

    def most(self) -> Floats:
        """Return the most households that may be here, shape (n,): more than expected where their place is unsure."""
        most: Floats = self.households + SURE * np.sqrt(self.variance[:, 0])
        return most

    def take(self, rows: Any) -> "Figures":
        """Return some of the rows."""
        return Figures(*(getattr(self, item.name)[rows] for item in fields(self)))

    def rounded(self, decimals: int) -> "Figures":
        """Return rounded figures."""
        parts = ("households", *LADDERS)
        rounded = {name: np.round(getattr(self, name), decimals).astype(np.float64) for name in parts}
        return replace(self, **rounded)


def _add(codes: Integers, size: int, values: Floats) -> Floats:
    if values.ndim == 1:
        return np.bincount(codes, values, size).astype(np.float64)
    if len(codes) < MANY:
        total = np.zeros((size, values.shape[1]))
        np.add.at(total, codes, values)
        return total
    from scipy.sparse import csr_array  # worth its import only here

    rows = np.arange(len(codes))
    return np.asarray(csr_array((np.ones(len(codes)), (codes, rows)), shape=(size, len(codes))) @ values)


def _within(codes: Integers, size: int, place: Integers, whole: Floats, mass: Floats, extra: Floats) -> Floats:
    """Return what the rows of a sum have in common, place by place: ``extra`` times the share of the place in it."""
    places = len(whole)
    met, at = np.unique(codes.astype(np.int64) * places + place + 1, return_inverse=True)
    inside = np.bincount(at.reshape(-1), mass, len(met))
    all_of_it = whole[met % places]
    share = np.divide(inside, all_of_it, out=np.zeros(len(met)), where=all_of_it > 0)
    return _add(met // places, size, share[:, None] * _add(at.reshape(-1), len(met), extra))


def _common(codes: Integers, size: int, place: Integers) -> Integers:
    """Return the place that all rows of a sum share, -1 where they do not."""
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
    np.minimum.at(low, codes, place)
    np.maximum.at(high, codes, place)
    return np.where(low == high, low, -1)


def no_figures(size: int) -> Figures:
    """Return zeros for ``size`` rows."""
    own, by_zip, by_county = (np.zeros((size, 1 + len(LADDER))) for _ in range(3))
    none = (np.full(size, -1), np.full(size, -1))
    return Figures(np.zeros(size), np.zeros((size, len(LADDER))), own, by_zip, by_county, *none)


def surface_table(keys: "pd.DataFrame", values: Figures, *, suppressed: Bools | None = None) -> pa.Table:
    """Return a table of schema ``SURFACE`` from keys and figures; no figures where suppressed.

    Parameters
    ----------
    keys
        Columns ``cell``, ``zip`` and ``county``, and ``counted_in`` where it is not the cell.
    values
        The rows' figures.
    suppressed
        Which rows are hidden.
    """
    hidden = np.zeros(len(keys), dtype=bool) if suppressed is None else suppressed
    places = pa.Table.from_pandas(keys[["cell", "zip", "county"]], schema=_PLACE, preserve_index=False)
    columns = [
        *places.columns,
        pa.array(values.households, mask=hidden),
        _list_column(values.at_least, hidden),
        _list_column(values.variance, hidden),
        _list_column(values.zip_covariance, hidden),
        _list_column(values.county_covariance, hidden),
        pa.array(hidden),
        pa.array(keys["counted_in"] if "counted_in" in keys else ["cell"] * len(keys), pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=SURFACE)


def _list_column(values: Floats, hidden: Bools) -> pa.ListArray:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1]).cast(
        pa.list_(pa.float64())
    )
    return pc.if_else(pa.array(~hidden), lists, pa.scalar(None, lists.type))


def figures(surface: pa.Table) -> Figures:
    """Return the figures of every row of a surface; zeros where suppressed."""
    shown = ~suppressed_rows(surface)
    found = no_figures(surface.num_rows)
    found.households[shown] = values_of(surface["households"].combine_chunks().drop_null())
    for name in LADDERS:
        into = getattr(found, name)
        into[shown] = values_of(surface[name].combine_chunks().flatten()).reshape(-1, into.shape[1])
    found.zip_at[:], found.county_at[:] = (numbered(surface[name]) for name in ("zip", "county"))
    return found


def numbered(labels: pa.ChunkedArray) -> Integers:
    """Return the number of each label among the distinct ones, -1 where it is null; shape (n,)."""
    encoded = pc.dictionary_encode(labels).combine_chunks()
    encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
    return np.asarray(filled(encoded.indices, -1), dtype=np.int64)


def suppressed_rows(surface: pa.Table) -> Bools:
    """Return which rows are suppressed, shape (n,)."""
    return np.asarray(values_of(surface["suppressed"].combine_chunks().cast(pa.uint8())), dtype=bool)


def values_of(column: pa.Array) -> npt.NDArray[Any]:
    """Return a column of numbers without nulls as an array.

    By way of DLPack, for pyarrow's ``to_numpy`` imports pandas, which takes longer than a whole query.
    """
    return np.from_dlpack(column)


def filled(column: pa.Array, fill: float) -> npt.NDArray[Any]:
    """Return a column of numbers as an array with ``fill`` where it is null; Arrow's own way asks pandas first.

    Examples
    --------
    >>> filled(pa.array([1.5, None]), 0.0).tolist()
    [1.5, 0.0]
    """
    if column.null_count == 0:
        return values_of(column)
    known = np.asarray(values_of(column.is_valid().cast(pa.uint8())), dtype=bool)
    told = values_of(column.drop_null())
    found = np.full(len(column), fill, dtype=told.dtype)
    found[known] = told
    return found


def write_surface(surface: pa.Table | Iterable[pa.Table], note: SurfaceNote, path: Path) -> None:
    """Write a surface, whole or in blocks, to one Parquet file, or nothing; the same surface gives the same bytes."""
    text = json.dumps(note.to_dict(), sort_keys=True, ensure_ascii=False)
    metadata = {METADATA_KEY: text.encode()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    blocks = iter([surface] if isinstance(surface, pa.Table) else surface)
    first = whole_surface(next(blocks))
    with pq.ParquetWriter(part, first.schema.with_metadata(metadata), compression="zstd") as writer:
        for block in chain([first], map(whole_surface, blocks)):
            writer.write_table(block.replace_schema_metadata(metadata), row_group_size=4_096)
    os.replace(part, path)  # noqa: PTH105  the atomic one, by its own name


def whole_surface(table: pa.Table) -> pa.Table:
    """Return the columns of ``SURFACE``, and those of ``MEASURES`` where a table has them, each of its own type."""
    extra = MEASURES if all(name in table.column_names for name in MEASURES.names) else ()
    schema = pa.schema([*SURFACE, *extra])
    return table.select(schema.names).cast(schema)


def measured(table: pa.Table) -> Floats | None:
    """Return the measures of every row, zero where suppressed: shape (n, 4); None where a surface has none."""
    if any(name not in table.column_names for name in MEASURES.names):
        return None
    columns = [filled(table[name].combine_chunks(), 0.0) for name in MEASURES.names]
    return np.column_stack(columns)


def read_surface(path: Path) -> tuple[pa.Table, SurfaceNote]:
    """Read a surface, or that of a run's folder, and what it says of itself.

    Parameters
    ----------
    path
        The file or folder; an address in an object store, ``s3://bucket/key``, is read anew each time.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        The store cannot be reached, or refuses.
    SurfaceError
        It is no surface, damaged, or of a newer format.
    """
    if is_object(path):
        with TemporaryDirectory(prefix="geoscore-") as folder:
            return read_surface(fetch_object(path, into=Path(folder), inside=SURFACE_FILE))
    path = path / SURFACE_FILE if path.is_dir() else path
    if not path.exists():
        raise missing_file(path, "surface", mend="`geoscore run` or `geoscore demo` makes one")
    try:
        table = pq.ParquetFile(path).read()
        text = (table.schema.metadata or {}).get(METADATA_KEY)
        data = json.loads(text) if text else None
    except (OSError, ValueError, pa.ArrowException) as error:
        if path.suffix.lower() not in PARQUET:
            raise SurfaceError(
                f"{path} is no surface; name a surface.parquet or the folder of a run"
                f" (`geoscore inspect {path.name}` says what a file of people holds)"
            ) from error
        why = " ".join(str(error).split()).rstrip(".;")
        raise SurfaceError(f"{path} is no whole Parquet file: {why}; copy it again, or run anew") from error
    if not isinstance(data, dict):
        raise SurfaceError(f"{path} is a Parquet file, but no geoscore surface; `geoscore run` writes one")
    if data.get("format_version") == 1 and "place_variance" in table.schema.names:
        table = _from_first_format(table)
    if any(name not in table.schema.names for name in SURFACE.names):
        raise SurfaceError(f"{path} is a Parquet file, but no geoscore surface; `geoscore run` writes one")
    if data.get("format_version", 0) > FORMAT_VERSION:
        raise SurfaceError(
            f"{path} has format {data['format_version']}, this geoscore reads {FORMAT_VERSION}; update it"
        )
    try:
        return whole_surface(table), SurfaceNote.from_dict(data)
    except (TypeError, ValueError, pa.ArrowException) as error:
        why = " ".join(str(error).split())
        raise SurfaceError(f"{path} is damaged: {why}; copy it again, or run anew") from error


def _from_first_format(table: pa.Table) -> pa.Table:
    """Return the columns of today from those of format 1, where a ZIP's rows varied by themselves."""
    own, place = (table[name].combine_chunks() for name in ("variance", "place_variance"))
    shown = ~suppressed_rows(table)
    households = filled(table["households"].combine_chunks(), 0.0)[shown]
    at_least = values_of(table["at_least"].combine_chunks().flatten()).reshape(-1, len(LADDER))
    share = np.divide(at_least, households[:, None], out=np.zeros_like(at_least), where=households[:, None] > 0)
    uncertain = filled(place, 0.0)[shown, None]
    sure = values_of(own.flatten()).reshape(-1, len(LADDER))
    total, known = (np.zeros((table.num_rows, 1 + len(LADDER))) for _ in range(2))
    total[shown] = np.hstack([uncertain, sure + share**2 * uncertain])
    known[shown, 1:] = sure
    covariance = _list_column(known, ~shown)
    table = table.drop_columns(["place_variance"])
    table = table.set_column(table.schema.get_field_index("variance"), "variance", _list_column(total, ~shown))
    return table.append_column("zip_covariance", covariance).append_column("county_covariance", covariance)
