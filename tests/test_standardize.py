"""Values as people write them become standard forms; what cannot be read is said to be bad."""

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoscore import standardize as std

BAD = "bad"


def parsed(function, value):
    result = function(pa.array([value]))
    return BAD if result.bad[0].as_py() else result.values[0].as_py()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("94301", "94301"), ("94301-1234", "94301"), ("943011234", "94301"), ("94301 1234", "94301"), (94301, "94301"),
        (94301.0, "94301"), ("94301.0", "94301"), (" 94301 ", "94301"), ("2138", "02138"), (2138, "02138"),
        ("501", "00501"), ("CA 94301", "94301"), ("2138-1234", "02138"), ("ABCDE", BAD), ("1234567", BAD),
        ("00000", BAD), ("SW1A 1AA", BAD), ("", None), ("n/a", None), (None, None), ("12", BAD),
    ],
)  # fmt: skip
def test_zips(value, expected) -> None:
    assert parsed(std.parse_zip, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$1,234.50", 1234.5), ("1234", 1234.0), ("12k", 12e3), ("1.5M", 1.5e6), ("(500)", -500.0), ("-500", -500.0),
        ("USD 100", 100.0), ("$ -5", -5.0), ("1.234,50", BAD), ("12,34", BAD), ("lots", BAD), ("unknown", None),
        (7, 7.0), (float("nan"), None), (float("inf"), BAD), ("1e999", BAD), ("-", None),
    ],
)  # fmt: skip
def test_money(value, expected) -> None:
    assert parsed(std.parse_money, value) == expected


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("$100,000-$124,999", 100_000, 125_000), ("100k-125k", 100_000, 125_000), ("100-125k", 100_000, 125_000),
        ("100,000 to 150,000", 100_000, 150_000), ("100k+", 100_000, None), ("$200,000 or more", 200_000, None),
        (">200000", 200_000, None), ("over $1M", 1_000_000, None), ("under $10,000", 0, 10_000), ("<10k", 0, 10_000),
        ("up to 49,999", 0, 50_000),
    ],
)  # fmt: skip
def test_bands(value: str, low: float, high: float | None) -> None:
    band = std.parse_money_band(pa.array([value]))
    assert (band.low[0].as_py(), band.high[0].as_py(), band.bad[0].as_py()) == (low, high, False)


@pytest.mark.parametrize("value", ["125000", "rich", "200-100", "a-b", "D"])
def test_what_is_no_band(value: str) -> None:
    assert std.parse_money_band(pa.array([value])).bad[0].as_py()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("37.77", 37.77), ("-122.4", -122.4), ("122.4 W", -122.4), ("37.77° N", 37.77), ("37,77", BAD), ("", None)],
)
def test_numbers(value: str, expected) -> None:
    assert parsed(std.parse_number, value) == expected


@pytest.mark.parametrize(("value", "expected"), [("42", 42.0), (130, BAD), (-1, BAD), ("x", BAD), (None, None)])
def test_ages(value, expected) -> None:
    assert parsed(std.parse_age, value) == expected


def test_emails_and_phones() -> None:
    assert parsed(std.parse_email, " Ann@Example.ORG ") == "ann@example.org"
    assert parsed(std.parse_email, "ann") == BAD
    assert parsed(std.parse_phone, "1 (290) 200-0142 x3") == "2902000142"
    assert parsed(std.parse_phone, "200-0142") == BAD


@pytest.mark.parametrize(
    ("street", "unit", "line", "number"),
    [
        ("12 North Oak Street", None, "12 N OAK ST", ""),
        ("12 N. OAK ST.", None, "12 N OAK ST", ""),
        ("12 Oak Street Apt 4", None, "12 OAK ST", "4"),
        ("12 Oak St #4b", None, "12 OAK ST", "4B"),
        ("12 Oak St, Unit 4", None, "12 OAK ST", "4"),
        ("12 Oak St", "Apt. 4", "12 OAK ST", "4"),
        ("12 Oak Avenue West", None, "12 OAK AVE W", ""),
        ("500 First St", None, "500 1ST ST", ""),
        ("7 Avenue A", None, "7 AVENUE A", ""),
        ("9 North St", None, "9 NORTH ST", ""),
        ("3 St James St", None, "3 ST JAMES ST", ""),
        ("P.O. Box 123", None, "PO BOX 123", ""),
        ("100 Broadway", None, "100 BROADWAY", ""),
        ("1 Peña Blvd", None, "1 PENA BLVD", ""),
    ],
)
def test_streets(street: str, unit: str | None, line: str, number: str) -> None:
    lines, units = std.street_key(pa.array([street]), pa.array([unit], pa.string()))
    assert (lines[0].as_py(), units[0].as_py()) == (line, number)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Ann Lee", "ANN", "LEE"),
        ("Dr. Ann B. Lee Jr.", "ANN", "LEE"),
        ("LEE, ANN B", "ANN", "LEE"),
        ("LEE, BO & ANN", "BO", "LEE"),
        ("John & Mary Smith", "JOHN", "SMITH"),
        ("García-López, Ana", "ANA", "GARCIA LOPEZ"),
        ("Lee, Jr.", None, "LEE"),
        ("Cher", None, "CHER"),
        ("Mr. and Mrs. Juan García", "JUAN", "GARCIA"),
        ("John Smith & Mary Jones", "JOHN", "SMITH"),
        ("Ana de la Cruz", "ANA", "DE LA CRUZ"),
        ("&", None, None),
    ],
)
def test_full_names(name: str, first: str | None, last: str | None) -> None:
    parts = std.split_full_name(pa.array([name]))
    assert (parts["first"][0].as_py(), parts["last"][0].as_py()) == (first, last)


PARSERS = [
    std.parse_zip,
    std.parse_money,
    std.parse_number,
    std.parse_age,
    std.parse_text,
    std.parse_email,
    std.parse_phone,
]


@pytest.mark.slow
@given(st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=8))
def test_no_text_is_too_strange(values: list[str | None]) -> None:
    array = pa.array(values, pa.string())
    for function in PARSERS:
        result = function(array)
        assert len(result.values) == len(result.bad) == len(values)
        for value, bad in zip(result.values.to_pylist(), result.bad.to_pylist(), strict=True):
            assert not (bad and value is not None)
            assert not (isinstance(value, float) and not math.isfinite(value))
    band = std.parse_money_band(array)
    assert len(band.low) == len(values)
    std.split_full_name(array)


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=40))
def test_keys_are_their_own_keys(text: str) -> None:
    name = std.name_key(pa.array([text]))
    assert std.name_key(name).equals(name)


def test_very_long_text_is_bad() -> None:
    assert parsed(std.parse_text, "x" * 10_001) == BAD


@pytest.mark.parametrize("text", ["2026-02-30", "31/31/1970", "Foo 3, 1970", "1970", "3 Apr 3, 1970", "0/0/0000"])
def test_what_is_no_date(text: str) -> None:
    parsed = std.parse_date(pa.array([text]))
    assert parsed.values.to_pylist() == [None]
    assert parsed.bad.to_pylist() == [True]


def test_a_year_of_two_digits_is_never_ahead() -> None:
    assert std.parse_date(pa.array(["1/2/99", "1/2/01"])).values.to_pylist() == ["1999-01-02", "2001-01-02"]


def test_arrow_dates_are_dates() -> None:
    values = pa.array([0, None], pa.int32()).cast(pa.date32())
    assert std.parse_date(values).values.to_pylist() == ["1970-01-01", None]
    assert std.find_date_order(values) == (0, 0)
