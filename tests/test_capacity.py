"""Capacity, household by household and area by area, against figures worked out another way."""

from statistics import NormalDist

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.interpolate import PchipInterpolator
from scipy.special import gammaln

from geoscore.capacity import (
    AreaPrior,
    Evidence,
    IncomeDistribution,
    contradiction_kinds,
    fit_areas,
    learn_evidence,
    rung_shares,
)
from geoscore.capacity.evidence import (
    BASE,
    CLASSES,
    INCOME_EDGES,
    NOTHING,
    PRIOR_COUNT,
    gift_limit,
    likelihoods,
)
from geoscore.capacity.score import score_batch
from geoscore.capacity.shrinkage import modelled_trials, steady, trials_from_margins
from geoscore.engines import open_engine
from geoscore.errors import InputError
from geoscore.formulas import open_formula
from geoscore.schemas import BRACKETS, CUBE_EDGES, LADDER, LOCATED, MIX
from geoscore.tables import Table

NORMAL = NormalDist()
CURVE = (np.array([1e4, 3e4, 6e4, 1e5, 2e5, 1e6]), np.array([0.05, 0.2, 0.45, 0.65, 0.9, 0.995]))
EDGES = np.array([50_000.0, 100_000.0, 200_000.0])
PEOPLE = [
    {"household_id": "a", "income_usd": 125_000.0, "age": 60.0},
    {"household_id": "b", "age": 60.0},
    {"household_id": "c", "income_low_usd": 50_000.0, "income_high_usd": 75_000.0, "home_value_usd": 900_000.0},
    {"household_id": "d", "income_low_usd": 50_000.0, "home_value_usd": 900_000.0},
    {"household_id": "e", "home_value_usd": 900_000.0, "net_worth_usd": 4e6, "zip": "94301", "cell": 7, "spread_m": 9},
    {"household_id": "f", "income_usd": 1.0},
]
KNOWS = Evidence({"home_value_usd": np.array([5e5])}, {"home_value_usd": np.ones((3, 11))}, {"home_value_usd": 900})


def brackets(counts: dict[str, list[float]]) -> pa.Table:
    """Return areas with four brackets of income."""
    lows, highs = [0.0, *EDGES], [*EDGES, None]
    return pa.Table.from_pylist(
        [
            {"area_id": area, "low_usd": low, "high_usd": high, "households": held}
            for area, row in counts.items()
            for low, high, held in zip(lows, highs, row, strict=True)
        ],
        schema=BRACKETS,
    )


def scored(formula: str, evidence: Evidence = NOTHING) -> dict[str, dict[str, object]]:
    batch = pa.RecordBatch.from_pylist(PEOPLE, schema=LOCATED)
    rows = score_batch(batch, open_formula(formula), evidence).to_pylist()
    return {row["household_id"]: row for row in rows}


def test_a_known_income_decides_and_an_unknown_one_leaves_its_worth_by_age() -> None:
    found = scored("income-age-5y")
    assert (found["a"]["income_known"], found["a"]["multiplier"]) == (True, None)
    assert CUBE_EDGES[found["a"]["known_bin"] - 1] <= 125_000 * 0.01 * 38 < CUBE_EDGES[found["a"]["known_bin"]]
    assert (found["b"]["income_known"], found["b"]["known_bin"]) == (False, 0)
    assert found["b"]["multiplier"] == pytest.approx(0.01 * 38)
    assert found["c"]["multiplier"] == pytest.approx(0.01 * (40 - 22))
    assert found["f"]["known_bin"] == 0


def test_a_band_of_income_is_kept_and_speaks_louder_than_a_home() -> None:
    found = scored("income-2pct-1y", KNOWS)
    assert (found["c"]["income_low_usd"], found["c"]["income_high_usd"]) == (50_000.0, 75_000.0)
    assert (found["d"]["income_low_usd"], found["d"]["income_high_usd"]) == (50_000.0, None)
    assert [found[name]["evidence"] for name in "abcdef"] == [None, 0, None, None, 2, None]
    assert [found[name]["income_known"] for name in "abcdef"] == [True, False, False, False, False, True]


def test_net_worth_is_known_capacity_beside_an_unknown_income() -> None:
    found = scored("max-income-networth-5y")["e"]
    formula = open_formula("max-income-networth-5y")
    worth = float(formula.capacity({"net_worth_usd": np.array([4e6])})[0])
    assert worth > 0
    assert CUBE_EDGES[found["known_bin"] - 1] <= worth
    assert worth < CUBE_EDGES[min(found["known_bin"], 47)] or found["known_bin"] == 48
    assert not found["income_known"]
    assert (found["zip"], found["cell"], found["spread_m"]) == ("94301", 7, 9)


