"""Maps: what they carry is what the surface holds, and what they carry cannot hurt."""

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import h3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import shapely

from geoscore.errors import InputError, SurfaceError
from geoscore.ladder import interval
from geoscore.maps import MEASURES, MapLayer, Tiles, deck_from_surface, embed_snippet, page_html, read_tiles, save_page
from geoscore.maps.bundle import ENTRY_POINTS, SHA256, read_bundle, script_from_file
from geoscore.maps.figures import PARTLY_HIDDEN, read_rows
from geoscore.maps.packing import unpack
from geoscore.maps.page import SCRIPTS, clean_text
from geoscore.maps.palette import DIVERGING, SEQUENTIAL, class_breaks, rgb
from geoscore.reference.basemap import Basemap, Place
from geoscore.schemas import LADDER, SURFACE, SourceNote, SurfaceNote

CENTER = h3.latlng_to_cell(37.44, -122.16, 7)
CELLS = sorted(int(cell, 16) for cell in h3.grid_disk(CENTER, 2))
HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\u202eevil'
SQUARE = [[-122.3, 37.3], [-122.0, 37.3], [-122.0, 37.6], [-122.3, 37.6], [-122.3, 37.3]]
COUNTY = {"name": "Santa Clara"}
FEATURE = {"type": "Feature", "properties": COUNTY, "geometry": {"type": "Polygon", "coordinates": [SQUARE]}}
OUTLINES = {"type": "FeatureCollection", "features": [FEATURE]}
ZIP_AREA = FEATURE | {"properties": {"zip": "94301"}}
PLACE = Place(name="Palo Alto", longitude=-122.15, latitude=37.44, size=100.0, zips=("94301", "94303"))
BASEMAP = Basemap(
    counties=OUTLINES, zips={"type": "FeatureCollection", "features": [ZIP_AREA]}, places=(PLACE,), note="Estimated."
)
TRIANGLE = {"type": "Polygon", "coordinates": [[[-122.2, 37.4], [-122.1, 37.4], [-122.15, 37.5], [-122.2, 37.4]]]}
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


def data_of(html):
    return json.loads(re.search(r'<script type="application/json" id="surface">(.*?)</script>', html, re.DOTALL)[1])


def arrays_of(html):
    text = re.search(r'<script type="text/plain" id="figures">(.*?)</script>', html, re.DOTALL)[1]
    return unpack(text, data_of(html)["arrays"])


def sums_of(html, name):
    """Return households and the 25 counts that a page holds exactly, by place."""
    return arrays_of(html)[name][:, 1], arrays_of(html)[name][:, 2 : 2 + len(LADDER)]


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
    return page_html(made_up_surface(), note=made_up_note(), basemap=BASEMAP)


def test_page_asks_no_network(page):
    elements = Elements(page).seen
    addresses = [attrs[name] for _, attrs in elements for name in ("src", "href", "data", "action") if name in attrs]
    assert all(address.startswith("#") for address in addresses)
    policy = next(attrs["content"] for tag, attrs in elements if tag == "meta" and "Content-Security" in str(attrs))
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert "sourceMappingURL" not in page
    assert not re.search(r"https?://|@import|url\(", page)


def test_page_holds_the_sums_of_the_surface(page):
    table = made_up_surface()
    shown = table.filter(pc.invert(table["suppressed"])).to_pylist()
    households, curves = sums_of(page, "region_sums")
    assert households[0] == pytest.approx(sum(each["households"] for each in shown))
    assert curves[0] == pytest.approx(np.sum([each["at_least"] for each in shown], axis=0))
    households, curves = sums_of(page, "zip_sums")
    for index, code in enumerate(data_of(page)["zips"]):
        own = [each for each in shown if each["zip"] == code]
        assert curves[index] == pytest.approx(np.sum([each["at_least"] for each in own], axis=0))
        assert households[index] == sum(each["households"] for each in own)


def test_rows_come_back_within_their_packing(page):
    arrays, rows = arrays_of(page), read_rows(made_up_surface(), note=made_up_note())
    assert arrays["cells0"].tolist() == CELLS
    assert arrays["counts"] == pytest.approx(np.column_stack([rows.households, rows.at_least]), abs=5e-4)
    assert np.sqrt(arrays["variance"]) == pytest.approx(np.sqrt(rows.variance), abs=1.1e-3)
    at, zip_at, _, _, shown = arrays["places"].T.astype(int)
    assert np.array_equal(np.where(at >= 0, arrays["cells0"][at], 0), rows.cell)
    assert np.array_equal(zip_at, rows.zip_at)
    assert np.array_equal(shown.astype(bool), rows.shown)


