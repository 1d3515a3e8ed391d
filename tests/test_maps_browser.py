"""The page in a real browser: it draws, it answers, it asks no network. Skipped where there is no Chromium."""

import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from html import unescape

import numpy as np
import pytest
from test_maps_page import CELLS, OUTLINES, made_up_note, made_up_surface

from geoscore.ladder import interval
from geoscore.maps import save_page
from geoscore.maps.figures import read_rows
from geoscore.maps.palette import SEQUENTIAL, rgb
from geoscore.schemas import LADDER

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--use-gl=angle", "--use-angle=swiftshader"),
    *("--enable-unsafe-swiftshader", "--no-first-run", "--disable-background-networking", "--lang=en-US"),
    *("--disable-component-update", "--disable-sync", "--disable-extensions", "--window-size=1280,900"),
    "--force-prefers-reduced-motion",  # the map jumps where it would fly
)
ENGLISH = {**os.environ, "LANGUAGE": "en_US"}
HEXAGON = f"{CELLS[9]:x}"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium chromium-driver"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "map.html"
    save_page(path, made_up_surface(), note=made_up_note(), outlines=OUTLINES)
    return path.as_uri()


def dumped(address, folder):
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "--virtual-time-budget=20000", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True, env=ENGLISH)
    return re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)


def datum(dom, element, name):
    tag = re.search(rf'<[^>]*\bid="{element}"[^>]*>', dom)[0]
    return unescape(re.search(rf'data-{name}="([^"]*)"', tag)[1])


def figures_of(code, capacity):
    """Return households, estimate, low and high of a ZIP, or of everything, as Python reckons them."""
    rows, rung = read_rows(made_up_surface(), note=made_up_note()), LADDER.index(capacity)
    within = rows.zip_at == rows.zips.index(code) if code else np.full(len(rows.zip_at), fill_value=True)
    n, m, v = (values[within].sum() for values in (rows.households, rows.at_least[:, rung], rows.variance[:, 1 + rung]))
    low, high = interval(np.array([m]), np.array([v]), np.array([n]))
    return {"households": n, "total": m, "low": float(low[0]), "high": float(high[0])}


@pytest.mark.parametrize(("code", "capacity", "measure"), [("94301", 10_000, "share"), ("94303", 50, "index")])
def test_address_sets_the_state(page, tmp_path, code, capacity, measure):
    dom = dumped(f"{page}#capacity={capacity}&measure={measure}&zip={code}", tmp_path)
    for element, place in (("total", None), ("place-card", code)):
        for name, expected in figures_of(place, capacity).items():
            assert float(datum(dom, element, name)) == pytest.approx(expected, rel=1e-9)
    assert f"${capacity:,}" in dom
    counts = [int(count) for count in datum(dom, "legend", "classes").split(",")]
    assert sum(counts) == len(CELLS) - 1


@contextmanager
def browser(folder):
    """Drive a browser through the W3C WebDriver protocol, with nothing but the standard library."""
    with subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True, env=ENGLISH) as driver:
        port = next(found[1] for line in driver.stdout if (found := re.search(r"successfully on port (\d+)", line)))

        def call(method, path, body=None):
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, method=method)
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                return json.load(answer)["value"]

        try:
            options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={folder}"]}
            logging = {"goog:loggingPrefs": {"browser": "ALL"}}
            wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options, **logging}}}
            session = f"/session/{call('POST', '/session', wanted)['sessionId']}"
            yield lambda method, path, body=None: call(method, session + path, body)
            call("DELETE", session)
        finally:
            driver.terminate()


class Reader:
    """A person before the page."""

    def __init__(self, call, address):
        self.call = call
        call("POST", "/url", {"url": address})
        self.wait_for("document.documentElement.dataset.map === 'drawn'")

    def run(self, script):
        """Return what a script in the page returns."""
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def wait_for(self, condition):
        """Wait until a condition in the page holds."""
        until = time.monotonic() + 30
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < until, condition
            time.sleep(0.1)

    def point(self, *, click=False, nudge=0):
        """Point at the middle of the map."""
        x, y = self.run("const b = map.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]")
        steps = [{"type": "pointerMove", "duration": 50, "x": round(x) + nudge, "y": round(y)}]
        if click:
            steps += [{"type": "pointerDown", "button": 0}, {"type": "pause", "duration": 40}]
            steps += [{"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
        self.call("POST", "/actions", {"actions": [mouse]})

    def point_until(self, condition):
        """Point at the middle of the map, again and again, until a condition in the page holds."""
        for nudge in range(200):
            self.point(nudge=nudge % 2)
            if self.run(f"return Boolean({condition})"):
                return
        raise AssertionError(condition)

    def press(self, key):
        """Press a key."""
        steps = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": steps}]})

    def text(self, element):
        """Return what an element says."""
        return self.run(f"return document.getElementById('{element}').innerText")


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
        # the address follows
        reader.wait_for(f"location.hash.includes('capacity=3000') && location.hash.includes('cell={HEXAGON}')")


@pytest.mark.skipif(DRIVER is None, reason="needs chromedriver: apt-get install chromium-driver")
def test_map_is_drawn_in_the_legend_s_colors_without_network(page, tmp_path):
    with browser(tmp_path) as call:
        reader = Reader(call, page)
        reader.point_until("!document.getElementById('tooltip').hidden")
        pixels = reader.run("""
            const drawn = document.querySelector("#map canvas"), copy = document.createElement("canvas");
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
        printed = base64.b64decode(call("POST", "/print", {"background": True}))
        assert printed.startswith(b"%PDF")
        assert b"/Image" in printed  # the map as it stood on the screen