def test_where_income_does_not_count_nothing_is_left_open() -> None:
    found = scored("assets-5pct")
    assert all(row["income_known"] and row["multiplier"] is None for row in found.values())


def test_an_edge_of_the_cube_belongs_to_the_bin_above_it() -> None:
    batch = pa.RecordBatch.from_pylist([{"household_id": "h", "income_usd": 125_000.0}], schema=LOCATED)
    found = score_batch(batch, open_formula("income-2pct-1y"))["known_bin"][0].as_py()
    assert CUBE_EDGES[found - 1] == 2500.0


@pytest.mark.parametrize(
    ("formula", "limit"),
    [("income-2pct-1y", 0.03), ("income-age-5y", 0.02 * 18 * 5), ("max-income-networth-5y", 0.15 * 5)],
)
def test_the_most_that_an_income_lets_give(formula: str, limit: float) -> None:
    assert gift_limit(open_formula(formula)) == pytest.approx(limit)


def test_horizons_in_words_count_as_a_year_and_no_income_as_no_limit() -> None:
    once = open_formula("income-2pct-1y").model_copy(update={"horizon": "one gift"})
    assert gift_limit(once) == pytest.approx(0.03)
    part = open_formula("income-2pct-1y").model_copy(update={"horizon": "0.5 years"})
    assert gift_limit(part) == pytest.approx(0.03)
    assert gift_limit(open_formula("assets-5pct")) == np.inf


def test_figures_that_speak_against_each_other() -> None:
    nan = np.nan
    figures = {
        "income_usd": np.array([50_000.0, 50_000, 50_000, 50_000, nan, 50_000]),
        "income_low_usd": np.array([nan, 60_000, 40_000, 50_000, 9, nan]),
        "income_high_usd": np.array([nan, nan, 45_000, 50_000, 8, nan]),
        "largest_gift_usd": np.array([1500.01, 1500, nan, 0, 9e9, 1]),
        "assets_usd": np.array([1.0, 2, nan, 5, 5, 6]),
        "net_worth_usd": np.array([1.0, 1, 1, 6, nan, 5]),
    }
    found = contradiction_kinds(open_formula("income-2pct-1y"), figures)
    assert {kind: np.flatnonzero(where).tolist() for kind, where in found.items()} == {
        "a gift above the capacity by income": [0],
        "an income outside its band": [1, 2],
        "assets above net worth": [1, 5],
    }


def test_codes_are_digits_of_classes_and_weights_their_product() -> None:
    rng = np.random.default_rng(1)
    cuts = {"home_value_usd": np.array([3.0, 6.0]), "largest_gift_usd": np.array([10.0])}
    likelihood = {name: rng.uniform(0.5, 2, (len(values) + 2, 11)) for name, values in cuts.items()}
    evidence = Evidence(cuts, likelihood, {})
    figures = {
        "home_value_usd": np.array([np.nan, 2.0, 3.0, 9.0]),
        "age": np.array([30.0, 40.0, np.nan, 50.0]),
        "largest_gift_usd": np.array([10.0, np.nan, 9.0, 99.0]),
    }
    home, gift = np.array([0, 1, 2, 3]), np.array([2, 0, 1, 2])
    codes = evidence.codes(figures)
    assert codes.tolist() == (home + gift * BASE**2).tolist()
    for code, h, g in zip(codes, home, gift, strict=True):
        expected = likelihood["home_value_usd"][h] * likelihood["largest_gift_usd"][g]
        np.testing.assert_allclose(evidence.weights(int(code)), expected)
    assert evidence.weights(None) is None


