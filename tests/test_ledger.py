"""The ledger proves what went in and came out; whatever is changed afterwards is named."""

import json
from pathlib import Path

import pytest

from geoscore.errors import InputNotFoundError, LedgerError
from geoscore.ledger import Ledger, verify_ledger
from geoscore.reference.samples import sample_path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "donors.csv").write_text("zip\n94301\n")
    (out / "surface.parquet").write_bytes(b"figures")
    ledger = Ledger(out / "ledger.jsonl")
    ledger.append("run", {"purpose": "research"})
    ledger.append_file("source", tmp_path / "donors.csv", {"rows_read": 1})
    ledger.append_file("output", out / "surface.parquet")
    ledger.append("end", {})
    return out


def test_a_whole_run_verifies(run: Path) -> None:
    found = verify_ledger(run)
    assert (found.entries, found.files, found.elsewhere) == (4, 2, ())


@pytest.mark.parametrize("name", ["../donors.csv", "surface.parquet"])
def test_a_changed_file_is_named(run: Path, name: str) -> None:
    with (run / name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(LedgerError, match=Path(name).name):
        verify_ledger(run)


def test_a_changed_line_breaks_the_chain(run: Path) -> None:
    path = run / "ledger.jsonl"
    lines = path.read_text().splitlines()
    entry = json.loads(lines[1])
    entry["data"]["rows_read"] = 2
    path.write_text("\n".join([lines[0], json.dumps(entry), *lines[2:]]))
    with pytest.raises(LedgerError, match="line 2"):
        verify_ledger(run)


def test_lines_cut_off_are_noticed(run: Path) -> None:
    path = run / "ledger.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(LedgerError, match="did not finish"):
        verify_ledger(run)


def test_a_source_that_moved_is_told_and_an_output_that_is_gone_is_an_error(run: Path) -> None:
    (run / "../donors.csv").resolve().unlink()
    assert verify_ledger(run).elsewhere == ("../donors.csv",)
    (run / "surface.parquet").unlink()
    with pytest.raises(LedgerError, match=r"surface\.parquet is missing"):
        verify_ledger(run)


def test_a_folder_without_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no ledger"):
        verify_ledger(tmp_path)


def test_a_source_is_known_by_its_bytes_wherever_it_lies(run: Path, tmp_path: Path) -> None:
    moved = (tmp_path / "donors.csv").rename(tmp_path / "as sent to me.csv")
    assert verify_ledger(run).elsewhere == ("../donors.csv",)
    found = verify_ledger(run, sources=[moved])
    assert (found.files, found.elsewhere) == (2, ())
    assert found.head == json.loads((run / "ledger.jsonl").read_text().splitlines()[-1])["hash"]
    moved.write_text("zip\n94110\n")
    with pytest.raises(LedgerError, match=r"as sent to me\.csv is none of the files"):
        verify_ledger(run, sources=[moved])
    with pytest.raises(InputNotFoundError, match="there is no file"):
        verify_ledger(run, sources=[tmp_path / "no.csv"])


@pytest.mark.usefixtures("run")
def test_a_sample_that_comes_with_geoscore_is_found_wherever_it_was(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append_file("census", sample_path("zips.parquet"), place="../elsewhere/zips.parquet")
    ledger.append_file("census", tmp_path / "donors.csv", place="../elsewhere/zones.parquet")
    ledger.append("end", {})
    found = verify_ledger(tmp_path / "ledger.jsonl")
    assert (found.files, found.elsewhere) == (1, ("../elsewhere/zones.parquet",))
