"""Who opted out leaves, with the household and without a trace; an old list stops the run."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geoscore.errors import InputError, PolicyError, ProjectError
from geoscore.ingest import open_suppression, write_optouts
from geoscore.ingest.mapping import map_batch
from geoscore.pipeline import run
from geoscore.project import Source, Suppression

TODAY = datetime.now(tz=UTC).date()
COLUMNS = 'full_name = "Name"\nstreet = "Street"\nzip = "Zip"\nemail = "Email"\nincome_usd = "Income"'


def donors(n: int = 120) -> str:
    text = "{i},Ann Lee{letter},{i} Oak Street,9430{code},a{i}@example.org,90000"
    rows = [text.format(i=i, letter=chr(97 + i % 26), code=1 + 2 * (i % 2)) for i in range(1, n + 1)]
    return "Id,Name,Street,Zip,Email,Income\n" + "\n".join(rows) + "\n"


def hashed(folder: Path, text: str, synced: date = TODAY) -> Suppression:
    (folder / "gone.csv").write_text(text)
    write_optouts([folder / "gone.csv"], out=folder / "o.csv", key_path=folder / "k.key", synced=synced)
    return Suppression(path=folder / "o.csv", key=folder / "k.key", synced=synced)


@pytest.mark.parametrize(
    "text",
    [
        "email\n A7@Example.ORG \n",
        'name,street,zip\n"LEEH, A.",7 OAK ST.,94303-1234\n',
        "first name,last name,address,zip\nann,leeh,7 Oak St,94303\n",
    ],
)
def test_every_way_of_writing_meets_the_same_person(tmp_path: Path, text: str) -> None:
    listed = open_suppression(hashed(tmp_path, text), today=TODAY)
    fields = {"full_name": "Name", "street": "Street", "zip": "Zip", "email": "Email", "income_usd": "Income"}
    batch = pa.RecordBatch.from_pydict(
        {"Name": ["Ann Leeh", "Bo Leeh"], "Street": ["7 Oak Street", "8 Oak Street"], "Zip": ["94303", "94303"],
         "Email": ["a7@example.org", "b@example.org"], "Income": ["90000", "1"]}
    )  # fmt: skip
    source = Source(name="a", path=Path("a.csv"), columns=fields)
    done = map_batch(batch, np.array([1, 2]), source=source, as_of=TODAY, suppression=listed)
    assert done.rejected.column("reason").to_pylist() == ["opted out"]
    assert done.rejected.column("detail").to_pylist() == [None]
    assert done.records.column("row").to_pylist() == [2]
    assert done.opted_out.column("income_usd").to_pylist() == [None]


def test_an_old_list_a_future_one_and_another_key(tmp_path: Path) -> None:
    old = hashed(tmp_path, "email\na@b.org\n", TODAY - timedelta(days=46))
    with pytest.raises(PolicyError, match="46 days ago"):
        open_suppression(old, today=TODAY)
    with pytest.raises(ProjectError, match="yet to come"):
        open_suppression(old.model_copy(update={"synced": TODAY + timedelta(days=1)}), today=TODAY)
    fresh = hashed(tmp_path, "email\na@b.org\n")
    (tmp_path / "k.key").write_text("00" * 32)
    with pytest.raises(InputError, match="hashed with another key"):
        open_suppression(fresh, today=TODAY)
    assert open_suppression(None, today=TODAY) is None


def test_nobody_can_be_read_from_a_list(tmp_path: Path) -> None:
    hashed(tmp_path, "email,phone\nann@example.org,(650) 555-0142\n")
    text = (tmp_path / "o.csv").read_text()
    assert "ann" not in text
    assert "0142" not in text
    assert (tmp_path / "k.key").stat().st_mode & 0o077 == 0


def test_a_run_leaves_out_the_household(make_project: Callable[..., Path], tmp_path: Path) -> None:
    plan = make_project(donors(), columns=COLUMNS, source='id = "Id"')
    before = run(plan, out=tmp_path / "before").summary
    hashed(plan.parent, "email\na7@example.org\n")
    with plan.open("a") as file:
        file.write(f'\n[suppression]\npath = "o.csv"\nkey = "k.key"\nsynced = {TODAY}\n')
    after = run(plan, out=tmp_path / "after").summary
    assert after["households"] == before["households"] - 1
    assert after["files"][0]["rows_rejected"]["opted out"] == 1
    assert after["suppression"] == {"synced": str(TODAY)}
    assert before["suppression"] == "none"
    for name in ("map.html", "report.html"):
        assert f"list of {TODAY}" in (tmp_path / "after" / name).read_text()
        assert "no list" in (tmp_path / "before" / name).read_text()
    private = tmp_path / "after" / "private"
    kept = [path for path in private.rglob("*.parquet") if "a7@example.org" in str(pq.read_table(path).to_pylist())]
    assert kept == []
    assert '"rows_left_out": 1' in (tmp_path / "after" / "ledger.jsonl").read_text()


def test_features_of_a_house_mate_leave_too(make_project: Callable[..., Path], tmp_path: Path) -> None:
    lines = donors().splitlines()
    text = "\n".join([lines[0] + ",Hobby", *(f"{line},chess" for line in lines[1:]),
                      "900,Bo Leeh,7 Oak Street,94303,bo@example.org,80000,falconry"])  # fmt: skip
    plan = make_project(text + "\n", columns=COLUMNS, source='id = "Id"')
    run(plan, out=tmp_path / "before")
    assert "falconry" in str(pq.read_table(tmp_path / "before" / "private" / "features" / "donors.parquet")["Hobby"])
    hashed(plan.parent, "email\na7@example.org\n")
    with plan.open("a") as file:
        file.write(f'\n[suppression]\npath = "o.csv"\nkey = "k.key"\nsynced = {TODAY}\n')
    after = run(plan, out=tmp_path / "after")
    assert after.summary["files"][0]["rows_rejected"] == {"opted out": 1, "opted out with the household": 1}
    for path in (tmp_path / "after").rglob("*"):
        if path.suffix == ".parquet":
            assert "falconry" not in str(pq.read_table(path).to_pylist())
        elif path.is_file():
            assert "falconry" not in path.read_text()
