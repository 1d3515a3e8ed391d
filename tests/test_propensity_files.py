"""Propensity on files, projects and surfaces: the words of the command line, what is refused, and what is published."""

import importlib.util
import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geoscore.disclosure import protect_surface
from geoscore.errors import InputError, PolicyError, SurfaceError
from geoscore.pipeline import run
from geoscore.propensity import Model, open_model, save_model
from geoscore.propensity_files import Asked, fit_file, score_file
from geoscore.query import open_surface
from geoscore.query.plan import make_plan
from geoscore.schemas import LADDER, MEASURES
from geoscore.surface_format import Figures, surface_table
from tests.test_propensity import DAY, make_donors

ROOT = Path(__file__).parents[1]


def geoscore(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "geoscore", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def donors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a file as people have them: an id, a place, sensitive columns, a leak and a constant among the rest."""
    frame = make_donors(3000, 11)[0].to_pandas()
    rng = np.random.default_rng(0)
    frame["donor"] = rng.permutation(3000) + 1
    frame["zip"] = rng.choice([f"{code:05d}" for code in range(94000, 96000, 7)], 3000)
    frame["pct_white"] = rng.random(3000).round(3)
    frame["faith"] = rng.choice(["Catholic", "Jewish", "none"], 3000)
    frame["thank_you_sent"] = np.where(frame["gave"] == 1, "2025-03-01", "")
    frame["country_code"] = "US"
    frame["name"] = [f"Pat Doe{i}" for i in range(3000)]
    frame["gave"] = np.where(frame["gave"] == 1, "Yes", "No")
    frame["amount"] = [f"${value:,.2f}" if value else "" for value in frame["amount"]]
    path = tmp_path_factory.mktemp("donors") / "donors.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def folder(donors: Path) -> Path:
    words = ["fit", donors, "--gave", "gave", "--amount", "amount", "--id", "donor", "--model", "scorecard"]
    result = geoscore(*words, "--as-of", "2026-01-01", "-o", donors.parent / "model", "--format", "json")
    assert result.returncode == 0, result.stderr
    (donors.parent / "card.json").write_text(result.stdout)
    return donors.parent / "model"


def test_fit_prints_one_object_with_its_figures(folder: Path) -> None:
    card = json.loads((folder.parent / "card.json").read_text())
    for name in ("ece", "log_score", "log_score_logistic", "predicted_over_realized_dollars", "lift_top_tenth"):
        assert isinstance(card[name], float), name
    assert card["log_score"] < 0
    refused = card["features_refused"]
    assert {"zip", "pct_white", "faith", "thank_you_sent", "country_code", "name"} <= set(refused)
    assert refused["pct_white"].startswith("sensitive")
    assert refused["thank_you_sent"].startswith("knows the answer")
    assert {item["feature"] for item in card["features"]} == {"recency", "frequency", "last_gift", "kind"}
    assert card["fold_kind"] == "space"


def test_a_model_of_chance_is_said_to_be_none_everywhere(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    columns = {"visits": rng.integers(0, 40, 1200), "years": rng.integers(0, 9, 1200), "mailed_on": "2024-03-01"}
    frame = pd.DataFrame({**columns, "gave": rng.integers(0, 2, 1200)})
    frame.loc[600:, "mailed_on"] = "2024-09-01"
    frame.to_csv(tmp_path / "coin.csv", index=False)
    words = ["fit", tmp_path / "coin.csv", "--gave", "gave", "--as-of", "2025-01-01", "--model", "scorecard"]
    shown = geoscore(*words, "-o", tmp_path / "model").stdout
    assert shown.count("cannot be told from none") == 1
    assert "AUC" in shown
    assert "the rate alone" in shown
    assert "--date mailed_on" in shown
    card = json.loads((tmp_path / "model" / "card.json").read_text(encoding="utf-8"))
    assert "cannot be told from none" in card["notes"][0]
    assert "**This model cannot be told from none" in (tmp_path / "model" / "card.md").read_text(encoding="utf-8")


def test_a_card_says_by_what_its_tenths_are_ordered(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["tells_nothing"] is None
    assert card["gains_ordered_by"] == "expected dollars"
    page = (folder / "card.md").read_text(encoding="utf-8")
    assert "top tenth by chance of a gift, in givers" in page
    assert "in the order of expected dollars" in page
    words = re.findall(r"!\[(.*?)\]", page)
    assert len(set(words)) == len(words) == 2


def test_the_card_is_kept_with_the_model(folder: Path) -> None:
    text = (folder / "card.md").read_text()
    for words in ("Model card", "expected calibration error", "## Limits", "pct_white", "effects.svg"):
        assert words in text
    assert (folder / "effects.svg").read_text().startswith("<svg")
    assert json.loads((folder / "card.json").read_text())["households"] == 3000


def test_score_keeps_the_id_and_tells_why(folder: Path, donors: Path, tmp_path: Path) -> None:
    result = geoscore("score", donors, "--model", folder, "-o", tmp_path / "scored.parquet", "--reasons", "2")
    assert result.returncode == 0, result.stderr
    table = pq.read_table(tmp_path / "scored.parquet")
    given = pd.read_csv(donors)
    assert table["donor"].to_pylist() == given["donor"].tolist()
    assert table["donor"].type == pa.int64()
    rungs = np.column_stack([table[f"p_at_least_{rung}"].to_numpy() for rung in LADDER])
    assert (np.diff(rungs, axis=1) <= 0).all()
    p = table["p_gives"].to_numpy()
    assert all(float(f"{value:.8g}") == value for value in p)
    plain = open_model(folder).predict(pa.Table.from_pandas(given.astype({"zip": str}))).p_gives
    assert p == pytest.approx(plain, rel=1e-7)
    assert (np.diff(p[np.argsort(plain, kind="stable")]) >= 0).all()
    expected = table["p_gives"].to_numpy() * table["gift_if_gives_usd"].to_numpy()
    assert table["expected_gift_usd"].to_numpy() == pytest.approx(expected)
    assert "odds x" in table["reason_1"][0].as_py()


def test_scores_are_the_same_in_any_form_of_the_file(folder: Path, donors: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(donors, dtype={"zip": str})
    frame.astype({"kind": "category"}).to_parquet(tmp_path / "donors.parquet")
    model = open_model(folder)
    for name, source in (("a", donors), ("b", tmp_path / "donors.parquet")):
        score_file(source, model=model, out=tmp_path / f"{name}.csv", reason_codes=0)
    one, other = (pd.read_csv(tmp_path / f"{name}.csv") for name in "ab")
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"gave": "gav"}, "did you mean 'gave'"),
        ({"gave": "kind"}, "does not say who gave"),
        ({}, "nothing says who gave"),
        ({"gave": "gave", "when": "kind"}, "holds no date"),
    ],
)
def test_mistakes_are_said(donors: Path, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        fit_file(donors, asked=Asked(as_of=DAY, **asked))


def test_a_file_of_the_federal_election_commission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "itcont.csv"
    path.write_text("CMTE_ID,IMAGE_NUM,TRANSACTION_TP,gave\nC1,2,15,1\n")
    with pytest.raises(PolicyError, match="FEC"):
        fit_file(path, asked=Asked(as_of=DAY, gave="gave"))


def test_too_few_givers_end_with_2(tmp_path: Path) -> None:
    frame = make_donors(300, 1)[0].to_pandas()
    frame["gave"] = (np.arange(300) < 12).astype(int)
    frame.to_csv(tmp_path / "few.csv", index=False)
    result = geoscore("fit", tmp_path / "few.csv", "--gave", "gave", "-o", tmp_path / "model")
    assert result.returncode == 2
    assert "only 12 households gave" in result.stderr
    assert not (tmp_path / "model").exists()


def test_a_list_of_gifts_becomes_households_on_a_day(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for donor in range(900):
        rate, usual = rng.gamma(1.2, 0.5), np.exp(rng.normal(3.3, 0.6))
        for year in range(2018, 2026):
            if rng.random() < 1 - np.exp(-rate):
                usd = max(5, round(usual * np.exp(rng.normal(0, 0.3)) / 5) * 5)
                rows.append((donor, f"{year}-{rng.integers(1, 13):02d}-15", usd))
    frame = pd.DataFrame(rows, columns=["donor", "day", "usd"])
    frame.to_csv(tmp_path / "gifts.csv", index=False)
    words = ["--gifts", "--id", "donor", "--amount", "usd", "--date", "day", "--as-of", "2024-12-31"]
    result = geoscore(
        "fit", tmp_path / "gifts.csv", *words, "--model", "scorecard", "-o", tmp_path / "m", "--format", "json"
    )
    assert result.returncode == 0, result.stderr
    card = json.loads(result.stdout)
    assert card["fold_kind"] == "time"
    assert card["log_score"] > card["log_score_rate_alone"] + 0.02
    scored = geoscore("score", tmp_path / "gifts.csv", "--model", tmp_path / "m", "-o", tmp_path / "s.parquet")
    assert scored.returncode == 0, scored.stderr
    assert sorted(pq.read_table(tmp_path / "s.parquet")["donor"].to_pylist()) == sorted(
        frame["donor"].astype(str).unique()
    )


# --- projects and surfaces --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit the model of the example as people would."""
    out = tmp_path_factory.mktemp("project") / "model"
    words = ["fit", ROOT / "examples" / "bay_area" / "donors.toml", "-o", out, "--model", "scorecard"]
    result = geoscore(*words, "--format", "json")
    assert result.returncode == 0, result.stderr
    card = json.loads(result.stdout)
    assert card["households"] > 5500
    assert card["fold_kind"] == "space"
    assert "appeal.Thanked" in card["features_refused"]
    assert card["log_score"] > card["log_score_rate_alone"]
    return out


@pytest.fixture(scope="module")
def surface_path(project_model: Path) -> Path:
    text = (ROOT / "examples" / "bay_area" / "donors.toml").read_text()
    text = text.replace('# model = "../../model"', f'model = "{project_model}"')
    text = text.replace('path = "', f'path = "{ROOT}/examples/bay_area/')
    project = project_model.parent / "donors.toml"
    project.write_text(text)
    return run(project, out=project_model.parent / "out").out / "surface.parquet"


def test_a_run_publishes_expected_givers_and_dollars_of_twenty_or_more(surface_path: Path) -> None:
    surface = open_surface(surface_path)
    frame = surface.table.to_pandas()
    shown = frame[~frame["suppressed"]]
    assert surface.note.k == 20
    assert shown["households"].min() >= 20
    scored = pq.read_table(surface_path.parent / "private" / "propensity.parquet")
    assert shown["expected_givers"].sum() == pytest.approx(scored["p_gives"].to_numpy().sum(), abs=0.05 * len(shown))
    assert shown["expected_usd"].sum() == pytest.approx(
        scored["expected_gift_usd"].to_numpy().sum(), abs=0.05 * len(shown)
    )
    assert frame.loc[frame["suppressed"], "expected_usd"].isna().all()


def test_answers_tell_what_to_expect(surface_path: Path) -> None:
    surface = open_surface(surface_path)
    answer = surface.query(capacity=2500).to_dict()
    assert answer["usd_low"] < answer["expected_usd"] < answer["usd_high"]
    assert 0 < answer["able_givers"] < min(answer["expected_givers"], answer["estimate"])
    counties = surface.at_least(2500).by("county").to_rows()
    assert sum(row["expected_givers"] for row in counties) == pytest.approx(answer["expected_givers"], abs=1e-6)
    coarser = surface.rollup(6).query(capacity=2500).to_dict()
    assert coarser["expected_usd"] == pytest.approx(answer["expected_usd"])


def test_a_plan_spends_its_contacts_where_they_bring_the_most(surface_path: Path) -> None:
    surface = open_surface(surface_path)
    plan = make_plan(surface, contacts=1000, cost=0.68)
    assert plan.contacts == 1000
    assert sum(stop.contacts for stop in plan.stops) == pytest.approx(1000, abs=0.5)
    each = [stop.expected_usd / stop.contacts for stop in plan.stops]
    assert all(a >= b - 0.2 for a, b in pairwise(each))
    assert plan.expected_usd_low < plan.expected_usd < plan.expected_usd_high
    assert plan.expected_net_usd == pytest.approx(plan.expected_usd - 680)
    dear = make_plan(surface, cost=20.0)
    assert dear.contacts == dear.best_contacts < plan.all_contacts
    assert make_plan(surface, budget=340, cost=0.68).contacts == 500


@pytest.mark.parametrize(
    ("asked", "words"),
    [({"contacts": 0}, "give 1 or more"), ({"budget": 10}, "needs the cost"), ({"cost": -1}, "0 or more")],
)
def test_plans_that_cannot_be_are_said(surface_path: Path, asked: dict[str, float], words: str) -> None:
    with pytest.raises(SurfaceError, match=words):
        make_plan(open_surface(surface_path), **asked)


def test_a_plan_of_all_says_so_once(surface_path: Path) -> None:
    shown = geoscore("plan", surface_path, "--top", "500").stdout
    every = make_plan(open_surface(surface_path))
    assert every.best_contacts == every.all_contacts
    assert f"all {every.all_contacts:,.0f} contacts pay; together they bring" in shown
    assert "bring the most" not in shown
    assert "hidden hexagons of ZIP 9" in shown
    assert "other cells" not in shown


def test_plan_on_the_command_line(surface_path: Path) -> None:
    result = geoscore("plan", surface_path, "--contacts", "1000", "--cost", "0.68", "--format", "json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["contacts"] == 1000
    shown = geoscore("plan", surface_path, "--contacts", "1000", "--cost", "20", "--top", "3").stdout
    assert "contacts bring the most after costs" in shown


def test_measures_are_published_of_the_same_groups_and_conserved() -> None:
    rng = np.random.default_rng(0)
    keys = pd.DataFrame(
        {"cell": pd.array(range(1, 13), "UInt64"), "zip": ["94301"] * 6 + ["94302"] * 6, "county": "06085"}
    )
    households = rng.integers(1, 60, 12).astype(float)
    raw = surface_table(keys, Figures.apart(households, np.zeros((12, 25)), np.zeros((12, 25))))
    beside = pa.table(
        {**{name: raw[name] for name in ("cell", "zip", "county")}, **dict.fromkeys(MEASURES.names, raw["households"])}
    )
    protected = protect_surface(raw, k=20, beside=beside).table.to_pandas()
    shown = protected[~protected["suppressed"]]
    assert (shown["households"] >= 20).all()
    assert shown["expected_usd"].tolist() == shown["households"].tolist()
    plain = protect_surface(raw, k=20).table.to_pandas()
    pd.testing.assert_frame_equal(protected[plain.columns], plain)


def test_a_surface_without_a_model_has_no_plan() -> None:
    keys = pd.DataFrame({"cell": pd.array([1], "UInt64"), "zip": ["94301"], "county": "06085"})
    table = surface_table(keys, Figures.apart(np.array([50.0]), np.zeros((1, 25)), np.zeros((1, 25))))
    from geoscore.query import Surface
    from geoscore.schemas import SurfaceNote

    note = SurfaceNote(
        title="t", region="r", universe="file", formula="f", formula_text="f", horizon="1 year", purpose="research",
        vintage="2026", resolution=7, k=10, published=True,
    )  # fmt: skip
    with pytest.raises(SurfaceError, match="no expected dollars"):
        make_plan(Surface(table, note))


# --- KDD Cup 98 -------------------------------------------------------------------------------------------------


def test_the_script_reads_files_of_the_shape_of_kdd_cup_98(tmp_path: Path) -> None:
    path = ROOT / "benchmarks" / "accuracy" / "kdd98.py"
    spec = importlib.util.spec_from_file_location("kdd98", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name, seed in (("cup98LRN.txt", 21), ("cup98VAL.txt", 22)):
        frame = make_donors(1500, seed)[0].to_pandas().rename(columns={"gave": "TARGET_B", "amount": "TARGET_D"})
        frame["CONTROLN"] = np.arange(1500) + 10_000 * seed
        if "VAL" in name:
            frame[["CONTROLN", "TARGET_B", "TARGET_D"]].to_csv(tmp_path / "valtargt.txt", index=False)
            frame = frame.drop(columns=["TARGET_B", "TARGET_D"])
        frame.drop(columns="donor").to_csv(tmp_path / name, index=False)
    found = script.run(tmp_path, kind="scorecard")
    assert found["households"] == 1500
    assert found["profit_usd"] > 0.9 * found["profit_of_all_usd"]


def test_models_are_saved_where_they_are_read(tmp_path: Path, folder: Path) -> None:
    model: Model = open_model(folder)
    save_model(model, tmp_path / "again")
    assert (tmp_path / "again" / "model.json").read_bytes() == (folder / "model.json").read_bytes()
    assert (tmp_path / "again" / "arrays.npz").read_bytes() == (folder / "arrays.npz").read_bytes()
