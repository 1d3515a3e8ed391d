"""Answers as people and programs read them, selections row by row, and what a plan of contacts brings."""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import NOTE
from scipy.stats import gamma

from geoscore.errors import InputError, InputNotFoundError, SurfaceError
from geoscore.maps import deck_from_surface, scene_from_surface, svg_from_scene
from geoscore.query import Answer, Surface
from geoscore.query.answer import SHOWN_ROWS, WithHidden, listing_html
from geoscore.query.expected import Expected, expected_of, interval
from geoscore.query.plan import make_plan
from geoscore.query.select import (
    UNEVEN,
    counted_rows,
    select_all,
    select_cell,
    select_circle,
    select_county,
    select_file,
    select_polygon,
    select_zips,
)
from geoscore.schemas import LADDER
from geoscore.spatial.polygons import merged_cells
from geoscore.surface_format import Figures, surface_table

CHILDREN = sorted(h3.str_to_int(cell) for cell in h3.cell_to_children("872834744ffffff", 8))
FAR = h3.str_to_int("8844c0a31bfffff")
ANSWER = Answer(
    area="ZIP 94301",
    capacity_usd=400.0,
    below_usd=2500.0,
    households=1234.5,
    estimate=345.6,
    low=300.4,
    high=390.6,
    level=0.9,
    suppressed=True,
    formula="2pct",
    horizon="1 year",
    universe="file",
)
EXPECTED = Expected(
    expected_givers=12.4, givers_low=8.1, givers_high=17.6, expected_usd=1500.4, usd_low=900.2, usd_high=2200.7
)


def test_an_answer_in_a_sentence() -> None:
    assert str(ANSWER) == (
        "ZIP 94301: about 346 of 1,234 households have capacity of at least $400 and less than $2,500 (90% interval "
        "300 to 391; 2pct, 1 year). Some cells are hidden and not counted here."
    )
    assert str(replace(ANSWER, suppressed=False, expected=EXPECTED)).endswith(
        "; 2pct, 1 year). If all are asked, 12 (8 to 18) would give $1,500 ($900 to $2,201)."
    )
    assert str(replace(ANSWER, with_hidden=WithHidden(1300.0, 360.0, 310.0, 420.0))).endswith(
        "(90% interval 300 to 391; 2pct, 1 year). With the cells that are hidden here, if they are as hidden cells are "
        "on average: about 360 of 1,300 (310 to 420)."
    )


@pytest.mark.parametrize("name", ["households", "estimate", "low", "high"])
def test_an_answer_that_cannot_be_told_is_a_sentence_too(name: str) -> None:
    told = replace(ANSWER, **{name: None})
    assert str(told) == "ZIP 94301: too few households to tell without giving somebody away (2pct, 1 year)."


def test_an_answer_in_plain_values() -> None:
    found = replace(
        ANSWER, estimate=1 / 3, households=2 / 3, expected=EXPECTED, with_hidden=WithHidden(9.0, 3.0, 1.0, 5.0)
    ).to_dict()
    assert found["estimate"] == 0.333333333
    assert found["share"] == 0.5
    assert found["expected_givers"] == 12.4
    assert found["usd_high"] == 2200.7
    assert {name: found[f"with_hidden_{name}"] for name in ("households", "estimate", "low", "high")} == {
        "households": 9.0, "estimate": 3.0, "low": 1.0, "high": 5.0,
    }  # fmt: skip
    assert "expected" not in found
    assert "with_hidden" not in found
    assert (found["below_usd"], found["vintage"], found["suppressed"]) == (2500.0, "", True)
    bare = replace(ANSWER, households=0.0, estimate=0.0).to_dict()
    assert bare["share"] is None
    assert replace(ANSWER, estimate=None).to_dict()["share"] is None
    assert not any(name.startswith("with_hidden") for name in bare)


def test_an_answer_shows_itself_in_a_notebook() -> None:
    told = replace(ANSWER, area="<b>")._repr_html_()
    assert told.startswith("<p>&lt;b&gt;: about")
    assert told.endswith("</p>")


