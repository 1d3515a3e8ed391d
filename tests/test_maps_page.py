"""Maps: what they carry is what the surface holds, and what they carry cannot hurt."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import h3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from geoscore.errors import InputError, SurfaceError
from geoscore.ladder import at_threshold, interval
from geoscore.maps import MEASURES, deck_from_surface, page_html, save_page
from geoscore.maps.bundle import ENTRY_POINTS, SHA256, read_bundle, script_from_file
from geoscore.maps.figures import HIDDEN, PARTLY_HIDDEN, SHOWN, read_rows
from geoscore.maps.page import clean_text
from geoscore.maps.palette import DIVERGING, SEQUENTIAL, class_breaks, rgb
from geoscore.maps.payload import page_data
from geoscore.schemas import LADDER, SURFACE, SourceNote, SurfaceNote

CENTER = h3.latlng_to_cell(37.44, -122.16, 7)
CELLS = sorted(int(cell, 16) for cell in h3.grid_disk(CENTER, 2))
HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\u202eevil'
SQUARE = [[-122.3, 37.3], [-122.0, 37.3], [-122.0, 37.6], [-122.3, 37.6], [-122.3, 37.3]]
COUNTY = {"name": "Santa Clara"}
FEATURE = {"type": "Feature", "properties": COUNTY, "geometry": {"type": "Polygon", "coordinates": [SQUARE]}}
OUTLINES = {"type": "FeatureCollection", "features": [FEATURE]}
POINT = {"type": "Point", "coordinates": [0, 0]}


def made_up_note(**changes):
    values = {
        "title": "Made-up region",
        "region": "Bay",
        "universe": "made-up households",
        "formula": "income-2pct-1y",
        "formula_text": "2% of a year's income",
        "horizon": "one year",
        "purpose": "research",
        "vintage": "2017",
        "resolution": 7,
        "k": 10,
        "published": True,
        "counties": {"06085": "Santa Clara", "06081": "San Mateo"},
    }
    return SurfaceNote(**(values | changes))


def row(cell, code, households, *, share=0.5, county="06085", counted_in="cell"):
    suppressed = households is None
    curve = None if suppressed else [households * share * 0.9**rung for rung in range(len(LADDER))]
    variance = None if suppressed else [0.0, *(value / 4 for value in curve)]
    return {
        "cell": cell,
        "zip": code,
        "county": county,
        "households": households,
        "at_least": curve,
        "variance": variance,
        "zip_covariance": variance,
        "county_covariance": variance,
        "suppressed": suppressed,
        "counted_in": counted_in,
    }


def made_up_surface(*, zips=("94301", "94303")):
    """Nineteen cells, two ZIPs that share the first cell, one hidden cell and one row without a cell."""
    first, second = zips
    rows = [
        row(cell, first if i < 9 else second, 100.0 + 10 * i, share=0.2 + 0.03 * i) for i, cell in enumerate(CELLS[:-1])
    ]
    rows += [
        row(CELLS[0], second, 20.0, county="06081"),
        row(CELLS[-1], second, None, counted_in="zip"),
        row(None, second, 12.0, counted_in="zip"),
    ]
    return pa.Table.from_pylist(rows, SURFACE)


def unpacked(text, kind):
    return np.frombuffer(base64.b64decode(text), dtype=f"<{kind}")


def data_of(html):
    return json.loads(re.search(r'<script type="application/json" id="surface">(.*?)</script>', html, re.DOTALL)[1])


class Elements(HTMLParser):
    """Collect every start tag with its attributes, as a browser would see them."""

    def __init__(self, html):
        super().__init__()
        self.seen = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Note a start tag."""
        self.seen.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page():
    return page_html(made_up_surface(), note=made_up_note(), outlines=OUTLINES)


def test_page_asks_no_network(page):
    elements = Elements(page).seen
    addresses = [attrs[name] for _, attrs in elements for name in ("src", "href", "data", "action") if name in attrs]
    assert all(address.startswith("#") for address in addresses)
    policy = next(attrs["content"] for tag, attrs in elements if tag == "meta" and "Content-Security" in str(attrs))
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert "sourceMappingURL" not in page
    own = page.replace(read_bundle(), "")
    assert not re.search(r"https?://|@import|url\(", own)


