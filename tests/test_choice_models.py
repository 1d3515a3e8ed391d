"""Choice models by a second road to every figure: general optimizers, written-out regressions, matrices in full."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.optimize import minimize
from scipy.stats import t
from test_trade_huff import TRUTH, made_up

from geoscore.errors import InputError
from geoscore.trade import Flows, fit_huff, prepare_flows
from geoscore.trade.flows import check_told
from geoscore.trade.huff import equal_likelihood, explained, log_likelihood, predict_shares
from geoscore.trade.inference import Sureness, clustered
from geoscore.trade.scenario import (
    ChoiceModel,
    Sites,
    competition,
    share_intervals,
    spread_of_sums,
)
from geoscore.trade.totals import fit_totals

HAND: dict[str, Any] = {
    "origin": list("aabbcc"),
    "site": list("xyxyxy"),
    "flow": np.array([30.0, 10.0, 5.0, 15.0, 8.0, 8.0]),
    "cost": np.array([1.0, 2.0, 4.0, 2.0, 3.0, 1.5]),
    "attributes": {},
}


def log_shares(flows: Flows, values: np.ndarray) -> np.ndarray:
    """Return logarithms of shares, origin by origin."""
    height = flows.design @ values
    found = np.empty(len(height))
    for o in range(len(flows.origins)):
        here = flows.origin == o
        found[here] = height[here] - np.log(np.exp(height[here]).sum())
    return found


def test_shares_and_likelihoods_origin_by_origin() -> None:
    flows = prepare_flows(**made_up(21, origins=15))
    values = np.array([-0.7, 0.3, 0.2])
    np.testing.assert_allclose(predict_shares(flows, values), np.exp(log_shares(flows, values)), rtol=1e-12)
    assert log_likelihood(flows, values) == pytest.approx(float(flows.flow @ log_shares(flows, values)))
    counts = np.bincount(flows.origin)
    assert equal_likelihood(flows) == pytest.approx(float(-(flows.totals * np.log(counts)).sum()))
    far = np.array([-900.0, 300.0, 500.0])
    assert np.isfinite(predict_shares(flows, far)).all()


def test_the_optimum_is_that_of_a_general_optimizer() -> None:
    flows = prepare_flows(**made_up(22))
    fit = fit_huff(flows)
    found = minimize(lambda b: -float(flows.flow @ log_shares(flows, b)) / 1e3, np.zeros(3), method="BFGS")
    np.testing.assert_allclose(fit.values, found.x, atol=1e-4)
    assert fit.log_likelihood >= -1e3 * found.fun - 1e-6
    assert (fit.method, fit.converged) == ("mle", True)
    assert 2 <= fit.rounds <= 12
    assert fit.coefficients == dict(zip(("cost", "area", "range"), fit.values.tolist(), strict=True))
    assert fit.pseudo_r2 == pytest.approx(1 - fit.log_likelihood / equal_likelihood(flows))
    assert fit.r2_shares == pytest.approx(explained(flows.shares, fit.shares))


def hessian_of(flows: Flows, values: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Return the negative Hessian of the log-likelihood by differences of it."""
    k = len(values)
    found = np.empty((k, k))
    for i in range(k):
        for j in range(k):
            e, f = step * np.eye(k)[i], step * np.eye(k)[j]
            found[i, j] = (
                log_likelihood(flows, values + e - f)
                + log_likelihood(flows, values - e + f)
                - log_likelihood(flows, values + e + f)
                - log_likelihood(flows, values - e - f)
            ) / (4 * step**2)
    return found


def test_errors_if_every_unit_chose_by_itself_are_those_of_the_curvature() -> None:
    flows = prepare_flows(**made_up(23, origins=25))
    fit = fit_huff(flows)
    expected = np.sqrt(np.diag(np.linalg.inv(hessian_of(flows, fit.values))))
    np.testing.assert_allclose(fit.model_errors, expected, rtol=1e-3)