def test_a_listing_as_html() -> None:
    row = {
        "zip": "94301", "households": 1234.5, "estimate": 345.6, "low": 300.4, "high": 390.6, "share": 0.2799,
        "index": 112.4,
    }  # fmt: skip
    hidden = {"zip": "94303", "estimate": None}
    none = {**row, "zip": None, "share": None, "index": None}
    text = listing_html([row, hidden, none], key="zip", capacity=2500.0)
    heads = ["zip", "households", "$2,500 or more", "90% interval", "share", "index"]
    body = [
        ["94301", "1,234", "346", "300 to 391", "28.0%", "112"],
        ["94303", "hidden", "", "", "", ""],
        ["elsewhere", "1,234", "346", "300 to 391", "", ""],
    ]
    assert text == (
        f"<table><thead><tr>{''.join(f'<th>{name}</th>' for name in heads)}</tr></thead><tbody>"
        + "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in body)
        + "</tbody></table>"
    )
    band = listing_html([row] * (SHOWN_ROWS + 1234), key="zip", capacity=(400.0, 2500.0))
    assert "<th>$400 to under $2,500</th>" in band
    assert band.count("<tr>") == 1 + SHOWN_ROWS
    assert band.endswith("</table><p>and 1,234 more</p>")
    assert listing_html([row] * SHOWN_ROWS, key="zip", capacity=50).endswith("</table>")


def surface(note: object = NOTE, **columns: list[float]) -> Surface:
    """Return a surface of two ZIPs and what is hidden in a third.

    Three shown cells; two hidden ones counted in their ZIP, one in its county, one in the region.
    """
    rows = [
        (CHILDREN[0], "94301", "06085", "cell", False, 100.0),
        (CHILDREN[1], "94301", "06085", "cell", False, 60.0),
        (CHILDREN[2], "94303", "06081", "cell", False, 40.0),
        (CHILDREN[3], "94301", "06085", "zip", True, 0.0),
        (CHILDREN[4], "94301", "06085", "zip", True, 0.0),
        (None, "94301", "06085", "zip", False, 16.0),
        (CHILDREN[5], "94302", "06085", "county", True, 0.0),
        (None, "94302", "06085", "county", True, 0.0),
        (None, None, "06085", "county", False, 12.0),
        (FAR, "94304", "06081", "region", True, 0.0),
        (None, "94304", "06081", "region", True, 0.0),
        (None, None, None, "region", False, 10.0),
    ]
    keys = pd.DataFrame([row[:4] for row in rows], columns=["cell", "zip", "county", "counted_in"])
    keys["cell"] = pd.array([row[0] for row in rows], "UInt64")
    households = np.array([row[5] for row in rows])
    at_least = households[:, None] * np.linspace(0.9, 0.1, 25)
    hidden = np.array([row[4] for row in rows])
    table = surface_table(keys, Figures.apart(households, at_least, at_least / 3), suppressed=hidden)
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    counties = {"06085": "Santa Clara", "06081": "San Mateo"}
    return Surface(table, replace(note, counties=counties))


def rows_of(weights: np.ndarray) -> dict[int, float]:
    return {int(i): float(weights[i]) for i in np.flatnonzero(weights)}


def test_zips_take_whole_rows_and_say_what_is_counted_elsewhere() -> None:
    table = surface().table
    one = select_zips(table, [" 94301-1234 "])
    assert (one.area, one.hidden, rows_of(one.weights)) == ("ZIP 94301", False, {0: 1.0, 1: 1.0, 5: 1.0})
    two = select_zips(table, ["94303", "94301", "94303"])
    assert (two.area, rows_of(two.weights)) == ("ZIPs 94303, 94301", {0: 1.0, 1: 1.0, 2: 1.0, 5: 1.0})
    gone = select_zips(table, ["94302"])
    assert (gone.hidden, rows_of(gone.weights)) == (True, {})


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("94305", r"^ZIP 94305 is not in this surface; the nearest by number are 94304, 94303, 94302$"),
        ("9430", r"^'9430' is no ZIP code; a ZIP has five digits$"),
        ("943O1", r"^'943O1' is no ZIP code"),
    ],
)
def test_zips_that_are_none_or_not_here(code: str, words: str) -> None:
    with pytest.raises(SurfaceError, match=words):
        select_zips(surface().table, [code])


def test_a_surface_without_zips_names_no_nearest() -> None:
    table = surface().table.slice(11, 1)
    with pytest.raises(SurfaceError, match=r"^ZIP 94305 is not in this surface$"):
        select_zips(table, ["94305"])


