"""The same job by geoscore, by its peers and by hand: points -> H3 cells -> census features -> counts above $2,500.

python benchmarks/peers.py [--millions 0.1 1 10] [--repeat 5] [--python .venv-peers/bin/python] [--write]

Points are made up in the cells of the Bay Area's census sample, 30% with an income. Every result is checked against
geoscore's before anything is printed: the same cells and counts, and the same households above the threshold to 1e-6.
Times are medians: seconds on the wall, and of processors, which other work on the machine changes less.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from growth import Measured, measure, write_between

from geoscore import enrichment, geocoding
from geoscore.capacity import AreaPrior
from geoscore.project import open_project
from geoscore.reference.census import open_census
from geoscore.regions import open_region
from geoscore.schemas import LADDER
from geoscore.spatial.cells import cell_centers
from geoscore.spatial.polygons import cell_polygons

HERE = Path(__file__).parent
CLOSE = 1e-6
OURS = "geoscore, the job"
OUR_RUN = "geoscore run: checks, intervals, disclosure, map, report, ledger"
PROJECT = """
name = "Points"
purpose = "research"
as_of = 2026-11-01
link = false
[surface]
resolution = 8
published_resolution = 8
[[sources]]
name = "points"
path = "points.parquet"
features = false
[sources.columns]
longitude = "longitude"
latitude = "latitude"
income_usd = "income_usd"
"""


@dataclass(frozen=True)
class Timed:
    """Medians of some runs."""

    wall: float
    cpu: float
    peak: float
    runs: int


def make_region(folder: Path) -> pd.DataFrame:
    """Write a project, and the census features of its cells; return the cells with their households."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "geoscore.toml").write_text(PROJECT, encoding="utf-8")
    plan = open_project(folder / "geoscore.toml")
    pq.write_table(
        pa.table({"longitude": [-122.0], "latitude": [37.5], "income_usd": [1.0]}), folder / "points.parquet"
    )
    region = open_region(plan)
    ground = region.ground.to_pandas()
    cells = ground[ground["households"] > 0].groupby("cell")["households"].sum().reset_index()
    positions = pa.table(
        {
            "cell": pa.array(cells["cell"], pa.uint64()),
            "zip": pa.nulls(len(cells), pa.string()),
            "spread_m": pa.nulls(len(cells), pa.int32()),
        }
    )
    kernel = geocoding.spread_positions(positions, region.ground)
    prior = AreaPrior(region.distribution, enrichment.mix_areas(kernel, ground=region.ground), region.errors)
    share = prior.exceedance(multiplier=0.02)[:, LADDER.index(2500)]
    pairs = prior.pairs.assign(share=share).merge(kernel.to_pandas(), on=["cell", "zip", "county"])
    pairs["share_above"] = pairs["share"] * pairs["weight"]
    features = pairs.groupby("cell")["share_above"].sum().reset_index().astype({"cell": "uint64"})
    features.to_parquet(folder / "features.parquet", index=False)
    shapes = cell_polygons(cells["cell"].to_numpy(np.uint64))
    gpd.GeoDataFrame(cells[["cell"]], geometry=list(shapes), crs=4326).to_parquet(folder / "hexagons.parquet")
    open_census().areas.to_parquet(folder / "zones.parquet")
    return cells


def make_points(cells: pd.DataFrame, n: int, path: Path) -> None:
    """Write n points: a cell by its households, a place near its center, an income for 30%."""
    chance = np.random.default_rng(n)
    at = chance.choice(len(cells), n, p=cells["households"] / cells["households"].sum())
    longitude, latitude = cell_centers(cells["cell"].to_numpy(np.uint64)[at])
    turn, out = chance.uniform(0, 2 * np.pi, n), 0.003 * np.sqrt(chance.random(n))
    income = np.exp(chance.normal(11.4, 0.8, n)).round(-2)
    table = {
        "longitude": longitude + out * np.cos(turn) / np.cos(np.radians(latitude)),
        "latitude": latitude + out * np.sin(turn),
        "income_usd": pa.array(income, mask=chance.random(n) >= 0.3),  # noqa: PLR2004
    }
    pq.write_table(pa.table(table), path, row_group_size=500_000)


def check(name: str, found: Path, wanted: Path) -> None:
    """End where a result is not geoscore's own."""
    one, other = (pd.read_parquet(path).sort_values("cell").reset_index(drop=True) for path in (found, wanted))
    same = (
        np.array_equal(one["cell"].astype("uint64"), other["cell"].astype("uint64"))
        and np.allclose(one["households"], other["households"], atol=CLOSE)
        and np.allclose(one["at_least"], other["at_least"], atol=CLOSE)
    )
    if not same:
        sys.exit(f"{name} gives {len(one):,} cells and other counts than geoscore's {len(other):,}")


