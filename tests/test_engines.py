"""One test body for every engine: what they read, map, write and give back; and what Spark needs around it."""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geoscore.engines import Engine, open_engine, processes
from geoscore.engines.java import choose_python, java_version
from geoscore.engines.processes import FileJob, file_parts, map_parts
from geoscore.errors import EngineError, InputError

CELL = 0x8828347433FFFFF
ROWS = pa.table(
    {
        "cell": pa.array([CELL, None, CELL], pa.uint64()),
        "zip": ["94301", None, "94303"],
        "income": [1.0, 2.0, None],
    }
)
SUMS = pa.schema([("first", pa.int64()), ("rows", pa.int64()), ("income", pa.float64())])


def add_up(batch: pa.RecordBatch, numbers: npt.NDArray[np.int64]) -> pa.RecordBatch:
    income = batch["income"].to_numpy(zero_copy_only=False)
    columns = [[int(numbers[0])], [batch.num_rows], [float(np.nansum(income * numbers))]]
    return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=SUMS)


PAIRED = pa.schema([("left", pa.int64()), ("right", pa.int64())])


def pair_up(rows: pa.Table, blocks: Sequence[Sequence[str]], _engine: Engine) -> pa.Table:
    data = rows.to_pylist()
    found = [
        {"left": one["unique_id"], "right": other["unique_id"]}
        for columns in blocks
        for one in data
        for other in data
        if one["unique_id"] < other["unique_id"] and all(one[name] == other[name] is not None for name in columns)
    ]
    return pa.Table.from_pylist(found, schema=PAIRED)


def refuse(_batch: pa.RecordBatch, _numbers: npt.NDArray[np.int64]) -> pa.RecordBatch:
    raise InputError("no such thing")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    income = np.arange(1.0, 1001.0)
    pq.write_table(pa.table({"other": ["x"] * 1000, "income": income}), path, row_group_size=100)
    return path


def test_cells_stay_whole_and_missing_values_missing(engine: Engine) -> None:
    frame = engine.from_arrow(ROWS)
    shown = engine.collect(frame.filter(nw.col("income") < 3)).cast(ROWS.schema).sort_by("income").to_pydict()
    assert shown == {"cell": [CELL, None], "zip": ["94301", None], "income": [1.0, 2.0]}


def test_a_function_is_given_the_types_of_the_table(engine: Engine) -> None:
    def double(batch: pa.RecordBatch) -> pa.RecordBatch:
        assert batch.schema.field("cell").type == pa.uint64()
        return batch

    mapped = engine.map_batches(engine.from_arrow(ROWS), double, ROWS.schema, given=ROWS.schema)
    assert engine.collect(mapped).cast(ROWS.schema).sort_by("zip").equals(ROWS.sort_by("zip"))


