"""Files that are linked, geocoded and keep features: every engine finds the same households and the same surface."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from geoscore.engines import Engine
from geoscore.linkage.entities import find_entities
from geoscore.pipeline import run
from geoscore.query.differences import compare_surfaces
from geoscore.schemas import RECORD
from geoscore.tables import Table

FIRST = ("Ann", "Bo", "Carla", "Dev", "Edith", "Farid", "Grace", "Hugo")
LAST = ("Lee", "Diaz", "Wong", "Katz", "Osborne", "Petrov", "Quist", "Rivera", "Sato", "Tull", "Underwood")
STREETS = ("Oak", "Elm", "Birch", "Cedar")
HOMES = 66


class _Kept:
    """An engine that a run does not close."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        return


@pytest.fixture
def linked(make_project: Callable[..., Path], tmp_path: Path) -> Path:
    """Return a project on voters and donors, many of whom are the same people spelled otherwise, and on addresses."""
    addresses = ["LON,LAT,NUMBER,STREET,CITY,POSTCODE"]
    voters = ["id,first,last,address,zip,born,phone"]
    donors = ["donor,name,street,zip,income,gift,segment"]
    for i in range(HOMES):
        first, last = FIRST[i % len(FIRST)], LAST[i % len(LAST)]
        number, street = 100 + 2 * i, STREETS[i % len(STREETS)]
        east = i % 2  # of two ZIPs
        code = ("94301", "94303")[east]
        if i % 9:
            addresses.append(
                f"{-122.19 + 0.1 * east + 0.001 * (i % 70):.5f},37.42,{number},{street} Street,Palo Alto,{code}"
            )
        voters.append(f"v{i},{first},{last},{number} {street} St,{code},{1940 + i}-03-{1 + i % 27:02d},650555{i:04d}")
        if i % 3 == 0:  # somebody else of the house
            mate = FIRST[(i + 3) % len(FIRST)]
            voters.append(f"w{i},{mate},{last},{number} {street} St,{code},{1945 + i}-07-02,")
        if i % 2 == 0:
            typed = f"{last[:-1]}{last[-1]}{last[-1]}" if i % 4 == 0 else last
            donors.append(
                f"d{i},{first} {typed},{number} {street.upper()} STREET,{code},{40_000 + 2500 * i},{5 * i},s{i % 3}"
            )
    (tmp_path / "addresses.csv").write_text("\n".join(addresses), encoding="utf-8")
    (tmp_path / "donors.csv").write_text("\n".join(donors), encoding="utf-8")
    project = make_project(
        "\n".join(voters),
        name="voters",
        columns='first_name = "first"\nlast_name = "last"\nstreet = "address"\nzip = "zip"\n'
        'date_of_birth = "born"\nphone = "phone"',
        settings='precedence = ["donors", "voters"]\n[geocoding]\naddresses = ["addresses.csv"]',
    )
    more = (
        '\n[[sources]]\nname = "donors"\npath = "donors.csv"\nid = "donor"\n[sources.columns]\n'
        'full_name = "name"\nstreet = "street"\nzip = "zip"\nincome_usd = "income"\nlargest_gift_usd = "gift"\n'
    )
    project.write_text(project.read_text(encoding="utf-8") + more, encoding="utf-8")
    return project


@pytest.mark.spark
@pytest.mark.slow
def test_spark_links_locates_and_scores_as_duckdb_does(
    spark: Engine, linked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geoscore.linkage.model.FEWEST_RECORDS", 20)
    monkeypatch.setattr("geoscore.linkage.link.FEWEST_PAIRS", 10)
    here = run(linked, out=tmp_path / "duckdb")
    monkeypatch.setattr("geoscore.pipeline.project_run.open_engine", lambda *_, **__: _Kept(spark))
    there = run(linked, out=tmp_path / "spark", engine="spark")
    assert here.summary["linkage"]["trained"]
    assert here.summary["linkage"]["records"] > here.summary["linkage"]["households"] >= HOMES
    assert here.summary["located"]["rooftop"] > 0
    assert compare_surfaces(there.surface, here.surface).same(tolerance=1e-9)
    for name in ("linkage", "located", "evidence", "conflicts", "features"):
        assert there.summary[name] == here.summary[name], name
    order = [("source", "ascending"), ("row", "ascending")]
    links = [pq.read_table(tmp_path / name / "private" / "links.parquet") for name in ("duckdb", "spark")]
    assert links[0].sort_by(order).to_pydict() == links[1].sort_by(order).to_pydict()
    models = [(tmp_path / name / "private" / "linkage" / "model.json").read_text() for name in ("duckdb", "spark")]
    assert models[0] == models[1]


def test_every_engine_learns_from_the_same_records(engine: Engine) -> None:
    rows = [{"source": "a", "row": i, "record_id": f"{i:04d}", "zip": "94301"} for i in range(400)]
    records = Table.from_arrow(RECORD.empty_table().from_pylist(rows, schema=RECORD), engine=engine)
    numbers = find_entities(records).sample(most=100)["unique_id"].to_numpy()
    golden = np.arange(400, dtype=np.uint64) * 2_654_435_761 % 2**32
    assert numbers.tolist() == np.flatnonzero(golden < 2**30).tolist()
    assert 80 <= len(numbers) <= 120
