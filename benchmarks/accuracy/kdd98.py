"""KDD Cup 1998: fit on the learning file, mail whoever is expected to bring more than $0.68, count the profit.

python benchmarks/accuracy/kdd98.py FOLDER    with cup98LRN.txt, cup98VAL.txt, valtargt.txt

Published: the winner made $14,712 on the validation file, the best later $15,515, mailing everybody $10,560.
geoscore has not been run on the real files, which are not to be had here; the script is ready for who has them.
"""

import argparse
import tempfile
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from geoscore.propensity.model import Kind
from geoscore.propensity_files import Asked, fit_file, score_file

COST_USD = 0.68
AS_OF = date(1997, 6, 1)
"""The day of the mailing; nothing later is looked at."""


def profit(scores: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    """Return what mailing to those who are expected to bring more than they cost brings, and mailing to all."""
    joined = scores.merge(truth, on="CONTROLN", how="inner", validate="one_to_one")
    chosen = joined["expected_gift_usd"] > COST_USD
    return {
        "households": float(len(joined)),
        "mailed": float(chosen.sum()),
        "profit_usd": float((joined.loc[chosen, "TARGET_D"] - COST_USD).sum()),
        "profit_of_all_usd": float((joined["TARGET_D"] - COST_USD).sum()),
        "expected_usd": float(joined.loc[chosen, "expected_gift_usd"].sum()),
        "realized_usd": float(joined.loc[chosen, "TARGET_D"].sum()),
    }


def run(folder: Path, *, kind: Kind | None = None) -> dict[str, float]:
    """Fit, score and count."""
    asked = Asked(gave="TARGET_B", amount="TARGET_D", id="CONTROLN", as_of=AS_OF, kind=kind)
    model = fit_file(folder / "cup98LRN.txt", asked=asked)
    for name in ("ece", "calibration_slope", "log_score", "log_score_logistic", "predicted_over_realized_dollars"):
        print(f"{name:<36}{model.card[name]}")
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "scored.parquet"
        score_file(folder / "cup98VAL.txt", model=model, out=out, id="CONTROLN", reason_codes=0)
        scores = pq.read_table(out, columns=["CONTROLN", "expected_gift_usd"]).to_pandas()
    return profit(scores, pd.read_csv(folder / "valtargt.txt"))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for name, value in run(parser.parse_args().folder).items():
        print(f"{name:<36}{value:,.2f}")


if __name__ == "__main__":
    main()
