"""Five people's journeys, run as they stand: what their READMEs say was printed is what is printed."""

import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

ROOT = Path(__file__).parents[1]
JOURNEYS = sorted(path.name for path in (ROOT / "examples" / "journeys").glob("?_*"))
MOST_BYTES = 150_000

_spec = importlib.util.spec_from_file_location("journeys", ROOT / "scripts" / "journeys.py")
assert _spec is not None
assert _spec.loader is not None
journeys = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(journeys)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the examples, in which nothing has been run."""
    folder = tmp_path_factory.mktemp("clone") / "examples"
    shutil.copytree(ROOT / "examples", folder, ignore=shutil.ignore_patterns("out", "truth*"))
    return folder / "journeys"


@pytest.fixture(scope="module")
def runs(examples: Path) -> Iterator[dict[str, "Future[str]"]]:
    """Run all journeys, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(journeys.run_journey, examples / name) for name in JOURNEYS}


def test_there_are_five() -> None:
    assert [name[0] for name in JOURNEYS] == list("abcde")
    index = (ROOT / "examples" / "journeys" / "README.md").read_text()
    assert all(f"]({name}/README.md)" in index for name in JOURNEYS)


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_journey_prints_what_its_readme_says(name: str, runs: dict[str, "Future[str]"], examples: Path) -> None:
    printed = journeys.answers(runs[name].result())
    told = journeys.shown(ROOT / "examples" / "journeys" / name / "README.md")
    assert told == printed
    kept, made = (examples / name / place / "picture.png" for place in (".", "out"))
    assert kept.stat().st_size < MOST_BYTES
    with Image.open(kept) as one, Image.open(made) as other:
        assert one.size == other.size
    assert "(picture.png)" in (examples / name / "README.md").read_text()


def test_the_board_s_pdf_names_the_best_zips(runs: dict[str, "Future[str]"], examples: Path) -> None:
    runs["a_development_officer"].result()
    folder = examples / "a_development_officer" / "out"
    pages = "\n".join(page.extract_text() for page in PdfReader(folder / "board.pdf").pages)
    best = [line.split(",")[0] for line in (folder / "zips.csv").read_text().splitlines()[1:6]]
    assert all(f"ZIP {code}" in pages for code in best)


def test_the_spreadsheet_is_made_by_its_script(tmp_path: Path, examples: Path) -> None:
    from python_calamine import load_workbook

    script = examples / "a_development_officer" / "make_spreadsheet.py"
    spec = importlib.util.spec_from_file_location("make_spreadsheet", script)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    made.main(tmp_path / "a.xlsx")
    rows = [
        load_workbook(str(path)).get_sheet_by_index(0).to_python()
        for path in (tmp_path / "a.xlsx", script.with_name("Donors FY26 FINAL v2.xlsx"))
    ]
    assert rows[0] == rows[1]
    assert len(rows[0]) > 3000


def test_the_record_of_a_campaign_says_who_pays_and_who_left(runs: dict[str, "Future[str]"], examples: Path) -> None:
    runs["b_campaign_analyst"].result()
    ledger = examples / "b_campaign_analyst" / "out" / "run" / "ledger.jsonl"
    entries = {entry["kind"]: entry["data"] for entry in map(json.loads, ledger.read_text().splitlines())}
    assert entries["political"]["payer"] == "Lopez for Assembly 2026"
    assert entries["suppression"]["rows_left_out"] > 0
    assert "canvassed" in entries["audit"]["acknowledged"]


def test_the_notebook_is_kept_without_outputs(runs: dict[str, "Future[str]"], examples: Path) -> None:
    runs["d_data_scientist"].result()
    book = json.loads((examples / "d_data_scientist" / "appeal.ipynb").read_text())
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in book["cells"])
    assert (examples / "d_data_scientist" / "out" / "cells.parquet").exists()


def test_nothing_of_the_publisher_s_disk_is_in_what_the_auditor_gets(
    runs: dict[str, "Future[str]"], examples: Path
) -> None:
    runs["e_auditor"].result()
    received = examples / "e_auditor" / "out" / "received"
    for path in received.iterdir():
        assert str(examples.parent).encode() not in path.read_bytes(), path.name
    assert not re.search(r'"path": "/', (received / "summary.json").read_text())