@pytest.mark.parametrize("word", ["Santa Clara", "santa clara county", " 06085 ", "SANTA CLARA County "])
def test_a_county_by_any_of_its_names(word: str) -> None:
    found = select_county(surface().table, word, names={"06085": "Santa Clara"})
    assert (found.area, found.hidden) == ("Santa Clara", False)
    assert rows_of(found.weights) == dict.fromkeys([0, 1, 5, 8], 1.0)


def test_a_county_whose_households_are_partly_in_the_region_alone() -> None:
    found = select_county(surface().table, "06081", names={})
    assert (found.area, found.hidden, rows_of(found.weights)) == ("county 06081", True, {2: 1.0})
    with pytest.raises(SurfaceError, match=r"^county 'Marin' is not in this surface; it has San Mateo, Santa Clara$"):
        select_county(surface().table, "Marin", names=surface().note.counties)
    with pytest.raises(SurfaceError, match=r"it has 06081, 06085$"):
        select_county(surface().table, "Marin", names={})


def test_everything_is_all_shown_rows() -> None:
    found = select_all(surface().table, "Two towns")
    assert (found.area, found.hidden) == ("Two towns", False)
    assert rows_of(found.weights) == dict.fromkeys([0, 1, 2, 5, 8, 11], 1.0)


def test_cells_and_what_is_hidden_in_them() -> None:
    table = surface().table
    shown = select_cell(table, CHILDREN[0], resolution=8)
    assert (shown.area, shown.hidden, rows_of(shown.weights)) == (f"cell {CHILDREN[0]:x}", False, {0: 1.0})
    assert shown.rest is None
    with pytest.raises(SurfaceError, match="nobody was found there"):
        select_cell(table, CHILDREN[6], resolution=8)
    finer = h3.str_to_int(h3.cell_to_center_child(h3.int_to_str(CHILDREN[0]), 9))
    words = rf"^cell {finer:x} has resolution 9, the surface 8; ask for its parent {CHILDREN[0]:x}$"
    with pytest.raises(SurfaceError, match=words):
        select_cell(table, finer, resolution=8)


def test_hidden_cells_have_an_even_part_of_what_is_counted_for_them() -> None:
    """A parent holds both hidden cells of the ZIP and the county's one; of the region's it holds none."""
    found = select_cell(surface().table, h3.str_to_int("872834744ffffff"), resolution=8)
    assert found.hidden
    assert rows_of(found.weights) == dict.fromkeys([0, 1, 2], 1.0)
    assert rows_of(found.rest) == {5: 1.0, 8: 1.0}
    assert rows_of(found.unsure) == {}  # all of them are inside: nothing is left to guess
    half = select_polygon(surface().table, merged_cells(np.array(CHILDREN[3:4], dtype=np.uint64)), name="one")
    assert half.rest[5] == pytest.approx(0.5, abs=1e-6)
    # 8 households a cell, each uneven, one of two cells taken whole: UNEVEN 8^2 1 (1 - 1/2)
    assert half.unsure[5] == pytest.approx(UNEVEN * 64.0 * 0.5, rel=1e-5)


def test_a_drawn_area_takes_cells_by_their_share(tmp_path: Path) -> None:
    table = surface().table
    shape = merged_cells(np.array(CHILDREN[:2], dtype=np.uint64))
    found = select_polygon(table, shape, name="mine")
    assert found.area == "mine"
    assert rows_of(np.round(found.weights, 6)) == {0: 1.0, 1: 1.0}
    path = tmp_path / "my town.geojson"
    gpd.GeoSeries([shape], crs=4326).to_file(path)
    from_file = select_file(table, path)
    assert from_file.area == "my town"
    np.testing.assert_allclose(from_file.weights, found.weights, atol=1e-6)
    with pytest.raises(InputNotFoundError, match="there is no file"):
        select_file(table, tmp_path / "no.geojson")


def test_a_circle_and_its_name() -> None:
    latitude, longitude = h3.cell_to_latlng(h3.int_to_str(CHILDREN[0]))
    found = select_circle(surface().table, (longitude, latitude), radius_km=0.1)
    assert found.area == f"0.1 km around {longitude:g},{latitude:g}"
    area_km2 = h3.cell_area(h3.int_to_str(CHILDREN[0]), unit="km^2")
    assert found.weights[0] == pytest.approx(np.pi * 0.01 / area_km2, rel=0.01)
    assert rows_of(found.weights).keys() == {0}


