"""A file's own columns become records: dates of birth, numbers that are never kept, lenient reading."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geoscore.ingest import ingest_sources, open_sources
from geoscore.ingest.mapping import map_batch
from geoscore.project import Source

AS_OF = date(2026, 11, 1)


def mapped(
    columns: dict[str, list[str | None]], **options: bool
) -> tuple[dict[str, list[object]], list[str], dict[str, int]]:
    source = Source(name="a", path=Path("a.csv"), columns={name: name for name in columns})
    batch = pa.RecordBatch.from_pydict(columns)
    done = map_batch(batch, np.arange(1, batch.num_rows + 1), source=source, as_of=AS_OF, **options)
    return done.records.to_pydict(), done.rejected.column("reason").to_pylist(), done.mended


def test_a_birthday_gives_the_age_and_an_impossible_one_costs_not_the_row() -> None:
    born = ["1970-11-02", "11/1/1970", "2030-01-01", "1850-01-01", "soon", None]
    records, rejected, mended = mapped({"date_of_birth": born})
    assert records["age"] == [55, 56, None, None, None, None]
    assert records["date_of_birth"] == ["1970-11-02", "1970-11-01", None, None, None, None]
    assert rejected == []
    assert mended == {"date_of_birth left out, not readable or not possible": 3}


def test_a_social_security_number_is_only_ever_a_code() -> None:
    records, _, mended = mapped({"ssn": ["987-65-4320", "987654320", "987-65-4321", "000-00-0000", "12"]})
    one, same, other, nothing, short = records["ssn"]
    assert one == same != other
    assert nothing is short is None
    assert "9876" not in str(records)
    assert mended == {"ssn left out, not readable": 2}


def test_a_lenient_reader_keeps_the_row_and_counts_the_value() -> None:
    columns = {"zip": ["94301", "9"], "income_usd": ["-5", "much"]}
    records, rejected, mended = mapped(columns, lenient=True)
    assert records["zip"] == ["94301", None]
    assert records["income_usd"] == [None, None]
    assert rejected == []
    assert mended == {
        "left out: not a ZIP code": 1,
        "left out: income_usd is not an amount": 1,
        "left out: negative income_usd": 1,
    }
    assert len(mapped(columns)[1]) == 2


def test_a_band_among_incomes_is_a_band() -> None:
    columns = {"income_usd": ["85000", "$100,000-$124,999", "much", None]}
    records, rejected, mended = mapped(columns)
    assert records["income_usd"] == [85000.0, None, None]
    assert (records["income_low_usd"], records["income_high_usd"]) == ([None, 1e5, None], [None, 1.25e5, None])
    assert rejected == ["income_usd is not an amount"]
    assert mended == {"income_usd taken as a band": 1}
    # what spreadsheets make days of, and years, are no incomes
    assert mapped({"income_usd": ["2020-2021", "11-26"]})[1] == ["income_usd is not an amount"] * 2
    assert mapped({"income_usd": ["100k-125k"]})[0]["income_high_usd"] == [1.25e5]
    # where bands have columns of their own, they are what counts
    assert len(mapped({**columns, "income_low_usd": ["1"] * 4})[1]) == 2


@pytest.mark.parametrize(
    ("dates", "read"),
    [
        (["3/4/1970", "3/25/1970"], ["1970-03-04", "1970-03-25"]),
        (["3/4/1970", "25/3/1970"], ["1970-04-03", "1970-03-25"]),
        (["3/4/1970", "25/3/1970", "3/25/1970"], [None, "1970-03-25", "1970-03-25"]),
    ],
)
def test_the_whole_file_says_what_a_date_means(tmp_path: Path, dates: list[str], read: list[str | None]) -> None:
    (tmp_path / "a.csv").write_text("born,zip\n" + "".join(f"{text},94301\n" for text in dates))
    source = Source(name="a", path=Path("a.csv"), columns={"date_of_birth": "born", "zip": "zip"})
    report = ingest_sources(open_sources([source], resolve=lambda path: tmp_path / path), as_of=AS_OF, out=tmp_path)
    assert pq.read_table(tmp_path / "records.parquet")["date_of_birth"].to_pylist() == read
    assert any("month first, some day first" in note for note in report[0].notes) == (None in read)
