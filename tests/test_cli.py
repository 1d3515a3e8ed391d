"""The command line: plain words, exit codes to rely on, and documents that tell every option."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import typer

from geoscore.cli.main import app
from geoscore.pipeline import Run, run
from geoscore.project import Capacity, Census, Project, Propensity, Source, Suppression, Surface
from geoscore.reference.samples import example_dir

ROOT = Path(__file__).parent.parent


def geoscore(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "geoscore", *words]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(example_dir() / "geoscore.toml", out=tmp_path_factory.mktemp("demo") / "out")


@pytest.fixture(scope="module")
def surface(done: Run) -> str:
    return str(done.out / "surface.parquet")


@pytest.mark.slow
def test_the_demo_in_an_empty_folder(tmp_path: Path) -> None:
    result = geoscore("demo", "--json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    summary = json.loads(result.stdout)
    assert summary["rows_read"] == summary["rows_used"] + summary["rows_rejected"] == 33_617
    assert (tmp_path / "out" / "demo" / "map.html").exists()
    assert geoscore("verify", "out/demo", cwd=tmp_path).returncode == 0


def test_a_runs_folder_and_a_zip_plus_four_will_do(done: Run) -> None:
    result = geoscore("query", str(done.out), "--zip", "94301-1234")
    assert (result.returncode, result.stdout[:9]) == (0, "ZIP 94301")


def test_a_query_by_zip_as_json(surface: str) -> None:
    answer = json.loads(geoscore("query", surface, "--zip", "94301", "--format", "json").stdout)
    keys = "area capacity_usd households estimate low high level suppressed formula horizon universe"
    assert list(answer) == [*keys.split(), "vintage", "below_usd", "share"]
    assert 0 < answer["low"] < answer["estimate"] < answer["high"] < answer["households"]
    assert (answer["level"], answer["universe"], answer["formula"]) == (0.9, "file", "income-2pct-1y")


def test_counties_by_json_sum_to_the_region(surface: str) -> None:
    rows = json.loads(geoscore("query", surface, "--all", "--by", "county", "--format", "json").stdout)["rows"]
    whole = json.loads(geoscore("query", surface, "--all", "--format", "json").stdout)
    assert {row["area"] for row in rows} >= {"Alameda", "San Francisco", "Santa Clara"}
    for key in ("households", "estimate"):
        assert sum(row[key] for row in rows) == pytest.approx(whole[key], abs=1e-6)


def test_a_surface_is_read_by_duckdb_alone_and_says_the_same(surface: str) -> None:
    query = f"SELECT sum(households), sum(at_least[13]) FROM '{surface}' WHERE zip = '94301' AND NOT suppressed"  # noqa: S608
    households, estimate = duckdb.sql(query).fetchall()[0]
    answer = json.loads(geoscore("query", surface, "--zip", "94301", "--format", "json").stdout)
    assert (answer["households"], answer["estimate"]) == pytest.approx((households, estimate), abs=1e-9)


@pytest.mark.parametrize("form", ["table", "csv", "geojson"])
def test_listings_in_other_forms(surface: str, form: str) -> None:
    result = geoscore("query", surface, "--all", "--by", "zip", "--format", form)
    assert result.returncode == 0
    assert "94301" in result.stdout
    if form == "geojson":
        assert json.loads(result.stdout)["type"] == "FeatureCollection"
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(result.stdout)))
        ledger = json.loads(pq.read_schema(surface).metadata[b"geoscore"])["ledger"]
        assert {(row["purpose"], row["ledger"]) for row in rows} == {("nonprofit-fundraising", ledger)}


def test_a_listing_as_geoparquet(surface: str, tmp_path: Path) -> None:
    path = tmp_path / "cells.parquet"
    words = ("--all", "--by", "cell", "--resolution", "6", "--format", "geoparquet", "-o", str(path))
    assert geoscore("query", surface, *words).returncode == 0
    import geopandas as gpd

    assert gpd.read_parquet(path).crs.to_epsg() == 4326
    assert len(json.loads(pq.read_schema(path).metadata[b"geoscore"])["ledger"]) == 64


def test_map_and_report(surface: str, tmp_path: Path) -> None:
    assert geoscore("map", surface, "--capacity", "400", "-o", str(tmp_path / "m.html")).returncode == 0
    words = ("--zip", "94301", "--zip", "94110", "-o", str(tmp_path / "r.html"))
    assert geoscore("report", surface, *words).returncode == 0
    report = (tmp_path / "r.html").read_text()
    assert "ZIP 94110" in report
    assert report.count("<svg") == 4  # the areas compared, close by and in the region; the curve
    assert "http" not in report.replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["frob"], "No such command"),
        (["query", "SURFACE"], "say which area"),
        (["query", "SURFACE", "--zip", "94999"], "not in this surface; the nearest"),
        (["query", "SURFACE", "--zip", "94301", "--all"], "say which area"),
        (["query", "SURFACE", "--all", "--capacity", "nan"], "off the ladder"),
        (["query", "SURFACE", "--all", "--by", "cell", "--resolution", "9"], "or coarser"),
        (["query", "SURFACE", "--cell", "8728347"], "not an H3 cell"),
        (["query", "SURFACE", "--zip", "94301", "--capacity", "10"], "off the ladder"),
        (["query", "SURFACE", "--zip", "94301", "--capacity", "lots"], "is no threshold; write 2500"),
        (["query", "SURFACE", "--all", "--capacity", "2500:400"], "the smaller amount first"),
        (["query", "SURFACE", "--county", "Kern"], "it has Alameda"),
        (["query", "SURFACE", "--all", "--top", "3"], "go with --all --by"),
        (["query", "SURFACE", "--all", "--compare"], "several --zip"),
        (["query", "SURFACE", "--zip", "94301", "--by", "cell"], "use it with --all"),
        (["query", "SURFACE", "--point", "37,x", "--radius-km", "1"], "longitude and latitude"),
        (["query", "SURFACE", "--all", "--by", "zip", "--format", "geoparquet"], "needs a file"),
        (["query", "SURFACE", "--area", "nowhere.geojson"], "no file"),
        (["query", "nowhere.parquet", "--all"], "no surface"),
        (["map", "SURFACE"], "say what to make"),
        (["map", "SURFACE", "-o", "map.docx"], "written as .html"),
        (["map", "SURFACE", "--png", "map.jpg"], "ends in .png"),
        (["map", "SURFACE", "--png", "map.png", "--size", "poster"], "write slide, print"),
        (["map", "SURFACE", "-o", "map.html", "--layer", "nowhere.geojson"], "no file"),
        (["map", "SURFACE", "-o", "map.html", "--style", "nowhere.json"], "no style file"),
        (["report", "SURFACE", "-o", "report.docx"], "written as .html or .pdf"),
        (["report", "SURFACE", "-o", "report.html", "--template", "nowhere.html"], "no template"),
        (["run", "nowhere.toml"], "no project file"),
        (["verify", "nowhere"], "no ledger"),
        (["synth", "--households", "0", "--out", "x"], "Invalid value"),
    ],
)
def test_mistakes_end_with_two_and_one_line(surface: str, words: list[str], message: str, tmp_path: Path) -> None:
    result = geoscore(*(surface if word == "SURFACE" else word for word in words), cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr


def test_a_fault_found_in_the_middle_of_a_run_is_one_line_too(tmp_path: Path) -> None:
    for path in example_dir().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    voters = tmp_path / "voters.csv"
    voters.write_text(voters.read_text().replace("\nV", '\n"V', 1))
    result = geoscore("run", "geoscore.toml", cwd=tmp_path)
    assert result.returncode == 2
    assert "row 1: a quote is opened and not closed" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_refusal_ends_with_three(tmp_path: Path) -> None:
    (tmp_path / "itcont.csv").write_text("CMTE_ID,AMNDT_IND,RPT_TP,TRANSACTION_TP,ZIP_CODE\nC1,N,Q1,15,94301\n")
    project = 'name="x"\npurpose="research"\nas_of=2026-01-01\n[[sources]]\nname="a"\npath="itcont.csv"\n'
    (tmp_path / "geoscore.toml").write_text(project + '[sources.columns]\nzip="ZIP_CODE"\n')
    result = geoscore("run", "geoscore.toml", cwd=tmp_path)
    assert result.returncode == 3
    assert "11 CFR 104.15" in result.stderr
    assert not (tmp_path / "out").exists()


def test_help_and_doctor() -> None:
    assert "geoscore demo" in geoscore().stdout
    result = geoscore("doctor")
    assert result.returncode == 0
    assert "samples     whole" in result.stdout


def test_every_option_is_told_in_the_documents() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        assert f"geoscore {name}" in text or f"`{name}`" in text
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or option in text, f"{name} {option}"


def test_every_setting_is_told_in_the_documents() -> None:
    text = (ROOT / "docs" / "project-file.md").read_text()
    for settings in (Project, Source, Census, Surface, Capacity, Propensity, Suppression):
        for name in settings.model_fields:
            assert f"`{name}`" in text or name == "folder", name


@pytest.mark.slow
def test_examples_run(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for example, told in (("01_ten_lines.py", "ZIP 94301: about"), ("05_trade_area.py", "Palo Alto, 15 min: ")):
        result = subprocess.run(
            [sys.executable, f"examples/{example}"], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert result.returncode == 0, result.stderr
        assert told in result.stdout
