"""A table: a lazy frame that knows its schema and the engine it lives on.

Stages take tables and give tables; nothing is computed before a table is collected or saved.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import narwhals as nw
import pandas as pd
import pyarrow as pa

from geoscore.engines import BatchFunction, Engine, Frame


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