def cr2(scores: np.ndarray, information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return covariance and degrees of freedom by Bell and McCaffrey, all matrices in full."""
    o, k = scores.shape
    root = np.real(sqrtm(np.linalg.inv(information.sum(axis=0))))
    leverage = [root @ each @ root for each in information]
    blown = [np.real(np.linalg.inv(sqrtm(np.eye(k) - each))) for each in leverage]
    said = np.array([blown[g] @ root @ scores[g] for g in range(o)])
    covariance = root @ (said.T @ said) @ root
    degrees = []
    for i in range(k):
        towards = [blown[g] @ root[i] for g in range(o)]
        pushed = [leverage[g] @ towards[g] for g in range(o)]
        full = np.array([[-pushed[g] @ pushed[h] for h in range(o)] for g in range(o)])
        full += np.diag([towards[g] @ pushed[g] for g in range(o)])
        eigenvalues = np.linalg.eigvalsh(full)
        degrees.append(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())
    return covariance, np.array(degrees)


def test_the_sandwich_with_all_its_matrices_written_out() -> None:
    rng = np.random.default_rng(24)
    half = rng.normal(size=(12, 3, 4))
    information = half @ half.transpose(0, 2, 1)
    scores = rng.normal(size=(12, 3))
    scores -= scores.mean(axis=0)
    covariance, degrees = cr2(scores, information)
    found = clustered(scores, information)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-8)
    np.testing.assert_allclose(found.degrees, degrees, rtol=1e-8)
    np.testing.assert_allclose(found.errors, np.sqrt(np.diag(covariance)), rtol=1e-8)


def test_intervals_and_p_values_are_those_of_students_t() -> None:
    sure = Sureness(np.diag([0.04, 0.25, 0.0]), np.array([5.0, 9.0, 3.0]))
    values = np.array([1.0, -0.5, 0.0])
    reach = t.ppf(0.95, [5, 9, 3]) * np.array([0.2, 0.5, 0.0])
    np.testing.assert_allclose(sure.intervals(values), np.column_stack([values - reach, values + reach]))
    wide = t.ppf(0.975, [5, 9, 3]) * np.array([0.2, 0.5, 0.0])
    np.testing.assert_allclose(sure.intervals(values, level=0.95)[:, 1], values + wide)
    np.testing.assert_allclose(sure.p_values(values)[:2], 2 * t.sf([5.0, 1.0], [5, 9]))
    assert Sureness(np.array([[-1e-18]]), np.array([2.0])).errors.tolist() == [0.0]


def test_intervals_of_a_fit_bear_its_names() -> None:
    fit = fit_huff(prepare_flows(**made_up(25)))
    ends = fit.sureness.intervals(fit.values)
    assert fit.intervals() == {
        name: pytest.approx(tuple(pair)) for name, pair in zip(("cost", "area", "range"), ends, strict=True)
    }
    assert fit.intervals(level=0.5)["cost"][0] > fit.intervals()["cost"][0]
    assert fit.standard_errors == dict(zip(fit.flows.names, fit.sureness.errors.tolist(), strict=True))


def test_residuals_pair_by_pair() -> None:
    fit = fit_huff(prepare_flows(**HAND))
    rows = fit.residuals()
    assert [(row["origin"], row["site"]) for row in rows] == list(zip("aabbcc", "xyxyxy", strict=True))
    assert [row["flow"] for row in rows] == HAND["flow"].tolist()
    totals = np.repeat([40.0, 20.0, 16.0], 2)
    for row, total, share in zip(rows, totals, fit.shares, strict=True):
        assert row["share"] == pytest.approx(row["flow"] / total)
        assert row["fitted_share"] == pytest.approx(share)
        assert row["residual_share"] == pytest.approx(row["flow"] / total - share)
        assert row["fitted_flow"] == pytest.approx(share * total)


def test_a_fit_becomes_a_model_that_foretells_the_same_shares() -> None:
    parking = np.tile([0.0, 1.0, 1.0, 0.0], 20)
    data = made_up(30, origins=20, sites=4)
    data["attributes"] = {"area": data["attributes"]["area"], "parking": parking}
    fit = fit_huff(prepare_flows(**data))
    model = fit.to_model(least_cost=0.5)
    assert (model.names, model.plain, model.least_cost) == (("cost", "area", "parking"), (False, False, True), 0.5)
    np.testing.assert_allclose(model.covariance, fit.sureness.covariance)
    offers = {"area": data["attributes"]["area"][:4], "parking": parking[:4]}
    order = np.argsort([str(i) for i in range(20)])
    foretold = model.shares(data["cost"].reshape(20, 4)[order], offers)
    np.testing.assert_allclose(foretold.ravel(), fit.shares)
    assert fit.to_model().least_cost == 1.0


def test_mci_is_a_regression_on_origins_and_logarithms() -> None:
    flows = prepare_flows(**made_up(26, origins=20, scatter=200))
    fit = fit_huff(flows, method="mci", add=1.0)
    y = np.log(flows.flow + 1.0)
    dummies = (flows.origin[:, None] == np.arange(20)).astype(float)
    x = np.hstack([flows.design, dummies])
    found, rest, *_ = np.linalg.lstsq(x, y, rcond=None)
    np.testing.assert_allclose(fit.values, found[:3], rtol=1e-8)
    variance = rest.item() / (len(y) - 20 - 3)
    np.testing.assert_allclose(fit.model_errors, np.sqrt(variance * np.diag(np.linalg.inv(x.T @ x)))[:3], rtol=1e-8)
    assert (fit.method, fit.converged, fit.rounds) == ("mci", True, 1)
    assert fit.log_likelihood == pytest.approx(log_likelihood(flows, fit.values))
    assert fit.notes == ("1 was added to every flow before taking logarithms",)
    # the sandwich is that of the centered regression
    z = flows.design - np.array([flows.design[flows.origin == o].mean(axis=0) for o in flows.origin])
    error = y - x @ found
    scores = np.array([(z * error[:, None])[flows.origin == o].sum(axis=0) for o in range(20)])
    inside = np.array([z[flows.origin == o].T @ z[flows.origin == o] for o in range(20)])
    np.testing.assert_allclose(fit.sureness.covariance, cr2(scores, inside)[0], rtol=1e-6)


def test_mci_leaves_out_zeros_and_origins_with_one_flow_left() -> None:
    data = made_up(27, origins=12, sites=4, scatter=None)
    flow = data["flow"].reshape(12, 4).copy()
    flow[0, 0] = 0.0
    flow[1, 1:] = 0.0
    fit = fit_huff(prepare_flows(**{**data, "flow": flow.ravel()}), method="mci")
    np.testing.assert_allclose(fit.values, TRUTH, atol=1e-8)
    assert fit.notes[0].startswith("4 flows of zero have no logarithm and were left out of the regression, which makes")
    assert len(fit.shares) == 48
    flow[:, 1:] = 0.0
    with pytest.raises(InputError, match=r"^no origin has two flows above zero, and MCI needs their logarithms; take"):
        fit_huff(prepare_flows(**{**data, "flow": flow.ravel()}), method="mci")


@pytest.mark.parametrize("add", [-1.0, np.inf, np.nan])
def test_what_cannot_be_added_to_flows(add: float) -> None:
    with pytest.raises(InputError, match="cannot be added to flows; give a number above zero, such as 1"):
        fit_huff(prepare_flows(**HAND), method="mci", add=add)


def test_least_squares_reach_the_lowest_sum_and_its_derivatives() -> None:
    flows = prepare_flows(**made_up(28, origins=20, sites=4))
    fit = fit_huff(flows, method="least-squares")

    def loss(b: np.ndarray) -> float:
        return float(((np.exp(log_shares(flows, b)) - flows.shares) ** 2).sum())

    found = minimize(loss, fit.values + 0.05, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14})
    np.testing.assert_allclose(fit.values, found.x, atol=1e-5)
    slopes = np.empty((len(flows.flow), 3))
    for i in range(3):
        step = 1e-6 * np.eye(3)[i]
        slopes[:, i] = (predict_shares(flows, fit.values + step) - predict_shares(flows, fit.values - step)) / 2e-6
    free = len(flows.flow) - 3
    expected = np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes)) * loss(fit.values) / free)
    np.testing.assert_allclose(fit.model_errors, expected, rtol=1e-5)
    error = fit.shares - flows.shares
    scores = np.array([(-slopes * error[:, None])[flows.origin == o].sum(axis=0) for o in range(20)])
    inside = np.array([slopes[flows.origin == o].T @ slopes[flows.origin == o] for o in range(20)])
    np.testing.assert_allclose(fit.sureness.covariance, cr2(scores, inside)[0], rtol=1e-4)
    assert fit.target is None
    assert fit.method == "least-squares"


def test_shares_as_given_are_met_where_they_do_not_sum_to_one() -> None:
    data = made_up(29, origins=20, sites=4, scatter=None)
    total = data["flow"].reshape(20, 4).sum(axis=1)
    part = data["flow"] / np.repeat(total, 4)
    fit = fit_huff(prepare_flows(**{**data, "flow": 0.8 * part}), method="least-squares", as_given=True)
    assert fit.notes[-1] == "the shares as given do not sum to 1 by origin; fitted ones always do"
    assert fit.r2_shares == pytest.approx(explained(0.8 * fit.flows.shares, fit.shares))
    assert fit.target.tolist() == fit.flows.given.tolist()
    whole = fit_huff(prepare_flows(**{**data, "flow": part}), method="least-squares", as_given=True)
    assert not any("as given" in note for note in whole.notes)
    np.testing.assert_allclose(whole.values, TRUTH, atol=1e-5)


def test_starts_and_methods_that_are_none() -> None:
    flows = prepare_flows(**HAND)
    with pytest.raises(InputError, match=r"^method 'ols'; choose one of mle, mci, least-squares$"):
        fit_huff(flows, method="ols")  # type: ignore[arg-type]
    for start in (np.zeros(2), np.array([np.nan])):
        with pytest.raises(InputError, match=r"^a start has one number for each of cost$"):
            fit_huff(flows, start=start)
    near = fit_huff(flows, method="least-squares", start=np.array([-1.0]))
    np.testing.assert_allclose(near.values, fit_huff(flows, method="least-squares").values, atol=1e-6)


def test_what_is_explained() -> None:
    assert explained(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0])) == pytest.approx(0.5)
    assert np.isnan(explained(np.ones(3), np.zeros(3)))


# --- flows ------------------------------------------------------------------------------------------------------


def test_flows_are_sorted_numbered_and_logarithmed() -> None:
    flows = prepare_flows(**{**HAND, "attributes": {"size": np.array([2.0, 3, 2, 3, 2, 3])}})
    assert flows.starts.tolist() == [0, 2, 4]
    assert flows.totals.tolist() == [40.0, 20.0, 16.0]
    np.testing.assert_allclose(flows.design, np.log(np.column_stack([HAND["cost"], [2, 3, 2, 3, 2, 3]])))
    assert flows.without("cost").names == ("size",)
    np.testing.assert_allclose(flows.without("cost").design[:, 0], np.log([2, 3, 2, 3, 2, 3]))
    some = flows.take_origins(np.array([True, False, True]))
    assert some.origins.tolist() == ["a", "c"]
    assert some.origin.tolist() == [0, 0, 1, 1]
    assert some.flow.tolist() == [30.0, 10.0, 8.0, 8.0]
    assert some.given.tolist() == some.flow.tolist()
    assert some.site.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(some.design, flows.design[[0, 1, 4, 5]])


def test_rows_without_names_totals_or_sense_are_counted() -> None:
    more = {
        "origin": [*HAND["origin"], None, "a", "b", "d", "e", "e"],
        "site": [*HAND["site"], "x", None, "z", "x", "x", "y"],
        "flow": np.array([*HAND["flow"], 1.0, 1.0, 1.0, 4.0, 0.0, 0.0]),
        "cost": np.array([*HAND["cost"], 1.0, 1.0, 1.0, 1.0, 1.0, 2.0]),
        "attributes": {},
        "total": np.array([40.0, 40, 20, 20, 16, 16, 9, 9, np.nan, 9, 9, 9]),
    }
    flows = prepare_flows(**more)
    assert flows.rejected == {
        "origin or site missing": 2,
        "total missing or negative": 1,
        "of an origin without any flow": 2,
        "of an origin with one site alone: no choice": 1,
    }
    assert "2 origins say nothing (no flow, or one site alone) and were left out" in flows.notes
    np.testing.assert_allclose(flows.totals, [40.0, 20.0, 16.0])
    negative = {**HAND, "total": np.array([40.0, 40, 20, 20, -1, -1])}
    assert prepare_flows(**negative).rejected == {"total missing or negative": 2}


def test_totals_scale_shares_and_flows() -> None:
    share = np.array([0.75, 0.25, 0.25, 0.75, 0.4, 0.4])
    total = np.array([40.0, 40, 20, 20, 10, 10])
    np.testing.assert_allclose(prepare_flows(**{**HAND, "flow": share}, total=total).flow, share * total)
    scaled = prepare_flows(**{**HAND, "flow": 10 * share}, total=total)
    np.testing.assert_allclose(scaled.totals, [40.0, 20.0, 10.0])
    np.testing.assert_allclose(scaled.given, 10 * share)
    parts = prepare_flows(**{**HAND, "flow": share}, total=np.array([30.0, 10, 5, 15, 5, 5]))
    np.testing.assert_allclose(parts.totals, [40.0, 20.0, 10.0])
    twice = {**HAND, "origin": list("aabbcb"), "site": list("xyxyxy")}
    twice["cost"] = np.array([1.0, 2.0, 4.0, 2.0, 3.0, 2.0])
    with pytest.raises(InputError, match=r"^a pair stands twice, and the totals cannot be told apart; give each pair"):
        prepare_flows(**twice, total=np.full(6, 9.0))


def test_least_costs_and_what_is_wrong_with_them() -> None:
    flows = prepare_flows(**HAND, least_cost=2.0)
    np.testing.assert_allclose(flows.design[:, 0], np.log([2.0, 2.0, 4.0, 2.0, 3.0, 2.0]))
    assert flows.notes == ("2 costs below 2 were taken for it",)
    for wrong in (0.0, -1.0, np.nan):
        with pytest.raises(InputError, match=r"a least cost of .*; give a number above 0"):
            prepare_flows(**HAND, least_cost=wrong)


def test_columns_of_zeros_and_ones_enter_as_they_are() -> None:
    parking = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    flows = prepare_flows(**{**HAND, "attributes": {"parking": parking}})
    assert flows.plain == ("parking",)
    assert flows.notes == ("parking holds zeros and ones alone, and enters as exp(b x): a power of zero says nothing",)
    np.testing.assert_allclose(flows.design[:, 1], parking)
    far = prepare_flows(**{**HAND, "attributes": {"parking": parking}}, decay="exponential")
    assert far.plain == ("cost", "parking")
    np.testing.assert_allclose(far.design[:, 0], HAND["cost"])


def test_pairs_that_stand_twice_are_added_up_even_between_others() -> None:
    data = {
        "origin": list("abababab"), "site": list("xxyyxxyy"), "flow": np.arange(1.0, 9), "attributes": {},
        "cost": np.array([1.0, 2, 3, 4, 1, 2, 3, 4]),
    }  # fmt: skip
    flows = prepare_flows(**data)
    assert flows.flow.tolist() == [1.0 + 5, 3.0 + 7, 2.0 + 6, 4.0 + 8]
    assert flows.notes[0] == "4 rows of pairs that stand twice were added to the first"
    np.testing.assert_allclose(flows.design[:, 0], np.log([1, 3, 2, 4]))
    data["cost"][4] = 1.5
    with pytest.raises(InputError, match=r"^origin a and site x stand in several rows with different cost or attrib"):
        prepare_flows(**data)


def test_what_flows_cannot_tell_is_refused_before_fitting() -> None:
    flows = prepare_flows(**HAND)
    same = replace(flows, design=np.zeros((6, 1)))
    with pytest.raises(InputError, match=r"^cost is the same for all sites of every origin, and so says nothing"):
        check_told(same)
    almost = replace(flows, design=1e6 + 1e-4 * flows.design)
    with pytest.raises(InputError, match="cost is the same"):
        check_told(almost)
    check_told(replace(flows, design=flows.design * 1e-3))
    tied = np.column_stack([flows.design[:, 0], 2 * flows.design[:, 0] + 5])
    with pytest.raises(InputError, match=r"^cost, twice cannot be told apart: one follows from the others \(2 sites"):
        check_told(replace(flows, design=tied, names=("cost", "twice")))


# --- scenarios --------------------------------------------------------------------------------------------------

MODEL = ChoiceModel(
    ("cost", "area", "parking"), np.array([-2.0, 1.0, 0.5]), np.diag([0.01, 0.02, 0.0]), (False, False, True)
)
OFFERS = {"area": np.array([2.0, 5.0, 9.0]), "parking": np.array([1.0, 0.0, 2.0])}
COST = np.array([[1.0, 4.0, 9.0], [0.5, 2.0, np.inf], [3.0, 3.0, 3.0]])


def test_attraction_is_a_product_of_powers() -> None:
    near = np.maximum(COST, 1.0)
    attraction = near**-2.0 * OFFERS["area"] * np.exp(0.5 * OFFERS["parking"])
    attraction[1, 2] = 0.0
    np.testing.assert_allclose(np.exp(MODEL.heights(COST, OFFERS)), attraction)
    np.testing.assert_allclose(MODEL.shares(COST, OFFERS), attraction / attraction.sum(axis=1, keepdims=True))
    other = np.array([-1.0, 0.0, 0.0])
    weaker = np.where(np.isfinite(COST), 1 / near, 0.0)
    np.testing.assert_allclose(MODEL.shares(COST, OFFERS, other), weaker / weaker.sum(axis=1, keepdims=True))
    far = replace(MODEL, plain=(True, False, True), least_cost=2.0)
    expected = -2.0 * np.maximum(COST[0], 2.0) + np.log(OFFERS["area"]) + 0.5 * OFFERS["parking"]
    np.testing.assert_allclose(far.heights(COST[:1], OFFERS)[0], expected)


def test_models_ask_for_what_they_need() -> None:
    with pytest.raises(InputError, match=r"^the model needs 'parking' of every site; the sites have area$"):
        MODEL.shares(COST, {"area": OFFERS["area"]})
    with pytest.raises(InputError, match=r"^area of a site is zero or negative, and the model takes its logarithm$"):
        MODEL.shares(COST, {**OFFERS, "area": np.array([0.0, 1.0, 1.0])})


def test_draws_have_the_fits_covariance() -> None:
    rng = np.random.default_rng(0)
    half = rng.normal(size=(3, 3))
    model = replace(MODEL, covariance=half @ half.T)
    drawn = model.drawn(draws=200_000, seed=3)
    np.testing.assert_allclose(drawn.mean(axis=0), MODEL.values, atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), model.covariance, rtol=0.03, atol=0.03)
    assert model.drawn(draws=5, seed=3).tolist() == model.drawn(draws=5, seed=3).tolist()
    assert model.drawn().shape == (200, 3)
    assert model.drawn(draws=5, seed=4).tolist() != model.drawn(draws=5, seed=3).tolist()


def test_what_unsure_coefficients_do_to_sums_and_shares() -> None:
    weight = np.array([10.0, 20.0, 5.0])
    (spread,) = spread_of_sums(MODEL, COST, OFFERS, [weight], seed=1)
    drawn = np.array([MODEL.shares(COST, OFFERS, values) for values in MODEL.drawn(seed=1)])
    np.testing.assert_allclose(spread, np.var(np.einsum("i,dij->dj", weight, drawn), axis=0))
    low, high = share_intervals(MODEL, COST, OFFERS, seed=1)
    np.testing.assert_allclose(low, np.quantile(drawn, 0.05, axis=0))
    np.testing.assert_allclose(high, np.quantile(drawn, 0.95, axis=0))


def test_competition_by_hand() -> None:
    """Three sites on the equator: a hundredth of a degree is 1.112 km."""
    km = 0.01 * np.pi / 180 * 6371.0088
    found = competition(np.array([0.0, 0.01, 0.03]), np.zeros(3))
    np.testing.assert_allclose(found, np.array([1 + 1 / 3, 1 + 1 / 2, 1 / 3 + 1 / 2]) / km, rtol=2e-3)
    squared = competition(np.array([0.0, 0.01, 0.03]), np.zeros(3), power=2.0)
    np.testing.assert_allclose(squared, np.array([1 + 1 / 9, 1 + 1 / 4, 1 / 9 + 1 / 4]) / km**2, rtol=4e-3)


def test_sites_change_and_nothing_else_does() -> None:
    sites = Sites(("a", "b", "c"), np.array([0.0, 1, 2]), np.array([5.0, 6, 7]), {"area": np.array([2.0, 4, 9])})
    closed = sites.close("b")
    assert (closed.names, closed.longitude.tolist(), closed.latitude.tolist()) == (("a", "c"), [0.0, 2.0], [5.0, 7.0])
    assert closed.attributes["area"].tolist() == [2.0, 9.0]
    opened = sites.open("d", (3.0, 8.0), {"area": 1.0})
    assert (opened.names, opened.longitude.tolist(), opened.latitude.tolist()) == (
        ("a", "b", "c", "d"), [0.0, 1.0, 2.0, 3.0], [5.0, 6.0, 7.0, 8.0],
    )  # fmt: skip
    assert opened.attributes["area"].tolist() == [2.0, 4.0, 9.0, 1.0]
    assert sites.resize("c", "area", 1.5).attributes["area"].tolist() == [2.0, 4.0, 1.5]
    assert sites.attributes["area"].tolist() == [2.0, 4.0, 9.0]
    with pytest.raises(InputError, match="sites have no 'aera'; did you mean 'area'"):
        sites.open("d", (3.0, 8.0), {"aera": 1.0})


# --- totals -----------------------------------------------------------------------------------------------------


def demand_of(seed: int, sites: int = 14) -> tuple[Flows, np.ndarray]:
    data = made_up(seed, origins=30, sites=sites, scatter=None)
    many = np.random.default_rng(seed).uniform(50, 500, 30)
    data["attributes"].pop("range")
    demand = prepare_flows(**{**data, "flow": np.repeat(many, sites)})
    return demand, demand.flow[demand.starts]


def test_totals_are_met_as_likely_as_can_be_and_errors_are_of_their_scatter() -> None:
    demand, many = demand_of(31)
    rng = np.random.default_rng(1)
    drawn = np.bincount(demand.site, demand.flow * predict_shares(demand, np.array([-1.5, 0.8])))
    taken = drawn * rng.uniform(0.8, 1.25, len(drawn))
    fit = fit_totals(demand, dict(zip(demand.sites, taken, strict=True)))

    def reached(b: np.ndarray) -> np.ndarray:
        return np.bincount(demand.site, np.repeat(many, 14) * np.exp(log_shares(demand, b)))

    def loss(b: np.ndarray) -> float:
        return -float(taken @ np.log(reached(b) / many.sum())) / taken.sum()

    found = minimize(loss, fit.values + 0.02, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15})
    np.testing.assert_allclose(fit.values, found.x, atol=1e-5)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(-found.fun * taken.sum())
    assert fit.null_likelihood == pytest.approx(-taken.sum() * np.log(14))
    assert fit.pseudo_r2 == pytest.approx(1 - fit.log_likelihood / fit.null_likelihood)
    expected = reached(fit.values) * taken.sum() / many.sum()
    assert fit.r2_shares == pytest.approx(explained(taken / taken.sum(), expected / taken.sum()))
    slopes = np.column_stack(
        [(reached(fit.values + step) - reached(fit.values - step)) / 2e-5 for step in 1e-5 * np.eye(2)]
    ) * (taken.sum() / many.sum())
    model = np.linalg.inv(slopes.T @ (slopes / expected[:, None]))
    np.testing.assert_allclose(fit.model_errors, np.sqrt(np.diag(model)), rtol=1e-4)
    scatter = ((taken - expected) ** 2 / expected).sum() / (14 - 1 - 2)
    np.testing.assert_allclose(fit.sureness.covariance, scatter * model, rtol=1e-3, atol=1e-9)
    assert fit.sureness.degrees.tolist() == [11.0, 11.0]
    assert fit.notes[-1].startswith("fitted to what sites take in all")


@pytest.mark.parametrize("wrong", [dict.fromkeys("0123456789", -1.0), dict.fromkeys(map(str, range(14)), 0.0)])
def test_totals_that_are_none(wrong: dict[str, float]) -> None:
    demand, _ = demand_of(32)
    with pytest.raises(InputError, match=r"has no total|0 or more, and not all 0"):
        fit_totals(demand, wrong)
    with pytest.raises(InputError, match="site 13 has no total; every site needs what it takes in all"):
        fit_totals(demand, {str(i): 1.0 for i in range(13)})
    with pytest.raises(InputError, match="totals of sites must be 0 or more"):
        fit_totals(demand, {str(i): float(i - 1) for i in range(14)})
