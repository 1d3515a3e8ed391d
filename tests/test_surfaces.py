"""Groups of households become a surface; sums are conserved and variances are those of a count."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from geoscore.errors import SurfaceError
from geoscore.schemas import GROUP, KERNEL, LADDER, SCORED
from geoscore.spatial.cells import parent_cells
from geoscore.surface_format import Figures, figures
from geoscore.surfaces import Errors, build_surface, count_groups, roll_up
from geoscore.tables import Table

CELLS = (0x8828347433FFFFF, 0x8828347431FFFFF)
K = LADDER.index(2500)


@dataclass
class FlatPrior:
    """Every household of unknown income lies above every rung with probability 1/4."""

    pairs: pd.DataFrame
    errors: Errors
    mix: csr_array

    def exceedance(self, *, rows: np.ndarray, **_level: object) -> np.ndarray:
        """Return a quarter for everything."""
        return np.full((len(rows), len(LADDER)), 0.25)


@pytest.fixture
def prior() -> FlatPrior:
    pairs = pd.DataFrame({"cell": pd.array(CELLS, "UInt64"), "zip": ["94301"] * 2, "county": ["06085"] * 2})
    return FlatPrior(pairs, Errors(np.full(2, 1e12), {}), csr_array(np.eye(2)))


@pytest.fixture
def kernel() -> pa.Table:
    place = {"zip": "94301", "county": "06085"}
    given = [{"at_cell": c, "at_zip": "94301", "cell": c, "weight": 1.0, **place} for c in CELLS]
    spread = [
        {"at_cell": None, "at_zip": "94301", "cell": c, "weight": w, **place}
        for c, w in zip(CELLS, (0.7, 0.3), strict=True)
    ]
    return pa.Table.from_pylist([*given, *spread], schema=KERNEL)


def group(cell: int | None, households: int, *, known_bin: int = 0, known: bool = False) -> dict[str, object]:
    multiplier = None if known else 0.02
    return {"cell": cell, "zip": "94301", "known_bin": known_bin, "income_known": known, "multiplier": multiplier,
            "households": households}  # fmt: skip


def build(rows: list[dict[str, object]], kernel: pa.Table, prior: FlatPrior) -> Figures:
    return figures(build_surface(pa.Table.from_pylist(rows, schema=GROUP), kernel=kernel, prior=prior))


def test_known_incomes_count_for_certain(kernel: pa.Table, prior: FlatPrior) -> None:
    above = int(np.searchsorted(LADDER, 2500)) + 20
    found = build([group(CELLS[0], 3, known_bin=above, known=True)], kernel, prior)
    assert found.households.tolist() == [3.0]
    assert set(found.at_least[0].tolist()) == {3.0, 0.0}
    assert found.variance.max() == pytest.approx(0.0, abs=1e-12)


def test_unknown_incomes_count_with_the_chances_of_their_place(kernel: pa.Table, prior: FlatPrior) -> None:
    found = build([group(CELLS[0], 100)], kernel, prior)
    assert found.at_least[0, K] == pytest.approx(25.0)
    assert found.variance[0, 1 + K] == pytest.approx(100 * 0.25 * 0.75)


def test_a_zip_alone_is_spread_over_its_cells(kernel: pa.Table, prior: FlatPrior) -> None:
    found = build([group(None, 100)], kernel, prior)
    assert found.households.tolist() == pytest.approx([70.0, 30.0])
    assert found.at_least[:, K].tolist() == pytest.approx([17.5, 7.5])
    assert found.variance[0, 1 + K] == pytest.approx(100 * 0.7 * 0.25 * (1 - 0.7 * 0.25))
    assert found.variance[:, 0].tolist() == pytest.approx([21.0, 21.0])
    # all of them live in the ZIP, whichever their cell: there the count varies as the households do
    whole = found.summed(np.zeros(2, dtype=np.int64), 1)
    assert whole.variance[0, 0] == pytest.approx(0.0, abs=1e-9)
    assert whole.variance[0, 1 + K] == pytest.approx(100 * 0.25 * 0.75)


def test_the_survey_behind_a_place_adds_to_the_variance(kernel: pa.Table, prior: FlatPrior) -> None:
    prior.errors = Errors(np.full(2, 99.0), {})
    found = build([group(CELLS[0], 100)], kernel, prior)
    assert found.variance[0, 1 + K] == pytest.approx(100 * 0.1875 + 100**2 * 0.1875 / 100)


def test_households_are_conserved(kernel: pa.Table, prior: FlatPrior) -> None:
    rows = [group(CELLS[0], 11), group(None, 7), group(CELLS[1], 5, known_bin=9, known=True)]
    assert build(rows, kernel, prior).households.sum() == pytest.approx(23.0, abs=1e-9)


def test_a_position_without_cells_stops_the_run(kernel: pa.Table, prior: FlatPrior) -> None:
    with pytest.raises(SurfaceError, match="no cells"):
        build([group(0x8828347435FFFFF, 1)], kernel, prior)


def test_a_parent_is_the_sum_of_its_children_at_every_rung(kernel: pa.Table, prior: FlatPrior) -> None:
    surface = build_surface(
        pa.Table.from_pylist([group(CELLS[0], 11), group(None, 7)], schema=GROUP), kernel=kernel, prior=prior
    )
    parent = roll_up(surface, resolution=7)
    for name in ("households", "at_least", "zip_covariance", "county_covariance"):
        fine, coarse = getattr(figures(surface), name), getattr(figures(parent), name)
        np.testing.assert_allclose(coarse.sum(axis=0), fine.sum(axis=0), rtol=1e-12)
    assert set(parent["cell"].to_pylist()) == set(parent_cells(np.array(CELLS, np.uint64), resolution=7).tolist())


def test_households_of_one_place_and_level_are_counted_together(engine) -> None:
    rows = [
        {"household_id": str(i), **{k: v for k, v in group(CELLS[i % 2], 0).items() if k != "households"}}
        for i in range(5)
    ]
    table = count_groups(Table.from_arrow(pa.Table.from_pylist(rows, schema=SCORED), engine=engine))
    assert table["households"].to_pylist() == [2, 3]
    assert table["cell"].to_pylist() == sorted(CELLS)


def test_an_area_in_two_cells_errs_in_both_alike(kernel: pa.Table, prior: FlatPrior) -> None:
    prior.mix, prior.errors = csr_array(np.ones((2, 1))), Errors(np.full(1, 99.0), {"06085": 0.001})
    found = build([group(CELLS[0], 100), group(CELLS[1], 100)], kernel, prior)
    doubt = 100 * np.sqrt(0.1875)
    assert found.variance[0, 1 + K] == pytest.approx(100 * 0.1875 + doubt**2 * (1 / 100 + 0.001))
    whole = found.summed(np.zeros(2, dtype=np.int64), 1)
    assert whole.variance[0, 1 + K] == pytest.approx(200 * 0.1875 + (2 * doubt) ** 2 * (1 / 100 + 0.001))
