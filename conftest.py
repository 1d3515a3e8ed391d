"""What the examples in docstrings call ``surface``, ``project`` and ``folder``: small, made up, gone afterwards."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parent


@pytest.fixture(scope="session")
def made_up() -> Any:
    """Return the module with the tests' region."""
    spec = spec_from_file_location("made_up_region", ROOT / "tests" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _names_of_examples(request: pytest.FixtureRequest) -> None:
    """Give an example the names it uses, made where it uses them."""
    example = getattr(request.node, "dtest", None)
    if example is None:
        return
    used = " ".join(line.source for line in example.examples)
    if "surface" in used or "project" in used or "folder" in used:
        names, folder = example.globs, request.getfixturevalue("tmp_path")
        names.setdefault("folder", folder)
        made_up = request.getfixturevalue("made_up")
        names.setdefault("surface", _surface(made_up))
        if "run(project" in used:
            made_up.write_region(folder)
            rows = "zip,income\n" + "94301,250000\n" * 40 + "94303,90000\n" * 40
            columns = 'zip = "zip"\nincome_usd = "income"'
            names["project"] = made_up.write_project(folder, folder, rows, columns=columns)


def _surface(made_up: Any) -> Any:
    """Return a surface of three cells in two ZIPs of Palo Alto: 180 households, half of them at $2,500."""
    from geoscore.query import Surface
    from geoscore.spatial.cells import cells_from_points
    from geoscore.surface_format import Figures, surface_table

    cells = cells_from_points(np.array([-122.16, -122.15, -122.10]), np.array([37.44, 37.45, 37.42]), resolution=8)
    places = pd.DataFrame(
        {
            "cell": pd.array(cells, "UInt64"),
            "zip": ["94301", "94301", "94303"],
            "county": ["06085"] * 3,
            "counted_in": ["cell"] * 3,
        }
    )
    households = np.array([100.0, 50.0, 30.0])
    at_least = households[:, None] * np.linspace(1.0, 0.0, 25)
    return Surface(surface_table(places, Figures.apart(households, at_least, at_least / 4)), made_up.NOTE)
