"""Choice models: reference figures, one optimum from any start, intervals that cover, plain words for bad flows."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoscore.errors import InputError
from geoscore.market.files import read_flows
from geoscore.trade import Flows, fit_huff, prepare_flows
from geoscore.trade.comparison import hold_out, ratio_tests
from geoscore.trade.huff import METHODS
from geoscore.trade.scenario import ChoiceModel, Sites, competition
from geoscore.trade.totals import fit_totals

WIELAND = Path(os.environ.get("GEOSCORE_HUFF_REFERENCE", Path(__file__).parent.parent / "out" / "Wieland2015.xlsx"))
"""Written by benchmarks/accuracy/huff.py, which fetches it; these tests are skipped without it."""
TRUTH = np.array([-1.6, 1.0, 0.4])


def made_up(seed: int, *, origins: int = 60, sites: int = 6, scatter: float | None = 30.0) -> dict[str, Any]:
    """Return flows of people who choose by TRUTH; places differ in taste, the more the smaller ``scatter``."""
    rng = np.random.default_rng(seed)
    offers = rng.lognormal(0, 0.7, (sites, 2))
    home, shop = rng.uniform(0, 30, (origins, 2)), rng.uniform(0, 30, (sites, 2))
    cost = np.linalg.norm(home[:, None] - shop[None], axis=2) + 2
    height = TRUTH[0] * np.log(cost) + np.log(offers) @ TRUTH[1:]
    shares = np.exp(height - height.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    many = np.maximum(rng.lognormal(5, 0.6, origins).astype(int), 10)
    if scatter is None:
        flow = many[:, None] * shares
    else:
        tastes = [rng.dirichlet(np.maximum(p * scatter, 1e-9)) for p in shares]
        flow = np.array([rng.multinomial(n, taste) for n, taste in zip(many, tastes, strict=True)])
    return {
        "origin": np.repeat(np.arange(origins), sites),
        "site": np.tile(np.arange(sites), origins),
        "flow": flow.ravel().astype(float),
        "cost": cost.ravel(),
        "attributes": {"area": np.tile(offers[:, 0], origins), "range": np.tile(offers[:, 1], origins)},
    }


@pytest.mark.parametrize("method", METHODS)
def test_flows_without_noise_give_the_truth_back(method: Any) -> None:
    fit = fit_huff(prepare_flows(**made_up(1, scatter=None)), method=method)
    np.testing.assert_allclose(fit.values, TRUTH, atol=1e-6)
    assert fit.converged
    assert fit.r2_shares == pytest.approx(1)


def test_the_same_optimum_from_twenty_random_starts() -> None:
    flows = prepare_flows(**made_up(2))
    best = fit_huff(flows)
    rng = np.random.default_rng(0)
    for _ in range(20):
        again = fit_huff(flows, start=rng.normal(0, 15, 3))
        assert again.converged
        np.testing.assert_allclose(again.values, best.values, atol=1e-6)


@pytest.mark.slow
def test_true_parameters_lie_in_ninety_percent_of_the_intervals() -> None:
    inside, naive = [], []
    for seed in range(600):
        fit = fit_huff(prepare_flows(**made_up(seed, origins=60)))
        ends = np.array(list(fit.intervals().values()))
        inside.append((ends[:, 0] <= TRUTH) & (ends[:, 1] >= TRUTH))
        naive.append(np.abs(fit.values - TRUTH) <= 1.645 * fit.model_errors)
    assert 0.87 <= np.mean(inside) <= 0.93
    assert np.mean(naive) < 0.6  # errors that take every unit of flow for a choice of its own are far too small


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 100), st.floats(0.01, 1000), st.integers(0, 50))
def test_units_of_attributes_and_flows_change_nothing(of_area: float, of_flow: float, seed: int) -> None:
    data = made_up(seed, origins=20, sites=4)
    other = {**data, "flow": data["flow"] * of_flow}
    other["attributes"] = {**data["attributes"], "area": data["attributes"]["area"] * of_area}
    one, two = (fit_huff(prepare_flows(**each)) for each in (data, other))
    np.testing.assert_allclose(one.values, two.values, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one.sureness.errors, two.sureness.errors, rtol=1e-4)


def test_rows_in_any_order_give_the_same_figures() -> None:
    data = made_up(3)
    order = np.random.default_rng(0).permutation(len(data["flow"]))
    mixed = {key: value[order] for key, value in data.items() if key != "attributes"}
    mixed["attributes"] = {key: value[order] for key, value in data["attributes"].items()}
    one, two = fit_huff(prepare_flows(**data)), fit_huff(prepare_flows(**mixed))
    assert one.values.tolist() == two.values.tolist()
    assert one.log_likelihood == two.log_likelihood


def test_shares_times_totals_are_flows() -> None:
    data = made_up(4)
    total = np.repeat(data["flow"].reshape(60, 6).sum(axis=1), 6)
    shares = prepare_flows(**{**data, "flow": data["flow"] / total}, total=total)
    np.testing.assert_allclose(fit_huff(shares).values, fit_huff(prepare_flows(**data)).values, atol=1e-9)
    summed = prepare_flows(**{**data, "flow": data["flow"] / total}, total=data["flow"])
    np.testing.assert_allclose(summed.totals, shares.totals, rtol=1e-9)


def test_shares_without_totals_are_told() -> None:
    data = {"origin": list("aabbcc"), "site": list("xyxyxy"), "cost": np.array([1.0, 2, 2, 1, 1, 3]), "attributes": {}}
    share = np.array([0.7, 0.3, 0.4, 0.6, 0.8, 0.2])
    assert any("flows are shares" in note and "--total" in note for note in prepare_flows(flow=share, **data).notes)
    for told in (prepare_flows(flow=100 * share, **data), prepare_flows(flow=share, total=np.full(6, 9.0), **data)):
        assert not any("flows are shares" in note for note in told.notes)


def test_one_cost_of_nothing_is_named() -> None:
    cost = np.array([1.0, 2, 2, 0, 1, 3])
    data = {"origin": list("aabbcc"), "site": list("xyxyxy"), "flow": np.ones(6), "attributes": {}}
    with pytest.raises(InputError, match="cost is zero or negative for b to y, and its logarithm"):
        prepare_flows(cost=cost, **data)
    with pytest.raises(InputError, match="in 2 rows, the first b to y"):
        prepare_flows(cost=np.where(cost == 3, 0, cost), **data)


def test_zeros_are_used_by_likelihood_and_left_out_by_mci_with_a_word() -> None:
    flows = prepare_flows(**made_up(5, scatter=5))
    assert (flows.flow == 0).any()
    assert fit_huff(flows).notes == ()
    assert "flows of zero have no logarithm" in fit_huff(flows, method="mci").notes[0]
    assert "1 was added" in fit_huff(flows, method="mci", add=1).notes[0]


def test_a_column_that_says_nothing_has_a_high_p_value() -> None:
    data = made_up(6)
    data["attributes"]["noise"] = np.tile(np.random.default_rng(1).lognormal(size=6), 60)
    tests = {test.name: test for test in ratio_tests(fit_huff(prepare_flows(**data)))}
    assert tests["cost"].p_dispersed < 1e-6
    assert tests["noise"].p_dispersed > 0.05
    assert tests["cost"].dispersion > 1


def test_origins_held_out_are_foretold() -> None:
    flows = prepare_flows(**made_up(7))
    held = hold_out(flows)
    assert 0.5 < held.r2_shares <= fit_huff(flows, method="least-squares").r2_shares
    assert held == hold_out(flows)
    with pytest.raises(InputError, match="give 2 to 60"):
        hold_out(flows, folds=61)


def test_exponential_decay_and_linear_attributes() -> None:
    data = made_up(8, scatter=None)
    flow = np.exp(-0.2 * data["cost"] + 0.5 * data["attributes"]["area"])
    fit = fit_huff(
        prepare_flows(**{**data, "flow": flow, "attributes": {"area": data["attributes"]["area"]}}, decay="exponential",
                      linear=["area"])
    )  # fmt: skip
    np.testing.assert_allclose(fit.values, [-0.2, 0.5], atol=1e-6)
    assert fit.flows.plain == ("cost", "area")


def _spoiled(change: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    data = made_up(9, origins=20, sites=4)
    data["attributes"] = {**data["attributes"], **attributes}
    return {**data, **change}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (_spoiled({"cost": np.zeros(80)}), "cost is zero or negative in 80 rows, the first 0 to 0, and its"),
        (_spoiled({}, parking=np.tile([0.0, 5, 9, 2], 20)), "parking is zero or negative in 20 rows.*--linear parking"),
        (_spoiled({}, same=np.full(80, 3.0)), "same is the same for all sites of every origin"),
        (_spoiled({}, income=np.repeat(np.arange(1.0, 21), 4)), "income is the same for all sites"),
        (_spoiled({}, double=made_up(9, origins=20, sites=4)["attributes"]["area"] * 2), "area, double cannot be told"),
        (_spoiled({"flow": np.zeros(80)}), "no origin has a flow"),
        (_spoiled({"flow": np.full(80, np.nan)}), "no row of the flows can be used: 80 flow missing"),
        (_spoiled({"origin": np.arange(80)}), "no origin has a flow and two sites"),
        (_spoiled({"cost_name": "area"}), "not all different"),
        (_spoiled({"linear": ["aera"]}), "'aera' is to enter linearly"),
    ],
)
def test_bad_flows_are_told_in_one_line(data: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare_flows(**data)


def test_fewer_origins_than_parameters_and_too_many_attributes_of_few_sites() -> None:
    with pytest.raises(InputError, match="2 origins cannot tell 3 coefficients"):
        prepare_flows(**made_up(10, origins=2))
    data = made_up(10, sites=2)
    with pytest.raises(InputError, match="2 sites bear at most 1 attributes"):
        prepare_flows(**data)


def test_rows_that_are_not_used_are_counted_by_reason() -> None:
    data = made_up(11)
    data["flow"][:2] = np.nan
    data["cost"][2] = np.nan
    data["flow"][3] = -1
    flows = prepare_flows(**data)
    assert flows.rejected == {"flow missing": 2, "cost missing": 1, "flow negative": 1}
    assert len(flows.flow) == 360 - 4


def test_pairs_that_stand_twice() -> None:
    data = made_up(12)
    twice = {key: np.concatenate([value, value[:1]]) for key, value in data.items() if key != "attributes"}
    twice["attributes"] = {key: np.concatenate([value, value[:1]]) for key, value in data["attributes"].items()}
    flows = prepare_flows(**twice)
    assert flows.flow[0] == 2 * data["flow"][0]
    assert "stands twice" in flows.notes[0]
    twice["cost"][-1] += 1
    with pytest.raises(InputError, match="stand in several rows with different cost"):
        prepare_flows(**twice)


def test_a_fit_without_optimum_says_so() -> None:
    flow = np.tile([1.0, 0.0], 6)
    flows = prepare_flows(origin=np.repeat(np.arange(6), 2), site=np.tile([0, 1], 6), flow=flow,
                          cost=np.tile([1.0, 2.0], 6), attributes={})  # fmt: skip
    fit = fit_huff(flows)
    assert not fit.converged
    assert "no optimum" in fit.notes[-1]


MODEL = ChoiceModel(("cost", "area"), np.array([-2.0, 1.0]), np.diag([0.01, 0.01]), (False, False))


def test_competing_destinations_and_costs_of_nothing(tmp_path: Path) -> None:
    data = made_up(13, scatter=None)
    lon = np.tile(np.array([0.0, 0.01, 0.02, 0.5, 1.0, 1.5]), 60)
    near = np.tile(competition(lon[:6], np.zeros(6)), 60)
    flow = data["cost"] ** -1.5 * near**-0.3
    lines = ["o,s,f,c,x,y", *(
        f"{o},{s},{f:.17g},{c:.17g},{x},0"
        for o, s, f, c, x in zip(data["origin"], data["site"], flow, data["cost"], lon, strict=True)
    )]  # fmt: skip
    (tmp_path / "f.csv").write_text("\n".join(lines))
    columns: dict[str, Any] = {"origin": "o", "site": "s", "flow": "f", "cost": "c", "attributes": []}
    fit = fit_huff(read_flows(tmp_path / "f.csv", **columns, site_point=("x", "y"))[0])
    assert fit.coefficients == pytest.approx({"c": -1.5, "competition": -0.3}, abs=1e-5)
    data["cost"][0] = 0.0
    assert "1 costs below 2 were taken for it" in prepare_flows(**data, least_cost=2).notes
    with pytest.raises(InputError, match="--least-cost"):
        prepare_flows(**data)


def test_demand_is_conserved_and_a_closed_site_is_shared_out_in_proportion() -> None:
    rng = np.random.default_rng(0)
    cost, area = rng.uniform(1, 30, (50, 4)), {"area": rng.uniform(1, 9, 4)}
    shares = MODEL.shares(cost, area)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-12)
    scaled = MODEL.shares(cost, {"area": area["area"] * 1000})
    np.testing.assert_allclose(scaled, shares, atol=1e-12)
    without = MODEL.shares(cost[:, :3], {"area": area["area"][:3]})
    np.testing.assert_allclose(without, shares[:, :3] / shares[:, :3].sum(axis=1, keepdims=True), atol=1e-12)
    cost[0] = np.inf
    assert MODEL.shares(cost, area)[0].tolist() == [0, 0, 0, 0]


def test_sites_open_close_and_grow() -> None:
    sites = Sites(("a", "b"), np.array([0.0, 1]), np.zeros(2), {"area": np.array([2.0, 4])})
    assert sites.close("a").names == ("b",)
    assert sites.resize("b", "area", 8).attributes["area"].tolist() == [2, 8]
    assert sites.open("c", (2, 0), {}).attributes["area"].tolist() == [2, 4, 3]
    for act, message in (
        (lambda: sites.close("A"), "no site 'A'; did you mean 'a'"),
        (lambda: sites.resize("a", "aera", 1), "did you mean 'area'"),
        (lambda: sites.resize("a", "area", 0), "close the site instead"),
        (lambda: sites.open("a", (0, 0), {}), "already"),
        (lambda: competition(np.zeros(2), np.zeros(2)), "two sites stand at one point"),
    ):
        with pytest.raises(InputError, match=message):
            act()


def test_totals_of_sites_alone_give_the_truth_back() -> None:
    data = made_up(14, sites=25, scatter=None)
    data["attributes"].pop("range")
    height = -1.6 * np.log(data["cost"]) + np.log(data["attributes"]["area"])
    shares = np.exp(height).reshape(60, 25)
    many = np.repeat(np.random.default_rng(1).uniform(50, 500, 60), 25)
    flow = many * (shares / shares.sum(axis=1, keepdims=True)).ravel()
    taken = dict(zip(map(str, range(25)), flow.reshape(60, 25).sum(axis=0), strict=True))
    fit = fit_totals(prepare_flows(**{**data, "flow": many}), taken)
    assert fit.coefficients == pytest.approx({"cost": -1.6, "area": 1.0}, abs=1e-3)
    assert fit.converged
    assert fit.r2_shares == pytest.approx(1)
    with pytest.raises(InputError, match="site 0 has no total"):
        fit_totals(prepare_flows(**{**data, "flow": many}), {})
    with pytest.raises(InputError, match="differs between its rows"):
        fit_totals(prepare_flows(**data), taken)
    few = made_up(15, sites=3, scatter=None)
    few["attributes"] = {"area": few["attributes"]["area"], "way": few["cost"] + few["flow"]}
    with pytest.raises(InputError, match="totals of 3 sites cannot tell 3"):
        fit_totals(prepare_flows(**{**few, "flow": np.ones(180)}), dict.fromkeys("012", 1.0))


def _wieland(flow: str, **more: Any) -> Flows:
    if not WIELAND.exists():
        pytest.skip("python benchmarks/accuracy/huff.py fetches the reference flows")
    return read_flows(
        WIELAND, origin="Quellort", site="Zielort", flow=flow, cost="Dist_Min2", attributes=["VF", "K", "K_KKr"], **more
    )[0]


def test_the_reference_figures() -> None:
    mci = fit_huff(_wieland("MA_Anb1"), method="mci").coefficients
    expected = {"VF": 0.9513, "Dist_Min2": -1.6324, "K": 0.3357, "K_KKr": 0.1012}
    assert mci == pytest.approx(expected, abs=5e-4)
    expected = {"VF": 1.1815, "Dist_Min2": -1.6794, "K": 0.4659, "K_KKr": 0.1327}
    assert fit_huff(_wieland("Anb_Eink1")).coefficients == pytest.approx(expected, abs=5e-4)
    assert fit_huff(_wieland("MA_Anb1", total="Sum_Ek1")).coefficients == pytest.approx(expected, abs=5e-4)
    given_ = fit_huff(_wieland("MA_Anb1"), method="least-squares", as_given=True)
    assert given_.r2_shares == pytest.approx(0.492, abs=5e-4)
    assert fit_huff(_wieland("MA_Anb1"), method="least-squares").r2_shares > 0.74
