"""A folder for the examples of docstrings: a project on one street of two towns, and its finished run under `out`."""

import shutil
from pathlib import Path

import h3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geoscore.pipeline import run
from geoscore.query import open_surface
from geoscore.schemas import BRACKETS, GROUND

TOWNS = {"94301": (37.44, -122.16), "94110": (37.75, -122.415)}
COUNTIES = {"94301": "06085", "94110": "06075"}
EDGES = (0.0, 50_000.0, 100_000.0, 125_000.0, 200_000.0, None)
SHARES = {"94301": (0.10, 0.15, 0.10, 0.25, 0.40), "94110": (0.25, 0.25, 0.10, 0.25, 0.15)}
PROJECT = """
name = "Two towns"
purpose = "nonprofit-fundraising"
region = "Two towns"
as_of = 2026-11-01

[census]
ground = "ground.parquet"
incomes = "incomes.parquet"
vintage = "made up"

[[sources]]
name = "donors"
path = "donors.csv"
vintage = 2026-10-20
licence = "our own list"

[sources.columns]
longitude = "longitude"
latitude = "latitude"
zip = "zip"
income_usd = "income"
"""


@pytest.fixture(scope="session")
def two_towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a project, its census and its file, and run it."""
    folder = tmp_path_factory.mktemp("two_towns")
    ground, donors = [], ["longitude,latitude,zip,income"]
    for town, (latitude, longitude) in TOWNS.items():
        for number, cell in enumerate(sorted(h3.grid_disk(h3.latlng_to_cell(latitude, longitude, 8), 1))):
            place = {"cell": int(cell, 16), "zip": town, "county": COUNTIES[town], "area_id": town}
            ground.append(place | {"households": 400.0})
            y, x = h3.cell_to_latlng(cell)
            donors += [
                f"{x + i / 1e5:.6f},{y:.6f},{town},{45_000 + 9_000 * i + 4_000 * number if i % 2 else ''}"
                for i in range(24)
            ]
    pq.write_table(pa.Table.from_pylist(ground, schema=GROUND), folder / "ground.parquet")
    brackets = [
        {"area_id": town, "low_usd": low, "high_usd": high, "households": 2_800.0 * share}
        for town, shares in SHARES.items()
        for low, high, share in zip(EDGES, EDGES[1:], shares, strict=False)
    ]
    pq.write_table(pa.Table.from_pylist(brackets, schema=BRACKETS), folder / "incomes.parquet")
    (folder / "donors.csv").write_text("\n".join(donors) + "\n", encoding="utf-8")
    (folder / "geoscore.toml").write_text(PROJECT, encoding="utf-8")
    run(folder / "geoscore.toml")
    return folder


@pytest.fixture(autouse=True)
def _examples_open_its_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Put a docstring's example into a copy of that folder, where it names a file of it."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    source = "".join(example.source for example in request.node.dtest.examples)
    if "geoscore.toml" in source or '"out' in source:
        shutil.copytree(request.getfixturevalue("two_towns"), tmp_path / "work")
        monkeypatch.chdir(tmp_path / "work")


@pytest.fixture(autouse=True)
def _examples_know_their_names(request: pytest.FixtureRequest) -> None:
    """Give a docstring's example ``surface``, opened from that run, and an empty ``folder``, where it uses them."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    source, names = "".join(example.source for example in request.node.dtest.examples), request.node.dtest.globs
    if "folder" in source:
        names.setdefault("folder", request.getfixturevalue("tmp_path"))
    if "surface." in source or "(surface" in source:
        names.setdefault("surface", open_surface(request.getfixturevalue("two_towns") / "out" / "surface.parquet"))
