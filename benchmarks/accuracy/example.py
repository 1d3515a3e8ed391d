"""Are the example's answers right? Every ZIP's expected count against the kept truth, and how often intervals hold it.

geoscore demo --out out/demo && python benchmarks/accuracy/example.py out/demo
"""

import sys
from pathlib import Path

import pandas as pd

from geoscore.query import open_surface
from geoscore.reference.samples import example_dir

RATE = 0.02
THRESHOLDS = (400, 1000, 2500, 5000)


def main() -> None:
    """Print bias and coverage at some thresholds, by ZIP and county."""
    out = Path(sys.argv[1])
    surface = open_surface(out / "surface.parquet")
    used = pd.read_parquet(out / "private" / "links.parquet")[["source", "row"]]
    rows = used.merge(pd.read_parquet(example_dir() / "truth_links.parquet"), on=["source", "row"])
    rows = rows[rows["note"].isna()]
    homes = pd.read_parquet(example_dir() / "truth.parquet")
    homes = homes[homes["household_id"].isin(rows["household_id"])]
    print(f"true households {len(homes):,}, counted {surface.query().households:,.0f}")
    for by in ("zip", "county"):
        for capacity in THRESHOLDS:
            truth = homes[homes["income_usd"] * RATE >= capacity].groupby(by).size()
            held, shown, total, expected = 0, 0, 0, 0.0
            for row in surface.at_least(capacity).by(by).to_rows():
                if row[by] is None or row["estimate"] is None:
                    continue
                true = int(truth.get(row[by], 0))
                held += row["low"] <= true <= row["high"]
                shown, total, expected = shown + 1, total + true, expected + row["estimate"]
            print(f"{by:<7} ${capacity:>6,}: expected / true {expected / total:.3f}, intervals hold {held} of {shown}")


if __name__ == "__main__":
    main()