@pytest.mark.parametrize(
    ("point", "radius", "words"),
    [
        ((-122.0, 37.0), 0.0, "radius of 0 km; give more than 0 and at most 1000"),
        ((-122.0, 37.0), 1000.1, "at most 1000"),
        ((-181.0, 37.0), 1.0, "-181,37 is no place; write longitude first"),
        ((37.0, -122.0), 1.0, "is no place"),
        ((0.0, 90.5), 1.0, "is no place"),
        ((180.5, 0.0), 1.0, "is no place"),
    ],
)
def test_circles_that_are_none(point: tuple[float, float], radius: float, words: str) -> None:
    with pytest.raises(SurfaceError, match=words):
        select_circle(surface().table, point, radius_km=radius)


def test_every_row_is_counted_in_a_shown_row() -> None:
    assert counted_rows(surface().table).tolist() == [0, 1, 2, 5, 5, 5, 8, -1, 8, 11, -1, 11]


def test_listings_say_what_is_hidden_and_what_has_no_place() -> None:
    by_zip = {row["zip"]: row for row in surface().at_least(2500).by("zip").to_rows()}
    assert [by_zip[code]["suppressed"] for code in ("94301", "94302", "94303", "94304")] == [False, True, False, True]
    assert by_zip["94302"]["estimate"] is None
    assert (by_zip[None]["area"], by_zip[None]["households"]) == ("ZIPs too small to show", 22.0)
    assert by_zip["94301"]["households"] == 176.0
    by_county = {row["county"]: row for row in surface().at_least(2500).by("county").to_rows()}
    assert [row["area"] for row in by_county.values()] == ["no county", "San Mateo", "Santa Clara"]
    assert [row["suppressed"] for row in by_county.values()] == [False, True, False]
    by_cell = surface().at_least(2500).by("cell")
    assert by_cell.top(1).to_rows()[0]["area"] == f"cell {CHILDREN[0]:x}"
    assert len(by_cell) == 8
    assert by_cell.top().to_rows()[-1]["area"] == "no cell (counted in ZIPs)"


def test_the_best_come_first_by_any_measure_and_what_is_hidden_last() -> None:
    base = surface()
    listing = base.at_least(2500).by("zip")
    assert [row["zip"] for row in listing.top().to_rows()] == ["94301", "94303", "94302", "94304", None]
    assert [row["zip"] for row in listing.top(2, rank="households").to_rows()] == ["94301", "94303"]
    assert [row["zip"] for row in listing.top(2, rank="low").to_rows()] == ["94301", "94303"]
    by_share, by_index = listing.top(rank="share"), listing.top(rank="index")
    assert [name for name, _ in by_share.answers] == [name for name, _ in by_index.answers]
    index = {row["zip"]: row["index"] for row in listing.to_rows()}
    assert index["94301"] == pytest.approx(100.0)  # all shares are alike here
    assert index["94302"] is None


def test_listings_at_a_coarser_resolution_are_sums() -> None:
    rows = surface().at_least(2500).by("cell", resolution=7).to_rows()
    told = {row["cell"]: row["households"] for row in rows}
    assert told["872834744ffffff"] == 200.0
    whole = surface().rollup(7)
    assert whole.note.resolution == 7
    assert whole.query(cell="872834744ffffff").households == 200.0
    for wrong in (9, -1):
        with pytest.raises(SurfaceError, match="has 8"):
            surface().rollup(wrong)
        with pytest.raises(SurfaceError, match="has 8 or coarser"):
            surface().at_least(2500).by("cell", resolution=wrong)
    with pytest.raises(SurfaceError, match="a resolution goes with --by cell"):
        surface().at_least(2500).by("zip", resolution=7)
    with pytest.raises(SurfaceError, match=r"^'state': a surface is listed by zip, cell or county$"):
        surface().at_least(2500).by("state")


