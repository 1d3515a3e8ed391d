"""From brackets to any threshold: hide one inner edge of every area's brackets and predict it from the others.

GEOSCORE_REFERENCE_DATA=DIR python benchmarks/accuracy/brackets.py
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.capacity import IncomeDistribution
from geoscore.reference.census import read_income_curve

Floats = npt.NDArray[np.float64]
EDGES = np.array([0, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 75, 100, 125, 150, 200]) * 1000.0


def hidden_edge_errors(
    counts: pd.DataFrame, curve: tuple[Floats, Floats], edges: range = range(2, 15)
) -> Iterator[Floats]:
    """Yield, for each of some edges, every area's absolute error of the share above it when it is hidden."""
    values = counts.to_numpy(np.float64)
    for hidden in edges:
        keep = [i for i in range(1, 16) if i != hidden]
        lows = np.array([0.0, *EDGES[keep]])
        cuts = np.add.reduceat(values, [0, *keep], axis=1)
        rows = {
            "area_id": np.repeat(counts.index.to_numpy(), len(lows)),
            "low_usd": np.tile(lows, len(counts)),
            "high_usd": pa.array([*lows[1:], None] * len(counts), pa.float64()),
            "households": cuts.reshape(-1),
        }
        fitted = IncomeDistribution(curve).fit(pa.table(rows))
        truth = 1 - np.cumsum(values, axis=1)[:, hidden - 1] / values.sum(axis=1)
        yield np.abs(fitted.exceedance(EDGES[[hidden]])[:, 0] - truth)


def block_groups(folder: Path) -> pd.DataFrame:
    """Return household counts of block groups (GEOID) in the 16 brackets of table B19001."""
    table = pd.read_parquet(folder / "acs2017_block_groups.parquet").set_index("GEOID")
    counts = table[[f"B19001_{i:03d}E" for i in range(2, 18)]].astype(float)
    return counts[counts.sum(axis=1) > 0].sort_index()


def main() -> None:
    """Print the mean absolute errors for counties and block groups."""
    if "GEOSCORE_REFERENCE_DATA" not in os.environ:
        sys.exit("set GEOSCORE_REFERENCE_DATA to the folder of reference data")
    groups = block_groups(Path(os.environ["GEOSCORE_REFERENCE_DATA"]))
    curve = read_income_curve()
    for name, counts in (("counties", groups.groupby(groups.index.str[:5]).sum()), ("block groups", groups)):
        errors = np.concatenate(list(hidden_edge_errors(counts, curve)))
        print(f"{name}: hidden inner edges, mean absolute error {100 * errors.mean():.2f} points")
        top = np.concatenate(list(hidden_edge_errors(counts, curve, range(15, 16))))
        print(f"{name}: share above $200,000 from brackets that end at $150,000, {100 * top.mean():.2f} points")


if __name__ == "__main__":
    main()
