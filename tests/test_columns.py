"""What a column holds is told by header and values together, honestly, and no value is shown."""

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from geoscore.ingest.columns import infer_columns, mask
from geoscore.ingest.vocabulary import header_words

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks" / "accuracy"))
from columns import SURE, measure


def guess(name: str, values: list[str | None]) -> object:
    return infer_columns(pa.table({name: pa.array(values, pa.string())}))[0]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("RES_ZIP", ["94301", "02138-1234"], "zip"),
        ("zip4", ["1234", "0042"], "zip4"),
        ("DOB", ["1970-01-02", "3/4/1980"], "date_of_birth"),
        ("soc_sec_id", ["5304218", "4066625"], "ssn"),
        ("HH Income", ["$100,000-$124,999", "under $25,000"], "income_band"),
        ("INCOME_CD", ["A", "D", "K"], "income_band"),
        ("Est Household Income", ["85000", "$120,500"], "income_usd"),
        ("Suffix", ["JR", "III", None], "name_suffix"),
        ("Suffix", ["ST", "AVE", "BLVD"], "street_type"),
        ("state", ["California", "N.Y."], "state"),
        ("col_7", ["ann@example.org", "bo@example.org"], "email"),
        ("Unnamed: 3", ["12 Oak Street", "9 Elm Ave"], "street"),
        ("Largest Gift Amount", ["$250.00", "1,000"], "largest_gift_usd"),
        ("nothing", [None, None], "other"),
        ("one", ["x"] * 1000, "other"),
    ],
)
def test_kinds(name: str, values: list[str | None], kind: str) -> None:
    assert guess(name, values).kind == kind


def test_a_header_that_the_values_contradict_is_not_believed() -> None:
    found = guess("zip", ["Ann", "Bo", "Cy"])
    assert found.kind != "zip"
    assert found.confidence <= 0.5


def test_an_empty_column_is_told_by_its_header_and_not_surely() -> None:
    found = guess("email", [None, ""])
    assert (found.kind, found.missing) == ("email", 1.0)
    assert found.confidence < SURE


def test_no_value_is_shown_whole() -> None:
    for value in ("Ann Lee", "12 Oak St", "ann@example.org", "94301", "Zoë"):
        shown = mask(value)
        assert shown != value
        assert sum(letter.isalnum() for letter in shown) <= len(value.split())


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Party", ["x"]),
        ("PartyCode", ["1"]),
        ("faith", ["a"]),
        ("x", ["Catholic", "Jewish"]),
        ("x", ["DEM", "REP", "NPP"]),
    ],
)
def test_sensitive_columns_by_header_and_by_values(name: str, values: list[str]) -> None:
    assert guess(name, values).sensitive
    assert guess("zip", ["94301"]).sensitive is None


def test_dates_of_two_conventions_are_told() -> None:
    assert (
        "two conventions: 1 dates only month first, 1 only day first" in guess("dob", ["1/25/1970", "25/1/1970"]).notes
    )
    assert guess("dob", ["25/1/1970", "26/1/1970"]).notes == ("day first",)


def test_headers_are_taken_apart() -> None:
    assert header_words("Residence_Addresses_ZipPlus4") == "residence addresses zip plus 4"


def test_the_layouts_that_were_tuned_on() -> None:
    found = measure("tune")
    right = found["true"] == found["guess"]
    assert right.mean() >= 0.95
    assert not (~right & (found["confidence"] >= SURE)).any()
