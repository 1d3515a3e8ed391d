"""Records of one household find each other, whatever their order, and strangers do not."""

from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoscore.engines import Engine, open_engine
from geoscore.linkage import link_records, merge_households
from geoscore.schemas import PLACED, RECORD
from geoscore.tables import Table

ANN = {"full_name": "Ann Lee"}
HOME = {"street": "12 Oak St", "zip": "94301"}


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Link on DuckDB: on Spark a test of linking takes half a minute, and one stands for all below."""
    with open_engine("duckdb") as opened:
        yield opened


def table(rows: list[dict], engine: Engine) -> Table:
    full = [{"source": "a", "row": i, "record_id": str(i), **row} for i, row in enumerate(rows, start=1)]
    return Table.from_arrow(pa.Table.from_pylist(full, schema=RECORD), engine=engine)


def groups(rows: list[dict], engine: Engine) -> set[frozenset[int]]:
    links = link_records(table(rows, engine)).links.collect().to_pylist()
    members: dict[str, set[int]] = {}
    for link in links:
        members.setdefault(link["household_id"], set()).add(link["row"])
    return {frozenset(rows) for rows in members.values()}


NAMES = ("Lee", "Diaz", "Wong", "Katz", "Osborne", "Petrov", "Quist", "Rivera", "Sato", "Tull")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([HOME, {"street": "12 OAK STREET", "zip": "94301"}], {frozenset({1, 2})}),
        ([HOME, {"street": "12 Oak St", "zip": "94110"}], {frozenset({1}), frozenset({2})}),
        ([HOME | {"unit": "4"}, HOME | {"unit": "5"}], {frozenset({1}), frozenset({2})}),
        ([HOME | {"email": "a@b.co"}, {"zip": "94110", "email": "a@b.co"}], {frozenset({1, 2})}),
        ([{"zip": "94301"}, {"zip": "94301"}], {frozenset({1}), frozenset({2})}),
        (
            [HOME | ANN, {"zip": "94301", "full_name": "LEE, ANN"}, {"zip": "94110"} | ANN],
            {frozenset({1, 2}), frozenset({3})},
        ),
    ],
)  # fmt: skip
def test_who_belongs_together(engine: Engine, rows: list[dict], expected: set) -> None:
    assert groups(rows, engine) == expected


@pytest.mark.spark
@pytest.mark.slow
def test_spark_links_the_same_households(spark: Engine, engine: Engine) -> None:
    people = [{"full_name": f"Ann {name}", "street": f"{i} Oak St", "zip": "94301"} for i, name in enumerate(NAMES)]
    people += [{**row, "full_name": row["full_name"].replace("Ann", "Bo")} for row in people[::2]]
    assert groups(people, spark) == groups(people, engine)
    assert len(groups(people, engine)) == len(NAMES)


def test_one_name_at_two_addresses_of_two_towns_is_two_households(engine: Engine) -> None:
    people = [HOME, {"street": "9 Elm St", "zip": "94110"}]
    assert len(groups([row | {"full_name": "Ann Lee"} for row in people], engine)) == 2


def test_a_building_without_units_is_told_apart_by_last_name(engine: Engine) -> None:
    people = [HOME | {"last_name": name} for name in ("Lee", "Diaz", "Wong", "Katz", "Lee")]
    assert groups(people, engine) == {frozenset({1, 5}), frozenset({2}), frozenset({3}), frozenset({4})}


def test_an_office_telephone_links_nobody(engine: Engine) -> None:
    people = [{"street": f"{i} Oak St", "zip": "94301", "phone": "2902000142"} for i in range(21)]
    assert len(groups(people, engine)) == 21


ROW = st.fixed_dictionaries(
    {
        "street": st.sampled_from([None, "1 Oak St", "2 Oak St"]),
        "zip": st.sampled_from(["94301", "94110"]),
        "last_name": st.sampled_from([None, "Lee", "Diaz"]),
        "first_name": st.sampled_from([None, "Ann"]),
        "email": st.sampled_from([None, "a@b.co", "c@d.co"]),
    }
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8), st.randoms())
def test_households_do_not_depend_on_the_order_of_rows(rows: list[dict], random) -> None:
    full = [{"source": "a", "row": i, "record_id": f"r{i}", **row} for i, row in enumerate(rows)]
    shuffled = random.sample(full, len(full))
    with open_engine() as engine:
        results = []
        for data in (full, shuffled):
            records = Table.from_arrow(pa.Table.from_pylist(data, schema=RECORD), engine=engine)
            links = link_records(records).links.collect().to_pylist()
            results.append({link["record_id"]: link["household_id"] for link in links})
    assert results[0] == results[1]


def test_a_golden_record_takes_each_figure_from_the_most_trusted_source(engine: Engine) -> None:
    rows = [
        {"source": "b", "row": 1, "record_id": "1", **HOME, "income_usd": 80_000.0, "age": 50.0},
        {"source": "a", "row": 1, "record_id": "1", **HOME, "income_usd": 90_000.0},
    ]
    records = Table.from_arrow(pa.Table.from_pylist(rows, schema=PLACED), engine=engine)
    merged = merge_households(records, link_records(records).links, precedence=["a", "b"]).collect().to_pylist()
    assert len(merged) == 1
    assert (merged[0]["income_usd"], merged[0]["age"]) == (90_000.0, 50.0)
    assert (merged[0]["n_sources"], merged[0]["n_records"]) == (2, 2)
