"""A table: a lazy frame that knows its schema and the engine it lives on.

Stages take tables and give tables; nothing is computed before a table is collected or saved.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.engines import BatchFunction, Engine, Frame

_LARGEST: Final = 1 << 40


@dataclass(frozen=True)
class Table:
    """A lazy frame, the schema that its rows keep, and its engine.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> with open_engine() as engine:
    ...     Table.from_arrow(pa.table({"zip": ["94301", "94301"]}), engine=engine).count()
    2
    """

    frame: Frame
    schema: pa.Schema
    engine: Engine

    @classmethod
    def scan(cls, path: Path, schema: pa.Schema, *, engine: Engine) -> Self:
        """Open the Parquet file at ``path``, with the columns of ``schema``."""
        return cls(engine.scan(path).select(*schema.names), schema, engine)

    @classmethod
    def from_arrow(cls, table: pa.Table, *, engine: Engine) -> Self:
        """Open an Arrow table."""
        return cls(engine.from_arrow(table), table.schema, engine)

    def derive(self, schema: pa.Schema, work: Callable[[Frame], Frame]) -> "Table":
        """Return the table that relational ``work`` makes of this one, with the columns of ``schema``."""
        return Table(work(self.frame).select(*schema.names), schema, self.engine)

    def map_batches(self, function: BatchFunction, schema: pa.Schema) -> "Table":
        """Return a table of ``schema``: a pure function applied to every batch of this one."""
        return Table(self.engine.map_batches(self.frame, function, schema, given=self.schema), schema, self.engine)

    def count(self) -> int:
        """Return the number of rows."""
        return int(self.engine.collect(self.frame.select(nw.len().alias("n")))["n"][0].as_py())

    def collect(self) -> pa.Table:
        """Return all rows, in no particular order, cast to the schema."""
        return self.engine.collect(self.frame).select(self.schema.names).cast(self.schema)

    def save(self, path: Path) -> "Table":
        """Write the table to a Parquet file and return it as read from there."""
        self.engine.write(self.frame, path)
        return Table(self.engine.scan(path), self.schema, self.engine)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Return a pandas frame in which cells stay whole: by itself pandas makes nullable uint64 a float.

    Examples
    --------
    >>> import pyarrow as pa
    >>> frame = to_pandas(pa.table({"cell": pa.array([0x8828347433FFFFF, None], pa.uint64())}))
    >>> f"{frame['cell'][0]:x}"
    '8828347433fffff'
    """
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.uint64(): pd.UInt64Dtype()}.get)
    return frame


def from_pandas(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """Return the columns of ``schema`` from a pandas frame, missing values as null."""
    return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)


def number_rows(batch: pa.RecordBatch, names: Sequence[str]) -> tuple[npt.NDArray[np.int64], int]:
    """Return a number for the values of every row, the same where all of them are the same; and how many there are.

    Each column becomes codes of its distinct values, and the codes one number: counting numbers is quick.

    Parameters
    ----------
    batch
        Plain columns of numbers or text; null is a value like others.
    names
        The columns to look at.

    Returns
    -------
    numbers
        int64, shape (n,), from 0, without gaps, in the order in which values first come.
    size
        How many there are.

    Examples
    --------
    >>> batch = pa.RecordBatch.from_pydict({"zip": ["94303", "94301", "94303"], "bin": [1, 1, 1]})
    >>> numbers, size = number_rows(batch, ["zip", "bin"])
    >>> numbers.tolist(), size
    ([0, 1, 0], 2)
    """
    key = np.zeros(batch.num_rows, dtype=np.int64)
    most = 1
    for name in names:
        column = batch[name]
        if column.null_count == len(column):
            continue
        codes, size = _codes(column)
        if most * size > _LARGEST:
            key, most = _codes(pa.array(key))
        key, most = key * size + codes, most * size
    return _codes(pa.array(key))


def first_rows(numbers: npt.NDArray[np.int64], size: int) -> pa.Array:
    """Return where each of ``size`` numbers comes first; shape (size,).

    Examples
    --------
    >>> first_rows(np.array([0, 1, 0]), 2).to_pylist()
    [0, 1]
    """
    first = np.zeros(size, dtype=np.int64)
    first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)  # of what is written to one place, the last stays
    return pa.array(first)


def _codes(column: pa.Array) -> tuple[npt.NDArray[np.int64], int]:
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(encoded.dictionary)