def test_likelihoods_are_smoothed_shares_of_classes_over_those_anywhere() -> None:
    rng = np.random.default_rng(2)
    income = rng.choice([10_000.0, 25_000.0, 90_000.0, 700_000.0, -5.0], 2000)
    home = np.where(rng.random(2000) < 0.3, np.nan, np.abs(income) * rng.uniform(2, 9, 2000))
    frame = pd.DataFrame({"income_usd": income, "home_value_usd": home, "age": 50.0, "largest_gift_usd": np.nan})
    frame.loc[300:, "largest_gift_usd"] = np.nan
    frame.loc[:299, "largest_gift_usd"] = 5.0
    found = likelihoods(frame)
    assert found.learned == {"home_value_usd": int((~np.isnan(home)).sum()), "age": 2000, "largest_gift_usd": 300}
    assert sorted(found.cuts) == ["age", "home_value_usd", "largest_gift_usd"]
    cuts = np.unique(np.nanquantile(home, [0.2, 0.4, 0.6, 0.8]))
    np.testing.assert_allclose(found.cuts["home_value_usd"], cuts)
    at = np.digitize(income, INCOME_EDGES)
    kind = np.where(np.isnan(home), 0, 1 + np.digitize(home, cuts))
    used = at > 0
    for klass in range(CLASSES + 1):
        anywhere = (kind[used] == klass).mean()
        for i in range(1, 12):
            here = at == i
            smooth = ((kind[here] == klass).sum() + PRIOR_COUNT * anywhere) / (here.sum() + PRIOR_COUNT)
            told = smooth / anywhere if anywhere else 1.0
            assert found.likelihood["home_value_usd"][klass, i - 1] == pytest.approx(told)
    # everybody is fifty: one class of two holds all, and the empty ones tell nothing
    assert found.likelihood["age"].tolist() == np.ones((3, 11)).tolist()


def test_evidence_is_learned_from_households_whose_income_is_known() -> None:
    rng = np.random.default_rng(3)
    income = np.exp(rng.normal(11.5, 0.7, 900))
    rows = [
        {"household_id": f"h{i:04d}", "income_usd": None if i % 3 == 0 else x, "home_value_usd": 6 * x}
        for i, x in enumerate(income)
    ]
    with open_engine() as engine:
        homes = Table.from_arrow(pa.Table.from_pylist(rows[::-1], schema=LOCATED), engine=engine)
        found = learn_evidence(homes)
    known = income[np.arange(900) % 3 != 0]
    nothing = dict.fromkeys(("age", "largest_gift_usd"), np.nan)
    expected = likelihoods(pd.DataFrame({"income_usd": known, "home_value_usd": 6 * known} | nothing))
    assert found.learned == {"home_value_usd": 600, "age": 0, "largest_gift_usd": 0}
    assert found.to_dict(exact=True) == expected.to_dict(exact=True)


def test_evidence_is_written_for_people_and_exactly() -> None:
    evidence = Evidence({"age": np.array([40.5])}, {"age": np.full((3, 11), 1 / 3)}, {"age": 900})
    told, exact = evidence.to_dict(), evidence.to_dict(exact=True)
    assert told["likelihood"] == {"age": [[0.3333] * 11] * 3}
    assert exact["likelihood"] == {"age": [[1 / 3] * 11] * 3}
    assert told["cuts"] == {"age": [40.5]}
    assert told["learned"] == {"age": 900}
    assert told["income_edges_usd"][:3] == [0.0, 25_000.0, 40_000.0]


def above(income: float, *, area: list[float]) -> float:
    """Return the share of an area above an income by the reference warp of METHODS 2, written out."""
    log, probit = np.log(CURVE[0]), [NORMAL.inv_cdf(p) for p in CURVE[1]]

    def regional(x: float) -> float:
        z = np.log(x)
        if z < log[0]:
            return probit[0] + (z - log[0]) * (probit[1] - probit[0]) / (log[1] - log[0])
        if z > log[-1]:
            return probit[-1] + (z - log[-1]) * (probit[-1] - probit[-2]) / (log[-1] - log[-2])
        return float(np.interp(z, log, probit))

    total = sum(area)
    below = np.clip(np.cumsum(area)[:-1] / total, 0.5 / total, 1 - 0.5 / total)
    knots = [regional(edge) for edge in EDGES]
    heights = [NORMAL.inv_cdf(p) for p in below]
    at = regional(income)
    inner = min(max(at, knots[0]), knots[-1])
    return 1 - NORMAL.cdf(float(PchipInterpolator(knots, heights)(inner)) + at - inner)


@pytest.mark.parametrize("area", [[20.0, 50.0, 20.0, 10.0], [0.0, 4.0, 0.0, 1.0], [300.0, 0.0, 0.0, 2.0]])
def test_an_area_is_a_bend_of_the_regions_curve(area: list[float]) -> None:
    found = IncomeDistribution(CURVE).fit(brackets({"a": area}))
    incomes = np.array([500.0, 9_999.0, 2e4, 5e4, 77_777.0, 1e5, 1.5e5, 2e5, 5e5, 1e6, 4e6])
    expected = [above(income, area=area) for income in incomes]
    np.testing.assert_allclose(found.exceedance(incomes)[0], expected, atol=1e-9)
    assert found.households_.tolist() == [sum(area)]
    assert found.area_ids_ == ["a"]