def test_a_band_is_what_lies_between_two_thresholds() -> None:
    base = surface()
    band = base.query(zip="94301", capacity=(400, 2500))
    low, high = (base.query(zip="94301", capacity=value).estimate for value in (400, 2500))
    assert band.estimate == pytest.approx(low - high)
    assert (band.capacity_usd, band.below_usd) == (400.0, 2500.0)
    rows = base.at_least((400, 2500)).by("zip").to_rows()
    assert next(row["estimate"] for row in rows if row["zip"] == "94301") == pytest.approx(band.estimate)
    with pytest.raises(SurfaceError, match="smaller amount first"):
        base.at_least((2500, 400))


def test_a_surface_in_a_line() -> None:
    assert repr(surface()) == ("<Surface 'Test', Two towns: 12 rows at resolution 8, income-2pct-1y, as of 2026-11-01>")


@pytest.mark.parametrize(
    ("total", "variance", "error"), [(1000.0, 1e4, 0.0), (50.0, 60.0, 0.1), (3.0, 9.0, 0.05), (0.8, 0.5, 0.05)]
)
def test_intervals_of_sums_of_gifts_are_those_of_a_gamma(total: float, variance: float, error: float) -> None:
    spread = variance + (error * total) ** 2
    expected = gamma.ppf([0.05, 0.95], total**2 / spread, scale=spread / total)
    assert interval(total, variance, error=error) == pytest.approx(tuple(expected), abs=0.006)


def test_intervals_of_nothing_and_of_what_is_sure() -> None:
    assert interval(0.0, 1.0, error=0.05) == (0.0, 0.0)
    assert interval(12.345, 0.0, error=0.0) == (12.35, 12.35)
    assert interval(-1.0, 5.0, error=0.05) == (-1.0, -1.0)


PROPENSITY = replace(NOTE, propensity={"givers_error": 0.1, "dollars_error": 0.2, "capacity_tilt": [2.0] * 25})
MEASURED = {
    "expected_givers": [10.0, 3.0, 8.0, 0, 0, 1.6, 0, 0, 1.2, 0, 0, 0.5],
    "givers_variance": [9.0, 2.9, 6.0, 0, 0, 1.5, 0, 0, 1.1, 0, 0, 0.5],
    "expected_usd": [500.0, 90.0, 800.0, 0, 0, 64.0, 0, 0, 60.0, 0, 0, 5.0],
    "usd_variance": [4e4, 2e3, 9e4, 0, 0, 1e3, 0, 0, 900.0, 0, 0, 50.0],
}


def test_what_is_expected_of_an_area() -> None:
    sums = np.array([40.0, 30.0, 2000.0, 9e4])
    found = expected_of(sums, PROPENSITY, households=400.0, estimate=100.0, capacity=2500.0)
    assert (found.expected_givers, found.expected_usd) == (40.0, 2000.0)
    assert (found.givers_low, found.givers_high) == interval(40.0, 30.0, error=0.1)
    assert (found.usd_low, found.usd_high) == interval(2000.0, 9e4, error=0.2)
    assert found.able_givers == 20.0  # a tenth of all give, the able twice as often
    plain = expected_of(sums, NOTE, households=400.0, estimate=100.0, capacity=2500.0)
    assert plain.able_givers == 10.0
    assert (plain.givers_low, plain.givers_high) == interval(40.0, 30.0, error=0.05)
    few = replace(NOTE, propensity={"capacity_tilt": [900.0] * 25})
    assert expected_of(sums, few, households=400.0, estimate=100.0, capacity=2500.0).able_givers == 40.0
    assert expected_of(sums, few, households=400.0, estimate=9.0, capacity=2500.0).able_givers == 9.0
    assert expected_of(sums, few, households=400.0, estimate=9.0, capacity=(50.0, 400.0)).able_givers is None
    assert expected_of(sums, few, households=0.0, estimate=9.0, capacity=50.0).able_givers is None


def test_answers_carry_sums_of_what_is_expected() -> None:
    base = surface(PROPENSITY, **MEASURED)
    answer = base.query(zip="94301")
    assert answer.expected.expected_givers == pytest.approx(14.6)
    assert answer.expected.expected_usd == pytest.approx(654.0)
    listed = {row["zip"]: row for row in base.at_least(2500).by("zip").to_rows()}
    assert listed["94301"]["expected_usd"] == pytest.approx(654.0)
    assert listed["94303"]["expected_givers"] == pytest.approx(8.0)
    assert "expected_usd" not in listed["94302"]