def test_figures_in_tenths_come_back_exactly():
    rows = [row(cell, "94301", 20.0 + i) for i, cell in enumerate(CELLS)]
    for each in rows:
        for name in ("at_least", "variance", "zip_covariance", "county_covariance"):
            each[name] = [round(value, 1) for value in each[name]]
    table, note = pa.Table.from_pylist(rows, SURFACE), made_up_note()
    arrays, read = arrays_of(page_html(table, note=note)), read_rows(table, note=note)
    assert arrays["counts"] == pytest.approx(np.column_stack([read.households, read.at_least]), abs=1e-9)
    assert arrays["variance"] == pytest.approx(read.variance, abs=1e-9)


@pytest.mark.parametrize("resolution", [5, 8])
def test_corners_come_back_to_a_tenth_of_a_meter(resolution):
    cells = sorted(int(cell, 16) for cell in h3.grid_disk(h3.latlng_to_cell(37.44, -122.16, resolution), 3))
    table, note = pa.Table.from_pylist([row(cell, "94301", 20.0) for cell in cells], SURFACE), made_up_note()
    arrays = arrays_of(page_html(table, note=note))
    middle, steps = arrays["middle0"], arrays["corners0"].reshape(len(cells), -1, 2)
    steps[:, 3:6] -= steps[:, :3]
    for i, cell in enumerate(cells):
        corners = np.array(h3.cell_to_boundary(f"{cell:x}"))[:, ::-1]
        assert ((middle[i] + steps[i]) / 1e6)[: len(corners)] == pytest.approx(corners, abs=1.1e-6)


def test_a_pentagon_has_five_corners():
    (cell,) = [int(cell, 16) for cell in h3.get_pentagons(7)[:1]]
    table = pa.Table.from_pylist([row(cell, "94301", 20.0)], SURFACE)
    arrays = arrays_of(page_html(table, note=made_up_note()))
    steps = arrays["corners0"].reshape(-1, 2)
    steps[3:6] -= steps[:3]
    assert len(np.unique(steps, axis=0)) == len(h3.cell_to_boundary(f"{cell:x}"))


def test_zip_counted_in_its_county_is_partly_hidden():
    pair = [row(CELLS[0], "94301", 50.0), row(CELLS[1], "94301", None, counted_in="county")]
    rows = read_rows(pa.Table.from_pylist(pair, SURFACE), note=made_up_note())
    assert rows.sums(rows.zip_at, size=1, within=("cell", "zip")).hidden[0] == PARTLY_HIDDEN


def test_parents_are_plain_sums_of_their_cells():
    cells = [int(cell, 16) for cell in h3.grid_disk(CENTER, 25)]
    table = pa.Table.from_pylist([row(cell, "94301", 20.0) for cell in cells], SURFACE)
    html = page_html(table, note=made_up_note())
    assert data_of(html)["levels"] == [7, 6]
    arrays = arrays_of(html)
    parents = [h3.cell_to_parent(f"{cell:x}", 6) for cell in arrays["cells0"].tolist()]
    assert [f"{arrays['cells1'][at]:x}" for at in arrays["parent1"][:, 0].astype(int)] == parents


def test_no_hostile_name_becomes_an_element():
    source = SourceNote(name=HOSTILE, sha256="0" * 64, rows=3, vintage=HOSTILE, licence=HOSTILE)
    changes = dict.fromkeys(("title", "region", "universe", "formula", "formula_text", "horizon", "purpose"), HOSTILE)
    note = made_up_note(**changes, warnings=(HOSTILE,), sources=(source,), counties={"06085": HOSTILE})
    counties = {"features": [FEATURE | {"properties": {"name": HOSTILE}}]}
    place = Place(name=HOSTILE, longitude=-122.15, latitude=37.44, size=1.0, zips=(HOSTILE,))
    basemap = Basemap(counties=counties, zips=counties, places=(place,), note=HOSTILE)
    layer = MapLayer(HOSTILE, TRIANGLE, {HOSTILE: HOSTILE})
    html = page_html(made_up_surface(zips=(HOSTILE, '"><b>')), note=note, basemap=basemap, layers=(layer,))
    elements = Elements(html).seen
    assert not [tag for tag, attrs in elements if tag == "img" and attrs.get("id") != "print-map"]
    assert not [name for _, attrs in elements for name in attrs if name.startswith("on")]
    assert sum(tag == "script" for tag, _ in elements) == len(SCRIPTS) + 3
    assert "\u202e" not in html
    assert "\\u202e" not in html
    assert data_of(html)["counties"][1] == clean_text(HOSTILE)
    arrays = arrays_of(html)
    assert "\u202e" not in json.dumps([arrays["ground"], arrays["layers"]], ensure_ascii=False)
    assert arrays["layers"][0]["figures"] == {clean_text(HOSTILE): clean_text(HOSTILE)}


def test_page_is_the_same_whatever_the_order_of_rows(page):
    table = made_up_surface()
    turned = table.take(pa.array(range(table.num_rows - 1, -1, -1)))
    assert page_html(turned, note=made_up_note(), basemap=BASEMAP) == page


