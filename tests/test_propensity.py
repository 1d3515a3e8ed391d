"""Propensity: models are as true as they say, monotone, the same after reload, and do not look at what they may not."""

import json
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoscore.engines import Engine
from geoscore.errors import InputError, InputNotFoundError
from geoscore.propensity import Households, Model, Options, fit_model, open_model, read_outcome, save_model
from geoscore.propensity import figures as fig
from geoscore.propensity.amounts import fit_amounts
from geoscore.propensity.calibration import cross_fitted, probability
from geoscore.propensity.features import bin_edges, days_before, learn_recipe, numbers_of
from geoscore.propensity.folds import make_folds
from geoscore.propensity.forest import fit_forest
from geoscore.propensity.leaks import find_leaks
from geoscore.propensity.positives import parse_prevalence
from geoscore.schemas import LADDER
from geoscore.tables import Table

DAY = date(2026, 1, 1)


def make_donors(n: int, seed: int, *, rate: float = -1.5) -> tuple[pa.Table, np.ndarray]:
    """Make up donors whose chance of giving is known; returns the table and that chance."""
    rng = np.random.default_rng(seed)
    recency, frequency = rng.exponential(14, n).round(), 1 + rng.poisson(3, n)
    last = np.exp(rng.normal(3.4, 0.7, n)).round(2)
    kind = rng.choice(["mail", "event", "web"], n, p=[0.6, 0.3, 0.1])
    eta = (
        rate
        - 0.05 * np.minimum(recency, 30)
        + 1.2 * np.exp(-(((recency - 12) / 3) ** 2))
        + 0.5 * np.log(frequency)
        + 0.6 * (kind == "event")
        - 0.004 * last
    )
    p = probability(eta)
    gave = rng.random(n) < p
    gift = np.maximum(np.round(np.exp(0.8 * np.log(last) + 0.7 + rng.normal(0, 0.5, n)) / 5) * 5, 5)
    frequency = np.where(rng.random(n) < 0.05, np.nan, frequency)
    columns = {"donor": [f"d{i}" for i in range(n)], "recency": recency, "frequency": frequency, "last_gift": last}
    outcome = {"kind": kind, "gave": gave.astype(int), "amount": np.where(gave, gift, 0.0)}
    return pa.table({**columns, **outcome}), p


def fit_donors(table: pa.Table, **options: Any) -> Model:
    outcome = read_outcome(table, gave="gave", amount="amount")
    rows = table.drop_columns([name for name in ("donor", "gave", "amount") if name in table.column_names])
    households = Households(rows=rows, outcome=outcome, keys=table["donor"].to_pylist(), names=("gave", "amount"))
    return fit_model(households, options=Options(as_of=DAY, **options))


@pytest.fixture(scope="module")
def model() -> Model:
    return fit_donors(make_donors(6000, 1)[0], kind="scorecard")


@pytest.fixture(scope="module")
def boosted() -> Model:
    return fit_donors(make_donors(1800, 2)[0], kind="boosting")


# --- how true it comes ----------------------------------------------------------------------------------------


def test_the_card_says_what_holds_on_households_held_out(model: Model) -> None:
    table, p = make_donors(20_000, 99)
    scores = model.predict(table)
    gave = table["gave"].to_numpy().astype(float)
    assert scores.p_gives is not None
    assert scores.expected_gift_usd is not None
    assert fig.calibration_error(gave, scores.p_gives) < 0.015
    assert 0.85 < fig.calibration_line(gave, np.log(scores.p_gives / (1 - scores.p_gives)))[1] < 1.1
    assert 0.9 < scores.expected_gift_usd.sum() / table["amount"].to_numpy().sum() < 1.1
    assert np.abs(scores.p_gives - p).mean() < 0.03
    assert model.card["ece"] < 0.02
    assert model.card["log_score"] > model.card["log_score_logistic"]
    assert model.card["predicted_over_realized_dollars_low"] < 1 < model.card["predicted_over_realized_dollars_high"]