def test_a_plan_asks_first_where_a_household_brings_most() -> None:
    """Dollars a household: 20 in the third cell, 5 in the first, 4 in the ZIP's rest, 2.95 elsewhere, 1.5."""
    base = surface(PROPENSITY, **MEASURED)
    plan = make_plan(base, contacts=100, cost=2.0)
    stops = [(stop.place, stop.zip, stop.contacts, stop.households) for stop in plan.stops]
    assert stops == [
        (f"{CHILDREN[2]:x}", "94303", 40.0, 40.0),
        (f"{CHILDREN[0]:x}", "94301", 60.0, 100.0),
    ]
    assert plan.stops[1].expected_usd == pytest.approx(300.0)
    assert plan.stops[1].expected_givers == pytest.approx(6.0)
    assert plan.stops[1].expected_net_usd == pytest.approx(300.0 - 120.0)
    assert (plan.contacts, plan.cost_per_contact_usd, plan.cost_usd) == (100.0, 2.0, 200.0)
    assert (plan.expected_usd, plan.expected_net_usd, plan.expected_givers) == (1100.0, 900.0, 14.0)
    usd = interval(1100.0, 9e4 + 0.6 * 4e4, error=0.2)
    assert (plan.expected_usd_low, plan.expected_usd_high) == usd
    assert (plan.expected_net_usd_low, plan.expected_net_usd_high) == (
        pytest.approx(usd[0] - 200), pytest.approx(usd[1] - 200),
    )  # fmt: skip
    assert (plan.expected_givers_low, plan.expected_givers_high) == interval(14.0, 6.0 + 0.6 * 9.0, error=0.1)
    # who brings more than two dollars: all but the second cell
    assert (plan.best_contacts, plan.best_net_usd) == (178.0, 800 + 500 + 64 + 65 - 2 * 178.0)
    assert (plan.all_contacts, plan.all_net_usd) == (238.0, 1519.0 - 2 * 238.0)
    assert plan.level == NOTE.level
    assert len(plan.curve) == 21
    assert plan.curve[0] == {"contacts": 0, "expected_usd": 0.0, "expected_net_usd": 0.0}
    assert plan.curve[-1] == {"contacts": 238, "expected_usd": 1519.0, "expected_net_usd": 1519.0 - 476.0}
    assert plan.curve[1]["expected_usd"] == pytest.approx(11.9 * 20)
    assert plan.to_dict()["stops"][0]["contacts"] == 40.0


def test_a_plan_by_zip_and_what_has_no_place() -> None:
    base = surface(PROPENSITY, **MEASURED)
    plan = make_plan(base, by="zip")
    told = [(stop.place, stop.zip, stop.households) for stop in plan.stops]
    assert told == [("ZIP 94303", "94303", 40.0), ("ZIP 94301", "94301", 176.0), ("elsewhere", None, 22.0)]
    cells = [(stop.place, stop.zip) for stop in make_plan(base).stops]
    assert cells == [
        (f"{CHILDREN[2]:x}", "94303"),
        (f"{CHILDREN[0]:x}", "94301"),
        ("hidden hexagons of ZIP 94301", "94301"),
        ("elsewhere", None),
        (f"{CHILDREN[1]:x}", "94301"),
    ]


def test_a_plan_without_a_number_asks_whom_it_pays_to_ask() -> None:
    base = surface(PROPENSITY, **MEASURED)
    assert make_plan(base, cost=4.5).contacts == 140.0
    assert make_plan(base, budget=90.0, cost=4.5).contacts == 20.0
    assert make_plan(base, contacts=1e9).contacts == 238.0
    assert make_plan(base).contacts == 238.0
    assert make_plan(base, cost=20.0).stops == ()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"contacts": 5, "budget": 5.0}, "^give contacts or a budget, not both$"),
        ({"cost": -0.5}, "a contact costs -0.5; give its cost in US dollars, 0 or more"),
        ({"cost": np.inf}, "a contact costs inf"),
        ({"budget": 5.0}, "^a budget needs the cost of a contact, and both more than 0$"),
        ({"budget": 0.0, "cost": 1.0}, "both more than 0"),
        ({"contacts": 0.5}, "^0.5 contacts; give 1 or more$"),
    ],
)
def test_plans_that_cannot_be(asked: dict[str, float], words: str) -> None:
    with pytest.raises(SurfaceError, match=words):
        make_plan(surface(PROPENSITY, **MEASURED), **asked)
    assert make_plan(surface(PROPENSITY, **MEASURED), contacts=1).contacts == 1.0