def test_page_says_whether_it_may_be_published(page):
    assert "Do not publish" not in page
    assert "Do not publish" in page_html(made_up_surface(), note=made_up_note(published=False))


def test_page_opens_at_any_threshold_or_band():
    data = data_of(page_html(made_up_surface(), note=made_up_note(), capacity=2700))
    assert (data["capacity"], data["below"], data["ladder"]) == (2700, None, list(LADDER))
    data = data_of(page_html(made_up_surface(), note=made_up_note(), capacity=(400.0, 2500.0)))
    assert (data["capacity"], data["below"]) == (400, 2500)
    for wrong in (10, (2500.0, 400.0)):
        with pytest.raises(SurfaceError, match=r"off the ladder|empty"):
            page_html(made_up_surface(), note=made_up_note(), capacity=wrong)


def test_the_drawing_code_is_the_pinned_one_and_the_policy_knows_it(page):
    text = re.search(r'<script type="text/plain" id="drawing-code">(.*?)</script>', page)[1]
    code = gzip.decompress(base64.b64decode(text))
    assert code.decode() == read_bundle()
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert f"'sha256-{digest}'" in page


def test_layers_travel_with_their_figures():
    layers = (MapLayer("Ring", TRIANGLE, {"stores": 2, "sales": None}), MapLayer("Shop", shapely.Point(-122.1, 37.4)))
    html = page_html(made_up_surface(), note=made_up_note(), layers=layers)
    ring, shop = arrays_of(html)["layers"]
    assert data_of(html)["layer_columns"] == ["stores", "sales"]
    assert (ring["name"], ring["figures"]) == ("Ring", {"stores": 2, "sales": None})
    assert shop["geometry"]["type"] == "Point"
    small, large = shapely.box(-122.3, 37.4, -122.29, 37.41), shapely.box(-122.2, 37.4, -122.1, 37.5)
    both = MapLayer("Both", shapely.MultiPolygon([small, large]))
    html = page_html(made_up_surface(), note=made_up_note(), layers=(both,))
    assert arrays_of(html)["layers"][0]["at"] == pytest.approx([-122.15, 37.45], abs=0.01)  # in the largest part
    assert arrays_of(html)["layers"][0]["more"] == []  # the other is too small for a name
    for wrong in ({"type": "Nothing"}, {}, shapely.Polygon(), shapely.Point(500, 0)):
        with pytest.raises(InputError, match="layer 'Ring'"):
            page_html(made_up_surface(), note=made_up_note(), layers=(MapLayer("Ring", wrong),))


def test_only_named_tiles_may_be_asked_for(tmp_path: Path):
    tiles = read_tiles("https://tiles.example.org:8080/{z}/{x}/{y}.png")
    html = page_html(made_up_surface(), note=made_up_note(), tiles=tiles)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.count("https://tiles.example.org:8080") == 2
    style = tmp_path / "style.json"
    source = {"type": "raster", "tiles": ["https://t.example.org/{z}/{x}/{y}"], "attribution": "<a href=x>Us & all</a>"}
    style.write_text(json.dumps({"sources": {"a": {"type": "vector"}, "b": source}}))
    assert read_tiles(str(style)) == Tiles("https://t.example.org/{z}/{x}/{y}", "Us & all")
    style.write_text(json.dumps({"sources": {"a": {"type": "vector"}}}))
    for wrong in (str(style), "https://t.example.org/tiles", "ftp://t/{z}/{x}/{y}", "https://t;x.org/{z}/{x}/{y}"):
        with pytest.raises(InputError, match=r"map tiles|raster"):
            read_tiles(wrong)


def test_a_frame_holds_the_page_or_its_address(page):
    assert ' src="m &amp; m.html"' in embed_snippet("Bay", source="m & m.html")
    frame = Elements(embed_snippet("Bay <b>", page=page)).seen
    assert [tag for tag, _ in frame] == ["iframe"]
    assert frame[0][1]["srcdoc"] == page
    assert frame[0][1]["title"] == "Bay <b>"


def test_page_of_nothing_is_a_page(tmp_path: Path):
    save_page(tmp_path / "map.html", SURFACE.empty_table(), note=made_up_note(title=""))
    html = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert sums_of(html, "region_sums")[0].tolist() == [0]
    assert "<title>Giving capacity</title>" in html


@pytest.mark.parametrize(
    "outlines", [{"type": "FeatureCollection"}, {"features": [{"geometry": POINT}]}, {"features": [{}]}]
)
def test_outlines_that_are_none_are_refused(outlines):
    with pytest.raises(InputError, match=r"outlines|feature"):
        page_html(made_up_surface(), note=made_up_note(), basemap=Basemap(counties=outlines))


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
    assert f"{estimate:,.1f} households with $2,500 or more" in text
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
