"""What the law asks is asked: who pays for political runs, and where contributor lists come from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import geopandas as gpd
import pytest
from typer.testing import CliRunner

from geoscore.audit import ground_of_run
from geoscore.cli.main import app
from geoscore.errors import InputError, LedgerError, PolicyError, ProjectError
from geoscore.ingest.files import read_file
from geoscore.ledger import verify_ledger
from geoscore.pipeline import run
from geoscore.project import Purpose, open_project
from geoscore.purposes import read_purposes
from geoscore.regions import open_region

MANY = "Zip,Lon,Lat\n" + "".join(
    f"94301,{-122.2 + 0.2 * (i % 53) / 53:.4f},{37.4 + 0.05 * (i % 47) / 47:.4f}\n" for i in range(3000)
)
PLACES = 'zip = "Zip"\nlongitude = "Lon"\nlatitude = "Lat"'
FINE = "[surface]\npublished_resolution = 8"
ROWS = "zip\n" + "94301\n" * 60


def test_a_political_run_records_who_pays(make_project: Callable[..., Path], tmp_path: Path) -> None:
    plan = make_project(ROWS)
    plan.write_text(plan.read_text().replace('"research"', '"political"'))
    with pytest.raises(ProjectError, match=r"payer, contract and usual_charge_usd.*11 CFR 100\.52\(d\)"):
        open_project(plan)
    with plan.open("a") as file:
        file.write('\n[political]\npayer = "Committee"\ncontract = "12 of 2026-10-01"\nusual_charge_usd = 5000\n')
    run(plan, out=tmp_path / "out")
    assert '"payer": "Committee"' in (tmp_path / "out" / "ledger.jsonl").read_text()


@pytest.mark.parametrize("licence", ["FEC individual contributions 2024", "from the Federal Election Commission"])
def test_a_list_declared_as_the_fecs_is_refused(make_project: Callable[..., Path], licence: str) -> None:
    plan = make_project(ROWS, source=f'licence = "{licence}"')
    with pytest.raises(PolicyError, match=r"52 U\.S\.C\. 30111"):
        open_project(plan)
    own = make_project(ROWS, source=f'licence = "{licence}"\nown_list = "A. Lee, treasurer"')
    assert open_project(own).sources[0].own_list == "A. Lee, treasurer"


def test_a_changed_file_of_addresses_is_named(make_project: Callable[..., Path], tmp_path: Path) -> None:
    points = "".join(f"{100 + i} Oak St,94301,-122.17,37.42\n" for i in range(60))
    (tmp_path / "points.csv").write_text("address,zip,longitude,latitude\n" + points)
    rows = "Street,Zip\n" + "".join(f"{100 + i} Oak St,94301\n" for i in range(60))
    plan = make_project(rows, columns='street = "Street"\nzip = "Zip"')
    with plan.open("a") as file:
        file.write('\n[geocoding]\naddresses = ["points.csv"]\n')
    run(plan, out=tmp_path / "out")
    assert verify_ledger(tmp_path / "out").entries > 5
    with (tmp_path / "points.csv").open("a") as file:
        file.write("1 New St,94301,-122.17,37.42\n")
    with pytest.raises(LedgerError, match=r"points\.csv is not the file that the run read"):
        verify_ledger(tmp_path / "out")


def test_what_is_published_names_the_ledger(make_project: Callable[..., Path], tmp_path: Path) -> None:
    done = run(make_project(ROWS), out=tmp_path / "out")
    head = done.surface.note.ledger
    assert len(head) == 64
    lines = (tmp_path / "out" / "ledger.jsonl").read_text()
    assert f'"hash": "{head}"' in lines
    for name in ("map.html", "report.html"):
        assert head[:12] in (tmp_path / "out" / name).read_text()


@pytest.mark.parametrize(
    ("kind", "extra", "objection"),
    [
        ("voter-file", "", None),
        ("own-list", "", None),
        ("commercial-list", "", r"permitted = \['research'\]"),
        ("commercial-list", 'permitted = ["research"]', None),
        ("commercial-list", 'permitted = ["retail"]', "permits retail, not 'research'"),
        ("motor-vehicle-records", 'permitted = ["research"]', None),
        ("credit-report", 'permitted = ["research"]', r"15 U\.S\.C\. 1681b"),
        ("fec-contributions", "", r"52 U\.S\.C\. 30111"),
    ],
)
def test_kinds_of_sources_serve_some_purposes(
    make_project: Callable[..., Path], kind: str, extra: str, objection: str | None
) -> None:
    plan = make_project(ROWS, source=f'kind = "{kind}"\n{extra}')
    if objection is None:
        assert open_project(plan).sources[0].kind == kind
        return
    with pytest.raises(PolicyError, match=objection):
        open_project(plan)


def test_an_unknown_kind_is_said(make_project: Callable[..., Path]) -> None:
    with pytest.raises(ProjectError, match=r"'voterfile' is no kind of source; did you mean 'voter-file'\?"):
        open_project(make_project(ROWS, source='kind = "voterfile"'))


def test_every_kind_says_yes_ask_or_no_to_every_purpose_and_every_no_has_its_law() -> None:
    purposes, kinds = read_purposes()
    assert set(purposes) == set(get_args(Purpose))
    for name, kind in kinds.items():
        assert set(kind.uses) == set(purposes)
        assert set(kind.uses.values()) <= {"yes", "ask", "no"}
        assert kind.law or set(kind.uses.values()) == {"yes"}, name
        table = (Path(__file__).parents[1] / "docs" / "project-file.md").read_text()
        assert f"`{name}`" in table


def audited(plan: Path, tmp_path: Path, extra: str = "") -> str:
    """Run a retail project with an audit, and return the report."""
    plan.write_text(plan.read_text().replace('"research"', '"retail"') + extra)
    run(plan, out=tmp_path / "out")
    return (tmp_path / "out" / "report.html").read_text()


def test_a_retail_run_says_whom_it_leaves_out(make_project: Callable[..., Path], region: Path, tmp_path: Path) -> None:
    plain = make_project(MANY, columns=PLACES, settings=FINE)
    assert "names no census table B03002" in audited(plain, tmp_path)
    groups = "".join(f"{i},{5000 - i},{2500 - 100 * i},{2500 + 99 * i}\n" for i in range(1, 5))
    (tmp_path / "b03002.csv").write_text("GEOID,B03002_001E,B03002_003E,B03002_012E\n" + groups)
    polygons = gpd.read_parquet(region / "areas.parquet").assign(GEOID=["1", "2", "3", "4"])
    polygons[["GEOID", "geometry"]].to_parquet(tmp_path / "own.parquet")
    audit = '\n[audit]\ntable = "b03002.csv"\nareas = "own.parquet"\nacknowledged = "Seen by the board <i>"\n'
    report = audited(make_project(MANY, columns=PLACES, settings=FINE), tmp_path, audit)
    assert "Whom a selection would leave out" in report
    assert "Hispanic" in report
    assert "Seen by the board &lt;i&gt;" in report
    assert '"acknowledged": "Seen by the board <i>"' in (tmp_path / "out" / "ledger.jsonl").read_text()
    words = ["--table", str(tmp_path / "b03002.csv"), "--areas", str(tmp_path / "own.parquet"), "--format", "json"]
    told = json.loads(CliRunner().invoke(app, ["audit", str(tmp_path / "out"), *words]).stdout)["groups"]
    assert told == json.loads((tmp_path / "out" / "summary.json").read_text())["audit"]["groups"]


def test_an_audit_that_cannot_be_made_ends_the_run_at_once(make_project: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("GEOID,B19001_001E\n1,5\n")
    stages: list[str] = []
    with pytest.raises(InputError, match="no column of B03002"):
        run(
            make_project(ROWS, settings='[audit]\ntable = "b.csv"'),
            out=tmp_path / "out",
            progress=lambda stage, *_: stages.append(stage),
        )
    assert stages == []


def test_the_audit_finds_the_run_by_its_ledger(make_project: Callable[..., Path], tmp_path: Path) -> None:
    plan = make_project(ROWS)
    run(plan, out=tmp_path / "out")
    assert ground_of_run(tmp_path / "out" / "surface.parquet").equals(open_region(open_project(plan)).ground)
    plan.rename(tmp_path / "elsewhere.toml")
    with pytest.raises(InputError, match="is no longer there: name it with --project"):
        ground_of_run(tmp_path / "out")
    with pytest.raises(InputError, match="has no ledger that names a project"):
        ground_of_run(tmp_path)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("CMTE_ID,NAME,ZIP_CODE", "C00000001,LEE,94301"),
        ("NAME,ZIP_CODE,OCCUPATION,TRANSACTION_DT,TRANSACTION_AMT", "LEE,94301,TEACHER,01022024,100"),
        ("contributor_name,zip,contribution_receipt_amount", "LEE,94301,100"),
        ("name,zip,given_to", "LEE,94301,C00000001"),
    ],
)
def test_contributions_are_known_by_what_is_left_of_them(tmp_path: Path, header: str, row: str) -> None:
    path = tmp_path / "trimmed.csv"
    path.write_text(f"{header}\n" + f"{row}\n" * 20)
    with pytest.raises(PolicyError, match=r"52 U\.S\.C\. 30111"):
        read_file(path)
    gave = ["--gave", header.split(",", maxsplit=1)[0]]
    for words in (
        ["link", str(path), "-o", str(tmp_path / "l.parquet")],
        ["fit", str(path), "-o", str(tmp_path), *gave],
    ):
        assert isinstance(CliRunner().invoke(app, words).exception, PolicyError)


def test_a_committees_own_list_is_no_contribution_of_the_fec(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("Name,Zip,Employer,Occupation,Gift Date,Amount\nLee,94301,School,Teacher,2024-01-02,100\n")
    assert len(read_file(path).names) == 6
