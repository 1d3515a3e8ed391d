"""Spark: the same tables and functions on a cluster, or on the cores of one machine.

Batches reach Python as Arrow and nothing of a household comes back to the driver; with geoscore.engines.duckdb the only
room that knows its engine.
"""

import os
import re
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.engines.base import BatchFunction, BlockFunction, Engine, Frame
from geoscore.engines.duckdb import DuckDBEngine
from geoscore.engines.java import GET_JAVA, choose_python, java_version
from geoscore.engines.memory import ENVIRONMENT
from geoscore.engines.processes import NumberedFunction
from geoscore.errors import EngineError, GeoscoreError, InputError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BATCH_ROWS: Final = 131_072
ROW_INDEX: Final = "row_index_of_file"
UNSIGNED: Final = "decimal(20,0)"
"""What Spark makes of unsigned integers of 64 bits, for it has none; H3 cells fit into signed ones."""
PARTITIONS: Final = 4
"""Of what is shuffled on one machine; Spark's own 200 are for clusters."""
BLOCK: Final = "block"
BLOCK_ROWS: Final = 250_000
"""Rows that meet in one call of a function, so that a worker holds no more than they and their pairs."""
SETTINGS: Final = {
    "spark.app.name": "geoscore",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.log.level": "ERROR",
}


