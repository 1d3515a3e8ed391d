"""Features are typed without loss, and their cards show nobody."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geoscore.ingest.cards import describe_feature, write_cards
from geoscore.project import Source


@pytest.mark.parametrize(
    ("values", "kind", "missing"),
    [
        (["1", "22", None], "integer", 1),
        (["1.5", "2", "NA"], "number", 1),
        (["$1,200", "$5"], "number", 0),
        (["2020-01-05", "1/6/2020"], "date", 0),
        (["1/25/2020", "25/1/2020"], "category", 0),
        (["007", "12"], "category", 0),
        ([str(i) + "x" for i in range(60)], "text", 0),
        ([None, ""], "empty", 2),
    ],
)
def test_types(values: list[str | None], kind: str, missing: int) -> None:
    _, card = describe_feature(pa.chunked_array([pa.array(values, pa.string())]))
    assert (card["type"], card["missing"]) == (kind, missing)


def test_a_card_pools_rare_levels() -> None:
    _, card = describe_feature(pa.chunked_array([["a"] * 20 + ["b"] * 3 + ["c"]]))
    assert card["levels"] == {"a": 20, "other (2 levels)": 4}


def test_cards_are_written_beside_the_features(tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    path = tmp_path / "features" / "a.parquet"
    pq.write_table(pa.table({"row": [1, 2], "record_id": ["x", "y"], "since": ["2020-01-05", None]}), path)
    source = Source(name="a", path=Path("a.csv"), columns={"zip": "zip"}, licence="ours")
    assert write_cards(tmp_path, [source]) == {"a": 1}
    card = json.loads((tmp_path / "features.json").read_text())[0]
    assert (card["column"], card["type"], card["licence"]) == ("since", "date", "ours")
    assert pa.types.is_date32(pq.read_schema(path).field("since").type)
