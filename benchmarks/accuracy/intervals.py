"""Do 90% intervals hold the truth 90% of the time? Simulated surveys of simulated households on real geography.

GEOSCORE_REFERENCE_DATA=DIR python benchmarks/accuracy/intervals.py [SEEDS]

Every seed draws incomes of tracts and block groups, a survey of them, and where the households of each block group
live; geoscore sees the survey alone, and learns everything else from it.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.capacity import fit_areas, rung_shares
from geoscore.capacity.distribution import IncomeDistribution, bracket_matrix
from geoscore.capacity.shrinkage import modelled_trials, steady
from geoscore.ladder import interval
from geoscore.project import open_project
from geoscore.reference.census import read_income_curve
from geoscore.regions import Region, open_region
from geoscore.schemas import LADDER
from geoscore.surface_format import figures
from geoscore.surfaces import Errors, census_surface
from geoscore.surfaces.census import PLACE
from geoscore.tables import to_pandas

Floats = npt.NDArray[np.float64]
LARGE = 20
"""Expected households from which on a cell, ZIP or block group is looked at."""
RUNGS = (400, 2500, 5000, 15000)
PROJECT = Path(__file__).parents[2] / "examples" / "census_only" / "geoscore.toml"


def brackets_like(table: pa.Table, ids: list[str], counts: Floats) -> pa.Table:
    """Return a table of brackets with other counts."""
    _, edges, _ = bracket_matrix(table)
    low, high = np.append(0.0, edges), np.append(edges, np.nan)
    return pa.table(
        {
            "area_id": np.repeat(np.array(ids, dtype=object), len(low)),
            "low_usd": np.tile(low, len(ids)),
            "high_usd": pa.array(np.tile(high, len(ids)), pa.float64(), from_pandas=True),
            "households": counts.reshape(-1),
        }
    )


def draw_shares(center: Floats, concentration: float, rng: np.random.Generator) -> Floats:
    """Draw rows of shares around their centers."""
    drawn = rng.gamma(np.maximum(center * concentration, 1e-6))
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


class World:
    """The geography and the spread of incomes that truths are drawn from."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.ids, _, self.counts = bracket_matrix(region.census.brackets)
        self.total = self.counts.sum(axis=1)
        self.county = np.array([area[:5] for area in self.ids])
        self.tract = np.array([area[:11] for area in self.ids])
        found = steady(modelled_trials(self.total), self.counts, tracts=self.ids, counties=list(self.county))
        self.strength = found.strength
        self.curve = read_income_curve()
        frame = to_pandas(region.ground)
        frame = frame[frame["households"] > 0]
        self.row = frame.groupby(PLACE, dropna=False, sort=True).ngroup().to_numpy()
        self.area = pd.Series(np.arange(len(self.ids)), index=self.ids).loc[frame["area_id"]].to_numpy()
        self.share = frame["households"].to_numpy() / self.total[self.area]

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return the true shares of brackets, and what the survey says: households by bracket."""
        of_county = pd.DataFrame(self.counts).groupby(self.county).transform("sum").to_numpy()
        center = of_county / of_county.sum(axis=1, keepdims=True)
        first = ~pd.Series(self.tract).duplicated().to_numpy()
        tracts = dict(zip(self.tract[first], draw_shares(center[first], self.strength[1], rng), strict=True))
        truth = draw_shares(np.array([tracts[name] for name in self.tract]), self.strength[0], rng)
        asked = modelled_trials(self.total)
        sample = rng.gamma(np.maximum(truth * asked[:, None], 1e-9))
        # gamma draws have the variance of a multinomial sample of a whole number of households, for any number
        survey = sample / sample.sum(axis=1, keepdims=True) * self.total[:, None]
        return truth, np.where(self.total[:, None] > 0, survey, 0.0)

    def settle(self, concentration: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return how many households of each area live in each row it touches."""
        weight = rng.gamma(np.maximum(self.share * concentration, 1e-6))
        weight /= np.bincount(self.area, weight, len(self.ids))[self.area]
        left, rest = np.round(self.total).astype(np.int64), np.ones(len(self.ids))
        here = np.zeros(len(self.area), dtype=np.int64)
        for link in rng.permutation(len(self.area)):
            at = self.area[link]
            chance = min(1.0, weight[link] / max(rest[at], 1e-12))
            here[link] = rng.binomial(left[at], chance)
            left[at] -= here[link]
            rest[at] -= weight[link]
        return here


def covered(truth: Floats, figure: Any, rung: int) -> Floats:
    """Return whether each interval holds the truth, for rows of 20 or more expected households."""
    low, high = interval(figure.at_least[:, rung], figure.variance[:, 1 + rung], figure.most())
    return holds(low, truth, high)[figure.households >= LARGE]


def holds(low: Floats, truth: Floats, high: Floats) -> npt.NDArray[np.bool_]:
    """Say which intervals hold a whole number, which stands for all that rounds to it (randomized, by its hash)."""
    at = np.maximum(truth + np.random.default_rng(len(truth)).uniform(-0.5, 0.5, len(truth)), 0.0)
    return np.asarray((low <= at) & (at <= high))