def test_chances_of_rungs_are_true_and_fall(model: Model) -> None:
    table, _ = make_donors(20_000, 98)
    scores = model.predict(table)
    assert scores.at_least is not None
    assert scores.p_gives is not None
    assert (np.diff(scores.at_least, axis=1) <= 0).all()
    assert (scores.at_least[:, 0] <= scores.p_gives).all()
    amount = table["amount"].to_numpy()
    for k in (0, 1):
        assert scores.at_least[:, k].sum() == pytest.approx((amount >= LADDER[k]).sum(), rel=0.2)


def test_boosting_is_kept_only_where_it_is_better(model: Model, boosted: Model) -> None:
    assert model.forest is None
    assert boosted.kind == "boosting"
    assert boosted.card["log_score"] > boosted.card["log_score_rate_alone"]


def test_the_order_of_rows_does_not_matter() -> None:
    table, _ = make_donors(1500, 5)
    order = np.random.default_rng(0).permutation(1500)
    one, other = (fit_donors(rows, kind="scorecard") for rows in (table, table.take(pa.array(order))))
    assert one.predict(table).p_gives == pytest.approx(other.predict(table).p_gives, abs=1e-6)
    assert one.card["log_score"] == pytest.approx(other.card["log_score"], abs=1e-6)


# --- the same after reload, on an engine, in batches --------------------------------------------------------------


@pytest.mark.parametrize("which", ["model", "boosted"])
def test_a_model_says_the_same_after_reload(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    fitted: Model = request.getfixturevalue(which)
    save_model(fitted, tmp_path / "model")
    table, _ = make_donors(500, 7)
    again = open_model(tmp_path / "model").score_batch(table.to_batches()[0])
    assert again.equals(fitted.score_batch(table.to_batches()[0]))


def test_a_changed_model_is_refused(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "model")
    with (tmp_path / "model" / "arrays.npz").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="was changed"):
        open_model(tmp_path / "model")
    with pytest.raises(InputNotFoundError, match="there is no model"):
        open_model(tmp_path / "nothing")


def test_no_pickle_is_ever_loaded(model: Model, tmp_path: Path) -> None:
    import hashlib

    folder = tmp_path / "model"
    save_model(model, folder)
    np.savez(folder / "arrays.npz", effects=np.array([print], dtype=object))
    described = json.loads((folder / "model.json").read_text())
    described["arrays_sha256"] = hashlib.sha256((folder / "arrays.npz").read_bytes()).hexdigest()
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(InputError, match="no whole model"):
        open_model(folder)


def test_models_are_not_written_over_other_files(model: Model, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="holds other files"):
        save_model(model, tmp_path)


def test_every_engine_scores_the_same(model: Model, engine: Engine) -> None:
    table, _ = make_donors(2000, 8)
    here = pa.Table.from_batches([model.score_batch(batch) for batch in table.to_batches()])
    scored = Table.from_arrow(table, engine=engine).map_batches(model.score_batch, model.schema()).collect()
    order = [("p_gives", "ascending"), ("expected_gift_usd", "ascending")]
    assert scored.sort_by(order).equals(here.sort_by(order))


def test_compiled_trees_and_plain_ones_agree() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 3))
    x[rng.random((800, 3)) < 0.1] = np.nan
    forest = fit_forest(x, (np.nan_to_num(x[:, 0]) > 0).astype(float), task="classify", seed=0, trees=20)
    walked = forest.baseline + sum(forest._walk(k, x) for k in range(len(forest.starts) - 1))
    assert forest.predict(x) == pytest.approx(walked, abs=1e-12)


# --- features and leaks -----------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_bins_part_what_differs_and_rise(values: list[float]) -> None:
    edges = bin_edges(np.array(values))
    assert len(edges) < 14
    assert all(a < b for a, b in pairwise(edges))
    assert all(min(values) < edge <= max(values) for edge in edges)


def test_dates_after_the_day_are_not_known() -> None:
    days, late = days_before(pa.array([date(2025, 12, 31), date(2026, 1, 2), None]), DAY)
    assert days[0] == 1
    assert np.isnan(days[1:]).all()
    assert late == 1