def test_page_holds_the_sums_of_the_surface(page):
    table, data = made_up_surface(), data_of(page)
    shown = table.filter(pc.invert(table["suppressed"])).to_pylist()
    assert data["region"]["households"] == pytest.approx(sum(each["households"] for each in shown))
    rung = LADDER.index(2500)
    assert data["region"]["at_least"][rung] == pytest.approx(sum(each["at_least"][rung] for each in shown))
    curves = unpacked(data["zips"]["at_least"], "f8").reshape(-1, len(LADDER))
    for index, code in enumerate(data["zips"]["codes"]):
        own = [each for each in shown if each["zip"] == code]
        assert curves[index] == pytest.approx(np.sum([each["at_least"] for each in own], axis=0))
        assert unpacked(data["zips"]["households"], "f8")[index] == sum(each["households"] for each in own)


def test_cells_come_back_within_their_packing(page):
    level = data_of(page)["levels"][0]
    cells = unpacked(level["cells"], "u8")
    root = unpacked(level["at_least"]["root"], "u2").reshape(-1, len(LADDER)) / 65535
    curves = unpacked(level["at_least"]["top"], "f4")[:, None] * root**2
    rows = made_up_surface().to_pylist()
    for cell, curve in zip(cells, curves, strict=True):
        own = [each["at_least"] for each in rows if each["cell"] == cell and not each["suppressed"]]
        expected = np.sum(own, axis=0) if own else np.zeros(len(LADDER))
        assert curve == pytest.approx(expected, abs=2e-5 * max(expected.max(), 1.0))


def test_hidden_places_are_told_apart(page):
    data = data_of(page)
    level = data["levels"][0]
    hidden = dict(zip(unpacked(level["cells"], "u8").tolist(), unpacked(level["hidden"], "u1"), strict=True))
    assert hidden.pop(CELLS[-1]) == HIDDEN
    assert set(hidden.values()) == {SHOWN}
    assert len(unpacked(level["hatch"], "f4")) % 4 == 0
    assert set(unpacked(data["zips"]["hidden"], "u1")) == {SHOWN}  # the hidden cell is counted in its ZIP


def test_zip_counted_in_its_county_is_partly_hidden():
    pair = [row(CELLS[0], "94301", 50.0), row(CELLS[1], "94301", None, counted_in="county")]
    rows = read_rows(pa.Table.from_pylist(pair, SURFACE), note=made_up_note())
    assert rows.sums(rows.zip_at, size=1, within=("cell", "zip")).hidden[0] == PARTLY_HIDDEN


def test_parents_are_plain_sums_of_their_cells():
    cells = [int(cell, 16) for cell in h3.grid_disk(CENTER, 25)]
    table = pa.Table.from_pylist([row(cell, "94301", 20.0) for cell in cells], SURFACE)
    data = page_data(read_rows(table, note=made_up_note()), note=made_up_note(), capacity=2500, outlines=None)
    assert [level["resolution"] for level in data["levels"]] == [7, 6]
    totals = [unpacked(level["households"], "f4").sum(dtype=float) for level in data["levels"]]
    assert totals == [20.0 * len(cells)] * 2


def test_no_hostile_name_becomes_an_element():
    source = SourceNote(name=HOSTILE, sha256="0" * 64, rows=3, vintage=HOSTILE, licence=HOSTILE)
    changes = dict.fromkeys(("title", "region", "universe", "formula", "formula_text", "horizon", "purpose"), HOSTILE)
    note = made_up_note(**changes, warnings=(HOSTILE,), sources=(source,), counties={"06085": HOSTILE})
    outlines = {"features": [FEATURE | {"properties": {"name": HOSTILE}}]}
    html = page_html(made_up_surface(zips=(HOSTILE, '"><b>')), note=note, outlines=outlines)
    elements = Elements(html).seen
    assert not [tag for tag, attrs in elements if tag == "img" and attrs.get("id") != "print-map"]
    assert not [name for _, attrs in elements for name in attrs if name.startswith("on")]
    assert sum(tag == "script" for tag, _ in elements) == 5
    assert "\u202e" not in html
    assert "\\u202e" not in html.replace(read_bundle(), "")
    assert data_of(html)["counties"][1] == clean_text(HOSTILE)


def test_page_is_the_same_whatever_the_order_of_rows(page):
    table = made_up_surface()
    turned = table.take(pa.array(range(table.num_rows - 1, -1, -1)))
    assert page_html(turned, note=made_up_note(), outlines=OUTLINES) == page


def test_page_says_whether_it_may_be_published(page):
    assert "Do not publish" not in page
    assert "Do not publish" in page_html(made_up_surface(), note=made_up_note(published=False))


def test_page_opens_between_two_rungs():
    data = data_of(page_html(made_up_surface(), note=made_up_note(), capacity=2700))
    place = data["ladder"].index(2700)
    curve = np.delete(data["region"]["at_least"], place)
    assert data["region"]["at_least"][place] == pytest.approx(float(at_threshold(curve, 2700)))
    with pytest.raises(SurfaceError, match="off the ladder"):
        page_html(made_up_surface(), note=made_up_note(), capacity=10)


