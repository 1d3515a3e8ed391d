"""Instructions a row of the hot path's kernels, counted by valgrind: the same on a busy machine as on a quiet one.

python benchmarks/instructions.py [--rows 65536] [--write]

Each kernel runs once in one process and three times in another; half the difference is what one call costs. Needs
valgrind (Debian: apt-get install valgrind) and some minutes.
"""

import argparse
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

HERE = Path(__file__).resolve()
COUNT = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
ALONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1") | {"PYTHONHASHSEED": "0"}
CALLS = (1, 3)
KERNELS = {
    "points to cells": "H3 cells by `h3ronpy`: the floor",
    "check and map": "columns checked and mapped to records",
    "locate": "checked and mapped, cells, ZIPs, region",
    "level of evidence": "capacity of known figures, classes of unknown ones",
    "count": "households by position and level",
    "all of it": "a batch from raw columns to counts",
}


def prepare(folder: Path, rows: int) -> None:
    """Write what the kernels work on: a tally of the sample region and a batch of made-up points in it."""
    from peers import make_points, make_region

    from geoscore import geocoding
    from geoscore.formulas import open_formula
    from geoscore.ingest import mapped_columns
    from geoscore.project import open_project
    from geoscore.regions import open_region
    from geoscore.tally import Tally

    make_points(make_region(folder), rows, folder / "points.parquet")
    plan = open_project(folder / "geoscore.toml")
    region, source = open_region(plan), plan.sources[0]
    tally = Tally(
        source=source,
        as_of=plan.as_of,
        cells=np.unique(region.ground["cell"].to_numpy()),
        zips=geocoding.zip_sigma_m(region.ground),
        without_homes=region.without_homes(),
        resolution=plan.surface.resolution,
        formula=open_formula(plan.capacity.formula),
    )
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "points.parquet", columns=list(mapped_columns(source)))
    batch = table.combine_chunks().to_batches()[0]
    (folder / "work.pickle").write_bytes(pickle.dumps((tally, batch)))


def kernel(name: str, tally: Any, batch: pa.RecordBatch) -> Callable[[], object]:
    """Return a kernel, ready to be called."""
    from geoscore.capacity import score_batch
    from geoscore.ingest import map_batch
    from geoscore.spatial.cells import cells_from_points
    from geoscore.tally import count_batch

    rows = np.arange(1, len(batch) + 1)
    _, located, _ = tally.locate(batch, rows)
    scored = score_batch(located, tally.formula)
    x, y = (batch[column].to_numpy() for column in ("longitude", "latitude"))
    return {
        "points to cells": lambda: cells_from_points(x, y, resolution=tally.resolution),
        "check and map": lambda: map_batch(batch, rows, source=tally.source, as_of=tally.as_of),
        "locate": lambda: tally.locate(batch, rows),
        "level of evidence": lambda: score_batch(located, tally.formula),
        "count": lambda: count_batch(scored),
        "all of it": lambda: tally(batch, rows),
    }[name]


def count(folder: Path, name: str, times: int) -> int:
    """Return the instructions of a process that calls a kernel so many times."""
    command = [*COUNT, sys.executable, str(HERE), "--kernel", name, "--times", str(times), "--folder", str(folder)]
    done = subprocess.run(command, env={**os.environ, **ALONE}, capture_output=True, text=True, check=False)
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode or found is None:
        sys.exit(f"valgrind ended with {done.returncode}: {done.stderr[-2000:]}")
    return int(found[1].replace(",", ""))


def main() -> None:
    """Print the table, write it, or be the process that is counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=65_536)
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--kernel", choices=list(KERNELS), help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.kernel:
        pa.set_cpu_count(1)
        call = kernel(asked.kernel, *pickle.loads((asked.folder / "work.pickle").read_bytes()))  # noqa: S301  our own
        for _ in range(asked.times):
            call()
        return
    if shutil.which("valgrind") is None:
        sys.exit("there is no valgrind here; on Debian or Ubuntu: apt-get install valgrind")
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count()) as pool:
        prepare(Path(name), asked.rows)
        jobs = [pool.submit(count, Path(name), item, times) for item in KERNELS for times in CALLS]
        counted = [job.result() for job in jobs]
    lines = ["| kernel | instructions a row | |", "|---|---|---|"]
    for at, (item, what) in enumerate(KERNELS.items()):
        once, thrice = counted[2 * at : 2 * at + 2]
        lines.append(f"| {item} | {(thrice - once) / (CALLS[1] - CALLS[0]) / asked.rows:,.0f} | {what} |")
    print("\n".join(lines))
    if asked.write:
        from growth import write_between

        write_between("instructions", "\n".join(lines))


if __name__ == "__main__":
    main()
