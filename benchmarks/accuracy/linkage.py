"""How well are the example's records linked into households? Pairwise precision, recall and F1 against the kept truth.

geoscore demo --out out/demo && python benchmarks/accuracy/linkage.py out/demo
"""

import sys
from pathlib import Path

import pandas as pd

from geoscore.reference.samples import example_dir


def main() -> None:
    """Print the figures for a run of the example."""
    links = pd.read_parquet(Path(sys.argv[1]) / "private" / "links.parquet")
    truth = pd.read_parquet(example_dir() / "truth_links.parquet")
    both = links.merge(truth, on=["source", "row"], suffixes=("", "_true"))
    found, real, shared = (_pairs(both, keys) for keys in (["household_id"], ["household_id_true"], list(_BOTH)))
    precision, recall = shared / found, shared / real
    score = 2 * precision * recall / (precision + recall)
    counts = both["household_id"].nunique(), both["household_id_true"].nunique()
    print(f"records {len(both):,}, households found {counts[0]:,}, true {counts[1]:,}")
    print(f"pairwise precision {precision:.3f}, recall {recall:.3f}, F1 {score:.3f}")


_BOTH = ("household_id", "household_id_true")


def _pairs(frame: pd.DataFrame, keys: list[str]) -> int:
    sizes = frame.groupby(keys).size()
    return int((sizes * (sizes - 1) // 2).sum())


if __name__ == "__main__":
    main()
