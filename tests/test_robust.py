"""Spoiled surfaces, polygons and project files end in one clear line or in an answer, never in a fault of our own."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import NOTE
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from geoscore.errors import GeoscoreError
from geoscore.project import open_project
from geoscore.query import Surface, open_surface
from geoscore.reference.samples import example_dir
from geoscore.spatial.cells import cells_from_points
from geoscore.surface_format import Figures, surface_table, write_surface

MANY = int(os.environ.get("GEOSCORE_FUZZ", "150"))
"""Examples of each kind; set it to 4000 for a night."""
RELAXED = settings(max_examples=MANY, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@contextmanager
def clear_words() -> Iterator[None]:
    """Let an error of ours pass if it is one line; any other is a fault."""
    try:
        yield
    except GeoscoreError as error:
        if not str(error) or "\n" in str(error):
            raise AssertionError(f"no one line: {error!r}") from error


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cells = cells_from_points(np.linspace(-122.2, -122.1, 6), np.linspace(37.4, 37.5, 6), resolution=8)
    keys = pd.DataFrame({"cell": pd.array(cells, "UInt64"), "zip": "94301", "county": "06085"})
    ladder = np.full((6, 25), 5.0)
    path = tmp_path_factory.mktemp("robust") / "surface.parquet"
    write_surface(surface_table(keys, Figures.apart(np.full(6, 20.0), ladder, ladder)), NOTE, path)
    return path


@RELAXED
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12), st.floats(0.2, 1))
def test_spoiled_surfaces(whole: Path, tmp_path: Path, changes: list[tuple[float, int]], kept: float) -> None:
    data = bytearray(whole.read_bytes())
    for place, value in changes:
        data[min(int(place * len(data)), len(data) - 1)] = value
    path = tmp_path / "spoiled.parquet"
    path.write_bytes(bytes(data[: int(kept * len(data))] if kept < 0.9 else data))
    with clear_words():
        surface = open_surface(path)
        surface.query(zip="94301", capacity=2500)
        surface.at_least(2500).by("zip").to_rows()


POINTS = st.tuples(st.floats(-400, 400), st.floats(-200, 200))


@RELAXED
@given(
    st.lists(st.lists(POINTS, min_size=0, max_size=8), max_size=4),
    st.sampled_from(["Polygon", "MultiPolygon", "Point"]),
)
@example(rings=[[(0.0, 0.0), (0.0, 7.7e-256), (1.0, 0.0)]], kind="Polygon")
@example(rings=[[(0.0, 0.0), (0.0, 1.2e-193), (1.0, -1.0)], [(0.0, -1.0), (0.0, -2.0), (1.0, 0.0)]], kind="Polygon")
def test_odd_polygons(whole: Path, tmp_path: Path, rings: list[list[tuple[float, float]]], kind: str) -> None:
    closed = [[*ring, ring[0]] if ring else [] for ring in rings]
    shape = {"type": kind, "coordinates": [closed] if kind == "MultiPolygon" else closed}
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": shape}))
    surface: Surface = open_surface(whole)
    with clear_words():
        answer = surface.query(area=path)
        assert 0 <= answer.estimate <= 30.0 + 1e-9


@RELAXED
@given(st.data())
def test_spoiled_project_files(tmp_path: Path, data: st.DataObject) -> None:
    lines = (example_dir() / "geoscore.toml").read_text().splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "twice", "text", "cut"]))
        if change == "drop":
            lines[at] = ""
        elif change == "twice":
            lines.insert(at, lines[at])
        elif change == "text":
            lines[at] = data.draw(st.text(max_size=30))
        else:
            lines[at] = lines[at][: data.draw(st.integers(0, 20))]
    path = tmp_path / "geoscore.toml"
    path.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    with clear_words():
        plan = open_project(path)
        assert plan.universe() in ("file", "census")
