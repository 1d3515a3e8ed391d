"""From files nobody has described to a project that runs, without touching Python."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from geoscore.cli.main import app
from geoscore.errors import InputError
from geoscore.ingest.inspect import inspect_file, propose_source, source_names
from geoscore.project import open_project
from geoscore.reference.samples import example_dir

UNSEEN = "Ref No|Vorname|Fam Name|Hse Nbr|St Dir|Str Name|St Type|Postal Cd|Religion\n" + "".join(
    f"R{i}|Ann{'abcdefg'[i % 7]}|Lee{'abcdefghijk'[i % 11]}|{100 + i}|N|Oak|St|9430{i % 3}|x\n" for i in range(60)
)


def call(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.output


def test_an_unseen_layout_is_inspected_and_mapped(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(UNSEEN)
    text = call("init", str(tmp_path / "list.txt"), "-o", str(tmp_path / "x.toml"))
    assert "1 of 1 files are sources" in text
    source = open_project(tmp_path / "x.toml").sources[0]
    assert source.columns["street"] == ["Hse Nbr", "St Dir", "Str Name", "St Type"]
    assert source.columns["first_name"] == "Vorname"
    assert source.columns["zip"] == "Postal Cd"
    assert '# "Religion" = "why' in (tmp_path / "x.toml").read_text()
    with pytest.raises(InputError, match="is there already"):
        call("init", str(tmp_path / "list.txt"), "-o", str(tmp_path / "x.toml"))


def test_every_column_of_the_example_is_named_right() -> None:
    wanted = {
        "voters.csv": "id last_name first_name street unit city state zip birth_year date phone",
        "property.parquet": "id street unit city zip full_name home_value_usd longitude latitude other",
        "subscribers.jsonl": "id full_name email zip date street income_band",
        "donors.xlsx": "id first_name last_name street city state zip email income_usd largest_gift_usd gift_date",
    }
    for name, kinds in wanted.items():
        assert [guess.kind for guess in inspect_file(example_dir() / name).columns] == kinds.split(), name


def test_a_glob_over_the_example_leaves_out_what_is_no_source(tmp_path: Path) -> None:
    found = sorted(str(path) for path in example_dir().iterdir())
    text = call("init", *found, "-o", str(tmp_path / "x.toml"))
    assert "5 of 8 files are sources" in text
    assert open_project(tmp_path / "x.toml").geocoding.addresses[0].name == "addresses.csv"
    assert {source.name for source in open_project(tmp_path / "x.toml").sources} == {
        "appeal",
        "donors",
        "property",
        "subscribers",
        "voters",
    }


def test_inspect_as_json_shows_no_value(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Full Name,Zip\nAnn Lee,94301\n")
    text = call("inspect", str(tmp_path / "a.csv"), "--format", "json")
    columns = json.loads(text)["files"][0]["columns"]
    assert [column["kind"] for column in columns] == ["full_name", "zip"]
    assert "Ann" not in text
    assert "94301" not in text


def test_a_messy_spreadsheet_is_mapped_and_shown_as_coarse_as_its_places(tmp_path: Path) -> None:
    header = '"Name (Last, First)",Addr Line 1,ZIP+4,Est. HH Inc.,Lrgst Gift,Voter Reg Date\n'
    (tmp_path / "a.csv").write_text(header + '"Lee, Ann",12 Oak St,94301-1234,"$85,000","$1,200.00",1/2/2020\n' * 3)
    call("init", str(tmp_path / "a.csv"), "-o", str(tmp_path / "x.toml"))
    plan = open_project(tmp_path / "x.toml")
    assert plan.sources[0].columns == {
        "full_name": "Name (Last, First)",
        "street": "Addr Line 1",
        "zip": "ZIP+4",
        "income_usd": "Est. HH Inc.",
        "largest_gift_usd": "Lrgst Gift",
    }
    assert plan.surface.published_resolution == 5
    assert '# kind = "voter-file"' in (tmp_path / "x.toml").read_text()


def test_a_mailing_address_is_second_choice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Mail Zip,Name,Res Zip\n94301,Ann Lee,94110\n")
    source = propose_source(inspect_file(tmp_path / "a.csv"), name="a")
    assert source is not None
    assert source.columns["zip"] == "Res Zip"


def test_names_of_sources_are_apart() -> None:
    assert source_names([Path("x/a.csv"), Path("y/a.csv"), Path("--.csv")]) == ["a", "a-2", "file"]


@pytest.mark.parametrize("words", [("inspect",), ("init", "-o", "x.toml")])
def test_a_file_of_no_known_kind_alone_is_an_error(
    tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(InputError, match=r"no reader for \.docx"):
        call(words[0], "a.docx", *words[1:])
