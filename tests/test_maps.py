"""The map page: complete in itself, safe with hostile names, and equal to what a query says."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import NOTE

from geoscore.maps import deck_from_surface, page_html, save_page
from geoscore.maps.still import map_svg
from geoscore.query import Surface
from geoscore.reference.census import sample_outlines
from geoscore.schemas import LADDER, SourceNote
from geoscore.spatial.cells import cells_from_points
from geoscore.surface_format import Figures, surface_table

HOSTILE = "<script>alert(\"x\")</script>\u202e & 'quoted'"
HOSTILE_NOTE = replace(
    NOTE,
    title=HOSTILE,
    resolution=7,
    sources=(SourceNote(name=HOSTILE, sha256="0" * 64, rows=1, vintage="2026", licence=HOSTILE),),
)


@pytest.fixture(scope="module")
def surface() -> Surface:
    generator = np.random.default_rng(5)
    cells = np.unique(
        cells_from_points(-122.2 + 0.4 * generator.random(60), 37.3 + 0.2 * generator.random(60), resolution=7)
    )
    n = len(cells)
    keys = pd.DataFrame(
        {
            "cell": pd.array([*cells, None], "UInt64"),
            "zip": ["94301" if i % 2 else "94303" for i in range(n)] + ["94301"],
            "county": ["06085"] * (n + 1),
            "counted_in": ["zip" if i == 0 else "cell" for i in range(n)] + ["zip"],
        }
    )
    households = generator.integers(10, 90, n + 1).astype(float)
    at_least = households[:, None] * np.linspace(1, 0, len(LADDER))
    hidden = np.arange(n + 1) == 0
    figures = Figures(households, at_least, at_least * 0.2, households * 0.1)
    return Surface(surface_table(keys, figures, suppressed=hidden), HOSTILE_NOTE)


def test_the_page_is_complete_in_itself_and_always_the_same(surface: Surface) -> None:
    page = page_html(surface.table, note=HOSTILE_NOTE, outlines=sample_outlines(["06085"]))
    assert page == page_html(surface.table, note=HOSTILE_NOTE, outlines=sample_outlines(["06085"]))
    assert "default-src 'none'" in page
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', page[: page.index("<script")])
    assert len(page) < 6_000_000


def test_hostile_names_stay_text(surface: Surface) -> None:
    page = page_html(surface.table, note=HOSTILE_NOTE)
    assert "<script>alert" not in page
    assert "\u202e" not in page


def test_a_deck_for_notebooks(surface: Surface) -> None:
    deck = json.loads(deck_from_surface(surface.table, note=HOSTILE_NOTE, capacity=400).to_json())
    layer = deck["layers"][0]
    assert layer["@@type"] == "H3HexagonLayer"
    assert len(layer["data"]) == len({row["hexagon"] for row in layer["data"]})


def test_a_still_map_for_reports(surface: Surface) -> None:
    svg = map_svg(surface.table, note=HOSTILE_NOTE, capacity=2500)
    assert svg.count("<path") == len(surface.table["cell"].drop_null().unique())
    assert "<script" not in svg


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = """
--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader
--virtual-time-budget=8000 --window-size=1280,800 --dump-dom --enable-logging=stderr
""".split()  # noqa: SIM905


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_in_a_browser_says_what_a_query_says(surface: Surface, tmp_path: Path) -> None:
    path = tmp_path / "map.html"
    save_page(path, surface.table, note=HOSTILE_NOTE, outlines=sample_outlines(["06085"]))
    command = [
        str(CHROMIUM),
        *FLAGS,
        f"--user-data-dir={tmp_path / 'profile'}",
        f"file://{path}#capacity=10000&zip=94301",
    ]
    environment = {**os.environ, "HOME": str(tmp_path)}
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    region = re.search(r'data-total="(.*?)" data-low="(.*?)" data-high="(.*?)" data-households="(.*?)"', result.stdout)
    answer = surface.query(capacity=10_000)
    expected = (answer.estimate, answer.low, answer.high, answer.households)
    assert tuple(map(float, region.groups())) == pytest.approx(expected, rel=1e-6)
    totals = [float(value) for value in re.findall(r'data-total="(.*?)"', result.stdout)]
    assert totals[-1] == pytest.approx(surface.query(zip="94301", capacity=10_000).estimate, rel=1e-6)
    assert "ZIP 94301" in result.stdout
    assert "Uncaught" not in result.stderr