def test_page_of_nothing_is_a_page(tmp_path: Path):
    save_page(tmp_path / "map.html", SURFACE.empty_table(), note=made_up_note(title=""))
    html = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert data_of(html)["region"]["households"] == 0
    assert "<title>Giving capacity</title>" in html


@pytest.mark.parametrize(
    "outlines", [{"type": "FeatureCollection"}, {"features": [{"geometry": POINT}]}, {"features": [{}]}]
)
def test_outlines_that_are_none_are_refused(outlines):
    with pytest.raises(InputError, match=r"outlines|feature"):
        page_html(made_up_surface(), note=made_up_note(), outlines=outlines)


def test_a_table_that_is_no_surface_is_refused():
    with pytest.raises(SurfaceError, match="lacks households"):
        page_html(made_up_surface().drop_columns(["households"]), note=made_up_note())
    short = made_up_surface().to_pylist()
    short[0]["at_least"] = [1.0]
    with pytest.raises(SurfaceError, match="25 figures"):
        page_html(pa.Table.from_pylist(short, SURFACE), note=made_up_note())


def test_bundle_is_the_one_we_know(tmp_path: Path):
    script = tmp_path / "index.js"
    script.write_text("altered")
    with pytest.raises(InputError, match=r"not pydeck 0\.9\.3's own"):
        script_from_file(script, version="0.9.3")
    with pytest.raises(InputError, match=r"pydeck 0\.9\.1 draws no page"):
        script_from_file(script, version="0.9.1")
    with pytest.raises(InputError, match="no longer offers Deck"):
        script_from_file(script, version="99.0")
    with pytest.raises(InputError, match="lacks"):
        script_from_file(tmp_path / "gone.js", version=next(iter(SHA256)))


def test_newer_bundle_is_taken_if_it_has_what_we_call(tmp_path: Path):
    names = ",".join(f"{name}:()=>x" for name in ENTRY_POINTS)
    (tmp_path / "index.js").write_text(names + ";globalThis.deck='</SCRIPT>'\n//# sourceMappingURL=a.map")
    taken = script_from_file(tmp_path / "index.js", version="99.0")
    assert "</SCRIPT" not in taken
    assert "sourceMapping" not in taken


@pytest.mark.parametrize("measure", MEASURES)
def test_deck_is_hexagons_on_an_empty_ground(measure):
    deck = json.loads(deck_from_surface(made_up_surface(), note=made_up_note(), measure=measure).to_json())
    (layer,) = deck["layers"]
    assert layer["@@type"] == "H3HexagonLayer"
    assert len(layer["data"]) == len(CELLS)
    assert "mapStyle" not in deck
    assert deck.get("mapProvider") is None
    assert deck["initialViewState"]["longitude"] == pytest.approx(-122.16, abs=0.05)


def test_deck_tells_the_same_interval_as_the_ladder():
    deck = deck_from_surface(made_up_surface(), note=made_up_note(), capacity=2500)
    text = next(each["text"] for each in deck.layers[0].data if each["hexagon"] == f"{CELLS[1]:x}")
    estimate = 110.0 * 0.23 * 0.9 ** LADDER.index(2500)
    low, high = interval(np.array([estimate]), np.array([estimate / 4]), np.array([110.0]))
    assert f"{estimate:,.1f} households with at least $2,500" in text
    assert f"90% interval {low[0]:,.1f} to {high[0]:,.1f}" in text
    with pytest.raises(SurfaceError, match="measure 'sum' is unknown"):
        deck_from_surface(made_up_surface(), note=made_up_note(), measure="sum")


def test_classes_hold_about_as_many_cells_each():
    breaks = class_breaks(np.linspace(0, 1000, 701))
    counts = np.bincount(np.searchsorted(breaks, np.linspace(0, 1000, 701), side="right"))
    assert len(counts) == 7
    assert counts.max() - counts.min() <= 10


def lightness(color):
    """Relative luminance, 0 to 1, as the Web Content Accessibility Guidelines define it."""
    parts = [part / 255 for part in rgb(color)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_colors_are_ordered_by_lightness_alone():
    light = [lightness(color) for color in SEQUENTIAL["light"]]
    dark = [lightness(color) for color in SEQUENTIAL["dark"]]
    assert light == sorted(light, reverse=True)
    assert dark == sorted(dark)
    for theme, sign in (("light", 1), ("dark", -1)):
        values = [sign * lightness(color) for color in DIVERGING[theme]]
        assert values[:4] == sorted(values[:4])
        assert values[3:] == sorted(values[3:], reverse=True)