def test_values_are_read_in_whatever_way_a_file_writes_them() -> None:
    assert days_before(pa.array(["31/12/2025", "01/12/2025"]), DAY)[0].tolist() == [1.0, 31.0]
    assert numbers_of(pa.array(["True", "false", "$1,200", None])).tolist()[:3] == [1.0, 0.0, 1200.0]
    assert numbers_of(pa.array([True, None])).tolist()[0] == 1.0


def test_unseen_levels_and_missing_values_are_scored(model: Model) -> None:
    table = pa.table({"recency": [None, 3.0], "frequency": ["", "4"], "last_gift": [1e9, -5.0], "kind": ["fax", None]})
    scores = model.predict(table)
    assert scores.p_gives is not None
    assert np.isfinite(scores.p_gives).all()
    with pytest.raises(InputError, match="column 'kind' missing in these rows"):
        model.predict(table.drop_columns(["kind"]))
    with pytest.raises(InputError, match=r"fitted on its project: geoscore fit geoscore\.toml --out model"):
        model.predict(table.rename_columns([f"donors.{name}" for name in table.column_names]))


def test_columns_that_know_the_answer_are_found() -> None:
    table, _ = make_donors(2000, 3)
    amount, gave = table["amount"].to_numpy(), table["gave"].to_numpy().astype(float)
    last = table["last_gift"].to_numpy()
    rows = pa.table(
        {"thanked": gave, "more": amount - last, "last": last, "usd": np.where(gave > 0, amount, np.nan), "fine": last}
    )
    recipe = learn_recipe(rows, as_of=DAY)
    codes, numbers = recipe.encode(rows)
    usd = np.where(gave > 0, amount, np.nan)
    leaks, _ = find_leaks(recipe, codes, numbers, gave, usd, names=("gave", "amount"))
    assert sorted(leaks) == ["more", "thanked", "usd"]


# --- folds ------------------------------------------------------------------------------------------------------


def test_a_household_and_a_place_are_never_split() -> None:
    rng = np.random.default_rng(0)
    keys = [f"h{value}" for value in rng.integers(0, 400, 1000)]
    blocks = [f"b{hash(key) % 40}" for key in keys]
    y = rng.integers(0, 2, 1000)
    for folds in (make_folds(y, keys=keys), make_folds(y, keys=keys, blocks=blocks)):
        of: dict[str, int] = {}
        for key, number in zip(keys, folds.number, strict=True):
            assert of.setdefault(key, number) == number
    assert folds.way == "space"
    assert len({(block, number) for block, number in zip(blocks, folds.number, strict=True)}) == len(set(blocks))


def test_folds_of_time_never_learn_from_later() -> None:
    times = np.arange(600.0)
    folds = make_folds(np.tile([0, 1], 300), keys=np.arange(600), times=times)
    assert folds.way == "time"
    for learn, test in folds.parts():
        assert times[learn].max() < times[test].min()


# --- calibration and amounts ------------------------------------------------------------------------------------


def test_a_model_that_is_too_sure_is_calmed_down() -> None:
    rng = np.random.default_rng(0)
    eta = rng.normal(-1, 1, 8000)
    y = (rng.random(8000) < probability(eta)).astype(float)
    number = np.arange(8000) % 5
    calmed = cross_fitted(np.column_stack([3 * eta, 3 * eta + 0.1 * rng.normal(size=8000)]), y, number)
    assert 0.95 < fig.calibration_line(y, calmed)[1] < 1.05


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_rungs_fall_whatever_the_gifts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    usd = rng.choice([5, 10, 25, 50, 100, 1000, 30_000], 60).astype(float)
    amounts = fit_amounts(rng.normal(3, 1, 60), rng.normal(size=60), usd)
    chances = amounts.at_least(np.array([1.0, 40.0, 1e5]))
    assert (np.diff(chances, axis=1) <= 1e-15).all()
    assert ((chances >= 0) & (chances <= 1)).all()


