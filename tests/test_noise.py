"""A noisy release is right on average, says how far off it is, and shows nothing of where somebody was found."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import SOUTH, STEP, WEST

from geoscore.errors import InputError, ProjectError
from geoscore.noise import add_noise, settle
from geoscore.pipeline import run
from geoscore.project import open_project
from geoscore.surface_format import Figures, figures, surface_table

CELLS = list(range(1, 401))
DOMAIN = pd.DataFrame({"cell": pd.array(CELLS, "UInt64"), "zip": "94301", "county": "06085"})


def surface(rows: int) -> object:
    keys = DOMAIN.iloc[:rows]
    n = np.full(rows, 30.0)
    return surface_table(keys, Figures.apart(n, n[:, None] * np.linspace(0.9, 0.1, 25), np.zeros((rows, 25))))


def test_noise_is_even_around_the_truth_and_in_the_variance() -> None:
    raw = surface(400)
    noisy = figures(add_noise(raw, DOMAIN, epsilon=1.0))
    off = noisy.households - 30.0
    assert abs(off.mean()) < 5 * 7.3 / 20
    assert off.std() == pytest.approx(np.sqrt(26 * 2.0), rel=0.2)
    assert noisy.variance[:, 0] == pytest.approx(np.full(400, 52.0))
    top = noisy.at_least[:, -1] - 3.0
    assert top.std() == pytest.approx(np.sqrt(2.0), rel=0.35)
    again = figures(add_noise(raw, DOMAIN, epsilon=1.0))
    assert not np.allclose(noisy.households, again.households)
    little = figures(add_noise(raw, DOMAIN, epsilon=10.0))
    assert (little.households - 30.0).std() < 0.2 * off.std()


def test_every_place_has_a_row_whoever_was_found_there() -> None:
    few = add_noise(surface(3), DOMAIN, epsilon=1.0)
    assert few.num_rows == 400
    away = surface_table(
        pd.DataFrame({"cell": pd.array([9999], "UInt64"), "zip": ["94301"], "county": ["06085"]}),
        Figures.apart(np.array([5000.0]), np.full((1, 25), 10.0), np.zeros((1, 25))),
    )
    assert figures(add_noise(away, DOMAIN, epsilon=5.0)).households.sum() == pytest.approx(5000.0, abs=400)


def test_settled_counts_are_possible() -> None:
    settled = figures(settle(add_noise(surface(3), DOMAIN, epsilon=1.0)))
    assert settled.households.min() >= 0
    assert (np.diff(settled.at_least, axis=1) <= 1e-9).all()
    assert (settled.at_least <= settled.households[:, None] + 1e-9).all()
    with pytest.raises(InputError, match="a privacy budget is positive"):
        add_noise(surface(3), DOMAIN, epsilon=0.0)


def test_a_private_run_writes_its_budget(make_project: Callable[..., Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = "".join(f"{WEST + STEP * rng.random():.5f},{SOUTH + STEP * rng.random():.5f}\n" for _ in range(900))
    columns = 'longitude = "lon"\nlatitude = "lat"'
    plan = make_project(
        "lon,lat\n" + rows, columns=columns, settings="[surface]\npublished_resolution = 6\nepsilon = 2\n"
    )
    done = run(plan, out=tmp_path / "out")
    assert done.surface.query().households == pytest.approx(900, abs=120)
    assert done.surface.note.epsilon == 2
    assert '"epsilon": 2.0' in (tmp_path / "out" / "ledger.jsonl").read_text()
    assert "Random noise" in (tmp_path / "out" / "report.html").read_text()
    plan.write_text(plan.read_text().replace("epsilon = 2", 'epsilon = 2\nuniverse = "census"'))
    with pytest.raises(ProjectError, match="epsilon is for the households of files"):
        open_project(plan)
