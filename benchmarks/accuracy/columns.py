"""How often is the kind of a column inferred right, and is a wrong one ever called sure? On labelled layouts.

python benchmarks/accuracy/columns.py [--errors]
"""

import sys
import tomllib
from collections import Counter
from pathlib import Path

import pandas as pd

from geoscore.ingest.columns import infer_columns
from geoscore.ingest.files import read_file

LAYOUTS = Path(__file__).parent / "layouts"
SURE = 0.8


def measure(split: str) -> pd.DataFrame:
    """Return one row a column: layout, name, true kind, guessed kind, confidence."""
    import pyarrow as pa

    rows = []
    for layout in tomllib.loads((LAYOUTS / "labels.toml").read_text(encoding="utf-8"))["layouts"]:
        if layout["split"] != split:
            continue
        raw = read_file(LAYOUTS / f"{layout['name']}.csv", to_look=True)
        sample = pa.Table.from_batches([batch for batch, _ in raw.batches])
        for guess in infer_columns(sample):
            true = layout["columns"].get(guess.name)
            if true is not None:
                rows.append((layout["name"], guess.name, true, guess.kind, guess.confidence, guess.evidence))
    return pd.DataFrame(rows, columns=["layout", "column", "true", "guess", "confidence", "evidence"])


def main() -> None:
    """Print accuracy, sure errors and calibration for both splits; errors of the tuning split alone on demand."""
    for split in ("tune", "held_out"):
        found = measure(split)
        right = found["true"] == found["guess"]
        sure_wrong = int((~right & (found["confidence"] >= SURE)).sum())
        print(f"{split}: {len(found)} columns, {right.mean():.1%} right, {sure_wrong} wrong ones at {SURE} or more")
        bands = pd.cut(found["confidence"], [0, 0.55, 0.7, 0.8, 0.9, 1], right=False)
        print(right.groupby(bands, observed=True).agg(["size", "mean"]).round(3).to_string())
        if split == "tune" and "--errors" in sys.argv:
            wrong = found[~right]
            print(wrong.to_string(max_colwidth=60))
            print(Counter(zip(wrong["true"], wrong["guess"], strict=True)).most_common(20))


if __name__ == "__main__":
    main()