def test_the_calibration_error_is_counted_by_hand() -> None:
    y, p = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.2, 0.4, 0.7, 0.9])
    # two bins: |1 - 0.6| and |2 - 1.6| over four rows
    assert fig.calibration_error(y, p, bins=2) == pytest.approx(0.2)


# --- givers alone -----------------------------------------------------------------------------------------------


def test_givers_alone_get_ranks_and_no_probability() -> None:
    table, _ = make_donors(3000, 4)
    outcome = read_outcome(table, gave="gave", amount=None, unlabelled=True)
    rows = table.drop_columns(["donor", "gave", "amount"])
    households = Households(rows=rows, outcome=outcome, keys=np.arange(3000), names=("gave",))
    alone = fit_model(households, options=Options(as_of=DAY, kind="scorecard", unlabelled=True))
    assert alone.schema().names == ["propensity_index", "propensity_rank"]
    assert alone.card["ece"] is None
    assert alone.card["probabilities"].startswith("refused")
    stated = fit_model(
        households, options=Options(as_of=DAY, kind="scorecard", unlabelled=True, prevalence=(0.05, 0.1, 0.2))
    )
    scores = stated.predict(rows.filter(pa.array(outcome.gave == 0)))
    assert scores.p_gives is not None
    assert scores.p_gives.mean() == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("text", ["0.15", "0.2:0.1:0.3", "a:b:c", "0:0.1:0.2", "0.1:0.2:1"])
def test_a_prevalence_needs_its_interval(text: str) -> None:
    with pytest.raises(InputError, match="write low, middle and high"):
        parse_prevalence(text)


# --- outcomes as people keep them -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gave", "amount", "words"),
    [
        (["yes"] * 60, None, "one class only: everybody gave"),
        (["0"] * 60, None, "one class only: nobody gave"),
        (["1"] * 12 + ["0"] * 100, None, "only 12 households gave"),
        (["red", "blue"] * 50, None, "does not say who gave"),
        ([1, 2] * 50, None, "which of them gave"),
        ([1, 0] * 50, ["5", "6"] * 50, "it is of another gift"),
        ([1, 0] * 50, ["€5", ""] * 50, "euros"),
        ([1, 0] * 50, ["a lot", ""] * 50, "does not hold amounts"),
    ],
)
def test_outcomes_that_cannot_be_are_said(gave: list[Any], amount: list[Any] | None, words: str) -> None:
    table = pa.table({"gave": gave, **({} if amount is None else {"amount": amount})})
    with pytest.raises(InputError, match=words):
        read_outcome(table, gave="gave", amount=None if amount is None else "amount")


def test_counts_are_no_dollars() -> None:
    found = read_outcome(pa.table({"gifts": [0, 1, 3] * 40}), gave="gifts", amount=None)
    assert found.amount_usd is None
    assert found.gave.sum() == 80
    assert read_outcome(pa.table({"usd": [0.0, 25.0, 7.5] * 40}), gave="usd", amount=None).amount_usd is not None


def test_refunds_count_as_no_gift() -> None:
    table = pa.table({"gave": [1, 1, 0] * 40, "amount": [25.0, -25.0, 0.0] * 40})
    found = read_outcome(table, gave="gave", amount="amount")
    assert found.gave.sum() == 40
    assert any("40 amounts are negative (refunds)" in note for note in found.notes)


@pytest.mark.parametrize("gave", ["gave", "amount", None])
def test_refunds_are_all_counted_and_once(gave: str | None) -> None:
    table = pa.table({"gave": [1, 1, 0, 0] * 40, "amount": [25.0, -25.0, 0.0, -5.0] * 40})
    notes = read_outcome(table, gave=gave, amount="amount").notes
    assert [note.split(":")[0] for note in notes if "refunds" in note] == ["80 amounts are negative (refunds)"]


def test_only_givers_and_gaps_is_a_list_of_givers() -> None:
    found = read_outcome(pa.table({"gave": ["yes", None] * 40}), gave="gave", amount=None)
    assert found.unlabelled
    assert found.gave.tolist() == [1.0, 0.0] * 40
