"""Addresses as people write them, in one form."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoscore.standardize.addresses import LONGEST, parse_address, parse_addresses, parse_street


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("12 north oak street", "12 N OAK ST"),
        ("12-34 41st Road", "12 41ST RD"),
        ("100 1/2 Main St. Apt 4B", "100 1/2 MAIN ST UNIT 4B"),
        ("100A Main St", "100A MAIN ST"),
        ("12 E St", "12 E ST"),
        ("12 E Oak St", "12 E OAK ST"),
        ("12 St. Charles Avenue", "12 SAINT CHARLES AVE"),
        ("135 04th St", "135 4TH ST"),
        ("135 Fourth St", "135 4TH ST"),
        ("20030 San Miguel Ave", "20030 SAN MIGUEL AVE"),
        ("5 Avenue D", "5 D AVE"),
        ("50 State Highway 1", "50 HWY 1"),
        ("50 CA-1", "50 HWY 1"),
        ("50 US Hwy 101 N", "50 HWY 101"),
        ("77 County Road 12", "77 COUNTY RD 12"),
        ("P.O. Box 1234", "PO BOX 1234"),
        ("609 Sutter St 10th Floor", "609 SUTTER ST"),
        ("845 Market St FC-3", "845 MARKET ST UNIT FC-3"),
        ("356 SANTA DIANA TR", "356 SANTA DIANA TRL"),
        ("1 Ferry Building #34", "1 FERRY BUILDING UNIT 34"),
        ("Mission St & 4th St", "MISSION ST & 4TH ST"),
        ("Mission Street at 4th", "MISSION ST & 4TH"),
        ("81 José Ave", "81 JOSE AVE"),
    ],
)
def test_street_lines(text: str, written: str) -> None:
    assert str(parse_street(text)) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1301 Buena Vista Ave, Alameda CA 94501", "1301 BUENA VISTA AVE, ALAMEDA CA 94501"),
        ("1301 Buena Vista Ave Alameda CA 94501-1234", "1301 BUENA VISTA AVE, ALAMEDA CA 94501"),
        ("12 Oak St, Apt 4, So. San Francisco, CA", "12 OAK ST UNIT 4, SOUTH SAN FRANCISCO CA"),
        ("94110", "94110"),
        ("PO Box 12, Napa, CA 94558", "PO BOX 12, NAPA CA 94558"),
    ],
)
def test_whole_addresses(text: str, written: str) -> None:
    assert str(parse_address(text)) == written


@pytest.mark.parametrize(
    "text", ["", "   ", "\x00\x07", "#", "&", ", , ,", "東京都千代田区1-1", "x" * (LONGEST + 1), "1/2"]
)
def test_what_is_no_address_is_read_as_none(text: str) -> None:
    assert parse_address(text).number is None


@given(st.text(max_size=80))
def test_nothing_that_is_written_breaks_the_reader(text: str) -> None:
    parsed = parse_addresses(pa.array([text, None]), whole=True)
    assert parsed.num_rows == 2
    assert parsed["name"][1].as_py() == ""


@given(
    st.integers(1, 99_999),
    st.sampled_from(["OAK", "SAINT CHARLES", "4TH", "EL CAMINO REAL"]),
    st.sampled_from(["ST", "AVE", ""]),
)
def test_the_standard_form_reads_as_itself(number: int, name: str, suffix: str) -> None:
    line = f"{number} {name} {suffix}".strip()
    assert str(parse_street(line)) == line


@pytest.mark.parametrize(
    ("text", "number", "half", "name"),
    [("12½ Oak St", 12, "1/2", "OAK"), ("1301-B Oak St", 1301, "B", "OAK"), ("13\x0001 Oak St", 1301, "", "OAK")],
)
def test_odd_numbers_are_read(text: str, number: int, half: str, name: str) -> None:
    found = parse_street(text)
    assert (found.number, found.half, found.name) == (number, half, name)
