"""Capacity formulas: data with a definition, a horizon and a source; what is no formula is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from geoscore.capacity import score_households
from geoscore.engines import Engine
from geoscore.errors import InputError
from geoscore.formulas import list_formulas, open_formula
from geoscore.schemas import CUBE_EDGES, LOCATED
from geoscore.tables import Table


@pytest.mark.parametrize(
    ("name", "evidence", "capacity"),
    [
        ("income-2pct-1y", {"income_usd": 125_000.0}, 2_500.0),
        ("income-age-5y", {"income_usd": 13_888.89}, 2_500.0),
        ("income-age-5y", {"income_usd": 100_000.0, "age": 62.0}, 40_000.0),
        ("income-age-5y", {"income_usd": 100_000.0, "age": 20.0}, 0.0),
        ("assets-5pct", {"assets_usd": 50_000.0}, 2_500.0),
        ("max-income-networth-5y", {"income_usd": 25_000.0}, 2_500.0),
        ("max-income-networth-5y", {"income_usd": 25_000.0, "net_worth_usd": 1e6}, 50_000.0),
        ("income-2pct-1y", {"assets_usd": 1e6}, np.nan),
    ],
)
def test_what_the_shipped_formulas_say(name: str, evidence: dict[str, float], capacity: float) -> None:
    known = {field: np.array([value]) for field, value in evidence.items()}
    assert open_formula(name).capacity(known)[0] == pytest.approx(capacity, rel=1e-6, nan_ok=True)


def test_every_shipped_formula_says_who_says_so() -> None:
    assert len(list_formulas()) == 4
    for name in list_formulas():
        formula = open_formula(name)
        assert formula.name == name
        assert formula.citation
        assert formula.horizon


COMPONENT = '[[components]]\nfield = "income_usd"\nrate = 0.1\nlow_rate = 0.1\nhigh_rate = 0.1\n'
HEAD = 'name = "own"\ntitle = "t"\nhorizon = "1 year"\nrecipients = "r"\ncitation = "c"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD, "components"),
        (HEAD + COMPONENT + COMPONENT, "two components"),
        (HEAD + COMPONENT.replace("income_usd", "shoe_size"), r"components\.0\.field"),
        (HEAD + COMPONENT.replace("rate = 0.1", "rate = 7", 1), r"components\.0\.rate"),
        (HEAD + COMPONENT + "cap = 5.0\n", "not built yet"),
        (HEAD + "[[", "not valid TOML"),
    ],
)
def test_what_is_no_formula_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(InputError, match=words):
        open_formula(tmp_path / "own.toml")


def test_low_and_high_rates_are_one_call_away() -> None:
    formula, known = open_formula("income-2pct-1y"), {"income_usd": np.array([100_000.0])}
    assert [float(formula.capacity(known, band=band)[0]) for band in ("low", "mid", "high")] == [1e3, 2e3, 3e3]


def test_an_own_formula_and_one_that_is_nowhere(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(HEAD + COMPONENT)
    assert open_formula(tmp_path / "own.toml").name == "own"
    with pytest.raises(InputError, match="shipped are assets-5pct"):
        open_formula("nowhere")


def test_levels_of_evidence(engine: Engine) -> None:
    rows = [
        {"household_id": "a", "income_usd": 125_000.0},
        {"household_id": "b", "income_low_usd": 100_000.0, "income_high_usd": 125_000.0},
        {"household_id": "c", "net_worth_usd": 50_000.0},
        {"household_id": "d"},
    ]
    located = Table.from_arrow(pa.Table.from_pylist(rows, schema=LOCATED), engine=engine)
    scored = (
        score_households(located, formula=open_formula("max-income-networth-5y"))
        .collect()
        .sort_by("household_id")
        .to_pylist()
    )
    assert [row["income_known"] for row in scored] == [True, False, False, False]
    assert CUBE_EDGES[scored[0]["known_bin"] - 1] <= 12_500 < CUBE_EDGES[scored[0]["known_bin"]]
    assert (scored[1]["income_low_usd"], scored[1]["multiplier"]) == (100_000.0, 0.1)
    assert CUBE_EDGES[scored[2]["known_bin"] - 1] == 2_500.0
    assert scored[3]["known_bin"] == 0