def test_what_is_written_is_read_again(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    for _ in range(2):  # over itself, too
        engine.write(engine.from_arrow(ROWS), path)
    assert engine.collect(engine.scan(path)).cast(ROWS.schema).sort_by("zip").equals(ROWS.sort_by("zip"))


def test_rows_of_a_file_have_their_numbers(engine: Engine, file: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    frame = engine.map_file(
        file, ["income"], add_up, SUMS, out=tmp_path / "out", progress=lambda *step: told.append(step)
    )
    found = engine.collect(frame.select(nw.col("rows", "income").sum())).to_pylist()[0]
    assert found == {"rows": 1000, "income": float(sum(n * n for n in range(1, 1001)))}
    assert told[-1] == (1000, 1000)


def test_a_file_that_was_mapped_is_not_mapped_again(engine: Engine, file: Path, tmp_path: Path) -> None:
    first = engine.collect(engine.map_file(file, ["income"], add_up, SUMS, out=tmp_path / "out"))
    again = engine.collect(engine.map_file(file, ["income"], refuse, SUMS, out=tmp_path / "out"))
    assert again.sort_by("first").equals(first.sort_by("first"))


def test_a_fault_in_a_function_is_said_in_one_line(engine: Engine, file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such thing"):
        engine.map_file(file, ["income"], refuse, SUMS, out=tmp_path / "out")


def test_processes_do_the_parts_that_are_left(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoscore.engines.processes.FEW_ROWS", 1)
    monkeypatch.setattr("geoscore.engines.processes.PART_ROWS", 300)
    monkeypatch.setattr("geoscore.engines.processes._cores", lambda: 2)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(add_up, "__module__", "test_engines", raising=False)
    parts = file_parts(file, rows=300)
    assert [(part.first_row, part.rows) for part in parts] == [(1, 300), (301, 300), (601, 300), (901, 100)]
    job = FileJob(file, ("income",), add_up, SUMS, tmp_path / "out")
    monkeypatch.setattr("geoscore.engines.processes.file_parts", lambda _path: parts)
    assert map_parts(job) == 0
    (tmp_path / "out" / parts[1].name).unlink()
    assert map_parts(job) == 3
    assert pq.read_table(tmp_path / "out")["rows"].to_pylist() == [300, 300, 300, 100]


def test_processes_started_early_take_the_first_parts_or_end(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "FEW_ROWS", 1)
    monkeypatch.setattr(processes, "PART_ROWS", 300)
    monkeypatch.setattr(processes, "_cores", lambda: 3)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(add_up, "__module__", "test_engines", raising=False)
    parts = file_parts(file, rows=500)
    monkeypatch.setattr(processes, "file_parts", lambda _path: parts)
    with open_engine() as engine:
        engine.get_ready(file, imports="geoscore.errors")
        early = list(processes._started)
        assert len(early) == 2  # as many as there are parts
        found = engine.collect(engine.map_file(file, ["income"], add_up, SUMS, out=tmp_path / "out"))
        assert sorted(found["rows"].to_pylist()) == [500, 500]
        assert [process.returncode for process in early] == [0, 0]
        engine.get_ready(file, imports="geoscore.errors")
        early = list(processes._started)
    assert [process.returncode for process in early] == [0, 0]
    assert not processes._started


def test_workers_import_nothing_from_the_folder_they_are_started_in(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('a file of the user was imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(processes, "FEW_ROWS", 1)
    monkeypatch.setattr(processes, "_cores", lambda: 2)
    monkeypatch.setattr(add_up, "__module__", "test_engines", raising=False)
    parts = file_parts(file, rows=500)
    monkeypatch.setattr(processes, "file_parts", lambda _path: parts)
    map_parts(FileJob(file, ("income",), add_up, SUMS, tmp_path / "out"))
    assert pq.read_table(tmp_path / "out")["rows"].to_pylist() == [500, 500]


def test_a_worker_that_dies_is_said(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoscore.engines.processes.FEW_ROWS", 1)
    monkeypatch.setattr("geoscore.engines.processes._cores", lambda: 2)
    monkeypatch.setattr("geoscore.engines.processes.COMMAND", "raise SystemExit(9)")
    parts = file_parts(file, rows=300)
    monkeypatch.setattr("geoscore.engines.processes.file_parts", lambda _path: parts)
    with pytest.raises(EngineError, match="ended with 9; is there enough memory"):
        map_parts(FileJob(file, ("income",), add_up, SUMS, tmp_path / "out"))


def test_the_engine_is_one_of_ours() -> None:
    with pytest.raises(InputError, match="choose one of duckdb, spark"):
        open_engine("dask")


def test_no_java_is_said_with_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="needs Java 17 or newer, and there is no java here: install one"):
        java_version()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EngineError, match=r"JAVA_HOME is .*, where there is no bin/java"):
        java_version()


def test_an_old_java_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _program(tmp_path / "bin" / "java", "echo 'openjdk version \"11.0.2\"' >&2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EngineError, match=f"{program} is version 11"):
        java_version()


def test_another_python_for_the_workers_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", "/nowhere/python")
    with pytest.raises(EngineError, match="there is no such program: unset it, or set it to"):
        choose_python()
    monkeypatch.setenv("PYSPARK_PYTHON", str(_program(tmp_path / "python", "echo 2.7")))
    with pytest.raises(EngineError, match=r"Python 2\.7, and this is Python 3"):
        choose_python()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[PYTHON_VERSION_MISMATCH] Python in worker has different version", "set PYSPARK_PYTHON to a Python of this"),
        ("ModuleNotFoundError: No module named 'geoscore'", "install it in the Python that PYSPARK_PYTHON names"),
        ("[JAVA_GATEWAY_EXITED] Java gateway process exited", "Is JAVA_HOME a Java that this pyspark knows"),
        ("\nJob aborted due to stage failure\n\tat x", r"^Spark stopped: Job aborted due to stage failure$"),
    ],
)
def test_faults_of_spark_are_said_in_one_line(text: str, expected: str) -> None:
    spark = pytest.importorskip("geoscore.engines.spark")
    with pytest.raises(EngineError, match=expected), spark._told():
        raise RuntimeError(text)


def test_a_missing_pyspark_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(EngineError, match=r"needs pyspark: pip install 'geoscore\[spark\]'"):
        open_engine("spark")


def test_rows_that_agree_meet_wherever_they_are(engine: Engine) -> None:
    rows = pa.table({"unique_id": [0, 1, 2, 3], "line": ["x", "x", "y", None], "zip": ["1", "2", "2", "2"]})
    kept = engine.keep(engine.from_arrow(rows))
    pairs = engine.map_blocks(kept, [("line",), ("zip",)], pair_up, PAIRED, given=rows.schema)
    found = {(row["left"], row["right"]) for row in engine.collect(pairs).to_pylist()}
    assert found == {(0, 1), (1, 2), (1, 3), (2, 3)}


def test_workers_run_this_python_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", "x")
    monkeypatch.delenv("PYSPARK_PYTHON")
    choose_python()
    assert Path(os.environ["PYSPARK_PYTHON"]).exists()
    monkeypatch.delenv("PYSPARK_PYTHON")


def _program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
