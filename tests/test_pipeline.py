"""The whole journey on a small region: rows in, a surface out, and every row accounted for."""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geoscore.errors import InputError, PolicyError, ProjectError
from geoscore.ledger import verify_ledger
from geoscore.pipeline import Run, run
from geoscore.query import open_surface
from geoscore.schemas import LADDER
from geoscore.surface_format import figures
from geoscore.surfaces import roll_up

COLUMNS = """
first_name = "First"
last_name = "Last"
street = "Address"
zip = "Zip"
longitude = "Lon"
latitude = "Lat"
income_usd = "Income"
email = "Email"
"""
HEADER = "Id,First,Last,Address,Zip,Lon,Lat,Income,Email\n"


def name_of(number: int, what: str) -> str:
    """Return a made-up name, unlike every other."""
    digest = hashlib.blake2b(f"{what}{number}".encode(), digest_size=8).hexdigest()
    return digest.translate(str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst")).capitalize()


def donors(n: int = 300) -> str:
    """Return n households along the region: a third with coordinates, a third with incomes, the rest with a ZIP."""
    generator = np.random.default_rng(7)
    rows = []
    for i in range(n):
        longitude, latitude = -122.2 + 0.2 * generator.random(), 37.4 + 0.05 * generator.random()
        code = "94301" if longitude < -122.1 else "94303"
        place = f"{longitude:.6f},{latitude:.6f}" if i % 3 == 0 else ","
        income = f"{int(generator.integers(20_000, 300_000))}" if i % 3 == 1 else ""
        rows.append(f"D{i},{name_of(i, 'f')},{name_of(i, 'l')},{i} {name_of(i, 's')} St,{code},{place},{income},")
    return HEADER + "\n".join(rows) + "\n"


@pytest.fixture
def done(make_project: Callable[..., Path], tmp_path: Path) -> Run:
    return run(make_project(donors(), columns=COLUMNS, source='id = "Id"'), out=tmp_path / "out")


def test_a_run_leaves_what_it_promises(done: Run) -> None:
    names = sorted(path.name for path in done.out.iterdir())
    assert names == ["ledger.jsonl", "map.html", "private", "report.html", "summary.json", "surface.parquet"]
    assert stat.S_IMODE((done.out / "private").stat().st_mode) == 0o700
    assert verify_ledger(done.out).files >= 9


def test_the_unpublished_surface_holds_all_located_households(done: Run) -> None:
    raw = open_surface(done.out / "private" / "surface.parquet").table
    located = pq.read_table(done.out / "private" / "located.parquet").num_rows
    assert located == 300
    assert figures(raw).households.sum() == pytest.approx(located, abs=1e-6)


def test_parents_are_sums_of_children_and_estimates_fall_along_the_ladder(done: Run) -> None:
    raw = open_surface(done.out / "private" / "surface.parquet").table
    coarse = roll_up(raw, resolution=6)
    np.testing.assert_allclose(figures(coarse).at_least.sum(axis=0), figures(raw).at_least.sum(axis=0), rtol=1e-12)
    assert (np.diff(figures(raw).at_least, axis=1) <= 1e-9).all()
    assert figures(raw).at_least.shape[1] == len(LADDER)


def test_the_published_surface_holds_everybody_too(done: Run) -> None:
    assert done.surface.query(capacity=2500).households == pytest.approx(300, abs=2)
    assert done.surface.note.published


def test_the_same_input_gives_the_same_surface(make_project: Callable[..., Path], tmp_path: Path) -> None:
    project = make_project(donors(), columns=COLUMNS, source='id = "Id"')
    one, other = (run(project, out=tmp_path / name).out / "surface.parquet" for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_the_order_of_rows_does_not_matter(make_project: Callable[..., Path], tmp_path: Path) -> None:
    head, *rows = donors().splitlines()
    tables = []
    for name, lines in (("one", rows), ("other", rows[::-1])):
        project = make_project("\n".join([head, *lines]) + "\n", columns=COLUMNS, source='id = "Id"')
        tables.append(run(project, out=tmp_path / name).surface.table)
    assert tables[0].equals(tables[1])


BAD_ROWS = {
    "B1,Ada,Quist,11 Elm St,94301,37.44,-122.16,,": "longitude and latitude seem swapped",
    "B2,Bert,Vogel,12 Birch St,94301,-123.5,37.0,,": "coordinates outside the region or in the sea",
    "B3,Cleo,Marsh,13 Cedar St,94301,,,-500,": "negative income_usd",
    "B4,Dora,Finch,14 Dogwood St,ABCDE,,,,": "not a ZIP code",
    "B5,Emil,Hobbs,15 Fir St,10001,,,,": "ZIP outside the region",
    "B6,Fern,Zucker,16 Gum St,,,,,": "no place: neither coordinates nor ZIP",
    "B7,Gus,Ibsen,17 Holly St,94302,,,,": "ZIP of PO boxes or one office, where no household lives",
    "B8,Hal,Jarvis,18 Juniper St,94301,,,lots,": "income_usd is not an amount",
    "B9,Ida,Krantz,19 Larch St,94301,,": "wrong number of columns",
    "B10,Jon,Lowell,20 Maple St,94301,-122.16,,,": "longitude or latitude alone",
    f"B11,{'x' * 10_001},B,2 Fir St,94301,,,,": "field too long",
}


def test_bad_rows_are_rejected_with_a_reason_and_none_is_lost(
    make_project: Callable[..., Path], tmp_path: Path
) -> None:
    text = donors(60) + "\n".join(BAD_ROWS) + "\n"
    done = run(make_project(text, columns=COLUMNS, source='id = "Id"'), out=tmp_path / "out")
    rejected = pq.read_table(done.out / "private" / "rejected.parquet").to_pylist()
    assert {row["reason"] for row in rejected} == set(BAD_ROWS.values())
    assert {row["row"] for row in rejected} == set(range(61, 61 + len(BAD_ROWS)))
    summary = json.loads((done.out / "summary.json").read_text())
    assert summary["rows_read"] == summary["rows_used"] + summary["rows_rejected"] == 60 + len(BAD_ROWS)


@pytest.mark.slow
def test_a_zip_that_lost_its_zero_gets_it_back_and_this_is_told(
    make_project: Callable[..., Path], tmp_path: Path
) -> None:
    text = donors(30) + "Z,A,B,1 Elm St,2138,,,,\n"
    done = run(make_project(text, columns=COLUMNS, source='id = "Id"'), out=tmp_path / "out")
    assert done.summary["files"][0]["mended"] == {"ZIP given back its leading zero": 1}
    assert done.summary["files"][0]["rows_rejected"] == {"ZIP outside the region": 1}


FEC = "CMTE_ID,AMNDT_IND,RPT_TP,TRANSACTION_TP,NAME,ZIP\nC1,N,Q1,15,LEE,94301\n"


def test_contributor_data_of_the_fec_is_refused_and_nothing_is_written(
    make_project: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(PolicyError, match="30111"):
        run(make_project(FEC, columns='zip = "ZIP"'), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".geoscore-*"))


@pytest.mark.parametrize(
    ("data", "columns", "error", "words"),
    [
        ("", 'zip = "zip"', InputError, "empty"),
        ("zip,name\n", 'zip = "zip"', InputError, "header but no row"),
        ("zip_code\n94301\n", 'zip = "zip"', InputError, r"did you mean 'zip_code'\?"),
        ("zip,zip\n1,2\n", 'zip = "zip"', InputError, "two columns"),
        (
            "lat,lon\n-122.16,37.44\n-122.1,37.4\n",
            'longitude = "lon"\nlatitude = "lat"',
            InputError,
            "seem swapped in 2 of 2",
        ),
        ("zip\nABCDE\n", 'zip = "zip"', InputError, "every row of every file was rejected"),
        ("zip\n10001\n", 'zip = "zip"', InputError, "no household could be located"),
        ("zip\n94301\n", 'zipp = "zip"', ProjectError, "did you mean 'zip'"),
        ("zip\n94301\n", 'zip = "zip"', PolicyError, "fewer than k"),
        ('zip,name\n94301,"open\n' + "94301,x\n" * 300, 'zip = "zip"', InputError, "not closed"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    make_project: Callable[..., Path], tmp_path: Path, data: str, columns: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        run(make_project(data, columns=columns), out=tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_column_of_lists_is_said_to_be_one(make_project: Callable[..., Path], tmp_path: Path) -> None:
    pq.write_table(pa.table({"zip": ["94301"], "tags": [["a", "b"]]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="'tags' holds lists"):
        run(make_project(tmp_path / "a.parquet", columns='zip = "zip"\ncity = "tags"'), out=tmp_path / "out")


@pytest.mark.slow
def test_a_file_read_twice_changes_no_count(make_project: Callable[..., Path], tmp_path: Path) -> None:
    project = make_project(donors(60), columns=COLUMNS, source='id = "Id"')
    once = run(project, out=tmp_path / "once").surface.query(capacity=2500)
    text = project.read_text()
    again = text[text.index("[[sources]]") :].replace('name = "donors"', 'name = "again"')
    project.write_text(text + again)
    twice = run(project, out=tmp_path / "twice").surface.query(capacity=2500)
    assert (twice.households, twice.estimate) == (once.households, once.estimate)


@pytest.mark.slow
def test_a_run_that_is_cut_off_leaves_the_old_one_or_no_surface(
    make_project: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, out = make_project(donors(60), columns=COLUMNS, source='id = "Id"'), tmp_path / "out"
    run(project, out=out)
    replace, moves = os.replace, 0
    for allowed in range(8):
        moves = 0

        def cut_off(source: str, target: str, allowed: int = allowed) -> None:
            nonlocal moves
            moves += Path(target).parent == out
            if moves > allowed:
                raise KeyboardInterrupt
            replace(source, target)

        monkeypatch.setattr("geoscore.staging.os.replace", cut_off)
        with contextlib.suppress(KeyboardInterrupt):
            run(project, out=out)
        monkeypatch.undo()
        if (out / "surface.parquet").exists():
            assert verify_ledger(out).files >= 9
        assert not list(tmp_path.glob(".geoscore-*"))


@pytest.mark.parametrize("purpose", ["housing", "credit"])
def test_some_purposes_are_refused(make_project: Callable[..., Path], purpose: str) -> None:
    path = make_project("zip\n94301\n")
    path.write_text(path.read_text().replace('purpose = "research"', f'purpose = "{purpose}"'))
    with pytest.raises(PolicyError, match="refused"):
        run(path)


def test_a_source_that_does_not_permit_the_purpose_is_refused(make_project: Callable[..., Path]) -> None:
    with pytest.raises(PolicyError, match="permits retail"):
        run(make_project("zip\n94301\n", source='permitted = ["retail"]'))


REASON = "public voter roll, needed to count turnout"


@pytest.mark.parametrize(
    ("sensitive", "error", "words"),
    [
        ('Party = "  because   "', ProjectError, "too short"),
        ('Party = ""', ProjectError, "too short"),
        (f'Partie = "{REASON}"', InputError, r"did you mean 'Party'\?"),
        (f'Color = "{REASON}"', InputError, "needs no reason"),
        (f'zip = "{REASON}"', InputError, "mapped to a field"),
    ],
)
def test_a_sensitive_column_needs_a_reason_and_to_be_there(
    make_project: Callable[..., Path], sensitive: str, error: type[Exception], words: str
) -> None:
    path = make_project("zip,Party,Color\n94301,D,red\n", source=f"[sources.sensitive]\n{sensitive}")
    with pytest.raises(error, match=words) as caught:
        run(path)
    assert "\n" not in str(caught.value)


def test_a_sensitive_column_with_a_reason_is_kept_and_told(make_project: Callable[..., Path], tmp_path: Path) -> None:
    rows = "".join(f"94301,D,none,{i},{('Catholic', 'Jewish')[i % 2]}\n" for i in range(40))
    source = f'[sources.sensitive]\nParty = "{REASON}"'
    done = run(make_project("zip,Party,Religion,Color,X\n" + rows, source=source), out=tmp_path / "out")
    names = pq.read_schema(done.out / "private" / "features" / "donors.parquet").names
    assert names == ["row", "record_id", "Party", "Color"]
    told = json.loads((done.out / "summary.json").read_text())["files"][0]
    assert (told["refused_features"], told["sensitive_features"]) == (["Religion", "X"], {"Party": REASON})
    assert REASON in (done.out / "ledger.jsonl").read_text()
