"""Two surfaces beside each other: what is the same, and every way in which they differ."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import NOTE
from typer.testing import CliRunner

from geoscore.cli.main import app
from geoscore.errors import SurfaceError
from geoscore.outputs import drawable
from geoscore.query import Surface
from geoscore.query.differences import compare_surfaces
from geoscore.surface_format import Figures, surface_table

CELLS = [0x8828347433FFFFF, 0x8828347437FFFFF, 0x882834743BFFFFF]


def surface(households: list[float], *, cells: list[int] | None = None, hidden: list[bool] | None = None) -> Surface:
    n = len(households)
    keys = pd.DataFrame(
        {"cell": pd.array((cells or CELLS)[:n], "UInt64"), "zip": ["94301"] * n, "county": ["06085"] * n}
    )
    at_least = np.outer(households, np.linspace(1.0, 0.0, 25))
    figures = Figures.apart(np.array(households), at_least, at_least)
    mask = None if hidden is None else np.array(hidden)
    return Surface(surface_table(keys, figures, suppressed=mask), NOTE)


def test_a_surface_is_the_same_as_itself_in_any_order() -> None:
    one = surface([50.0, 20.0, 30.0])
    turned = Surface(one.table.take([2, 0, 1]), one.note)
    assert compare_surfaces(one, turned).same(tolerance=0.0)


def test_figures_apart_are_told_relative_to_their_size() -> None:
    found = compare_surfaces(surface([50.0, 20.0]), surface([50.0, 20.2]))
    assert found.largest["households"] == pytest.approx(0.2 / 20.2)
    assert not found.same(tolerance=1e-9)
    assert found.same(tolerance=0.01)


def test_rows_of_one_alone_and_hidden_rows_are_counted() -> None:
    found = compare_surfaces(surface([50.0, 20.0]), surface([50.0, 20.0], cells=[CELLS[0], CELLS[2]]))
    assert (found.only_first, found.only_second) == (1, 1)
    found = compare_surfaces(surface([50.0, 20.0]), surface([50.0, 20.0], hidden=[False, True]))
    assert found.suppression == 1
    assert not found.same(tolerance=1.0)


def test_another_formula_is_another_surface() -> None:
    one = surface([50.0])
    other = Surface(one.table, replace(one.note, formula="assets-5pct"))
    assert compare_surfaces(one, other).notes == {"formula": ("income-2pct-1y", "assets-5pct")}


def test_two_rows_of_one_place_are_said() -> None:
    twice = surface([50.0, 20.0], cells=[CELLS[0], CELLS[0]])
    with pytest.raises(SurfaceError, match="two rows of one cell"):
        compare_surfaces(twice, twice)


def test_the_command_ends_with_what_it_found(tmp_path: Path) -> None:
    for name, households in (("a", [50.0]), ("b", [50.0]), ("c", [51.0])):
        surface(households).save(tmp_path / f"{name}.parquet")
    a, b, c = (str(tmp_path / f"{name}.parquet") for name in "abc")
    same, apart = CliRunner().invoke(app, ["compare", a, b]), CliRunner().invoke(app, ["compare", a, c])
    assert (same.exit_code, apart.exit_code) == (0, 1)
    assert "are the same within 1e-09" in same.output
    told = CliRunner().invoke(app, ["compare", a, c, "--tolerance", "0.1", "--format", "json"])
    assert json.loads(told.output)["same"] is True


def test_a_surface_of_too_many_cells_is_drawn_coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoscore.outputs.MOST_CELLS", 1)
    drawn = drawable(surface([50.0, 20.0, 30.0]))
    assert drawn.note.resolution == 7
    assert drawn.table["households"].to_pylist() == [100.0]
