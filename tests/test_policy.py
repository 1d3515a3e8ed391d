"""What the law asks is asked: who pays for political runs, and where contributor lists come from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from geoscore.errors import LedgerError, PolicyError, ProjectError
from geoscore.ledger import verify_ledger
from geoscore.pipeline import run
from geoscore.project import open_project

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
