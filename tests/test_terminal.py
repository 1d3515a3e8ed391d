"""What people read in a terminal: every command that prints tables, on one small made-up list and its surface."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import SOUTH, STEP, WEST

from geoscore.cli import show
from geoscore.cli.main import _run
from geoscore.market.choices import change_sites, given_model, open_model
from geoscore.query import open_surface
from geoscore.reference.samples import example_dir
from geoscore.trade.scenario import Sites

HOUSEHOLDS = 400
Say = Callable[..., tuple[int, str, str]]
VISITS = example_dir().parent / "trade_area" / "visits.csv"
HUFF = ("trade-area", "huff", "--flows", VISITS, "--origin", "zip", "--site", "office", "--flow", "visits")


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Return a function that runs a command line in this process: its exit code, what it printed and complained."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["geoscore", *map(str, words)])
        code = _run()
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, region: Path) -> Path:
    """Return a folder with a made-up list, a project on it, and the run's output under ``out``."""
    folder = tmp_path_factory.mktemp("terminal")
    rng = np.random.default_rng(5)
    n = HOUSEHOLDS
    frame = pd.DataFrame(
        {
            "id": [f"D{i}" for i in range(n)],
            "first_name": rng.choice(["Ana", "Bert", "Carin", "Domo", "Elvid", "Fina"], n),
            "last_name": [f"Stone{i % 97}field" for i in range(n)],
            "street": [f"{10 + i} Maple{i % 31} Street" for i in range(n)],
            "zip": rng.choice(["94301", "94303"], n),
            "longitude": WEST + rng.uniform(0, 4 * STEP, n),
            "latitude": SOUTH + rng.uniform(0, STEP, n),
            "household_income": np.exp(rng.normal(11.6, 0.6, n)).round(-2),
            "religion": rng.choice(["a", "b"], n),
        }
    )
    frame.loc[:19, "zip"] = "not a zip"
    frame.loc[:19, ["longitude", "latitude"]] = np.nan
    frame.to_csv(folder / "donors.csv", index=False)
    census = "\n".join(
        f'{key} = "{(region / key).as_posix()}.parquet"' for key in ("areas", "incomes", "zips", "counties", "curve")
    )
    (folder / "geoscore.toml").write_text(
        f'name = "Test"\npurpose = "research"\nas_of = 2026-11-01\nregion = "Two towns"\n[census]\n{census}\n'
        '[[sources]]\nname = "donors"\npath = "donors.csv"\nid = "id"\n[sources.columns]\nfirst_name = "first_name"\n'
        'last_name = "last_name"\nstreet = "street"\nzip = "zip"\nlongitude = "longitude"\nlatitude = "latitude"\n'
        'income_usd = "household_income"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["geoscore", "run", str(folder / "geoscore.toml"), "--json"])
        assert _run() == 0
    return folder


def test_the_summary_of_a_run_adds_up_in_the_terminal(folder: Path, say: Say, tmp_path: Path) -> None:
    code, told, _ = say("run", folder / "geoscore.toml", "--out", tmp_path / "again")
    assert code == 0
    rows = re.search(r"^all +([\d,]+) +([\d,]+) +([\d,]+)$", told, re.MULTILINE)
    assert rows is not None
    read, used, rejected = (int(text.replace(",", "")) for text in rows.groups())
    assert read == used + rejected == HOUSEHOLDS
    assert rejected == 20
    assert re.search(r"^ +20  \S", told, re.MULTILINE)  # the reason beside the count
    assert "left out as sensitive: religion" in told
    assert "linked " in told
    assert re.search(r"households at \$2,500 or more \(90% interval", told)
    assert str(tmp_path / "again" / "surface.parquet") in told


def test_a_run_as_json_and_without_a_word(folder: Path, say: Say, tmp_path: Path) -> None:
    code, told, _ = say("run", folder / "geoscore.toml", "--out", tmp_path / "quiet", "--quiet")
    assert (code, told) == (0, "")
    assert pq.read_table(tmp_path / "quiet" / "surface.parquet").equals(pq.read_table(folder / "out/surface.parquet"))


def test_a_files_columns_as_a_table_and_as_json(folder: Path, say: Say) -> None:
    code, told, _ = say("inspect", folder / "donors.csv")
    assert code == 0
    assert "(400 rows looked at)" in told
    line = next(line for line in told.splitlines() if line.strip().startswith("religion"))
    assert "SENSITIVE" in line
    assert not re.search(r"Stone\d+field", told)  # examples are masked
    code, told, _ = say("inspect", folder / "donors.csv", "--format", "json")
    columns = json.loads(told)["files"][0]["columns"]
    assert {column["name"] for column in columns} >= {"zip", "household_income"}


def test_a_project_is_proposed_once_and_files_of_no_use_are_named(folder: Path, say: Say, tmp_path: Path) -> None:
    (tmp_path / "colors.csv").write_text("color\nred\nblue\n")
    (tmp_path / "picture.xyz").write_bytes(b"\x00\x01")
    target = tmp_path / "new.toml"
    words = ("init", folder / "donors.csv", tmp_path / "colors.csv", tmp_path / "picture.xyz", "-o", target)
    code, told, complained = say(*words)
    assert code == 0
    assert f"{target}: 1 of 2 files are sources" in told
    assert "colors.csv is left out: " in told
    assert "picture.xyz is of no kind that geoscore reads, passed over" in complained
    code, _, complained = say(*words)
    assert code == 2
    assert "is there already; add --force" in complained
    assert say(*words, "--force")[0] == 0
    code, _, complained = say("init", tmp_path / "colors.csv", "-o", tmp_path / "none.toml")
    assert code == 2
    assert "no file can be a source: colors.csv: " in complained


def test_links_and_why_as_tables_and_as_json(say: Say, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "id,name,street,zip,house\n1,Ann Lee,12 Oak St,94301,x\n2,Bo Diaz,9 Elm St,94110,y\n"
        "3,Anne Lee,12 Oak Street,94301,x\n4,Bo Diaz,9 Elm St,94110,y\n"
    )
    links = tmp_path / "links.parquet"
    code, told, _ = say("link", path, "-o", links, "--truth", "house")
    assert code == 0
    assert "4 records became 2 persons in 2 households" in told
    assert "the model was not trained on these files" in told
    assert re.search(r"pairwise precision 1\.0000, recall 1\.0000, F1 1\.0000", told)
    assert "households corrected for missed links: 2" in told
    inside = tmp_path / "links.linkage"
    code, told, _ = say("explain-link", "a:1", "a:3", "--in", inside)
    assert code == 0
    assert "one household, one person" in told
    assert re.search(r"all together +\+\d+\.\d\d +probability [01]\.\d{4}", told)
    assert "two households" in say("explain-link", "a:1", "a:2", "--in", inside)[1]
    assert "they are one" in say("explain-link", "a:2", "a:4", "--in", inside)[1]
    told = say("explain-link", "1", "3", "--in", inside, "--format", "json")[1]
    assert json.loads(told)["same_household"] is True
    told = say("link", path, "-o", tmp_path / "again.parquet", "--format", "json")[1]
    assert json.loads(told)["households"] == 2
    assert say("link", path, "-o", tmp_path / "quiet.parquet", "--quiet")[1] == ""
    code, _, complained = say("link", path, "-o", tmp_path / "links.csv")
    assert (code, complained.count("\n")) == (2, 1)
    assert "links are written as .parquet" in complained


def test_opt_outs_are_hashed_with_a_secret_that_is_made_once(say: Say, tmp_path: Path) -> None:
    path, listed, key = tmp_path / "out.csv", tmp_path / "list.csv", tmp_path / "my.key"
    path.write_text("Mail,Name\nann@example.org,Ann Lee\nnobody,Bo Diaz\n")
    words = ("suppress", path, "-o", listed, "--key", key, "--synced", "2026-11-01")
    code, told, _ = say(*words, "--column", "email=Mail")
    assert code == 0
    assert f"{listed}: 2 rows, 1 by email; synced 2026-11-01" in told
    assert f"{key} is its secret" in told
    assert "out.csv, row 2: " in told
    assert "ann@" not in listed.read_text()
    assert "is its secret" not in say(*words, "--column", "email=Mail")[1]
    for wrong, why in ((("--column", "email"), "write FIELD=COLUMN"), (("--synced", "soon"), "write a date")):
        code, _, complained = say("suppress", path, "-o", listed, "--key", key, *wrong)
        assert code == 2
        assert why in complained


def test_answers_in_every_form(folder: Path, say: Say) -> None:
    surface = folder / "out" / "surface.parquet"
    code, told, _ = say("query", surface, "--zip", "94301", "--zip", "94303", "--compare")
    assert code == 0
    assert told.startswith("ZIP 94301: about ")
    assert "Test, as of 2026-11-01; counted: households of the files; purpose: research" in told
    rows = json.loads(say("query", surface, "--zip", "94301", "--zip", "94303", "--compare", "--format", "json")[1])
    assert [row["area"] for row in rows["rows"]][:2] == ["ZIP 94301", "ZIP 94303"]
    region = next(row for row in rows["rows"] if row["area"] == "Two towns")
    assert region["index"] == pytest.approx(100.0)
    bands = json.loads(
        say("query", surface, "--all", "--capacity", "400:2500", "--capacity", "50", "--format", "json")[1]
    )
    assert [row["below_usd"] for row in bands["rows"]] == [2500.0, None]
    told = say("query", surface, "--zip", "94301", "--format", "csv")[1].splitlines()
    assert told[0].startswith("area,capacity_usd,households")
    code, _, complained = say("query", surface, "--zip", "94301", "--format", "geojson")
    assert code == 2
    assert "is for lists of places; use --all --by" in complained


def test_listings_in_every_form(folder: Path, say: Say, tmp_path: Path) -> None:
    surface = folder / "out" / "surface.parquet"
    by_cell = ("query", surface, "--all", "--by", "cell", "--resolution", "7")
    told = say(*by_cell)[1]
    assert told.splitlines()[0].split() == ["households", "expected", "90%", "interval", "share", "index"]
    answers = open_surface(surface).at_least(2500).by("cell", resolution=7)
    if any(answer.suppressed for answer in answers):
        assert "* or hidden: households that are too few to be shown" in told
    rows = say(*by_cell, "--format", "csv")[1].splitlines()
    assert len(rows) == 1 + len(answers)
    shapes = json.loads(say(*by_cell, "--format", "geojson")[1])
    assert shapes["provenance"]["purpose"] == "research"
    assert len(shapes["features"]) == sum(name != "" for name, _ in answers.answers)
    code, _, complained = say(*by_cell, "--format", "geoparquet")
    assert code == 2
    assert "needs a file" in complained
    path = tmp_path / "cells.parquet"
    assert say(*by_cell, "--format", "geoparquet", "-o", path) == (0, "", "")
    assert json.loads(pq.read_schema(path).metadata[b"geoscore"])["sources"][0]["name"] == "donors"
    written = tmp_path / "zips.json"
    assert say("query", surface, "--all", "--by", "zip", "--format", "json", "-o", written)[0] == 0
    assert json.loads(written.read_text())["by"] == "zip"


def test_how_far_a_run_may_be_trusted(folder: Path, say: Say, tmp_path: Path) -> None:
    code, told, _ = say("doctor", folder / "out")
    assert code == 0
    located = json.loads((folder / "out" / "summary.json").read_text())["located"]
    assert f"located     {located['given']:,} given\n" in told
    assert "is the finest honest one for these positions" in told
    code, _, complained = say("doctor", tmp_path)
    assert code == 2
    assert "is no folder of a finished run" in complained
    assert say("--version")[1].startswith("geoscore ")
    assert "geoscore demo" in say()[1]


def test_mistakes_of_any_kind_are_one_line(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, told, complained = say("query", tmp_path / "no.parquet", "--all")
    assert (code, told, complained.count("\n")) == (2, "", 1)
    code, _, complained = say("query")
    assert code == 2
    assert "--help)" in complained
    monkeypatch.setattr("geoscore.query.open_surface", lambda _path: 1 / 0)
    code, _, complained = say("query", tmp_path / "no.parquet", "--all")
    assert code == 1
    assert "a fault of geoscore's own: ZeroDivisionError: division by zero; GEOSCORE_TRACEBACK=1" in complained
    monkeypatch.setenv("GEOSCORE_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        say("query", tmp_path / "no.parquet", "--all")
    monkeypatch.setattr("geoscore.query.open_surface", lambda path: open(path, "rb"))  # noqa: PTH123, SIM115
    code, _, complained = say("query", tmp_path / "no.parquet", "--all")
    assert code == 2
    assert "no.parquet: No such file or directory" in complained

    def stop(_path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("geoscore.query.open_surface", stop)
    code, _, complained = say("query", tmp_path / "no.parquet", "--all")
    assert (code, complained) == (130, "geoscore: stopped; nothing was left half-written\n")


@pytest.mark.parametrize(
    ("method", "more"),
    [("mle", ()), ("mci", ("--add", "1")), ("least-squares", ()), ("mle", ("--decay", "exponential"))],
)
def test_a_fitted_model_by_every_method(say: Say, tmp_path: Path, method: str, more: tuple[str, ...]) -> None:
    kept, pairs = tmp_path / "model.json", tmp_path / "pairs.csv"
    code, told, complained = say(
        *HUFF, "--cost", "minutes", "--attribute", "staff", "--method", method, *more, "--model", kept,
        "--residuals", pairs,
    )  # fmt: skip
    assert (code, complained) == (0, "")
    assert "minutes" in told
    model = open_model(kept)
    assert model.names == ("minutes", "staff")
    cost, staff = model.values  # noqa: PD011  no frame
    assert cost < 0 < staff
    assert model.plain[0] == ("exponential" in more)
    told_pairs = pd.read_csv(pairs)
    assert told_pairs.groupby("origin")["fitted_share"].sum().to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--format", "csv"), "is not one of 'table', 'json'"),
        (("--level", "1"), "a level of 1; give one between 0 and 1"),
        (("--add", "1"), "--add goes with --method mci"),
        (("--as-given",), "--as-given goes with --method least-squares"),
        (("--method", "totals"), "--method totals needs what each origin has in all"),
        (("--competition", "lon"), "name two columns with a comma between"),
        (("--residuals", "x.txt"), "residuals are written as .csv or .geojson"),
    ],
)
def test_fits_that_cannot_be_asked_for(say: Say, more: tuple[str, ...], why: str) -> None:
    code, _, complained = say(*HUFF, "--cost", "minutes", *more)
    assert (code, complained.count("\n")) == (2, 1)
    assert why in complained


def test_models_that_are_none(tmp_path: Path) -> None:
    for text, why in (
        ("{", "is no choice model: "),
        ('{"coefficients": {"a": 1}, "plain": []}', "is no choice model: 'covariance'"),
        ('{"coefficients": {"a": 1}, "plain": [], "covariance": [[1, 2]]}', "is no choice model of geoscore"),
        ('{"coefficients": {"a": 1}, "plain": [], "covariance": [[1]]}', "is no choice model of geoscore"),
    ):
        (tmp_path / "m.json").write_text(text)
        with pytest.raises(ValueError, match=why):
            open_model(tmp_path / "m.json")
    with pytest.raises(FileNotFoundError, match="`geoscore trade-area huff --model` keeps one"):
        open_model(tmp_path / "no.json")
    for wrong in ("cost", "=1", "cost=x"):
        with pytest.raises(ValueError, match=f"--coefficient '{wrong}': write NAME=NUMBER"):
            given_model([wrong])


def test_scenarios_in_words() -> None:
    sites = Sites(("a", "b"), np.array([0.0, 1]), np.zeros(2), {"area": np.array([2.0, 4])})
    changed = change_sites(sites, opened=["c=2,1,area=9", "d=3,1"], closed=["a"], resized=["b,area=8"])
    assert changed.names == ("b", "c", "d")
    assert changed.attributes["area"].tolist() == [8.0, 9.0, 8.5]
    assert (changed.longitude.tolist(), changed.latitude.tolist()) == ([1.0, 2.0, 3.0], [0.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="no site is left"):
        change_sites(sites, closed=["a", "b"])
    with pytest.raises(ValueError, match="write what a site offers as attribute=value"):
        change_sites(sites, resized=["a,area"])


class _Terminal:
    """Standard error that says it is a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        """Say yes."""
        return True

    def write(self, text: str) -> int:
        """Keep what is written."""
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Do nothing."""


@contextmanager
def _on_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Terminal]:
    terminal = _Terminal()
    with monkeypatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stderr", terminal)
        yield terminal


def test_progress_shows_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with _on_terminal(monkeypatch) as terminal, show.progress_bar(quiet=False) as progress:
        progress("reading rows", 5, 10)
        progress("reading rows", 10, 10)
        progress("laying out", 1, None)
    assert "reading rows" in terminal.text
    assert "laying out" in terminal.text
    with _on_terminal(monkeypatch) as terminal, show.progress_bar(quiet=True) as progress:
        progress("reading rows", 5, 10)
    assert terminal.text == ""


def test_paces_in_words() -> None:
    assert show.describe_pace(0, 10, seconds=9.0) == ""
    assert show.describe_pace(10, 100, seconds=1.9) == "10"
    assert show.describe_pace(10, 100, seconds=9.0, before=10) == "10"
    assert show.describe_pace(400, 1000, seconds=2.0, before=200) == "400, 100/s, 0:06 left"
    assert show.describe_pace(1000, 1000, seconds=10.0) == "1,000, 100/s"
    assert show.describe_pace(1000, None, seconds=10.0) == "1,000, 100/s"
