"""Files and surfaces in an object store are read like any other, and what is wrong there is said in one line."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from object_store import KEY, object_store
from typer.testing import CliRunner

import geoscore as gs
from geoscore.cli.commands import app
from geoscore.errors import InputError, InputNotFoundError
from geoscore.ingest.download import forget_copies
from geoscore.ledger import verify_ledger
from geoscore.pipeline import run
from geoscore.storage import fetch_object

ROWS = "zip,income_usd\n" + "94301,90000\n" * 40 + "94303,60000\n" * 30


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a bucket named ``lists``."""
    bucket = tmp_path / "buckets" / "lists"
    bucket.mkdir(parents=True)
    for name in ("AWS_PROFILE", "AWS_NO_SIGN_REQUEST", "AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    forget_copies()
    with object_store(bucket.parent) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        yield bucket
    forget_copies()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_run_reads_its_files_from_a_bucket(
    store: Path, make_project: Callable[..., Path], tmp_path: Path, ending: str
) -> None:
    columns = 'zip = "zip"\nincome_usd = "income_usd"'
    here = run(make_project(ROWS, columns=columns), out=tmp_path / "here")
    (store / "2026").mkdir()
    if ending == "csv":
        (store / "2026" / "donors.csv").write_text(ROWS)
    else:
        zips, incomes = ["94301"] * 40 + ["94303"] * 30, [90000.0] * 40 + [60000.0] * 30
        pq.write_table(pa.table({"zip": zips, "income_usd": incomes}), store / "2026" / "donors.parquet")
    project = make_project(ROWS, columns=columns)
    text = project.read_text()
    path = next(line for line in text.splitlines() if line.startswith("path"))
    project.write_text(text.replace(path, f'path = "s3://lists/2026/donors.{ending}"'))
    there = run(project, out=tmp_path / "there")
    assert there.surface.table.equals(here.surface.table)
    assert f"s3://lists/2026/donors.{ending}" in (tmp_path / "there" / "ledger.jsonl").read_text()
    assert verify_ledger(tmp_path / "there").files


def test_a_surface_is_opened_from_a_bucket(store: Path, make_project: Callable[..., Path], tmp_path: Path) -> None:
    surface = run(make_project(ROWS), out=tmp_path / "out").surface
    (store / "run").mkdir()
    (store / "run" / "surface.parquet").write_bytes((tmp_path / "out" / "surface.parquet").read_bytes())
    for address in ("s3://lists/run/surface.parquet", "s3a://lists/run", Path("s3://lists/run/surface.parquet")):
        assert gs.open_surface(address).table.equals(surface.table)
    told = CliRunner().invoke(app, ["query", "s3://lists/run", "--all", "--format", "csv"])
    assert told.exit_code == 0
    assert told.stdout == CliRunner().invoke(app, ["query", str(tmp_path / "out"), "--all", "--format", "csv"]).stdout


def test_inspect_looks_into_a_bucket(store: Path) -> None:
    (store / "donors.csv").write_text(ROWS)
    told = CliRunner().invoke(app, ["inspect", "s3://lists/donors.csv"])
    assert told.exit_code == 0
    assert "income_usd" in told.stdout


def test_what_is_not_there_is_said(store: Path, tmp_path: Path) -> None:
    (store / "2026").mkdir()
    (store / "2026" / "a.csv").write_text("zip\n")
    with pytest.raises(InputNotFoundError, match=r"there is no file s3://lists/b\.csv"):
        fetch_object("s3://lists/b.csv", into=tmp_path)
    with pytest.raises(InputNotFoundError, match=r"there is no bucket list at http://127\.0\.0\.1"):
        fetch_object("s3://list/a.csv", into=tmp_path)
    with pytest.raises(InputError, match="s3://lists/2026 is a folder; name a file in it"):
        fetch_object("s3://lists/2026", into=tmp_path)
    assert fetch_object("s3://lists/2026", into=tmp_path, inside="a.csv").read_text() == "zip\n"


def test_keys_that_open_nothing_are_said(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (store / "a.csv").write_text("zip\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    with pytest.raises(InputError, match=r"refuses s3://lists/a\.csv: set AWS_ACCESS_KEY_ID"):
        fetch_object("s3://lists/a.csv", into=tmp_path)
    monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "yes")
    with pytest.raises(InputError, match=r"refuses s3://lists/a\.csv"):
        fetch_object("s3://lists/a.csv", into=tmp_path)


@pytest.mark.usefixtures("store")
def test_a_store_that_does_not_answer_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:1 cannot be reached; is AWS_ENDPOINT_URL right"):
        fetch_object("s3://lists/a.csv", into=tmp_path)


def test_too_large_a_file_is_not_brought(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (store / "a.csv").write_text(ROWS)
    monkeypatch.setattr("geoscore.storage.MOST_BYTES", 100)
    with pytest.raises(InputError, match="is larger than"):
        fetch_object("s3://lists/a.csv", into=tmp_path)


def test_a_run_does_not_write_to_a_bucket(make_project: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="a run writes to a folder: run with --out FOLDER"):
        run(make_project(ROWS), out="s3://lists/out")
