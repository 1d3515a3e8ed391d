"""How long does linking take as records grow? Wall seconds and peak memory of `geoscore link`, on made-up files.

python benchmarks/linkage_growth.py [0.1 0.3 1 3]
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

HOUSEHOLDS_PER_RECORD = 0.715
FILES = ("voters.csv", "property.parquet", "subscribers.jsonl", "donors.xlsx")


def main() -> None:
    """Print a table for docs/performance.md."""
    print("| records | seconds | peak memory | pairwise F1 |\n|---|---|---|---|")
    for millions in [float(text) for text in sys.argv[1:]] or [0.1, 0.3, 1.0, 3.0]:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(millions, Path(folder)), flush=True)


def measure(millions: float, folder: Path) -> str:
    """Return one row of the table."""
    households = str(round(millions * 1e6 * HOUSEHOLDS_PER_RECORD))
    geoscore = [sys.executable, "-m", "geoscore"]
    subprocess.run([*geoscore, "synth", "--households", households, "--out", folder, "--quiet"], check=True)
    out = folder / "links.parquet"
    start = time.perf_counter()
    child = subprocess.Popen([*geoscore, "link", *(folder / name for name in FILES), "-o", out, "--quiet"])
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"geoscore link ended with {status}")
    rows = pq.read_metadata(out).num_rows
    return f"| {rows:,} | {seconds:.0f} | {_gigabytes(used):.1f} GB | {_f1(folder, out):.3f} |"


def _gigabytes(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / (1e6 if sys.platform != "darwin" else 1e9)


def _f1(folder: Path, out: Path) -> float:
    from geoscore.linkage.evaluate import score_pairs

    links = pd.read_parquet(out, columns=["source", "row", "household_id"])
    truth = pd.read_parquet(folder / "truth_links.parquet", columns=["source", "row", "household_id"])
    both = links.merge(truth, on=["source", "row"], suffixes=("", "_true"))
    return score_pairs(both["household_id"], both["household_id_true"]).f1


if __name__ == "__main__":
    main()
