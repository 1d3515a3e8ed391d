"""Files whose rows are households: one pass gives what the stages give, on every engine, and finds what it left."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import SOUTH, STEP, WEST

from geoscore.engines import Engine
from geoscore.errors import InputError
from geoscore.ingest import Suppression
from geoscore.pipeline import Run, run
from geoscore.query.differences import compare_surfaces
from geoscore.schemas import REJECTED

COLUMNS = """longitude = "lon"
latitude = "lat"
zip = "zip"
income_usd = "income"
income_band = "band"
home_value_usd = "home"
age = "age"
largest_gift_usd = "gift"
"""
N = 4_000


def households(n: int = N, *, seed: int = 1) -> pa.Table:
    """Return rows of every kind: in the region and out of it, with and without each figure, readable and not."""
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(WEST - 0.01, WEST + 4 * STEP, n), rng.uniform(SOUTH, SOUTH + STEP, n)
    lon[:5], lat[:5] = lat[:5].copy(), lon[:5].copy()
    income = np.exp(rng.normal(11.4, 0.8, n)).round(-2)
    gone = rng.random((6, n)) < np.array([0.2, 0.2, 0.7, 0.8, 0.3, 0.9])[:, None]
    zips = np.array(["94301", "94303", "94302", "10001", "banana"], dtype=object)
    band = np.where(income < 100_000, "under $100,000", "$100,000-$199,999").astype(object)
    return pa.table(
        {
            "lon": pa.array(lon, mask=gone[0]),
            "lat": pa.array(lat, mask=gone[0]),
            "zip": pa.array(zips[rng.choice(5, n, p=[0.45, 0.45, 0.05, 0.04, 0.01])], pa.string(), mask=gone[1]),
            "income": pa.array(income, mask=gone[2]),
            "band": pa.array(band, pa.string(), mask=gone[3]),
            "home": pa.array(7 * income * np.exp(rng.normal(0, 0.3, n)), mask=gone[4]),
            "age": pa.array(rng.integers(20, 130, n)),
            "gift": pa.array(income * 0.05, mask=gone[5]),
        }
    )


@pytest.fixture
def project(make_project: Callable[..., Path], tmp_path: Path) -> Path:
    pq.write_table(households(), tmp_path / "homes.parquet", row_group_size=1_000)
    return make_project(
        tmp_path / "homes.parquet", columns=COLUMNS, settings="link = false", source="features = false", name="homes"
    )


def by_stages(project: Path, out: Path) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("geoscore.pipeline.project_run.counts_in_one_pass", lambda *_: False)
        return run(project, out=out)


def stages_of(out: Path) -> dict[str, bool]:
    log = json.loads((out / "private" / "stages" / "stages.json").read_text())
    return {entry["stage"]: entry["kept"] for entry in log}


def test_one_pass_gives_what_the_stages_give(project: Path, tmp_path: Path) -> None:
    once, staged = run(project, out=tmp_path / "once"), by_stages(project, tmp_path / "staged")
    assert compare_surfaces(once.surface, staged.surface).same(tolerance=1e-9)
    told = ("rows_read", "rows_used", "rows_rejected", "households", "located", "files", "contradictions", "evidence")
    assert {name: once.summary[name] for name in told} == {name: staged.summary[name] for name in told}
    assert once.summary["rows_rejected"] > 100
    rejected = [
        pq.read_table(tmp_path / out / "private" / "rejected.parquet").cast(REJECTED) for out in ("once", "staged")
    ]
    assert rejected[0].equals(rejected[1])
    assert not (tmp_path / "once" / "private" / "located.parquet").exists()


@pytest.mark.slow
def test_opted_out_households_leave_in_one_pass_too(project: Path, tmp_path: Path) -> None:
    class First(Suppression):
        def mark(self, records: pa.RecordBatch) -> Any:
            return records["row"].to_numpy() <= 100

    listed = First(date(2026, 11, 1), bytes(32), {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("geoscore.ingest.open_suppression", lambda *_, **__: listed)
        once, staged = run(project, out=tmp_path / "once"), by_stages(project, tmp_path / "staged")
    assert once.summary["files"][0]["rows_rejected"]["opted out"] == 100
    assert compare_surfaces(once.surface, staged.surface).same(tolerance=1e-9)


@pytest.mark.slow
def test_every_engine_gives_the_same_bytes(
    engine: Engine, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geoscore.pipeline.project_run.open_engine", lambda *_, **__: _Kept(engine))
    run(project, out=tmp_path / "this", engine=engine.name)
    monkeypatch.undo()
    run(project, out=tmp_path / "duckdb")
    for name in ("surface.parquet", "map.html", "summary.json"):
        assert (tmp_path / "this" / name).read_bytes() == (tmp_path / "duckdb" / name).read_bytes(), name


@pytest.mark.slow
@pytest.mark.spark
def test_spark_goes_through_every_stage_too(
    spark: Engine, make_project: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["id,zip,income", *(f"{i},9430{1 + 2 * (i % 2)},{20_000 + 500 * i}" for i in range(300))]
    project = make_project("\n".join(lines), columns='zip = "zip"\nincome_usd = "income"')
    monkeypatch.setattr("geoscore.pipeline.project_run.open_engine", lambda *_, **__: _Kept(spark))
    on_spark = run(project, out=tmp_path / "spark", engine="spark")
    monkeypatch.undo()
    assert compare_surfaces(on_spark.surface, run(project, out=tmp_path / "duckdb").surface).same(tolerance=1e-9)


def test_an_unchanged_run_repeats_no_stage(project: Path, tmp_path: Path) -> None:
    run(project, out=tmp_path / "out")
    first = (tmp_path / "out" / "surface.parquet").read_bytes()
    assert not any(stages_of(tmp_path / "out").values())
    run(project, out=tmp_path / "out")
    assert all(stages_of(tmp_path / "out").values())
    assert (tmp_path / "out" / "surface.parquet").read_bytes() == first
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_no_row_of_a_household_is_kept(project: Path, tmp_path: Path) -> None:
    run(project, out=tmp_path / "out")
    stages = tmp_path / "out" / "private" / "stages"
    learned = next(stages.glob("learn-*"))
    assert sorted(path.name for path in learned.iterdir()) == ["done.json", "evidence.json"]
    for path in stages.rglob("*.parquet"):
        assert not {"household_id", "home_value_usd"} & set(pq.read_schema(path).names), path


def test_what_changed_is_made_anew(project: Path, tmp_path: Path) -> None:
    run(project, out=tmp_path / "out")
    project.write_text(project.read_text().replace("[census]", "[surface]\nk = 20\n[census]"))
    run(project, out=tmp_path / "out")
    assert stages_of(tmp_path / "out") == {"learn": True, "count homes": True, "group": True, "surface": False}
    pq.write_table(households(seed=2), tmp_path / "homes.parquet")
    run(project, out=tmp_path / "out")
    assert not any(stages_of(tmp_path / "out").values())


@pytest.mark.slow
def test_a_killed_run_goes_on_and_gives_the_same_bytes(project: Path, tmp_path: Path) -> None:
    whole = run(project, out=tmp_path / "whole")
    code = (
        "import os, signal\nimport geoscore.surfaces as surfaces\nfrom geoscore.pipeline import run\n"
        "surfaces.build_blocks = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"run({str(project)!r}, out={str(tmp_path / 'out')!r})\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / ".out.stages").stat().st_mode & 0o077 == 0
    run(project, out=tmp_path / "out")
    assert stages_of(tmp_path / "out") == {"learn": True, "count homes": True, "group": True, "surface": False}
    for name in ("surface.parquet", "map.html", "report.html", "summary.json"):
        assert (tmp_path / "out" / name).read_bytes() == (whole.out / name).read_bytes(), name


def test_a_file_cut_off_is_said(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "homes.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="no whole Parquet file"):
        run(project, out=tmp_path / "out")


def test_swapped_coordinates_are_said(project: Path, tmp_path: Path) -> None:
    text = project.read_text().replace('longitude = "lon"\nlatitude = "lat"', 'longitude = "lat"\nlatitude = "lon"')
    project.write_text(text)
    with pytest.raises(InputError, match="longitude and latitude seem swapped"):
        run(project, out=tmp_path / "out")


def test_progress_tells_rows(project: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    run(project, out=tmp_path / "out", progress=lambda *step: told.append(step))
    assert ("count homes", N, N) in told


class _Kept:
    """An engine that outlives a run."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __enter__(self) -> Engine:
        return self.engine

    def __exit__(self, *error: object) -> None:
        return
