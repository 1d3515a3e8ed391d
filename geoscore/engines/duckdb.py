"""DuckDB, embedded: Parquet in and out, Arrow through, spilling to disk inside a limit.

The default engine; with geoscore.engines.spark the only room that knows its SQL.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.engines.base import BatchFunction, BlockFunction, Engine, Frame
from geoscore.engines.processes import FileJob, NumberedFunction, end_workers, map_parts, start_workers
from geoscore.errors import InputError

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation
    from splink import DuckDBAPI

BATCH_ROWS = 122_880
"""Rows in a batch: one DuckDB row group."""


class DuckDBEngine(Engine):
    """An in-process DuckDB connection with a scratch folder of its own."""

    name = "duckdb"

    def __init__(self, *, memory: str | None = None, scratch: Path | None = None, threads: int | None = None) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="geoscore-", dir=scratch))
        self._numbers = count(1)
        try:
            self._connection = duckdb.connect(
                config={
                    "temp_directory": str(self._scratch),
                    "preserve_insertion_order": False,
                    **({"memory_limit": memory} if memory else {}),
                    **({"threads": threads} if threads else {}),
                }
            )
        except duckdb.Error as error:
            self.close()
            raise InputError(f"duckdb did not start with memory {memory!r}; write it like 4GB") from error

    def scan(self, path: Path) -> Frame:
        """Return the Parquet file, or folder of Parquet files, at ``path`` as a lazy frame."""
        pattern = str(path / "*.parquet") if path.is_dir() else str(path)
        return nw.from_native(self._connection.read_parquet(pattern))

    def from_arrow(self, table: pa.Table) -> Frame:
        """Return an Arrow table, small enough for memory, as a lazy frame."""
        return nw.from_native(self._connection.from_arrow(table))

    def map_batches(self, frame: Frame, function: BatchFunction, schema: pa.Schema, *, given: pa.Schema) -> Frame:  # noqa: ARG002  Arrow types come through as they are
        """Return a frame of ``schema``, kept in the scratch folder: ``function`` on every batch."""
        path = self._scratch / f"mapped-{next(self._numbers)}.parquet"
        # a dictionary of numbers that hardly repeat costs more than all else
        texts = [item.name for item in schema if not pa.types.is_floating(item.type)]
        with pq.ParquetWriter(path, schema, compression="lz4", use_dictionary=texts or False) as writer:
            for batch in self._batches(frame):
                writer.write_batch(function(batch).cast(schema))
        return self.scan(path)

    def map_blocks(
        self,
        frame: Frame,
        blocks: Sequence[Sequence[str]],
        function: BlockFunction,
        schema: pa.Schema,
        *,
        given: pa.Schema,
    ) -> Frame:
        """Return what a function makes of all rows together, for here all may meet."""
        return self.from_arrow(function(self.collect(frame).select(given.names), blocks, self).cast(schema))

    def keep(self, frame: Frame) -> Frame:
        """Return the frame, computed once, in the scratch folder."""
        path = self._scratch / f"kept-{next(self._numbers)}.parquet"
        _relation(frame).write_parquet(str(path), compression="lz4")
        return self.scan(path)

    def map_file(
        self,
        path: Path,
        columns: Sequence[str],
        function: NumberedFunction,
        schema: pa.Schema,
        *,
        out: Path,
        progress: Callable[[int, int], None] | None = None,
    ) -> Frame:
        """Return what a function makes of every batch of a Parquet file, by a process on each core."""
        map_parts(FileJob(path, tuple(columns), function, schema, out), progress=progress)
        return self.scan(out)

    def get_ready(self, path: Path, *, imports: str) -> None:
        """Start the processes that will map the file."""
        start_workers(path, imports=imports)

    def write(self, frame: Frame, path: Path) -> None:
        """Write ``frame`` to one Parquet file at ``path``, whole or not at all."""
        part = path.with_name(path.name + ".part")
        _relation(frame).write_parquet(str(part), compression="zstd")
        os.replace(part, path)  # noqa: PTH105  the atomic one, by its own name

    def collect(self, frame: Frame) -> pa.Table:
        """Return all rows of ``frame``, in no particular order."""
        return _relation(frame).to_arrow_table()

    def splink_api(self) -> "DuckDBAPI":
        """Return splink's API on this connection."""
        from splink import DuckDBAPI

        return DuckDBAPI(self._connection)

    def close(self) -> None:
        """Close the connection, end waiting processes and remove the scratch folder."""
        end_workers()
        if hasattr(self, "_connection"):
            self._connection.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    @staticmethod
    def _batches(frame: Frame) -> Iterator[pa.RecordBatch]:
        """Yield full batches: DuckDB gives the rest of each of its threads as a small one of its own."""
        waiting: list[pa.RecordBatch] = []
        rows = 0
        for batch in _relation(frame).to_arrow_reader(BATCH_ROWS):
            if rows + len(batch) > BATCH_ROWS and waiting:
                yield pa.concat_batches(waiting)
                waiting, rows = [], 0
            waiting.append(batch)
            rows += len(batch)
        if waiting:
            yield pa.concat_batches(waiting)


def _relation(frame: Frame) -> "DuckDBPyRelation":
    relation: DuckDBPyRelation = frame.to_native()
    return relation
