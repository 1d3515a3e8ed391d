"""The page in a real browser: it draws, it answers, it asks no network. Skipped where there is no Chromium."""

import base64
import io
import re
import subprocess
import time
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import axe_core_python
import pypdf
import pytest
import shapely.geometry
from test_maps_page import BASEMAP, CELLS, TRIANGLE, made_up_note, made_up_surface
from webdriver import CHROMIUM, DRIVER, ENGLISH, FLAGS, Reader, browser

from geoscore.maps import MapLayer, embed_snippet, save_page
from geoscore.maps.palette import INDEX_BREAKS, SEQUENTIAL, rgb
from geoscore.query import Surface
from geoscore.schemas import LADDER

HEXAGON = f"{CELLS[9]:x}"
ENTER, DOWN, RIGHT = "\ue007", "\ue015", "\ue014"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium chromium-driver"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "map.html"
    save_page(
        path,
        made_up_surface(),
        note=made_up_note(),
        basemap=BASEMAP,
        layers=(MapLayer("Ring", TRIANGLE, {"stores": 2}),),
    )
    return path.as_uri()


def dumped(address, folder):
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "--virtual-time-budget=20000", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True, env=ENGLISH)
    return re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)


def datum(dom, element, name):
    tag = re.search(rf'<[^>]*\bid="{element}"[^>]*>', dom)[0]
    return unescape(re.search(rf'data-{name}="([^"]*)"', tag)[1])


SURFACE_UNDER_TEST = Surface(made_up_surface(), made_up_note())


def figures_of(code, capacity):
    """Return households, estimate, low and high of a ZIP, or of everything, as a query tells them."""
    answer = SURFACE_UNDER_TEST.query(zip=code, capacity=capacity)
    return {"households": answer.households, "total": answer.estimate, "low": answer.low, "high": answer.high}


@pytest.mark.parametrize(("code", "capacity", "measure"), [("94301", 10_000, "share"), ("94303", 50, "index")])
def test_address_sets_the_state(page, tmp_path, code, capacity, measure):
    dom = dumped(f"{page}#capacity={capacity}&measure={measure}&zip={code}", tmp_path)
    for element, place in (("total", None), ("place-card", code)):
        for name, expected in figures_of(place, capacity).items():
            assert float(datum(dom, element, name)) == pytest.approx(expected, rel=1e-9)
    assert f"${capacity:,}" in dom
    counts = [int(count) for count in datum(dom, "legend", "classes").split(",")]
    assert sum(counts) == len(CELLS) - 1


@pytest.mark.skipif(DRIVER is None, reason="needs chromedriver: apt-get install chromium-driver")
def test_a_reader_finds_their_way(page, tmp_path):
    with browser(tmp_path) as call:
        reader = Reader(call, f"{page}#cell={HEXAGON}")
        # pointing at the hexagon in the middle tells its figures
        reader.point_until("document.getElementById('tooltip').innerText.includes('ZIP 94303')")
        assert "90% interval" in reader.text("tooltip")
        # a click on it chooses its ZIP
        reader.run("document.getElementById('clear').click()")
        reader.wait_for("document.getElementById('place-card').hidden")
        reader.point(click=True)
        reader.wait_for("!document.getElementById('place-card').hidden")
        assert reader.text("place-title") == "ZIP 94303"
        # the arrow keys move the threshold by a rung
        reader.run("document.getElementById('capacity').focus()")
        reader.press("\ue014")
        assert reader.run("return document.getElementById('capacity').ariaValueText") == "$3,000"
        assert reader.text("capacity-label") == "$3,000"
        # a ZIP that is not there is said to be missing
        reader.run("place.value = '99999'; document.querySelector('#search button').click()")
        assert reader.text("search-note") == "99999 is not on this map."
        # a place is its ZIPs together
        reader.search("palo alto")
        assert reader.text("place-title") == "Palo Alto"
        both = SURFACE_UNDER_TEST.query(zip=["94301", "94303"], capacity=3000)
        assert reader.datum("place-card", "low") == pytest.approx(both.low, rel=1e-4)
        # a county too
        reader.search("San Mateo")
        assert reader.text("place-title") == "San Mateo County"
        reader.search(HEXAGON)
        # the address follows
        reader.wait_for(f"location.hash.includes('capacity=3000') && location.hash.includes('cell={HEXAGON}')")


