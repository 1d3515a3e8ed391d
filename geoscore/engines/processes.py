"""Parts of a Parquet file mapped by processes of their own: what holds Python's lock runs on every core that way.

Started as plain commands, so that a user's script needs no guard around it; they end with the process that began them.
"""

import os
import pickle
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.engines.memory import keep_memory
from geoscore.errors import EngineError, GeoscoreError

NumberedFunction: TypeAlias = Callable[[pa.RecordBatch, npt.NDArray[np.int64]], pa.RecordBatch]
"""A pure function of a batch of a file and its rows' numbers, from 1; it can be pickled."""

PART_ROWS: Final = 1_000_000
"""Rows of a part, at least one row group: what is lost at most when a run is killed."""
BATCH_ROWS: Final = 262_144
FEW_ROWS: Final = 600_000
"""A file of fewer rows is not worth starting processes for."""
COMMAND: Final = "from geoscore.engines.processes import work; work()"
_started: Final[list["subprocess.Popen[bytes]"]] = []
"""Processes that wait for their first job."""


@dataclass(frozen=True)
class FilePart:
    """Some row groups of a Parquet file, and the number of their first row, from 1."""

    number: int
    row_groups: tuple[int, ...]
    first_row: int
    rows: int

    @property
    def name(self) -> str:
        """Name of the file that holds what becomes of the part."""
        return f"part-{self.number:05d}.parquet"


@dataclass(frozen=True)
class FileJob:
    """What to do with every part of a file."""

    path: Path
    columns: tuple[str, ...]
    function: NumberedFunction
    schema: pa.Schema
    out: Path


def file_parts(path: Path, *, rows: int = PART_ROWS) -> list[FilePart]:
    """Return the parts of a Parquet file: row groups taken together up to about so many rows."""
    metadata = pq.read_metadata(path)
    parts: list[FilePart] = []
    groups: list[int] = []
    first, held = 1, 0
    for group in range(metadata.num_row_groups):
        groups.append(group)
        held += metadata.row_group(group).num_rows
        if held >= rows or group == metadata.num_row_groups - 1:
            parts.append(FilePart(len(parts), tuple(groups), first, held))
            groups, first, held = [], first + held, 0
    return parts


def start_workers(path: Path, *, imports: str) -> None:
    """Start the processes that will map a file's parts, so that they are awake when the function is ready.

    Parameters
    ----------
    path
        The Parquet file.
    imports
        Name of the function's module.
    """
    parts = file_parts(path)
    if sum(part.rows for part in parts) >= FEW_ROWS:
        wanted = min(_cores(), len(parts))
        _started.extend(_start(imports) for _ in range(wanted - len(_started)) if wanted > 1)


def end_workers() -> None:
    """End the processes that were started and are not at work."""
    while _started:
        with _started.pop() as process:
            if process.stdin:
                process.stdin.close()


def map_parts(job: FileJob, *, progress: Callable[[int, int], None] | None = None) -> int:
    """Map every part of a file that is not yet in the job's folder; return how many were there already.

    Parameters
    ----------
    job
        The file and the function.
    progress
        Called with the rows done and all of them.

    Raises
    ------
    EngineError
        A process died.
    """
    parts = file_parts(job.path)
    job.out.mkdir(parents=True, exist_ok=True)
    for old in job.out.glob("*.part"):
        old.unlink()  # of a run that was killed
    left = [part for part in parts if not (job.out / part.name).exists()]
    total = sum(part.rows for part in parts)
    done = [total - sum(part.rows for part in left)]

    def tell(rows: int) -> None:
        done[0] += rows
        if progress:
            progress(done[0], total)

    tell(0)
    workers = min(_cores(), len(left))
    if workers < 2 or sum(part.rows for part in left) < FEW_ROWS:  # noqa: PLR2004
        for part in left:
            map_part(job, part, tell)
        return len(parts) - len(left)
    waiting: queue.SimpleQueue[FilePart] = queue.SimpleQueue()
    for part in left:
        waiting.put(part)
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(_drive, job, waiting, tell) for _ in range(workers)]
        try:
            for future in as_completed(futures):
                future.result()
        finally:
            with suppress(queue.Empty):
                while True:
                    waiting.get_nowait()  # after a fault the others stop at the end of their part
    return len(parts) - len(left)


def map_part(job: FileJob, part: FilePart, tell: Callable[[int], None]) -> None:
    """Write what becomes of one part of a file, whole or not at all."""
    path = job.out / part.name
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with pq.ParquetWriter(partial, job.schema, compression="lz4") as writer:
            for batch, numbers in numbered_batches(job.path, job.columns, part):
                mapped = job.function(batch, numbers)
                if mapped.num_rows:
                    writer.write_batch(mapped)
                tell(batch.num_rows)
    except GeoscoreError:
        partial.unlink(missing_ok=True)
        raise
    except Exception as error:
        partial.unlink(missing_ok=True)
        raise EngineError(f"part {part.number} of {job.path}: {type(error).__name__}: {error}") from error
    os.replace(partial, path)  # noqa: PTH105  the atomic one, by its own name


def numbered_batches(
    path: Path, columns: Sequence[str], part: FilePart
) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
    """Yield the batches of a part with their rows' numbers."""
    first = part.first_row
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, row_groups=list(part.row_groups), columns=list(columns)):
            yield batch, np.arange(first, first + batch.num_rows, dtype=np.int64)
            first += batch.num_rows


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _drive(job: FileJob, waiting: "queue.SimpleQueue[FilePart]", tell: Callable[[int], None]) -> None:
    """Keep one process busy with the parts that wait."""
    with _take() as process:
        to, back = process.stdin, process.stdout
        if to is None or back is None:
            raise EngineError("a worker process has no pipes")
        try:
            pickle.dump(job, to)
            while True:
                try:
                    part = waiting.get_nowait()
                except queue.Empty:
                    break
                pickle.dump(part, to)
                to.flush()
                while (told := pickle.load(back)) is not None:  # noqa: S301  from our own process
                    if isinstance(told, Exception):
                        raise told
                    tell(told)
        except (EOFError, BrokenPipeError) as error:
            process.wait()
            raise EngineError(
                f"a worker process ended with {process.returncode}; is there enough memory? Finished parts are kept:"
                " run again to go on"
            ) from error
        finally:
            with suppress(BrokenPipeError):
                to.close()


def _start(imports: str = "") -> "subprocess.Popen[bytes]":
    # what lies in the user's folder is no module of ours: the paths are this process's own
    command = [sys.executable, "-P", "-c", COMMAND, *([imports] if imports else [])]
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, env={**os.environ, **paths})  # noqa: S603  our own interpreter


def _take() -> "subprocess.Popen[bytes]":
    try:
        return _started.pop()
    except IndexError:
        return _start()


def work() -> None:
    """Do what comes in at standard input until it ends: a job, then its parts; tell of rows at standard output."""
    back = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints must not disturb the pipe
    pa.set_cpu_count(1)
    keep_memory()
    for module in sys.argv[1:]:
        import_module(module)

    def tell(message: Any) -> None:
        pickle.dump(message, back)
        back.flush()

    try:
        job: FileJob = pickle.load(sys.stdin.buffer)  # noqa: S301  from the process that began us
        while True:
            part = pickle.load(sys.stdin.buffer)  # noqa: S301
            try:
                map_part(job, part, tell)
            except GeoscoreError as error:
                tell(error)  # it is raised again on the other side
            tell(None)
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return