class SparkEngine(Engine):
    """A Spark session: the one that is there (``spark-submit``), else one on this machine's cores.

    Where Spark runs and how it reaches its files is Spark's own business: ``spark-submit`` options,
    ``PYSPARK_SUBMIT_ARGS`` or ``spark-defaults.conf`` under ``SPARK_CONF_DIR``.
    """

    name = "spark"

    def __init__(self, *, memory: str | None = None, scratch: Path | None = None) -> None:
        self._own = not _is_running()
        self._session = _start(memory)
        self._scratch = Path(tempfile.mkdtemp(prefix="geoscore-", dir=scratch))
        self._numbers = count(1)
        self._embedded = DuckDBEngine(memory=memory, scratch=self._scratch)

    def scan(self, path: Path) -> Frame:
        """Return the Parquet file, or folder of Parquet files, at ``path`` as a lazy frame."""
        return nw.from_native(_signed(self._session.read.parquet(_address(path))))

    def from_arrow(self, table: pa.Table) -> Frame:
        """Return an Arrow table, small enough for memory, as a lazy frame."""
        with _quiet():
            return nw.from_native(self._session.createDataFrame(table.cast(_signed_schema(table.schema))))

    def map_batches(self, frame: Frame, function: BatchFunction, schema: pa.Schema, *, given: pa.Schema) -> Frame:
        """Return a frame of ``schema``: ``function`` applied to every batch, on the workers."""
        return self._mapped(_native(frame), _Batches(function, given, _signed_schema(schema)))

    def map_blocks(
        self,
        frame: Frame,
        blocks: Sequence[Sequence[str]],
        function: BlockFunction,
        schema: pa.Schema,
        *,
        given: pa.Schema,
    ) -> Frame:
        """Return what a function makes of rows that agree, on the workers: every row is sent to where its block is."""
        kept = frame.select(*given.names)
        sent = nw.concat([_marked(kept, number, columns) for number, columns in enumerate(blocks)])
        with _told():
            rows = _native(frame).count() * len(blocks)
        partitions = max(self._session.sparkContext.defaultParallelism, -(-rows // BLOCK_ROWS))
        meeting = _native(sent).repartition(partitions, BLOCK)
        return self._mapped(
            meeting, _Blocks(function, pa.schema([*given, (BLOCK, pa.string())]), _signed_schema(schema))
        )

    def keep(self, frame: Frame) -> Frame:
        """Return the frame, computed once, as Parquet in the scratch folder.

        Kept in memory (``persist``) it would carry all that it was made from in its plan, which a few joins of such
        frames with each other make too long for Spark ever to look through.
        """
        path = self._scratch / f"kept-{next(self._numbers)}.parquet"
        self._write(_native(frame), path)
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
        """Return what a function makes of every batch of a Parquet file, on the workers."""
        if not (out / "_SUCCESS").exists():
            from pyspark.sql import functions as F  # noqa: N812  as everybody calls it

            index = F.col("_metadata.row_index").alias(ROW_INDEX)
            rows = _signed(self._session.read.parquet(_address(path)).select(*map(_quoted, columns), index))
            mapped = self._mapped(rows, _NumberedBatches(function, _signed_schema(schema)))
            total = pq.read_metadata(path).num_rows
            with self._watch(total, progress):
                self._write(mapped.to_native(), out)
        return self.scan(out)

    def write(self, frame: Frame, path: Path) -> None:
        """Write ``frame`` to a folder of Parquet files at ``path``, whole or not at all."""
        part = path.with_name(path.name + ".part")
        self._write(_native(frame), part)
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        part.replace(path)

    def collect(self, frame: Frame) -> pa.Table:
        """Return all rows of ``frame``, in no particular order."""
        with _told(), _quiet():
            return _native(frame).toArrow()

    def splink_api(self) -> Any:
        """Return splink's API on DuckDB in this process.

        Not its own on Spark: the jar it brings there for likeness of texts says otherwise than DuckDB does (0.904 and
        0.911 of the same two), and no step of learning is large enough for a cluster.
        """
        return self._embedded.splink_api()

    def close(self) -> None:
        """Stop the session and remove the scratch folder."""
        self._embedded.close()
        if self._own:
            self._session.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _mapped(self, frame: "DataFrame", function: Any) -> Frame:
        from pyspark.sql.pandas.types import from_arrow_schema

        with _quiet():
            return nw.from_native(frame.mapInArrow(function, from_arrow_schema(function.schema)))

    def _write(self, frame: "DataFrame", path: Path) -> None:
        with _told():
            frame.write.mode("overwrite").parquet(_address(path))

    def _watch(self, total: int, progress: Callable[[int, int], None] | None) -> "_Watch":
        return _Watch(self._session, total, progress or (lambda _done, _all: None))


class _Batches:
    """A function of batches as Spark's workers call it."""

    def __init__(self, function: BatchFunction, given: pa.Schema, schema: pa.Schema) -> None:
        self.function, self.given, self.schema = function, given, schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                yield self.function(batch.select(self.given.names).cast(self.given)).cast(self.schema)


class _Blocks:
    """A function of rows that meet, as Spark's workers call it: once for all blocks of a partition."""

    def __init__(self, function: BlockFunction, given: pa.Schema, schema: pa.Schema) -> None:
        self.function, self.given, self.schema = function, given, schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        together = [batch.select(self.given.names).cast(self.given) for batch in batches if batch.num_rows]
        if together:
            with DuckDBEngine(threads=1) as embedded:
                made = self.function(pa.Table.from_batches(together), [(BLOCK,)], embedded)
            yield from made.cast(self.schema).to_batches(max_chunksize=BATCH_ROWS)


class _NumberedBatches:
    """A function of batches and their rows' numbers, as Spark's workers call it."""

    def __init__(self, function: NumberedFunction, schema: pa.Schema) -> None:
        self.function, self.schema = function, schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                numbers = batch[ROW_INDEX].to_numpy().astype(np.int64) + 1
                yield self.function(batch.drop_columns([ROW_INDEX]), numbers).cast(self.schema)


class _Watch:
    """Tells how many of a job's rows are done, by its finished tasks, while it runs."""

    def __init__(self, session: "SparkSession", total: int, progress: Callable[[int, int], None]) -> None:
        self._tracker = session.sparkContext.statusTracker()
        self._total, self._progress, self._over = total, progress, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> None:
        self._progress(0, self._total)
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        if error[0] is None:
            self._progress(self._total, self._total)

    def _look(self) -> None:
        while not self._over.wait(0.5):
            for stage in self._tracker.getActiveStageIds():
                info = self._tracker.getStageInfo(stage)
                if info is not None and info.numTasks:
                    self._progress(self._total * info.numCompletedTasks // info.numTasks, self._total)


class _told:  # noqa: N801  reads as a word where it is used
    """Says faults of Spark in one line."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, GeoscoreError) or not isinstance(error, Exception):
            return
        text = str(error)
        ours = re.search(r"geoscore\.errors\.(\w+): (.*)", text)
        if ours:
            raise InputError(ours[2].strip()) from error
        if "PYTHON_VERSION_MISMATCH" in text or "Python in worker has different version" in text:
            raise EngineError(
                "Spark's workers run another Python than this one: set PYSPARK_PYTHON to a Python of this version that"
                " is at the same path on every machine"
            ) from error
        if "No module named 'geoscore'" in text or "ModuleNotFoundError" in text:
            raise EngineError(
                "Spark's workers cannot import geoscore: install it in the Python that PYSPARK_PYTHON names on every"
                " machine"
            ) from error
        if "JAVA_GATEWAY_EXITED" in text:
            raise EngineError(
                "Spark's Java ended before it was ready; what it said stands above. Is JAVA_HOME a Java that this"
                f" pyspark knows, and are PYSPARK_SUBMIT_ARGS and SPARK_HOME right? {GET_JAVA}"
            ) from error
        first = next((line for line in text.splitlines() if line.strip()), type(error).__name__)
        raise EngineError(f"Spark stopped: {first.strip()[:300]}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what pyspark says of pandas 3, of which nothing is used here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
        yield


def _is_running() -> bool:
    """Return whether this process has a session already, which is its user's to stop."""
    sql = sys.modules.get("pyspark.sql")
    return sql is not None and sql.SparkSession.getActiveSession() is not None


def _start(memory: str | None) -> "SparkSession":
    try:
        with _quiet():
            from pyspark.sql import SparkSession
    except ImportError as error:
        raise EngineError("the spark engine needs pyspark: pip install 'geoscore[spark]'") from error
    java_version()
    choose_python()
    if alone():
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # nobody else need reach us
    builder = SparkSession.builder
    if alone():
        builder = builder.config("spark.sql.shuffle.partitions", str(PARTITIONS))
    for key, value in {
        **SETTINGS,
        **{f"spark.executorEnv.{name}": value for name, value in ENVIRONMENT.items()},
    }.items():
        builder = builder.config(key, value)
    if memory is not None:
        amount = spark_memory(memory)
        builder = builder.config("spark.driver.memory", amount).config("spark.executor.memory", amount)
    with _told(), _quiet():
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def alone() -> bool:
    """Return whether nothing in the environment sends Spark to a cluster: it then runs on this machine's cores."""
    asked = os.environ.get("PYSPARK_SUBMIT_ARGS", "")
    elsewhere = any(name in os.environ for name in ("PYSPARK_GATEWAY_PORT", "SPARK_CONF_DIR", "SPARK_HOME"))
    return not elsewhere and ("--master" not in asked or "--master local" in asked)


def spark_memory(memory: str) -> str:
    """Return an amount of memory in Spark's way of writing it.

    Raises
    ------
    InputError
        It is no amount.

    Examples
    --------
    >>> spark_memory("4GB"), spark_memory("1.5 gb")
    ('4096m', '1536m')
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(MB|GB|TB)", memory.strip().upper())
    if found is None:
        raise InputError(f"memory {memory!r}: write it like 4GB")
    return f"{int(float(found[1]) * {'MB': 1, 'GB': 1024, 'TB': 1024**2}[found[2]])}m"


def _marked(frame: Frame, number: int, columns: Sequence[str]) -> Frame:
    """Return the rows that have all of some columns, with a text in which those are equal that are to meet."""
    known = frame.filter(*(~nw.col(name).is_null() for name in columns))
    values = [nw.col(name).cast(nw.String) for name in columns]
    return known.with_columns(nw.concat_str(nw.lit(str(number)), *values, separator="\x1f").alias(BLOCK))


def _native(frame: Frame) -> "DataFrame":
    native: DataFrame = frame.to_native()
    return native


def _address(path: Path) -> str:
    return path.resolve().as_uri()


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _signed(frame: "DataFrame") -> "DataFrame":
    """Return a frame whose unsigned integers are signed ones."""
    wide = [name for name, kind in frame.dtypes if kind == UNSIGNED]
    return frame.withColumns({name: frame[_quoted(name)].cast("bigint") for name in wide}) if wide else frame


def _signed_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(item.name, pa.int64() if item.type == pa.uint64() else item.type) for item in schema])