@pytest.mark.skipif(DRIVER is None, reason="needs chromedriver: apt-get install chromium-driver")
def test_map_is_drawn_in_the_legend_s_colors_without_network(page, tmp_path):
    with browser(tmp_path) as call:
        reader = Reader(call, page)
        reader.point_until("!document.getElementById('tooltip').hidden")
        pixels = reader.run("""
            const drawn = document.querySelector("#hexagons"), copy = document.createElement("canvas");
            [copy.width, copy.height] = [drawn.width, drawn.height];
            const context = copy.getContext("2d");
            context.drawImage(drawn, 0, 0);
            const { data } = context.getImageData(0, 0, copy.width, copy.height), counts = {};
            for (let i = 0; i < data.length; i += 4) {
                const color = data.slice(i, i + 3).join();
                counts[color] = (counts[color] ?? 0) + 1;
            }
            return counts;""")
        for color in SEQUENTIAL["light"]:
            assert pixels.get(",".join(map(str, rgb(color))), 0) > 200, color
        assert reader.run("return performance.getEntriesByType('resource').map((entry) => entry.name)") == []
        assert call("POST", "/se/log", {"type": "browser"}) == []


@pytest.mark.skipif(DRIVER is None, reason="needs chromedriver: apt-get install chromium-driver")
def test_the_slider_steps_over_every_rung_and_the_page_prints(page, tmp_path):
    with browser(tmp_path) as call:
        reader = Reader(call, page)
        totals = reader.run("""
            const slider = document.getElementById("capacity"), totals = [];
            for (let rung = 0; rung < 25; rung += 1) {
                slider.value = rung;
                slider.dispatchEvent(new Event("input"));
                totals.push(Number(document.getElementById("total").dataset.total));
            }
            return totals;""")
        assert totals == sorted(totals, reverse=True)
        assert totals == pytest.approx([figures_of(None, rung)["total"] for rung in LADDER])
        printed = base64.b64decode(call("POST", "/print", {"background": True}))
        assert b"/Image" in printed  # the map as it stood on the screen
        sheet = pypdf.PdfReader(io.BytesIO(printed))
        assert len(sheet.pages) == 1
        assert "Made-up region" in sheet.pages[0].extract_text()


@pytest.mark.skipif(DRIVER is None, reason="needs chromedriver: apt-get install chromium-driver")
def test_every_figure_is_that_of_a_query(page, tmp_path):
    rungs = """
        const rows = {}, slider = document.getElementById("capacity");
        for (let rung = 0; rung < 25; rung += 1) {
            slider.value = rung;
            slider.dispatchEvent(new Event("input"));
            const { households, total, low, high } = document.getElementById("place-card").dataset;
            rows[rung] = [households, total, low, high].map(Number);
        }
        return rows;"""
    corners = [-122.2, 37.4, -122.1, 37.4, -122.12, 37.5, -122.18, 37.46]
    drawn = shapely.Polygon(list(zip(corners[::2], corners[1::2], strict=True)))
    asked = {
        "zip=94303": {"zip": "94303"},
        f"cell={HEXAGON}": {"zip": "94303"},  # its ZIP is chosen with it
        "place=San Mateo County": {"county": "06081"},
        "place=Ring": {"area": shapely.geometry.shape(TRIANGLE)},
        f"area={','.join(map(str, corners))}": {"area": drawn},
    }
    with browser(tmp_path) as call:
        for words, area in asked.items():
            call("POST", "/url", {"url": "about:blank"})
            told = Reader(call, f"{page}#{words}").run(rungs)
            for rung, capacity in enumerate(LADDER):
                answer = SURFACE_UNDER_TEST.query(**area, capacity=capacity)
                expected = [answer.households, answer.estimate, answer.low, answer.high]
                assert told[str(rung)] == pytest.approx(expected, rel=1e-3, abs=2e-3), (words, capacity)


@pytest.mark.skipif(DRIVER is None, reason="needs chromedriver: apt-get install chromium-driver")
def test_a_band_is_that_of_a_query_and_a_typed_threshold_is_taken(page, tmp_path):
    with browser(tmp_path) as call:
        reader = Reader(call, f"{page}#capacity=400:2500&zip=94301")
        for element, area in (("total", {}), ("place-card", {"zip": "94301"})):
            answer = SURFACE_UNDER_TEST.query(**area, capacity=(400, 2500))
            for name, expected in (("total", answer.estimate), ("low", answer.low), ("high", answer.high)):
                assert reader.datum(element, name) == pytest.approx(expected, rel=1e-9)
        assert reader.text("legend-title") == "Expected households with $400 to under $2,500"
        reader.run("document.getElementById('mode-least').click()")
        assert reader.text("capacity-label") == "$400"
        reader.run("""
            const field = document.getElementById("capacity-usd");
            field.value = "$2,700";
            field.dispatchEvent(new Event("change"));""")
        assert reader.text("capacity-label") == "$2,700"
        assert reader.datum("total", "total") == pytest.approx(
            SURFACE_UNDER_TEST.query(capacity=2700).estimate, rel=1e-9
        )