def test_a_long_curve_goes_on_as_steep_as_its_last_tenth() -> None:
    income = np.geomspace(1e3, 1e6, 40)
    below = 1 / (1 + (80_000 / income) ** 1.5)
    found = IncomeDistribution((income, below)).fit(brackets({"a": [30.0, 30.0, 30.0, 10.0]}))
    probit = np.array([NORMAL.inv_cdf(p) for p in below])
    for far, end, other in ((5e6, -1, -5), (200.0, 0, 4)):
        slope = (probit[end] - probit[other]) / (np.log(income[end]) - np.log(income[other]))
        near = NORMAL.inv_cdf(1 - found.exceedance(income[[end]])[0, 0])
        reached = NORMAL.inv_cdf(1 - found.exceedance(np.array([far]))[0, 0])
        assert reached - near == pytest.approx(slope * (np.log(far) - np.log(income[end])), rel=1e-6)


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (([1e4, 1e5], [0.5, 0.4]), "must rise"),
        (([1e5, 1e4], [0.4, 0.5]), "must rise"),
        (([1e4, 1e4], [0.4, 0.5]), "must rise"),
        (([1e4], [0.4]), "must rise"),
        (([0.0, 1e4, 1e5], [0.0, 0.4, 1.0]), "must rise"),
    ],
)
def test_curves_that_do_not_rise(curve: tuple[list[float], list[float]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        IncomeDistribution((np.array(curve[0]), np.array(curve[1])))


def test_a_curve_may_be_flat_for_a_while_but_not_over_a_whole_bracket() -> None:
    flat = (np.array([1e4, 5e4, 1e5, 1e6]), np.array([0.2, 0.6, 0.6, 0.99]))
    with pytest.raises(InputError, match="flat between two bracket edges"):
        IncomeDistribution(flat).fit(brackets({"a": [1.0, 1.0, 1.0, 1.0]}))


def test_an_area_without_all_brackets_is_named() -> None:
    table = brackets({"a": [1.0, 1.0, 1.0, 1.0], "b": [1.0, 1.0, 1.0, 1.0]}).slice(0, 7)
    highs = pa.table({"area_id": ["b"], "low_usd": [0.0], "high_usd": [5e4], "households": [1.0]}, schema=BRACKETS)
    with pytest.raises(InputError, match="area 'b' does not have every income bracket"):
        IncomeDistribution(CURVE).fit(pa.concat_tables([table.slice(0, 4), table.slice(5, 2), highs]))


def place(areas: dict[str, list[float]], evidence: Evidence = NOTHING) -> tuple[AreaPrior, IncomeDistribution]:
    """Return two pairs: cell 1 is half and half, cell 2 the last area alone."""
    distribution = IncomeDistribution(CURVE).fit(brackets(areas))
    first, last = min(areas), max(areas)
    rows = [
        {"cell": 2, "zip": "94301", "county": "06085", "area_id": last, "share": 1.0},
        {"cell": 1, "zip": "94301", "county": "06085", "area_id": first, "share": 0.5},
        {"cell": 1, "zip": "94301", "county": "06085", "area_id": last, "share": 0.5},
    ]
    return AreaPrior(distribution, pa.Table.from_pylist(rows, schema=MIX), None, evidence), distribution


AREAS = {"a": [20.0, 50.0, 20.0, 10.0], "b": [5.0, 15.0, 40.0, 40.0]}


def test_places_are_sorted_mixtures_and_may_be_asked_one_by_one() -> None:
    prior, distribution = place(AREAS)
    assert prior.pairs["cell"].tolist() == [1, 2]
    rungs = rung_shares(distribution, 0.05)
    np.testing.assert_allclose(rungs, distribution.exceedance(np.array(LADDER) / 0.05))
    whole = prior.exceedance(multiplier=0.05)
    np.testing.assert_allclose(whole, [rungs.mean(axis=0), rungs[1]])
    np.testing.assert_allclose(prior.exceedance(multiplier=0.05, rows=np.array([1])), whole[1:])


@pytest.mark.parametrize("multiplier", [0.0, -1.0])
def test_whom_a_dollar_of_income_gives_nothing_has_no_capacity(multiplier: float) -> None:
    prior, distribution = place(AREAS)
    assert prior.exceedance(multiplier=multiplier).tolist() == np.zeros((2, 25)).tolist()
    assert prior.exceedance(multiplier=multiplier, rows=np.array([0])).shape == (1, 25)
    assert rung_shares(distribution, multiplier).tolist() == np.zeros((2, 25)).tolist()


@pytest.mark.parametrize(("low", "high"), [(60_000.0, 150_000.0), (None, 90_000.0), (120_000.0, None), (0.0, 4e12)])
def test_a_band_is_the_share_inside_it(low: float | None, high: float | None) -> None:
    prior, distribution = place(AREAS)
    found = prior.exceedance(multiplier=0.02, low=low, high=high)[1]
    bottom, top = low or 0.0, np.inf if high is None else high
    at_top = 0.0 if high is None else distribution.exceedance(np.array([min(top, 1e12)]))[1, 0]
    at_bottom = 1.0 if bottom == 0 else distribution.exceedance(np.array([bottom]))[1, 0]
    for rung, share in zip(LADDER, found, strict=True):
        income = rung / 0.02
        here = distribution.exceedance(np.array([income]))[1, 0]
        inside = 1.0 if income <= bottom else 0.0 if income >= top else (here - at_top) / (at_bottom - at_top)
        assert share == pytest.approx(inside, abs=1e-9), rung


def test_a_band_where_nobody_is_says_the_band_itself() -> None:
    prior, _ = place({"a": [100.0, 0.0, 0.0, 0.0], "b": [100.0, 0.0, 0.0, 0.0]})
    found = prior.exceedance(multiplier=1e-9, low=9e11, high=9.5e11)
    incomes = np.array(LADDER) / 1e-9
    assert found[0].tolist() == np.where(incomes <= 9e11, 1.0, 0.0).tolist()


def test_evidence_reweighs_the_stretches_of_income() -> None:
    """Bayes' rule by adding up a fine histogram of incomes."""
    rng = np.random.default_rng(4)
    weights = rng.uniform(0.1, 5, 11)
    likelihood = np.vstack([np.ones(11), np.ones(11), weights])
    evidence = Evidence({"home_value_usd": np.array([5e5])}, {"home_value_usd": likelihood}, {})
    prior, distribution = place(AREAS, evidence)
    found = prior.exceedance(multiplier=0.02, evidence=2)
    grid = np.unique(np.concatenate([[0.0], np.geomspace(10, 1e9, 3000), INCOME_EDGES, np.array(LADDER) / 0.02]))
    exceed = distribution.exceedance(grid)
    exceed[:, 0] = 1.0
    exceed = np.vstack([exceed.mean(axis=0), exceed[1]])
    mass = exceed - np.hstack([exceed[:, 1:], np.zeros((2, 1))])
    mass = mass * weights[np.digitize(grid, INCOME_EDGES) - 1]
    for k, rung in enumerate(LADDER):
        expected = mass[:, grid >= rung / 0.02].sum(axis=1) / mass.sum(axis=1)
        np.testing.assert_allclose(found[:, k], expected, atol=1e-9)


def test_a_survey_with_margins_says_what_it_borrowed() -> None:
    rng = np.random.default_rng(5)
    ids = [f"06001{i // 3:06d}{i % 3}" for i in range(30)]
    counts = np.array([rng.multinomial(60, rng.dirichlet([4, 5, 3, 2])) * 8.0 for _ in ids])
    total = counts.sum(axis=1, keepdims=True)
    p = counts / total
    margins = 1.645 * total * np.sqrt(p * (1 - p) / 60)
    margins[:5] = np.nan  # not told for some
    table = brackets(dict(zip(ids, counts.tolist(), strict=True)))
    county = dict.fromkeys(ids, "06001")
    found = fit_areas(table, margins.reshape(-1), CURVE, county_of=county, sampled=True)
    told = trials_from_margins(counts, margins)
    np.testing.assert_allclose(told[5:], 60.0)
    own = np.where(np.isfinite(told), told, modelled_trials(total[:, 0]))
    by_hand = steady(own, counts, tracts=ids, counties=["06001"] * 30)
    np.testing.assert_allclose(found.trials, by_hand.trials)
    np.testing.assert_allclose(found.common, by_hand.common)
    expected = 1 - np.cumsum(by_hand.counts, axis=1)[:, :-1] / by_hand.counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.distribution.exceedance(EDGES), expected, atol=1e-6)
    from_tract, from_county = by_hand.strength
    (note,) = found.notes
    assert note == (
        f"incomes of areas borrow {from_tract:.0f} households' worth from their tracts and {from_county:.0f} from "
        "their counties; own samples are worth 60 (from their margins of error)"
    )
    modelled = fit_areas(table, np.full(120, np.nan), CURVE, county_of=county, sampled=True)
    assert modelled.notes[0].endswith("own samples are worth 38 (modelled)")


def test_areas_of_unknown_counties_and_one_by_one_borrow_nothing() -> None:
    table = brackets({"a": [20.0, 50.0, 20.0, 10.0], "b": [5.0, 15.0, 40.0, 40.0]})
    counties = {"a": "06001", "b": "06002"}
    found = fit_areas(table, np.full(8, np.nan), CURVE, county_of=counties, sampled=True)
    assert found.notes == ("incomes of areas borrow nothing; own samples are worth 8 (modelled)",)
    assert found.common.tolist() == [0.0, 0.0]
    plain = fit_areas(table, np.full(8, np.nan), CURVE, county_of={}, sampled=False)
    assert plain.notes == ("incomes are taken as they stand; their error is modelled",)
    np.testing.assert_allclose(plain.trials, 8.0)
    assert plain.common.tolist() == [0.0, 0.0]


def compound(asked: np.ndarray, center: np.ndarray, strength: float) -> float:
    """Return the Dirichlet-multinomial log-likelihood without its constant."""
    n = asked.sum(axis=1)
    parts = gammaln(asked + strength * center) - gammaln(strength * center)
    return float((gammaln(strength) - gammaln(n + strength) + parts.sum(axis=1)).sum())


def test_what_is_borrowed_is_what_makes_the_sample_most_likely() -> None:
    """Tracts alone: the strength is the best of a grid, and shares are those of the posterior before restoring."""
    rng = np.random.default_rng(8)
    truth = rng.dirichlet([6.0, 8.0, 4.0], 60)
    asked = np.array([rng.multinomial(40, p) for p in truth]).astype(float)
    found = steady(np.full(60, 40.0), asked, tracts=[f"06001{i:06d}" for i in range(60)], counties=["06001"] * 60)
    assert found.strength[0] == 0.0
    center = np.tile(asked.sum(axis=0) / asked.sum(), (60, 1))
    grid = np.geomspace(2, 200, 2000)
    best = grid[np.argmax([compound(asked, center, s) for s in grid])]
    assert found.strength[1] == pytest.approx(best, rel=0.01)
    np.testing.assert_allclose(found.trials, 40.0 + found.strength[1])
    posterior = (asked + found.strength[1] * center) / (40 + found.strength[1]) * 40
    np.testing.assert_allclose(found.counts, posterior, rtol=0.02)
    np.testing.assert_allclose(found.counts.sum(axis=0), asked.sum(axis=0), rtol=1e-9)


def test_a_county_is_as_unsure_as_its_published_sum() -> None:
    rng = np.random.default_rng(9)
    total, worth = rng.uniform(50, 900, 40), rng.uniform(5, 60, 40)
    counts = np.array([rng.multinomial(50, [0.3, 0.4, 0.3]) / 50 for _ in range(40)]) * total[:, None]
    counties = ["06001"] * 25 + ["06003"] * 15
    found = steady(worth, counts, tracts=[f"{c}{i:06d}" for i, c in enumerate(counties)], counties=counties)
    for name in ("06001", "06003"):
        here = np.array(counties) == name
        published = (total[here] ** 2 / worth[here]).sum()
        alone = (total[here] ** 2 / (found.trials[here] + 1)).sum()
        assert published > alone
        np.testing.assert_allclose(found.common[here], (published - alone) / total[here].sum() ** 2)


def test_areas_with_nobody_are_no_trouble() -> None:
    counts = np.array([[10.0, 20.0, 30.0], [0.0, 0.0, 0.0], [30.0, 20.0, 10.0]])
    ids = [f"06001{i:06d}" for i in range(3)]
    found = steady(modelled_trials(counts.sum(axis=1)), counts, tracts=ids, counties=["06001"] * 3)
    assert found.counts[1].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(found.counts.sum(axis=0), [40.0, 40.0, 40.0])
    assert np.isfinite(found.common).all()
