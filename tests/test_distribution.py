"""Income brackets become exceedance at any income: exact at the edges, monotone between and beyond."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import AREA_HOUSEHOLDS, EDGES, SHARES

from geoscore.capacity import AreaPrior, IncomeDistribution
from geoscore.capacity.shrinkage import modelled_trials
from geoscore.errors import InputError
from geoscore.schemas import LADDER, MIX


@pytest.fixture(scope="module")
def distribution(region: Path) -> IncomeDistribution:
    curve = pq.read_table(region / "curve.parquet")
    points = curve["income_usd"].to_numpy(), curve["share_below"].to_numpy()
    return IncomeDistribution(points).fit(pq.read_table(region / "incomes.parquet"))


def test_published_edges_are_met_exactly(distribution: IncomeDistribution) -> None:
    above = distribution.exceedance(np.array(EDGES[1:]))
    expected = 1 - np.cumsum(SHARES, axis=1)[:, :-1]
    np.testing.assert_allclose(above, expected, atol=1e-9)


def test_exceedance_falls_from_one_to_zero(distribution: IncomeDistribution) -> None:
    above = distribution.exceedance(np.geomspace(1, 1e10, 500))
    assert (np.diff(above, axis=1) <= 1e-12).all()
    assert above[:, 0].min() > 0.999
    assert above[:, -1].max() < 1e-6


def test_an_empty_bracket_stays_between_its_neighbors() -> None:
    counts = pa.table(
        {"area_id": ["a"] * 3, "low_usd": [0.0, 5e4, 1e5], "high_usd": [5e4, 1e5, None], "households": [0.0, 10.0, 0.0]}
    )
    curve = (np.array([1e4, 1e5, 1e6]), np.array([0.1, 0.6, 0.99]))
    above = IncomeDistribution(curve).fit(counts).exceedance(np.array([5e4, 1e5]))
    assert 0.9 < above[0, 0] < 1
    assert 0 < above[0, 1] < 0.1


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [([0.0, 6e4, 1e5], [5e4, 1e5, None], "gap"), ([1.0, 5e4, 1e5], [5e4, 1e5, None], "start at 0")],
)
def test_brackets_with_gaps_are_refused(low: list[float], high: list[float | None], message: str) -> None:
    table = pa.table({"area_id": ["a"] * 3, "low_usd": low, "high_usd": high, "households": [1.0] * 3})
    with pytest.raises(InputError, match=message):
        IncomeDistribution((np.array([1e4, 1e6]), np.array([0.1, 0.9]))).fit(table)


def prior_of(distribution: IncomeDistribution, shares: dict[str, float]) -> AreaPrior:
    place = {"cell": 1, "zip": "94301", "county": "06085"}
    rows = [place | {"area_id": area, "share": share} for area, share in shares.items()]
    return AreaPrior(distribution, pa.Table.from_pylist(rows, schema=MIX), None)


def test_a_place_is_the_mixture_of_its_areas(distribution: IncomeDistribution) -> None:
    above = prior_of(distribution, {"a": 0.5, "d": 0.5}).exceedance(multiplier=0.02, low=None, high=None)
    assert above[0, LADDER.index(2500)] == pytest.approx((0.6 + 0.1) / 2)


def test_a_band_of_income_narrows_the_place(distribution: IncomeDistribution) -> None:
    prior = prior_of(distribution, {"a": 1.0})
    above = prior.exceedance(multiplier=0.02, low=100_000.0, high=200_000.0)[0]
    assert above[LADDER.index(2000)] == 1.0
    assert above[LADDER.index(2500)] == pytest.approx(0.3 / 0.4)
    assert above[LADDER.index(4000)] == 0.0


def test_effective_sample_is_modelled_from_the_survey() -> None:
    assert modelled_trials(np.array([AREA_HOUSEHOLDS[0]]))[0] == pytest.approx(AREA_HOUSEHOLDS[0] * 0.12 / 1.5)