@pytest.mark.skipif(DRIVER is None, reason="needs chromedriver: apt-get install chromium-driver")
def test_an_area_is_drawn_by_hand_and_by_keyboard(page, tmp_path):
    with browser(tmp_path) as call:
        reader = Reader(call, page)
        box = reader.run("const b = map.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]")
        middle = (box[0] + box[2] / 2, box[1] + box[3] / 2)
        reader.run("document.getElementById('draw').click()")
        assert reader.run("return document.getElementById('draw').ariaPressed") == "true"
        reader.drag(
            [(middle[0] + x, middle[1] + y) for x, y in ((-60, -60), (60, -60), (60, 60), (-60, 60), (-60, -50))]
        )
        reader.wait_for("!document.getElementById('place-card').hidden")
        assert reader.text("place-title") == "The drawn area"
        reader.wait_for("location.hash.includes('area=')")
        area = reader.run("return new URLSearchParams(location.hash.slice(1)).get('area')").split(",")
        outline = shapely.Polygon([tuple(map(float, area[i : i + 2])) for i in range(0, len(area), 2)])
        answer = SURFACE_UNDER_TEST.query(area=outline, capacity=2500)
        assert answer.estimate > 1
        assert reader.datum("place-card", "total") == pytest.approx(answer.estimate, rel=1e-3)
        # by keyboard: corners in the middle of the map, which the arrow keys move
        reader.run("document.getElementById('draw').click(); document.querySelector('#hexagons').focus()")
        for key in (ENTER, RIGHT, ENTER, DOWN, ENTER):
            reader.press(key)
            time.sleep(0.4)
        reader.wait_for("!document.getElementById('draw-done').disabled")
        reader.run("document.getElementById('draw-done').click()")
        reader.wait_for("!document.getElementById('place-card').hidden")
        assert reader.text("place-title") == "The drawn area"


@pytest.mark.skipif(DRIVER is None, reason="needs chromedriver: apt-get install chromium-driver")
def test_colors_classes_and_fading_follow(page, tmp_path):
    with browser(tmp_path) as call:
        reader = Reader(call, page)
        before = reader.text("legend-classes")
        reader.run("document.querySelector('[value=fixed]').click()")
        fixed = reader.text("legend-classes")
        assert fixed != before
        reader.run("document.getElementById('capacity').focus()")
        reader.press(RIGHT)
        breaks = [line.split(":")[0] for line in fixed.splitlines()]
        assert [line.split(":")[0] for line in reader.text("legend-classes").splitlines()] == breaks
        assert reader.run("return document.getElementById('legend-fade').hidden")
        reader.run("document.getElementById('fade').click()")
        assert "less sure" in reader.text("legend-fade")
        reader.run("document.querySelector('[value=index]').click()")
        assert all(f"{edge:.0f}" in reader.text("legend-classes") for edge in INDEX_BREAKS)
        assert "region = 100" in reader.text("legend-title")
        hidden = reader.run("return document.getElementById('legend-hidden').hidden")
        assert not hidden  # the made-up surface hides a hexagon


@pytest.mark.skipif(DRIVER is None, reason="needs chromedriver: apt-get install chromium-driver")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_a_screen_reader(page, tmp_path, scheme):
    axe = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    with browser(tmp_path) as call:
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": media})
        reader = Reader(call, f"{page}#zip=94301&fade=1&capacity=400:2500")
        found = reader.run(f"{axe}; return axe.run().then((found) => found.violations)")
        told = [(each["id"], each["impact"], [node["html"][:90] for node in each["nodes"]]) for each in found]
        assert told == []
        labels = reader.run("return [...document.querySelectorAll('#hexagons')].map((c) => c.ariaLabel)")
        assert len(labels) == 1
        assert "Arrow keys" in labels[0]


@pytest.mark.skipif(DRIVER is None, reason="needs chromedriver: apt-get install chromium-driver")
def test_a_frame_shows_the_page(page, tmp_path):
    html = Path(unquote(urlsplit(page).path)).read_text(encoding="utf-8")
    framing = tmp_path / "framing.html"
    framing.write_text(f"<!doctype html><title>x</title>{embed_snippet('Map', page=html)}", encoding="utf-8")
    with browser(tmp_path / "profile") as call:
        call("POST", "/url", {"url": framing.as_uri()})
        asked = {"script": "return document.documentElement.dataset.map", "args": []}
        until = time.monotonic() + 40
        drawn = None
        while drawn != "drawn":
            assert time.monotonic() < until, drawn
            time.sleep(0.2)
            call("POST", "/frame", {"id": None})
            call("POST", "/frame", {"id": 0})
            drawn = call("POST", "/execute/sync", asked)
