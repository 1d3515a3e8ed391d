"""A small made-up region that every test can read, and an engine for every test body."""

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shapely import box

from geoscore.engines import Engine, open_engine
from geoscore.engines.java import java_version
from geoscore.errors import EngineError
from geoscore.schemas import BRACKETS, SurfaceNote
from geoscore.spatial.interpolation import interpolate_households

WEST, SOUTH, STEP = -122.20, 37.40, 0.05
"""South-western corner and width of the region's squares, in degrees: 4 areas in a row, 2 ZIPs, 2 counties."""
AREA_HOUSEHOLDS = (4000.0, 3000.0, 2000.0, 1000.0)
EDGES = (0.0, 50_000.0, 100_000.0, 125_000.0, 200_000.0)
SHARES = ((0.1, 0.2, 0.1, 0.3, 0.3), (0.2, 0.3, 0.1, 0.2, 0.2), (0.3, 0.3, 0.1, 0.2, 0.1), (0.5, 0.3, 0.1, 0.05, 0.05))

NOTE = SurfaceNote(
    title="Test",
    region="Two towns",
    universe="file",
    formula="income-2pct-1y",
    formula_text="2%",
    horizon="1 year",
    purpose="research",
    vintage="2026-11-01",
    resolution=8,
    k=10,
    published=True,
    counties={"06085": "Santa Clara"},
)
"""What the surfaces of tests say of themselves."""
WHOLE_RUNS = frozenset({"demo", "done", "nation", "project_model"})
"""Fixtures of several modules that run a whole journey: the tests on them are slow, whichever is the first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests on whole runs as slow."""
    for item in items:
        if WHOLE_RUNS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


def lay_out(region: Path, *, resolution: int = 8) -> pa.Table:
    """Return the region's households by cell, ZIP and area."""
    areas, zips = gpd.read_parquet(region / "areas.parquet"), gpd.read_parquet(region / "zips.parquet").iloc[:2]
    return interpolate_households(
        area_ids=list(areas["area_id"]),
        counties=list(areas["county"]),
        households=areas["households"].to_numpy(),
        areas=list(areas.geometry),
        zips=list(zips["zip"]),
        zip_areas=list(zips.geometry),
        resolution=resolution,
    )


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """One test body, every engine."""
    if request.param == "spark":
        yield request.getfixturevalue("spark")
        return
    with open_engine(request.param) as opened:
        yield opened


@pytest.fixture(scope="session")
def spark() -> Iterator[Engine]:
    """Start one Spark of two cores for all tests, or say why there is none."""
    pytest.importorskip("pyspark", reason="no pyspark here: pip install 'geoscore[spark]'")
    try:
        java_version()
    except EngineError as error:
        pytest.skip(str(error))
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # pyspark's own sockets and pipes
        patch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] pyspark-shell")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
        with open_engine("spark", memory="1GB") as opened:
            yield opened


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Census files of the region, in the form of the samples."""
    folder = tmp_path_factory.mktemp("region")
    squares = [box(WEST + i * STEP, SOUTH, WEST + (i + 1) * STEP, SOUTH + STEP) for i in range(4)]
    counties = ["06085", "06085", "06081", "06081"]
    areas = {"area_id": list("abcd"), "county": counties, "households": list(AREA_HOUSEHOLDS)}
    gpd.GeoDataFrame(areas, geometry=squares, crs=4326).to_parquet(folder / "areas.parquet")
    zips = {
        "zip": ["94301", "94303", "94302"],
        "city": ["Palo Alto"] * 3,
        "county": ["06085", "06081", "06085"],
        "kind": ["standard", "standard", "po_box"],
    }
    halves = [
        box(WEST, SOUTH, WEST + 2 * STEP, SOUTH + STEP),
        box(WEST + 2 * STEP, SOUTH, WEST + 4 * STEP, SOUTH + STEP),
    ]
    gpd.GeoDataFrame(zips, geometry=[*halves, None], crs=4326).to_parquet(folder / "zips.parquet")
    names = {"county": ["06085", "06081"], "name": ["Santa Clara", "San Mateo"]}
    gpd.GeoDataFrame(names, geometry=halves, crs=4326).to_parquet(folder / "counties.parquet")
    rows = [
        {"area_id": area, "low_usd": low, "high_usd": high, "households": count * share}
        for area, count, shares in zip("abcd", AREA_HOUSEHOLDS, SHARES, strict=True)
        for low, high, share in zip(EDGES, [*EDGES[1:], None], shares, strict=True)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=BRACKETS), folder / "incomes.parquet")
    income = np.geomspace(2_000, 2_000_000, 80)
    below = 1.0 / (1.0 + (90_000 / income) ** 1.6)
    pq.write_table(pa.table({"income_usd": income, "share_below": below}), folder / "curve.parquet")
    return folder


@pytest.fixture
def make_project(tmp_path: Path, region: Path) -> Callable[..., Path]:
    """Return a function that writes a project on one file, and returns the project's path."""

    def make(
        data: Path | str, *, columns: str = 'zip = "zip"', settings: str = "", source: str = "", name: str = "donors"
    ) -> Path:
        if isinstance(data, str):
            (tmp_path / f"{name}.csv").write_text(data, encoding="utf-8")
            data = tmp_path / f"{name}.csv"
        census = "\n".join(
            f'{key} = "{(region / key).as_posix()}.parquet"'
            for key in ("areas", "incomes", "zips", "counties", "curve")
        )
        text = f"""
name = "Test"
purpose = "research"
as_of = 2026-11-01
region = "Two towns"
{settings}
[census]
{census}
[[sources]]
name = "{name}"
path = "{data.as_posix()}"
{source}
[sources.columns]
{columns}
"""
        path = tmp_path / "geoscore.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return make
