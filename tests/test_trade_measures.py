"""Hot spots, accessibility, sites and territories: equal to PySAL's figures and to brute force."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, random_array

from geoscore.errors import InputError
from geoscore.spatial.cells import cells_from_points, near_cells
from geoscore.trade.access import catchment_weights, floating_catchment, hansen
from geoscore.trade.hotspots import conditional_moments, getis_ord, hold_down, local_moran, neighbor_weights
from geoscore.trade.penetration import fit_decay, penetrate
from geoscore.trade.siting import max_cover, p_median
from geoscore.trade.territories import share_out
from geoscore.trade.twins import find_twins

CENTER = cells_from_points(np.array([-122.16]), np.array([37.44]), resolution=8)
CELLS = near_cells(CENTER, steps=6)[1]


@pytest.fixture(scope="module")
def rates() -> np.ndarray:
    return np.random.default_rng(3).beta(2, 5, len(CELLS))


def _pysal(weights: csr_array):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from libpysal.weights import WSP

        return WSP(weights.tocsr()).to_W(silence_warnings=True)


def test_gi_star_equals_esda(rates: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda import G_Local

        weights = neighbor_weights(CELLS)
        theirs = G_Local(rates, _pysal(weights), transform="B", star=True, permutations=0)
    ours = getis_ord(rates, neighbor_weights(CELLS, own=True))
    np.testing.assert_allclose(ours.z, theirs.Zs, rtol=0, atol=1e-9)


def test_local_moran_and_its_moments_equal_esda(rates: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda import Moran_Local

        weights = neighbor_weights(CELLS)
        theirs = Moran_Local(rates, _pysal(weights), transformation="r", permutations=0)
    ours = local_moran(rates, weights)
    np.testing.assert_allclose(ours.value, theirs.Is, rtol=0, atol=1e-9)
    total = np.asarray(weights.sum(axis=1)).ravel()
    apart = rates - rates.mean()
    expected, variance = conditional_moments(apart, float((apart**2).mean()), np.ones(len(rates)), 1.0 / total)
    np.testing.assert_allclose(expected, theirs.EIc, rtol=0, atol=1e-9)
    np.testing.assert_allclose(variance, theirs.VIc, rtol=0, atol=1e-9)


def test_weights_are_symmetric_and_have_six_neighbors_inside() -> None:
    weights = neighbor_weights(CELLS)
    assert abs(weights - weights.T).sum() == 0
    assert weights.sum(axis=1).max() == 6


def test_false_discoveries_are_held_down_where_there_is_nothing() -> None:
    rng = np.random.default_rng(5)
    weights = neighbor_weights(CELLS, own=True)
    runs = [getis_ord(rng.normal(size=len(CELLS)), weights).found.any() for _ in range(60)]
    assert np.mean(runs) <= 0.2  # each finding would be a false one


def test_a_planted_hot_spot_is_found() -> None:
    values = np.random.default_rng(0).normal(0.2, 0.02, len(CELLS))
    planted = np.isin(CELLS, near_cells(CENTER, steps=1)[1])
    values[planted] += 0.1
    found = getis_ord(values, neighbor_weights(CELLS, own=True))
    assert found.found[planted].all()
    assert (found.z[found.found] > 0).all()


def test_benjamini_hochberg_equals_scipys() -> None:
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(1).beta(0.4, 3, 300)
    assert (hold_down(p, false_discovery=0.1) == (false_discovery_control(p) <= 0.1)).all()


def test_floating_catchment_and_hansen_equal_pysals_access() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from access.fca import two_stage_fca, weighted_catchment
    rng = np.random.default_rng(2)
    demand, supply = rng.uniform(10, 500, 80), rng.uniform(1, 20, 9)
    cost = rng.uniform(1, 40, (9, 80))
    long = pd.DataFrame(
        {"origin": np.tile(np.arange(80), 9), "dest": np.repeat(np.arange(9), 80), "cost": cost.ravel()}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = two_stage_fca(
            pd.DataFrame({"geoid": np.arange(80), "demand": demand}),
            pd.DataFrame({"supply": supply}, index=pd.Index(np.arange(9), name="geoid")),
            long,
            max_cost=15,
        )
        places = pd.DataFrame({"geoid": np.arange(9), "supply": supply})
        gravity = weighted_catchment(
            places, long, cost_source="dest", cost_dest="origin", loc_value="supply", weight_fn=lambda c: c**-1.5
        )
    ours, _ = floating_catchment(demand, supply, catchment_weights(cost, 15))
    np.testing.assert_allclose(ours, theirs.reindex(range(80)).fillna(0).to_numpy(), rtol=0, atol=1e-9)
    np.testing.assert_allclose(hansen(supply, cost, beta=1.5), gravity.sort_index().to_numpy(), rtol=0, atol=1e-9)
    assert ours @ demand == pytest.approx(supply[(cost <= 15).any(axis=1)].sum(), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_exact_sites_are_the_best_of_all_choices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    demand, places = rng.uniform(1, 10, 14), rng.uniform(0, 10, (14, 2))
    cost = np.linalg.norm(places[:9, None] - places[None], axis=2)
    all_choices = [list(pick) for pick in itertools.combinations(range(9), 3)]
    best = min(demand @ cost[pick].min(axis=0) for pick in all_choices) / demand.sum()
    found = p_median(demand, cost, count=3)
    assert found.proven
    assert found.value == pytest.approx(best, rel=1e-9) == found.bound
    assert p_median(demand, cost, count=3, way="greedy").value >= found.value - 1e-12
    most = max(demand @ (cost[pick] <= 2.5).any(axis=0) for pick in all_choices)
    cover = max_cover(demand, cost, count=3, reach=2.5)
    assert (cover.proven, cover.value) == (True, pytest.approx(most, rel=1e-9))
    assert max_cover(demand, cost, count=3, reach=2.5, way="greedy").value <= cover.value + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_exact_sites_where_bounds_leave_a_gap(seed: int) -> None:
    """Costs without any geometry: the bound alone does not decide, and the program must."""
    rng = np.random.default_rng(seed)
    demand, cost = rng.uniform(1, 10, 40), rng.uniform(1, 10, (12, 40))
    best = min(demand @ cost[list(pick)].min(axis=0) for pick in itertools.combinations(range(12), 4)) / demand.sum()
    found = p_median(demand, cost, count=4)
    assert (found.proven, found.value) == (True, pytest.approx(best, rel=1e-9))
    kept = np.arange(12) == seed
    with_one = min(
        demand @ cost[[seed, *pick]].min(axis=0)
        for pick in itertools.combinations([i for i in range(12) if i != seed], 3)
    )
    assert p_median(demand, cost, count=4, kept=kept).value == pytest.approx(with_one / demand.sum(), rel=1e-9)


def test_sites_that_are_there_stay() -> None:
    at = np.arange(10.0)
    kept = np.arange(10) == 9
    found = p_median(np.ones(10), np.abs(at[:, None] - at[None]), count=2, kept=kept)
    assert 9 in found.candidates
    with pytest.raises(InputError, match="choose at least 1"):
        p_median(np.ones(10), np.abs(at[:, None] - at[None]), count=0, kept=kept)


def test_territories_hang_together_and_are_even() -> None:
    from scipy.sparse.csgraph import connected_components

    rng = np.random.default_rng(4)
    cells = near_cells(CENTER, steps=9)[1]
    from geoscore.spatial.cells import cell_centers

    at = np.column_stack(cell_centers(cells)) * 100
    potential = rng.lognormal(3, 0.7, len(cells))
    weights = neighbor_weights(cells)
    shared = share_out(potential, at, weights, count=7)
    assert shared.unevenness < 0.05
    assert shared.potential.sum() == pytest.approx(potential.sum(), rel=1e-12)
    for k in range(7):
        mine = np.flatnonzero(shared.part == k)
        assert connected_components(weights[mine][:, mine], directed=False)[0] == 1
    again = share_out(potential, at, weights, count=7)
    assert (again.part == shared.part).all()


def test_islands_are_bridged_and_said() -> None:
    at = np.column_stack([np.array([0.0, 1, 10, 11]), np.zeros(4)])
    links = csr_array(np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], dtype=float))
    assert share_out(np.ones(4), at, links, count=1).bridges.tolist() == [[1, 2]]
    with pytest.raises(InputError, match="5 territories of 4 cells"):
        share_out(np.ones(4), at, links, count=5)


def test_fair_shares_add_up_to_all_customers() -> None:
    rng = np.random.default_rng(6)
    customers, households = rng.poisson(5, 30).astype(float), rng.uniform(50, 100, 30)
    told = penetrate(customers, households, households * rng.uniform(0.1, 0.5, 30))
    assert told.fair_share.sum() == pytest.approx(customers.sum(), rel=1e-12)
    assert told.gap.sum() == pytest.approx(0, abs=1e-9)


def test_decay_tells_a_power_from_an_exponential() -> None:
    km = np.linspace(1, 20, 15)
    decay = fit_decay(5000 * 0.3 * km**-1.2, np.full(15, 5000.0), km)
    assert (decay.form, decay.b) == ("power", pytest.approx(-1.2, abs=1e-6))
    with pytest.raises(InputError, match="at least three bands"):
        fit_decay(np.ones(2), np.ones(2), np.ones(2))


def test_twins_say_when_they_are_chance() -> None:
    rng = np.random.default_rng(7)
    features = rng.normal(size=(200, 3))
    sure = find_twins(features, "abc", features[0], errors=np.full((200, 3), 1e-4))
    unsure = find_twins(features, "abc", features[0], errors=np.full((200, 3), 1.0))
    assert (sure.stable, unsure.stable) == (True, False)
    scaled = find_twins(features * [1, 1000, 0.01], "abc", features[0] * [1, 1000, 0.01])
    assert [twin.at for twin in scaled.twins] == [twin.at for twin in sure.twins]


def test_weights_of_others_are_refused() -> None:
    with pytest.raises(InputError, match="not those of the values"):
        getis_ord(np.arange(10.0), random_array((9, 9), density=0.5))
    with pytest.raises(InputError, match="too few"):
        getis_ord(np.arange(3.0), random_array((3, 3), density=0.5))
    with pytest.raises(InputError, match="the same value"):
        local_moran(np.ones(10), random_array((10, 10), density=0.5))