def once(world: World, seed: int, *, true_concentration: float) -> list[dict[str, Any]]:
    """Return the coverage of one simulated truth by level and threshold."""
    rng = np.random.default_rng(seed)
    truth, survey = world.draw(rng)
    region = world.region
    table = brackets_like(region.census.brackets, world.ids, survey)
    county_of = dict(zip(world.ids, world.county, strict=True))
    fitted = fit_areas(table, np.full(table.num_rows, np.nan), world.curve, county_of=county_of, sampled=True)
    common = dict(zip(world.county, fitted.common, strict=True))
    shares = rung_shares(fitted.distribution, 0.02)
    errors = Errors(fitted.trials, {k: float(v) for k, v in common.items()})
    surface, _ = census_surface(region.ground, fitted.distribution.area_ids_, shares, errors, region.allocation)
    true_table = brackets_like(region.census.brackets, world.ids, truth * world.total[:, None])
    # at bracket edges the truth is exact, and between them it bends as the region does
    true_shares = rung_shares(IncomeDistribution(world.curve).fit(true_table), 0.02)
    direct = rung_shares(IncomeDistribution(world.curve).fit(table), 0.02)
    here = world.settle(true_concentration, rng)
    rows = int(world.row.max()) + 1
    values = figures(surface)
    zips, counties = surface["zip"].to_pylist(), surface["county"].to_pylist()
    told = []
    for threshold in RUNGS:
        k = LADDER.index(threshold)
        above = rng.binomial(here, np.clip(true_shares[world.area, k], 0, 1))
        by_row = np.bincount(world.row, above, rows)
        by_area = np.bincount(world.area, above, len(world.ids))
        n = world.total
        spread = n * shares[:, k] * (1 - shares[:, k]) * (1 + n * errors.spread)
        low, high = interval(n * shares[:, k], spread, n)
        big = n >= LARGE
        line: dict[str, Any] = {"threshold": threshold}
        line["block group"] = holds(low, by_area, high)[big].mean()
        line["hex"] = covered(by_row, values, k).mean()
        for name, labels in (("zip", zips), ("county", counties)):
            codes, names = pd.factorize(np.array(labels, dtype=object))
            keep = codes >= 0
            sums = values.summed(np.where(keep, codes, len(names)), len(names) + 1).take(slice(len(names)))
            line[name] = covered(np.bincount(codes[keep], by_row[keep], len(names)), sums, k).mean()
        whole = values.summed(np.zeros(rows, dtype=np.int64), 1)
        line["region"] = float(covered(np.array([by_row.sum()]), whole, k).mean())
        line["bias"] = float(values.at_least[:, k].sum() / (n @ true_shares[:, k]) - 1)
        line["rmse / direct"] = float(
            np.sqrt(np.mean((shares[:, k] - true_shares[:, k])[big] ** 2))
            / np.sqrt(np.mean((direct[:, k] - true_shares[:, k])[big] ** 2))
        )
        told.append(line)
    return told


def helped(world: World, seed: int, *, known: float = 0.3) -> dict[str, float]:
    """Return by how much known incomes lower the error of cell counts above $2,500, where every place is known."""
    rng = np.random.default_rng(seed)
    truth, survey = world.draw(rng)
    table = brackets_like(world.region.census.brackets, world.ids, survey)
    county_of = dict(zip(world.ids, world.county, strict=True))
    fitted = fit_areas(table, np.full(table.num_rows, np.nan), world.curve, county_of=county_of, sampled=True)
    k = LADDER.index(2500)
    true_table = brackets_like(world.region.census.brackets, world.ids, truth * world.total[:, None])
    true = rung_shares(IncomeDistribution(world.curve).fit(true_table), 0.02)[world.area, k]
    guess = rung_shares(fitted.distribution, 0.02)[world.area, k]
    here = world.settle(float(world.region.allocation.trials[0]), rng)
    told = rng.binomial(here, known)
    told_above, rest_above = rng.binomial(told, true), rng.binomial(here - told, true)
    rows = int(world.row.max()) + 1

    def off(estimate: Floats) -> float:
        difference = np.bincount(world.row, estimate - told_above - rest_above, rows)
        return float(np.sqrt(np.mean(difference[np.bincount(world.row, here, rows) >= LARGE] ** 2)))

    alone, with_known = off(here * guess), off(told_above + (here - told) * guess)
    return {"area alone": alone, "incomes known": with_known, "less": 1.0 - with_known / alone}


def main() -> None:
    """Print coverage by level and threshold."""
    if "GEOSCORE_REFERENCE_DATA" not in os.environ:
        sys.exit("set GEOSCORE_REFERENCE_DATA to the folder of reference data")
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    region = open_region(open_project(PROJECT))
    world = World(region)
    own = float(region.allocation.trials[0])
    print(f"strength of tracts and counties {world.strength}, allocation {own:.1f}")
    print(f"\nincomes known for 30%: error of cell counts above $2,500, {seeds} seeds")
    print(pd.DataFrame([helped(world, seed) for seed in range(seeds)]).mean().round(3).to_string())
    for name, factor in (("as estimated", 1.0), ("half as even as estimated", 0.5), ("twice as even", 2.0)):
        runs = [line for seed in range(seeds) for line in once(world, seed, true_concentration=own * factor)]
        print(f"\nhouseholds lie on cells {name}: share of 90% intervals that hold the truth, {seeds} seeds")
        print(pd.DataFrame(runs).groupby("threshold").mean().round(3).to_string())


if __name__ == "__main__":
    main()
