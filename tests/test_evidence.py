"""Small areas borrow from their neighbors, and what else is known of a household narrows its incomes."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from geoscore.capacity.areas import fit_areas
from geoscore.capacity.evidence import FIELDS, NOTHING, likelihoods
from geoscore.capacity.prior import AreaPrior
from geoscore.capacity.shrinkage import modelled_trials, steady, trials_from_margins
from geoscore.schemas import LADDER, MIX

CURVE = (np.geomspace(2_000, 2_000_000, 60), 1.0 / (1.0 + (90_000 / np.geomspace(2_000, 2_000_000, 60)) ** 1.6))
EDGES = [0.0, 50_000.0, 100_000.0, 125_000.0, 200_000.0]


def areas(n: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    ids = [f"06001{i // 3:06d}{i % 3}" for i in range(n)]
    tracts = rng.dirichlet(np.array([2.0, 3.0, 1.0, 2.0, 2.0]) * 6, n // 3)
    truth = np.array([rng.dirichlet(tracts[i // 3] * 40) for i in range(n)])
    return ids, truth


def test_areas_and_counties_keep_their_published_counts() -> None:
    rng = np.random.default_rng(3)
    ids, truth = areas(90, rng)
    total = rng.integers(100, 900, 90).astype(float)
    counts = np.array([rng.multinomial(int(t * 0.08), p) for t, p in zip(total, truth, strict=True)])
    counts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * total[:, None]
    found = steady(modelled_trials(total), counts, tracts=ids, counties=["06001"] * 90)
    np.testing.assert_allclose(found.counts.sum(axis=1), total, rtol=1e-9)
    np.testing.assert_allclose(found.counts.sum(axis=0), counts.sum(axis=0), rtol=1e-6)
    shares = truth * total[:, None]
    assert np.abs(found.counts - shares).mean() < 0.85 * np.abs(counts - shares).mean()
    assert (found.trials > modelled_trials(total)).all()
    assert found.common.max() > 0


def test_margins_say_how_large_the_sample_was() -> None:
    rng = np.random.default_rng(4)
    p = rng.dirichlet(np.full(16, 2.0), 50)
    se = np.sqrt(p * (1 - p) / 55)
    margins = 1.645 * se * 800
    margins[:, 3] = np.nan
    assert trials_from_margins(p * 800, margins) == pytest.approx(np.full(50, 55.0))
    assert np.isnan(trials_from_margins(p[:1] * 800, np.full((1, 16), np.nan)))[0]


def test_incomes_that_are_no_survey_stay_as_they_are() -> None:
    rng = np.random.default_rng(5)
    ids, truth = areas(6, rng)
    table = pa.table(
        {
            "area_id": np.repeat(np.array(ids, dtype=object), 5),
            "low_usd": np.tile(EDGES, 6),
            "high_usd": pa.array([*EDGES[1:], None] * 6, pa.float64()),
            "households": (truth * 500).reshape(-1),
        }
    )
    county = dict.fromkeys(ids, "06001")
    found = fit_areas(table, np.full(30, np.nan), CURVE, county_of=county, sampled=False)
    above = found.distribution.exceedance(np.array([100_000.0]))[:, 0]
    np.testing.assert_allclose(above, truth[:, 2:].sum(axis=1), atol=1e-9)
    shrunk = fit_areas(table, np.full(30, np.nan), CURVE, county_of=county, sampled=True)
    assert shrunk.distribution.exceedance(np.array([100_000.0])).std() < above.std()


def labelled(n: int, rng: np.random.Generator) -> pd.DataFrame:
    income = np.exp(rng.normal(11.4, 0.7, n))
    home = 6.0 * income * np.exp(rng.normal(0, 0.3, n))
    owner = rng.random(n) < np.clip(income / 200_000, 0.1, 0.9)
    return pd.DataFrame(
        {
            "income_usd": income,
            "home_value_usd": np.where(owner, home, np.nan),
            "age": np.nan,
            "largest_gift_usd": np.nan,
        }
    )


def prior(evidence: object, truth: np.ndarray, ids: list[str]) -> AreaPrior:
    table = pa.table(
        {
            "area_id": np.repeat(np.array(ids, dtype=object), 5),
            "low_usd": np.tile(EDGES, len(ids)),
            "high_usd": pa.array([*EDGES[1:], None] * len(ids), pa.float64()),
            "households": (truth * 500).reshape(-1),
        }
    )
    fitted = fit_areas(table, np.full(len(ids) * 5, np.nan), CURVE, county_of={}, sampled=False)
    rows = [{"cell": i + 1, "zip": "94301", "county": "06085", "area_id": a, "share": 1.0} for i, a in enumerate(ids)]
    return AreaPrior(fitted.distribution, pa.Table.from_pylist(rows, schema=MIX), None, evidence)


def test_a_costly_home_raises_and_none_lowers_and_all_together_are_the_area() -> None:
    rng = np.random.default_rng(6)
    evidence = likelihoods(labelled(40_000, rng))
    ids, truth = areas(3, rng)
    place = prior(evidence, truth, ids)
    figures = {
        name: np.array([np.nan, 300_000.0, 3_000_000.0]) if name == FIELDS[0] else np.full(3, np.nan) for name in FIELDS
    }
    none, cheap, costly = (int(code) for code in evidence.codes(figures))
    base = place.exceedance(multiplier=0.02)
    k = LADDER.index(2500)
    assert (place.exceedance(multiplier=0.02, evidence=costly)[:, k] > base[:, k] + 0.1).all()
    assert (place.exceedance(multiplier=0.02, evidence=cheap)[:, k] < base[:, k]).all()
    assert (place.exceedance(multiplier=0.02, evidence=none)[:, k] < base[:, k]).all()
    for code in (none, cheap, costly):
        curve = place.exceedance(multiplier=0.02, evidence=code)
        assert (np.diff(curve, axis=1) <= 1e-12).all()
        assert curve.max() <= 1
    # a band that the file knows says more than what the home is worth
    banded = place.exceedance(multiplier=0.02, low=150_000.0, high=None, evidence=cheap)
    assert banded[:, k].min() == 1.0


def test_too_few_households_teach_nothing() -> None:
    evidence = likelihoods(labelled(200, np.random.default_rng(7)))
    assert evidence.weights(3) is None
    assert NOTHING.weights(0) is None
    assert evidence.learned["home_value_usd"] < 300
