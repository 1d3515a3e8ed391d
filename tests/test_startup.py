"""A command waits for what it needs and for nothing else: no heavy package is imported on the way."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from conftest import NOTE

from geoscore.cli.main import ROOMS, app
from geoscore.query import Surface
from geoscore.spatial.cells import cells_from_points
from geoscore.surface_format import Figures, surface_table

HEAVY = frozenset(
    [
        "duckdb",
        "folium",
        "geopandas",
        "matplotlib",
        "narwhals",
        "numpy",
        "pandas",
        "pyarrow",
        "pydeck",
        "pyspark",
        "rich",
        "scipy",
        "shapely",
        "sklearn",
        "splink",
        "usaddress",
        "weasyprint",
    ]
)


def imported(statement: str, *words: str) -> set[str]:
    """Return the heavy packages that a statement imports on its way."""
    at_exit = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    code = f"{at_exit}; sys.argv = {['geoscore', *words]}; {statement}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return HEAVY & {name.partition(".")[0] for name in result.stderr.split()}


@pytest.fixture
def surface(tmp_path: Path) -> str:
    cells = cells_from_points(np.array([-122.16, -122.10]), np.array([37.44, 37.42]), resolution=8)
    places = pd.DataFrame({"cell": pd.array(cells, "UInt64"), "zip": ["94301", None], "county": ["06085", None]})
    counts = np.array([20.0, 30.0])
    ladder = counts[:, None] * np.linspace(1.0, 0.0, 25)
    Surface(surface_table(places, Figures.apart(counts, ladder, ladder / 4)), NOTE).save(tmp_path / "surface.parquet")
    return str(tmp_path / "surface.parquet")


def test_the_package_and_the_help_pages_import_nothing_heavy() -> None:
    assert imported("import geoscore") == set()
    command = "from geoscore.cli import main; main()"
    assert imported(command, "--help") == set()
    assert imported(command, "trade-area", "market", "--help") == set()


def test_a_query_reads_arrow_and_counts_with_numpy(surface: str) -> None:
    command = "from geoscore.cli import main; main()"
    assert imported(command, "query", surface, "--zip", "94301") == {"numpy", "pyarrow"}
    assert imported(command, "query", surface, "--all", "--by", "zip", "--format", "json") == {"numpy", "pyarrow"}


def test_every_command_stands_in_the_module_that_is_loaded_for_it() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(commands) == {word for words in ROOMS.values() for word in words}
    for room, words in ROOMS.items():
        for word in words:
            module = getattr(commands[word].callback, "__module__", f"geoscore.cli.{room}")
            assert module == f"geoscore.cli.{room}", word


@pytest.mark.parametrize("word", ["verify", "gazetteer", "trade-area"])
def test_a_command_is_there_when_its_module_alone_is_loaded(word: str) -> None:
    command = "from geoscore.cli import main; main()"
    assert imported(command, word, "--help") == set()
