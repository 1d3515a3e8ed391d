"""Addresses find their place tier by tier; what they cannot know they do not claim."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from shapely import LineString

from geoscore.geocoding import Matcher, judge_resolution
from geoscore.geocoding.interpolation import learn_errors
from geoscore.geocoding.resolution import wrong_cell_share
from geoscore.reference.gazetteer import make_gazetteer
from geoscore.standardize.addresses import parse_addresses

WEST, NORTH = -122.25, 37.77
PER_NUMBER = 1.6e-5
"""Degrees of longitude between consecutive numbers: 1.4 m."""


def point(number: int, name: str, *, north: float = 0.0, **other: object) -> dict[str, object]:
    row = {
        "number": number, "half": "", "unit": "", "predir": "", "name": name, "suffix": "ST", "postdir": "",
        "city": "ALAMEDA", "zip": "94501", "longitude": WEST + number * PER_NUMBER, "latitude": NORTH + north,
    }  # fmt: skip
    return row | other


POINTS = [
    *(point(number, "OAK") for number in (101, 105, 201, 301)),
    *(point(number, "PLUMERIA", north=0.001, suffix="CT") for number in (10, 20, 30)),
    *(point(number, "MAIN", north=0.01) for number in (100, 200)),
    *(point(number, "MAIN", north=0.30, city="NAPA", zip="94558") for number in (100, 200)),
    point(400, "OAK", unit="1"),
    point(400, "OAK", unit="2", longitude=WEST + 400 * PER_NUMBER + 0.0002),
    *(
        point(number, "4TH", longitude=WEST + 200 * PER_NUMBER, latitude=NORTH + (number - 200) * 1e-5)
        for number in (150, 195, 250)
    ),
    *(point(number, "BAY", north=0.02, predir="N") for number in (10, 20)),
    *(point(number, "BAY", north=-0.02, predir="S") for number in (10, 20)),
]


def segment(start: int, end: int, side: str, parity: str) -> dict[str, object]:
    line = LineString([(WEST, NORTH + 0.005), (WEST + 0.002, NORTH + 0.005)])
    return {
        "predir": "", "name": "RIVER", "suffix": "RD", "postdir": "", "zip": "94501", "start": start, "end": end,
        "parity": parity, "side": side, "line": shapely.to_wkb(line), "longitude": WEST + 0.001,
        "latitude": NORTH + 0.005,
    }  # fmt: skip


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    segments = pd.DataFrame([segment(101, 199, "L", "O"), segment(100, 198, "R", "E")])
    gazetteer = make_gazetteer(pd.DataFrame(POINTS), segments, pd.DataFrame())
    return Matcher(replace(gazetteer, errors=learn_errors(gazetteer)))


def locate(matcher: Matcher, *addresses: str) -> list[dict[str, object]]:
    return matcher.locate(parse_addresses(pa.array(addresses), whole=True)).to_pylist()


@pytest.mark.parametrize(
    ("address", "precision", "matched"),
    [
        ("101 Oak Street, Alameda CA 94501", "rooftop", "OAK ST"),
        ("101 Oak, Alameda", "rooftop", "OAK ST"),
        ("101 Oak St Apt 9, Alameda 94501", "rooftop", "OAK ST"),
        ("151 Oak St, Alameda 94501", "range", "OAK ST"),
        ("450 Oak St, Alameda 94501", "range", "OAK ST"),
        ("Oak St, Alameda 94501", "street", "OAK ST"),
        ("12 Plumera Ct, Alameda", "range", "PLUMERIA CT"),
        ("150 River Rd, Alameda 94501", "range", "RIVER RD"),
        ("Oak St & 4th St, Alameda", "range", "OAK ST & 4TH ST"),
        ("150 Main St, Napa CA", "range", "MAIN ST"),
        ("15 South Bay St, Alameda", "range", "S BAY ST"),
        ("99 Willow Ln, Alameda CA 94501", "zip", None),
        ("PO Box 12, Alameda CA 94501", "zip", None),
        ("101 Oak Ave, Somewhere 10001", None, None),
        ("99 Willow Ln", None, None),
        ("garbage", None, None),
    ],
)
def test_tiers(matcher: Matcher, address: str, precision: str | None, matched: str | None) -> None:
    found = locate(matcher, address)[0]
    assert (found["precision"], found["matched"]) == (precision, matched)
    has_point = precision not in ("zip", None)
    assert (found["longitude"] is not None) == has_point
    assert (found["reason"] is None) or not has_point or "another spelling" in str(found["reason"])
    assert 0.0 <= float(str(found["score"])) <= 1.0


def test_a_zip_is_never_a_point(matcher: Matcher) -> None:
    found = locate(matcher, "99 Willow Ln, Alameda CA 94501", "PO Box 12, Alameda CA 94501")
    assert [row["longitude"] for row in found] == [None, None]
    assert [row["found_zip"] for row in found] == ["94501", "94501"]
    assert found[1]["reason"] == "PO box; only its ZIP is known"


def test_numbers_between_known_ones_lie_between_them(matcher: Matcher) -> None:
    found = locate(matcher, "151 Oak St, Alameda 94501", "401 Oak St, Alameda 94501")
    assert found[0]["longitude"] == pytest.approx(WEST + 151 * PER_NUMBER, abs=1e-7)
    assert found[1]["longitude"] > WEST + 400 * PER_NUMBER - 1e-9
    assert float(str(found[1]["sigma_m"])) > 0


def test_the_unit_decides_where_points_have_units(matcher: Matcher) -> None:
    one, two, none = locate(matcher, *(f"400 Oak St {unit}, Alameda 94501" for unit in ("#1", "#2", "")))
    assert one["longitude"] == pytest.approx(WEST + 400 * PER_NUMBER)
    assert two["longitude"] == pytest.approx(WEST + 400 * PER_NUMBER + 0.0002)
    assert one["longitude"] <= none["longitude"] <= two["longitude"]


def test_segments_keep_to_their_side_and_offset(matcher: Matcher) -> None:
    left, right = locate(matcher, "151 River Rd, Alameda 94501", "150 River Rd, Alameda 94501")
    # the line runs east, so that left is north, 10 m from the middle of the road
    assert left["latitude"] == pytest.approx(NORTH + 0.005 + 10 / 111_320, abs=1e-7)
    assert right["latitude"] == pytest.approx(NORTH + 0.005 - 10 / 111_320, abs=1e-7)
    assert left["longitude"] == pytest.approx(WEST + 0.001, abs=5e-5)


def test_a_zip_and_a_city_that_disagree_are_said(matcher: Matcher) -> None:
    found = locate(matcher, "150 Main St, Napa CA 94501", "101 Oak St, Napa CA 94501")
    assert found[1]["matched"] == "OAK ST"
    assert found[1]["reason"] == "city NAPA is not the street's: ALAMEDA"
    # a Main Street in each of them: the ZIP weighs more
    assert found[0]["reason"] == "city NAPA is not the street's: ALAMEDA"


def test_two_streets_that_fit_equally_well_leave_it_open(matcher: Matcher) -> None:
    found = locate(matcher, "15 Bay St, Alameda 94501")[0]
    assert found["precision"] == "zip"
    assert found["reason"] == "several streets fit equally well; only its ZIP is known"


@pytest.mark.parametrize("address", ["12 4st St, Alameda", "101 Oaks St, Alameda", "12 Plumerias Wy, Alameda"])
def test_short_names_numbers_and_other_suffixes_are_not_forgiven(matcher: Matcher, address: str) -> None:
    assert locate(matcher, address)[0]["longitude"] is None


def test_the_predicted_radius_holds_on_a_street_of_random_houses() -> None:
    rng = np.random.default_rng(5)
    rows = []
    for street in range(60):
        for number in np.sort(rng.choice(np.arange(100, 2000), 40, replace=False)):
            off = rng.normal(0.0, 20.0, 2) / 111_320
            rows.append(
                point(int(number), f"STREET {chr(65 + street // 26)}{chr(65 + street % 26)}",
                      longitude=WEST + number * PER_NUMBER + off[0], latitude=NORTH + street * 0.002 + off[1])
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    hidden = rng.random(len(frame)) < 0.3
    gazetteer = make_gazetteer(frame[~hidden], pd.DataFrame(), pd.DataFrame())
    matcher = Matcher(replace(gazetteer, errors=learn_errors(gazetteer)))
    gone = frame[hidden].reset_index(drop=True)
    text = gone["number"].astype(str) + " " + gone["name"] + " ST, ALAMEDA CA 94501"
    found = pd.DataFrame(locate(matcher, *text))
    error = np.hypot(
        (found["longitude"] - gone["longitude"]) * np.cos(np.radians(NORTH)), found["latitude"] - gone["latitude"]
    )
    within = (error * 111_320 <= 2.4477 * found["sigma_m"]).mean()
    assert found["precision"].eq("range").all()
    assert 0.90 <= within <= 0.99


def test_the_share_in_a_wrong_cell() -> None:
    # METHODS: 10%, 28% and 92% for 95% within 152, 421 and 2,872 m at resolution 8
    for p95, share in ((152, 0.10), (421, 0.28), (2872, 0.92)):
        assert wrong_cell_share(p95 / 2.4477, resolution=8) == pytest.approx(share, abs=0.02)
    assert wrong_cell_share(0.0, resolution=9) == 0.0
    shares = [wrong_cell_share(100.0, resolution=resolution) for resolution in range(4, 10)]
    assert shares == sorted(shares)


def test_the_finest_honest_resolution() -> None:
    honesty = judge_resolution({10.0: 60, 900.0: 40})
    assert honesty.wrong_cell[honesty.finest] <= 0.30 < honesty.wrong_cell[honesty.finest + 1]
    assert honesty.warning(honesty.finest) is None
    assert "finest honest one (published_resolution" in str(honesty.warning(honesty.finest + 1))