def test_thresholds_between_rungs_are_read_from_both() -> None:
    base = surface()
    at = base.query(zip="94303", capacity=2236).estimate
    k = LADDER.index(2000)
    rungs = 40.0 * np.linspace(0.9, 0.1, 25)
    share = np.log(2236 / 2000) / np.log(2500 / 2000)
    assert at == pytest.approx((1 - share) * rungs[k] + share * rungs[k + 1])


def test_a_surface_is_drawn_as_it_was_asked(tmp_path: Path) -> None:
    base = surface()
    asked = {"capacity": 400.0, "measure": "share"}
    deck = deck_from_surface(base.table, note=base.note, **asked)
    assert base.map(**asked).to_json() == deck.to_json()
    assert base.map(capacity=400.0).to_json() != deck.to_json()
    for size, name in (("slide", "a"), ("slide", "b")):
        base.save_picture(tmp_path / "new" / f"{name}.svg", size=size, **asked)
    drawn = scene_from_surface(base.table, note=base.note, basemap=base.basemap, layers=(), **asked)
    text = (tmp_path / "new" / "a.svg").read_text(encoding="utf-8")
    assert text == svg_from_scene(drawn, standalone=True) == (tmp_path / "new" / "b.svg").read_text(encoding="utf-8")
    base.save_picture(tmp_path / "p.png", size="400x300")
    assert (tmp_path / "p.png").read_bytes()[16:24] == (400).to_bytes(4) + (300).to_bytes(4)
    frame = base.to_geopandas(capacity=400.0, resolution=7)
    pd.testing.assert_frame_equal(frame, base.at_least(400.0).by("cell", resolution=7).to_geopandas())
    assert base.explore(capacity=400.0, measure="share", style_kwds={"weight": 7}).to_dict()["name"] == "Map"
    with pytest.raises(InputError, match=r"pip install 'geoscore\[notebooks\]'"):
        base.lonboard_layer(capacity=400.0, measure="share")
    page = base._repr_html_()
    assert page.startswith(base.query()._repr_html_())
    assert "<svg" in page


def test_shapes_of_zips_and_counties_are_those_of_their_cells() -> None:
    listing = surface().at_least(2500)
    zips = listing.by("zip").to_geopandas().set_index("zip")
    cells = np.array(CHILDREN, dtype=np.uint64)
    assert zips.crs.to_epsg() == 4326
    assert zips.geometry["94301"].symmetric_difference(merged_cells(cells[[0, 1, 3, 4]])).area < 1e-9
    assert zips.geometry["94303"].symmetric_difference(merged_cells(cells[[2]])).area < 1e-9
    assert zips.index.tolist() == ["94301", "94302", "94303", "94304"]  # what has no place has no shape
    counties = listing.by("county").to_geopandas().set_index("county")
    assert counties.geometry["06085"].symmetric_difference(merged_cells(cells[[0, 1, 3, 4, 5]])).area < 1e-9
    by_cell = listing.by("cell").to_geopandas()
    assert len(by_cell) == 7
    assert min(shape.area for shape in by_cell.geometry) > 0


def test_figures_of_expectations_are_rounded_to_cents_and_fractions_that_can_be_read() -> None:
    found = expected_of(np.array([1 / 3, 1.0, 2 / 3, 1.0]), NOTE, households=7.0, estimate=5.0, capacity=2500.0)
    assert (found.expected_givers, found.expected_usd, found.able_givers) == (0.3333, 0.67, 0.2381)
    plan = make_plan(surface(PROPENSITY, **MEASURED), contacts=33.33, cost=1 / 3)
    assert (plan.contacts, plan.cost_usd) == (33.3, 11.11)
    assert (plan.expected_usd, plan.expected_net_usd) == (666.6, 655.49)
    assert plan.expected_givers == 6.67
    assert plan.best_net_usd == 1439.67
    assert plan.curve[1] == {"contacts": 12, "expected_usd": 238.0, "expected_net_usd": 234.03}
    assert plan.stops[0].expected_net_usd == 655.49