def time_commands(commands: dict[str, list[str]], repeat: int, then: dict[str, Callable[[], None]]) -> dict[str, Timed]:
    """Run commands some times, all of them in turn, so that what else the machine does falls on all alike.

    Parameters
    ----------
    commands, then
        What is timed, and what is done after each time without being timed.
    repeat
        How many times.
    """
    took: dict[str, list[Measured]] = {name: [] for name in commands}
    for _ in range(repeat):
        for name, command in commands.items():
            took[name].append(measure(command))
            then.get(name, lambda: None)()
    return {
        name: Timed(*(statistics.median(getattr(item, of) for item in items) for of in ("wall", "cpu", "peak")), repeat)
        for name, items in took.items()
    }


def time_all(folder: Path, python: str, n: int, repeat: int) -> dict[str, Timed]:
    """Return what each way takes on the points in the folder."""
    points, features, out = (str(folder / name) for name in ("points.parquet", "features.parquet", "out.parquet"))
    ours, project, run = str(folder / "ours.parquet"), str(folder / "geoscore.toml"), folder / f"run{n}"
    scripts = {
        "by hand, duckdb": "hand_written.py",
        "by hand, polars": "polars_script.py",
        "h3pandas + geopandas": "h3pandas_job.py",
        "srai": "srai_job.py",
    }
    geoscore = str(Path(sys.executable).with_name("geoscore"))
    commands = {
        OURS: [sys.executable, str(HERE / "peers/geoscore_job.py"), project, ours],
        OUR_RUN: [geoscore, "run", project, "--out", str(run), "--quiet"],
    }
    commands |= {
        name: [python, str(HERE / "peers" / script), points, features, out] for name, script in scripts.items()
    }
    then: dict[str, Callable[[], None]] = {name: partial(check, name, Path(out), Path(ours)) for name in scripts}
    then[OUR_RUN] = partial(shutil.rmtree, run)  # a finished run keeps its stages, and would not count again
    return time_commands(commands, repeat, then)


def table_of(n: int, found: dict[str, Timed]) -> list[str]:
    """Return the rows of a table, with ratios of processor time to geoscore's."""
    ours = found[OURS]
    lines = [
        f"| {n:,} points | wall | processors | against geoscore | peak memory | runs |",
        "|---|---|---|---|---|---|",
    ]
    for name, took in found.items():
        ratio = f"{took.wall / ours.wall:.2f} wall, {took.cpu / ours.cpu:.2f} processors"
        lines.append(f"| {name} | {took.wall:.1f} s | {took.cpu:.1f} s | {ratio} | {took.peak:.1f} GB | {took.runs} |")
    return [*lines, ""]


def time_ground(folder: Path, python: str, repeat: int) -> list[str]:
    """Return how long census zones take to the same hexagons by geoscore and by tobler."""
    opened = f"open_project({str(folder / 'geoscore.toml')!r})"
    code = f"from geoscore.project import open_project\nfrom geoscore.regions import open_region\nopen_region({opened})"
    files = [str(folder / f"{name}.parquet") for name in ("zones", "hexagons", "tobler")]
    commands = {OURS: [sys.executable, "-c", code], "tobler": [python, str(HERE / "peers/tobler_job.py"), *files]}
    ours, tobler = time_commands(commands, repeat, {}).values()
    return [
        "| 1,454 census zones to their hexagons | wall | processors |",
        "|---|---|---|",
        f"| geoscore: ground with ZIPs and counties, incomes fitted | {ours.wall:.1f} s | {ours.cpu:.1f} s |",
        f"| tobler `area_interpolate`, one variable | {tobler.wall:.1f} s | {tobler.cpu:.1f} s |",
        "",
    ]


def main() -> None:
    """Print the tables, or write them into docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", nargs="+", type=float, default=[0.1, 1, 10])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--python", default=sys.executable, help="a Python that has the peers installed")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cells = make_region(folder)
        for millions in asked.millions:
            n = round(millions * 1e6)
            make_points(cells, n, folder / "points.parquet")
            lines += table_of(n, time_all(folder, asked.python, n, asked.repeat))
            print("\n".join(lines[-10:]), flush=True)
        lines += time_ground(folder, asked.python, asked.repeat)
    text = "\n".join(lines)
    if asked.write:
        write_between("peers", text)
    else:
        print(text)


if __name__ == "__main__":
    main()
