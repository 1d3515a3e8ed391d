"""Any file with addresses comes back whole, with positions; what has none has a reason."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from conftest import SOUTH, WEST, lay_out
from typer.testing import CliRunner

from geoscore.cli.main import app
from geoscore.errors import InputError
from geoscore.gazetteer_files import build_gazetteer
from geoscore.geocode_files import ADDED, explain_address, geocode_file
from geoscore.pipeline import run
from geoscore.tables import to_pandas

POINTS = "address,city,zip,longitude,latitude\n" + "".join(
    f"{number} Oak St,Palo Alto,94301,{WEST + 0.01 + number * 2e-5:.6f},{SOUTH + 0.02}\n"
    for number in range(100, 400, 4)
)


@pytest.fixture
def gazetteer(tmp_path: Path) -> Path:
    (tmp_path / "points.csv").write_text(POINTS)
    build_gazetteer([tmp_path / "points.csv"], out=tmp_path / "g")
    return tmp_path / "g"


def test_rows_come_back_in_their_order_with_their_columns(gazetteer: Path, tmp_path: Path) -> None:
    text = (
        "id,Name,Street,City,Zip,score,longitude\n"
        "3,Ann,100 Oak St,Palo Alto,94301,7,x\n"
        "1,Bo,102 Oak St,Palo Alto,94301,8,y\n"
        "2,Cy,99 Elm St,Palo Alto,94301,9,\n"
        "4,Di,,,,9,\n"
        "5,Ed,100 Oak St,Palo Alto,94301,9,\n"
        f"6,Fu,{'x' * 12_000},Palo Alto,94301,9,\n"
        "7,Gi,1-2-3 Shibuya,Tokyo,150-0002,9,\n"
        "8,Hu,102 Oak St,San Jose,94301,9,\n"
    )
    (tmp_path / "people.csv").write_text(text)
    for name in ("o.parquet", "o.csv"):
        columns = {"street": "Street", "city": "City", "zip": "Zip"}
        done = geocode_file(tmp_path / "people.csv", gazetteer=gazetteer, out=tmp_path / name, columns=columns)
        table = pq.read_table(tmp_path / name) if name.endswith("parquet") else pacsv.read_csv(tmp_path / name)
        assert table.column_names == [
            "id", "Name", "Street", "City", "Zip", "score_in_file", "longitude_in_file", *ADDED
        ]  # fmt: skip
        assert [int(i) for i in table["id"].to_pylist()] == [3, 1, 2, 4, 5, 6, 7, 8]
        found = table["precision"].to_pandas().fillna("").tolist()
        assert found == ["rooftop", "range", "zip", "", "rooftop", "zip", "", "range"]
        assert done.rows == 8
        assert sum(told["rows"] for told in done.by_precision.values()) == 8
        assert done.match_rate == 0.5
        why = dict(zip(table["id"].to_pylist(), table["reason"].to_pylist(), strict=True))
        without = [reason for reason, precision in zip(why.values(), found, strict=True) if precision in ("", "zip")]
        assert all(without)
    assert json.loads(json.dumps(done.to_dict()))["renamed"] == {
        "score": "score_in_file", "longitude": "longitude_in_file"
    }  # fmt: skip


def test_columns_are_inferred_and_coordinates_of_the_file_kept(gazetteer: Path, tmp_path: Path) -> None:
    rows = "".join(f"{i},{100 + 4 * i} Oak Street,94301,,\n" for i in range(30)) + "30,9 Elm St,94301,-122.15,37.42\n"
    (tmp_path / "a.csv").write_text("id,Address,Zip Code,lon,lat\n" + rows)
    done = geocode_file(tmp_path / "a.csv", gazetteer=gazetteer, out=tmp_path / "o.parquet")
    last = pq.read_table(tmp_path / "o.parquet").to_pylist()[-1]
    assert (last["precision"], last["longitude"], last["score"]) == ("given", -122.15, 1.0)
    assert done.by_precision["rooftop"]["rows"] == 30


def test_an_address_in_one_column_is_taken_apart(gazetteer: Path, tmp_path: Path) -> None:
    rows = "".join(f'"{100 + 4 * i} Oak Street, Palo Alto, CA 94301"\n' for i in range(30))
    (tmp_path / "a.csv").write_text("Address\n" + rows)
    done = geocode_file(tmp_path / "a.csv", gazetteer=gazetteer, out=tmp_path / "o.parquet")
    assert done.by_precision["rooftop"]["rows"] == 30


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"stret": "x"}, r"did you mean 'street'\?"),
        ({"street": "Adress"}, r"did you mean 'Address'\?"),
        (None, "no address columns"),
    ],
)
def test_wrong_columns_end_in_one_line(
    gazetteer: Path, tmp_path: Path, columns: dict[str, str] | None, words: str
) -> None:
    (tmp_path / "a.csv").write_text("Address,Color\n,red\n,blue\n")
    with pytest.raises(InputError, match=words):
        geocode_file(tmp_path / "a.csv", gazetteer=gazetteer, out=tmp_path / "o.parquet", columns=columns)
    with pytest.raises(InputError, match=r"\.parquet or \.csv"):
        geocode_file(tmp_path / "a.csv", gazetteer=gazetteer, out=tmp_path / "o.xlsx")


def test_an_address_is_explained(gazetteer: Path) -> None:
    told = explain_address("102 Oak Street, Palo Alto 94301", gazetteer=gazetteer)
    assert told["parsed"]["name"] == "OAK"
    best = told["candidates"][0]
    assert (best["street"], best["numbers"], best["number"], best["accepted"]) == ("OAK ST", [100, 396], "inside", True)
    assert told["found"]["precision"] == "range"


def test_a_misspelled_street_is_said_and_nothing_else(gazetteer: Path) -> None:
    (gazetteer.parent / "plum.csv").write_text(POINTS.replace("Oak St", "Plumeria St"))
    build_gazetteer([gazetteer.parent / "plum.csv"], out=gazetteer)
    found = explain_address("100 Plumerria St, Palo Alto 94301", gazetteer=gazetteer)["found"]
    assert (found["precision"], found["reason"]) == ("rooftop", "read as another spelling of its street")


def test_the_command_line(gazetteer: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    asked = runner.invoke(app, ["geocode", "--gazetteer", str(gazetteer), "--explain", "102 Oak St, Palo Alto 94301"])
    assert asked.exit_code == 0
    assert "precision       range" in asked.output
    (tmp_path / "a.csv").write_text("Address,Zip\n100 Oak St,94301\n9 Elm St,94301\n")
    args = ["geocode", str(tmp_path / "a.csv"), "--gazetteer", str(gazetteer), "-o", str(tmp_path / "o.csv")]
    done = runner.invoke(app, [*args, "--column", "street=Address", "--column", "zip=Zip"])
    assert "match rate      50.0% of 2 rows" in done.output
    built = runner.invoke(app, ["gazetteer", "build", str(tmp_path / "points.csv"), "-o", str(tmp_path / "h")])
    assert "1 streets with 75 address points" in built.output


@pytest.mark.slow
def test_a_run_places_households_by_their_addresses(
    make_project: Callable[..., Path], region: Path, tmp_path: Path
) -> None:
    (tmp_path / "points.csv").write_text(POINTS)
    lines = [f"{i},Person{chr(97 + i % 26)} Last{i},{100 + i} Oak St,94301" for i in range(200)]
    columns = 'full_name = "Name"\nstreet = "Street"\nzip = "Zip"'
    plan = make_project("Id,Name,Street,Zip\n" + "\n".join(lines) + "\n", columns=columns, source='id = "Id"')
    before = run(plan, out=tmp_path / "before").summary
    build_gazetteer([tmp_path / "points.csv"], out=plan.parent / "g")
    with plan.open("a") as file:
        file.write('\n[geocoding]\ngazetteer = "g"\n')
    after = run(plan, out=tmp_path / "after").summary
    assert set(before["located"]) == {"zip"}
    assert before["households"] == after["households"]
    assert set(after["located"]) == {"rooftop", "range"}
    assert after["finest_honest"]["resolution"] > before["finest_honest"]["resolution"]
    # where the surface counts them, they are: all in the cells around their street
    table = to_pandas(pq.read_table(tmp_path / "after" / "private" / "surface.parquet"))
    assert table["households"].sum() == pytest.approx(after["households"], abs=1e-6)
    assert len(table) < 0.2 * len(to_pandas(lay_out(region)).query("zip == '94301'")["cell"].unique())
    assert '"addresses_sent": {}' in (tmp_path / "after" / "ledger.jsonl").read_text()
    assert pd.read_parquet(tmp_path / "after" / "private" / "households.parquet")["precision"].notna().all()
