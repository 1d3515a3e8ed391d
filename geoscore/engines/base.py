"""The seam between geoscore's logic and what runs it: a handful of verbs, one class per engine.

Relational work is narwhals over the engine's lazy frame; row-wise work is a pure function on Arrow batches.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import narwhals as nw
import pyarrow as pa

from geoscore.engines.processes import NumberedFunction
from geoscore.errors import InputError

Frame: TypeAlias = nw.LazyFrame[Any]
BatchFunction: TypeAlias = Callable[[pa.RecordBatch], pa.RecordBatch]
"""A pure function: one Arrow batch in, one out, never looking beyond it."""

BlockFunction: TypeAlias = Callable[[pa.Table, Sequence[Sequence[str]], "Engine"], pa.Table]
"""A pure function of a table, of the columns by which its rows meet, and of an engine in its own process."""

ENGINES: Final = ("duckdb", "spark")


class Engine(ABC):
    """A place where tables larger than memory can be read, combined and written."""

    name: str

    @abstractmethod
    def scan(self, path: Path) -> Frame:
        """Return the Parquet file, or folder of Parquet files, at ``path`` as a lazy frame."""

    @abstractmethod
    def from_arrow(self, table: pa.Table) -> Frame:
        """Return an Arrow table, small enough for memory, as a lazy frame."""

    @abstractmethod
    def map_batches(self, frame: Frame, function: BatchFunction, schema: pa.Schema, *, given: pa.Schema) -> Frame:
        """Return a frame of ``schema``: ``function`` on every batch of ``frame``, itself of ``given``."""

    @abstractmethod
    def map_blocks(
        self,
        frame: Frame,
        blocks: Sequence[Sequence[str]],
        function: BlockFunction,
        schema: pa.Schema,
        *,
        given: pa.Schema,
    ) -> Frame:
        """Return what a function makes of rows that agree with each other.

        Parameters
        ----------
        frame
            Of schema ``given``.
        blocks
            Columns of texts or whole numbers. Rows that agree in all columns of one, none of them null, meet in at
            least one call of the function, and perhaps in several: what it says of two rows must not depend on others.
        function
            Of a table, of the blocks by which its rows are to meet, which may be others than those above, and of an
            engine for small tables. A row may be there more than once, to meet others by several blocks.
        schema
            Of what it returns.
        """

    @abstractmethod
    def keep(self, frame: Frame) -> Frame:
        """Return the frame, computed once however often it is read, until the engine is closed."""

    @abstractmethod
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
        """Return what a pure function makes of every batch of a Parquet file and its rows' numbers, kept in ``out``.

        Parameters
        ----------
        path, columns
            The file, and the columns of it that are read.
        function
            Of a batch and its rows' numbers, from 1; it travels to other processes, and so must be picklable.
        schema
            Of what it returns.
        out
            Folder for it; parts that an earlier run left there whole are not made again.
        progress
            Called with the rows done and all of them.
        """

    def get_ready(self, path: Path, *, imports: str) -> None:  # noqa: B027  an engine may have nothing to do
        """Start what will map the file at ``path`` by a function of a module, while other things are still to do."""

    @abstractmethod
    def write(self, frame: Frame, path: Path) -> None:
        """Write ``frame`` to one Parquet file at ``path``, whole or not at all."""

    @abstractmethod
    def collect(self, frame: Frame) -> pa.Table:
        """Return all rows of ``frame``, in no particular order."""

    @abstractmethod
    def splink_api(self) -> Any:
        """Return what splink needs to learn from a table in this process: one of its database APIs, embedded."""

    @abstractmethod
    def close(self) -> None:
        """Let go of memory and temporary files."""

    def __enter__(self) -> Self:
        """Return the engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine."""
        self.close()


def open_engine(name: str = "duckdb", *, memory: str | None = None, scratch: Path | None = None) -> Engine:
    """Open an engine by its name.

    Parameters
    ----------
    name
        ``duckdb`` or ``spark``.
    memory
        Most memory it may take before it spills to disk, such as ``4GB``.
    scratch
        Folder for temporary files, which on a cluster all machines see; a new one in the system's place by default.

    Raises
    ------
    InputError
        There is no engine of that name.
    EngineError
        It cannot start; the message says what is missing and how to get it.

    Examples
    --------
    >>> with open_engine("duckdb") as engine:
    ...     engine.name
    'duckdb'
    """
    if name == "duckdb":
        from geoscore.engines.duckdb import DuckDBEngine

        return DuckDBEngine(memory=memory, scratch=scratch)
    if name == "spark":
        from geoscore.engines.spark import SparkEngine

        return SparkEngine(memory=memory, scratch=scratch)
    raise InputError(f"there is no engine {name!r}; choose one of {', '.join(ENGINES)}")
