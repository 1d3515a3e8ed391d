"""A region from file to surface: 2.7 million made-up households with coordinates, 30% of them with an income.

GEOSCORE_REFERENCE_DATA=DIR python benchmarks/region.py [HOUSEHOLDS]

The households are drawn from block groups: where people live, and what they earn. Prints seconds, peak memory, and how
far the surface is from what is true of the households.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.capacity.distribution import bracket_matrix
from geoscore.project import open_project
from geoscore.query import open_surface
from geoscore.reference.census import CensusFiles, open_census
from geoscore.spatial.cells import cell_centers, cells_from_polygons

EXAMPLE = Path(__file__).parents[1] / "examples" / "census_only" / "geoscore.toml"
KNOWN = 0.3
TOP_SHAPE = 2.2
"""Of the Pareto tail in the open bracket."""
PROJECT = """
name = "A region"
purpose = "research"
as_of = 2026-11-01
{census}
[surface]
resolution = 8
published_resolution = 8

[[sources]]
name = "households"
path = "households.parquet"
features = false

[sources.columns]
longitude = "longitude"
latitude = "latitude"
income_usd = "income"
"""


def draw(n: int, rng: np.random.Generator) -> pa.Table:
    """Draw households from block groups: a fine cell of its area at random, an income of its brackets."""
    plan = open_project(EXAMPLE)
    census = open_census(
        CensusFiles(
            tables=tuple(map(plan.resolve, plan.census.tables)),
            centers=plan.resolve(plan.census.centers),
            tracts=plan.resolve(plan.census.tracts),
            zips=plan.resolve(plan.census.zips),
        )
    )
    ids, edges, counts = bracket_matrix(census.brackets)
    areas = census.areas.set_index("area_id").loc[ids]
    index, fine = cells_from_polygons(list(areas.geometry), resolution=11)
    order = np.argsort(index, kind="stable")
    starts = np.searchsorted(index[order], np.arange(len(ids)))
    lengths = np.bincount(index, minlength=len(ids))
    area = rng.choice(len(ids), n, p=counts.sum(axis=1) / counts.sum())
    at = fine[order][starts[area] + rng.integers(0, lengths[area])]
    longitude, latitude = cell_centers(at)
    below = np.cumsum(counts, axis=1) / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    bracket = (below[area] < rng.random(n)[:, None]).sum(axis=1).clip(max=counts.shape[1] - 1)
    low, high = np.append(4_000.0, edges), np.append(edges, np.inf)
    within = rng.random(n)
    closed = low[bracket] * (high[bracket] / low[bracket]) ** within
    income = np.where(np.isinf(high[bracket]), low[bracket] * within ** (-1.0 / TOP_SHAPE), closed)
    return pa.table({"longitude": longitude, "latitude": latitude, "income": income})


def main() -> None:
    """Print the figures."""
    if "GEOSCORE_REFERENCE_DATA" not in os.environ:
        sys.exit("set GEOSCORE_REFERENCE_DATA to the folder of reference data")
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 2_700_000
    rng = np.random.default_rng(5)
    homes = draw(n, rng)
    hidden = rng.random(n) >= KNOWN
    census = EXAMPLE.read_text().split("[census]")[1].split("[capacity]")[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shown = homes.set_column(2, "income", pa.array(homes["income"].to_numpy(), mask=hidden))
        pq.write_table(shown, folder / "households.parquet")
        (folder / "geoscore.toml").write_text(PROJECT.format(census="[census]" + census))
        command = [str(Path(sys.executable).with_name("geoscore")), "run", str(folder / "geoscore.toml")]
        start = time.perf_counter()
        subprocess.run([*command, "--out", str(folder / "out"), "--quiet"], check=True)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        print(f"{n:,} households: {seconds:.1f} s, {peak:.2f} GB")
        surface = open_surface(folder / "out" / "surface.parquet")
        true = 0.02 * homes["income"].to_numpy()
        for threshold in (400, 2500, 5000):
            answer = surface.query(capacity=threshold)
            above = int((true >= threshold).sum())
            print(f"${threshold:,}: expected {answer.estimate:,.0f} of {answer.households:,.0f}, true {above:,}")


if __name__ == "__main__":
    main()
