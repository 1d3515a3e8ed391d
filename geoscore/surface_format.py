"""The surface as a table and as a file: one Parquet file that says of itself what it is.

Plain duckdb, polars or geopandas read it too; docs/surface-format.md describes it.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geoscore.errors import InputNotFoundError, SurfaceError
from geoscore.schemas import FORMAT_VERSION, LADDER, SURFACE, SurfaceNote

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
METADATA_KEY: Final = b"geoscore"
_PLACE: Final = pa.schema([SURFACE.field(name) for name in ("cell", "zip", "county")])


@dataclass(frozen=True)
class Figures:
    """The figures of n rows of a surface; zeros where suppressed.

    Attributes
    ----------
    households
        Shape (n,).
    at_least, variance
        Expected households above each rung, and their variance, the households being here: shape (n, 25).
    place_variance
        Variance of how many households are here, shape (n,).
    """

    households: Floats
    at_least: Floats
    variance: Floats
    place_variance: Floats

    def summed(self, codes: npt.NDArray[np.integer[Any]], size: int) -> "Figures":
        """Return the sums of the rows that share a code, 0 to ``size`` - 1."""

        def add(values: Floats) -> Floats:
            total = np.zeros((size, *values.shape[1:]))
            np.add.at(total, codes, values)
            return total

        return Figures(add(self.households), add(self.at_least), add(self.variance), add(self.place_variance))

    def take(self, rows: Any) -> "Figures":
        """Return some of the rows."""
        return Figures(self.households[rows], self.at_least[rows], self.variance[rows], self.place_variance[rows])

    def rounded(self, decimals: int) -> "Figures":
        """Return rounded figures."""
        parts = (self.households, self.at_least, self.variance, self.place_variance)
        return Figures(*(np.round(values, decimals).astype(np.float64) for values in parts))


def no_figures(size: int) -> Figures:
    """Return zeros for ``size`` rows."""
    return Figures(np.zeros(size), np.zeros((size, len(LADDER))), np.zeros((size, len(LADDER))), np.zeros(size))


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
        pa.array(values.place_variance, mask=hidden),
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
    for name in ("households", "place_variance"):
        getattr(found, name)[shown] = values_of(surface[name].combine_chunks().drop_null())
    for name in ("at_least", "variance"):
        getattr(found, name)[shown] = values_of(surface[name].combine_chunks().flatten()).reshape(-1, len(LADDER))
    return found


def suppressed_rows(surface: pa.Table) -> Bools:
    """Return which rows are suppressed, shape (n,)."""
    return np.asarray(values_of(surface["suppressed"].combine_chunks().cast(pa.uint8())), dtype=bool)


def values_of(column: pa.Array) -> npt.NDArray[Any]:
    """Return a column of numbers without nulls as an array.

    By way of DLPack, for pyarrow's ``to_numpy`` imports pandas, which takes longer than a whole query.
    """
    return np.from_dlpack(column)


def write_surface(surface: pa.Table, note: SurfaceNote, path: Path) -> None:
    """Write a surface to one Parquet file, whole or not at all; the same surface gives the same bytes."""
    text = json.dumps(note.to_dict(), sort_keys=True, ensure_ascii=False)
    table = surface.select(SURFACE.names).cast(SURFACE).replace_schema_metadata({METADATA_KEY: text.encode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    pq.write_table(table, part, compression="zstd", row_group_size=16_384)
    os.replace(part, path)  # noqa: PTH105  the atomic one, by its own name


def read_surface(path: Path) -> tuple[pa.Table, SurfaceNote]:
    """Read a surface, or that of a run's folder, and what it says of itself.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    SurfaceError
        It is no surface, damaged, or of a newer format.
    """
    path = path / "surface.parquet" if path.is_dir() else path
    if not path.exists():
        raise InputNotFoundError(f"there is no surface {path}; `geoscore run` or `geoscore demo` makes one")
    try:
        table = pq.ParquetFile(path).read()
        text = (table.schema.metadata or {}).get(METADATA_KEY)
        data = json.loads(text) if text else None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise SurfaceError(f"{path} is no whole Parquet file: {error}") from error
    if not isinstance(data, dict) or any(name not in table.schema.names for name in SURFACE.names):
        raise SurfaceError(f"{path} is a Parquet file, but no geoscore surface")
    if data.get("format_version", 0) > FORMAT_VERSION:
        raise SurfaceError(
            f"{path} has format {data['format_version']}, this geoscore reads {FORMAT_VERSION}; update it"
        )
    try:
        return table.select(SURFACE.names).cast(SURFACE), SurfaceNote.from_dict(data)
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise SurfaceError(f"{path} is damaged: {error}") from error
