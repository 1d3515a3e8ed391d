"""How far off are positions, and what does that do to counts? On hidden addresses and on simulated households.

GEOSCORE_REFERENCE_DATA=FOLDER python benchmarks/accuracy/geocoding.py

Hidden addresses need the reference data's address points; without them only the simulations run.
"""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.gazetteer_files import parse_points, read_points
from geoscore.geocoding import Matcher, spread_positions
from geoscore.geocoding.interpolation import learn_errors
from geoscore.geocoding.positions import FINER, _spread_class
from geoscore.geocoding.resolution import wrong_cell_share
from geoscore.reference.census import open_census
from geoscore.reference.gazetteer import TO_95, make_gazetteer
from geoscore.reference.gazetteer_places import METERS_PER_DEGREE, apart_m
from geoscore.spatial.cells import cells_from_points
from geoscore.spatial.interpolation import interpolate_households
from geoscore.standardize.addresses import ADDRESS
from geoscore.tables import to_pandas

SEEDS = 10
HIDDEN = 0.3
FALSE_M = 1_000.0
LARGE = 50
"""Households of a cell from which on its share is compared with the census."""
P95_M = {"street, urban": 152.0, "street, suburban": 421.0, "street, rural": 2_872.0, "parcel, urban": 21.0}
Floats = npt.NDArray[np.float64]


def hidden(points: pd.DataFrame, seed: int) -> dict[str, float]:
    """Hide addresses by a hash of number, street and city; build from the rest; locate the hidden ones."""
    street = points[["predir", "name", "suffix", "postdir"]].agg("|".join, axis=1)
    key = str(seed) + "|" + points["number"].astype(str) + "|" + street + "|" + points["city"]
    share = key.map(lambda text: int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32)
    away = (share < HIDDEN).to_numpy()
    rest, gone = points[~away].reset_index(drop=True), points[away].reset_index(drop=True)
    gazetteer = make_gazetteer(rest, pd.DataFrame(), pd.DataFrame())
    matcher = Matcher(replace(gazetteer, errors=learn_errors(gazetteer)))
    found = matcher.locate(pa.Table.from_pandas(gone[ADDRESS.names], schema=ADDRESS, preserve_index=False)).to_pandas()
    there = (street + "|" + points["city"])[away].isin(set((street + "|" + points["city"])[~away])).to_numpy()
    error = apart_m(gone["longitude"], gone["latitude"], found["longitude"], found["latitude"]).to_numpy()
    matched = found["precision"].isin(["rooftop", "range", "street"]).to_numpy()
    within = error <= TO_95 * found["sigma_m"].to_numpy()
    good, other = matched & there, matched & ~there
    same = np.array(
        [name in str(street_name) for name, street_name in zip(gone["name"], found["matched"], strict=True)]
    )
    false = other & (~same | (error > np.maximum(FALSE_M, TO_95 * found["sigma_m"].to_numpy())))
    return {
        "hidden": len(gone),
        "street_known": float(there.mean()),
        "matched": float(good.sum() / there.sum()),
        "median_m": float(np.median(error[good])),
        "p90_m": float(np.quantile(error[good], 0.9)),
        "within_95": float(within[good].mean()),
        "others_matched": float(other.sum() / (~there).sum()),
        "others_false": float(false.sum() / (~there).sum()),
    }


def ground_at(resolution: int) -> pa.Table:
    """Lay out the sample census at a resolution."""
    census = open_census()
    areas, zips = census.areas, census.zips[census.zips.geometry.notna()]
    return interpolate_households(
        area_ids=list(areas["area_id"]), counties=list(areas["county"]), households=areas["households"].to_numpy(float),
        areas=list(areas.geometry), zips=list(zips["zip"]), zip_areas=list(zips.geometry), resolution=resolution,
    )  # fmt: skip


def simulate(ground: pd.DataFrame, n: int, rng: np.random.Generator, *, resolution: int) -> pd.DataFrame:
    """Put n households into (cell, ZIP) pairs by census households, anywhere in the cell."""
    from geoscore.spatial.cells import cell_centers

    weights = ground["households"].to_numpy() / ground["households"].sum()
    at = rng.choice(len(ground), n, p=weights)
    cell = ground["cell"].to_numpy(np.uint64)[at]
    longitude, latitude = cell_centers(cell)
    x, y = np.empty(n), np.empty(n)
    left = np.arange(n)
    size = {7: 1600.0, 8: 600.0, 9: 230.0}[resolution]
    while len(left):
        dx, dy = rng.uniform(-size, size, (2, len(left)))
        lon = longitude[left] + dx / (METERS_PER_DEGREE * np.cos(np.radians(latitude[left])))
        lat = latitude[left] + dy / METERS_PER_DEGREE
        inside = cells_from_points(lon, lat, resolution=resolution) == cell[left]
        x[left[inside]], y[left[inside]] = lon[inside], lat[inside]
        left = left[~inside]
    return pd.DataFrame({"cell": cell, "zip": ground["zip"].to_numpy()[at], "longitude": x, "latitude": y})


def moved(homes: pd.DataFrame, sigma_m: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return positions off by a normal error."""
    east, north = rng.normal(0.0, sigma_m, (2, len(homes)))
    latitude = homes["latitude"].to_numpy()
    shrink = METERS_PER_DEGREE * np.cos(np.radians(latitude))
    return homes["longitude"].to_numpy() + east / shrink, latitude + north / METERS_PER_DEGREE


def count_error(true: pd.Series, estimate: pd.Series) -> float:
    """Return the sum of absolute differences over the sum of true counts."""
    both = pd.concat([true.rename("true"), estimate.rename("estimate")], axis=1).fillna(0.0)
    return float((both["true"] - both["estimate"]).abs().sum() / both["true"].sum())


def kernel_gain(sigma_m: float, *, seed: int, n: int = 400_000, resolution: int = 8) -> tuple[float, float]:
    """Return the error of cell counts with every household put into its cell, and spread by its kernel."""
    rng = np.random.default_rng(seed)
    table = ground_at(resolution)
    ground = to_pandas(table).dropna(subset=["zip"]).reset_index(drop=True)
    homes = simulate(ground, n, rng, resolution=resolution)
    longitude, latitude = moved(homes, sigma_m, rng)
    true = homes.groupby("cell").size()
    hard = pd.Series(cells_from_points(longitude, latitude, resolution=resolution)).value_counts()
    spread = _spread_class(np.array([sigma_m]))[0]
    fine = cells_from_points(longitude, latitude, resolution=resolution + FINER)
    at = pd.DataFrame({"cell": pd.array(fine, "UInt64"), "zip": homes["zip"]}).groupby(["cell", "zip"]).size()
    keys = at.index.to_frame(index=False)
    groups = pa.table(
        {
            "cell": pa.array(keys["cell"].to_numpy(np.uint64)),
            "zip": pa.array(keys["zip"], pa.string()),
            "spread_m": pa.array(np.full(len(keys), spread, np.int32)),
        }
    )
    kernel = to_pandas(spread_positions(groups, table))
    counts = kernel.merge(at.rename("n").reset_index(), left_on=["at_cell", "at_zip"], right_on=["cell", "zip"])
    estimate = (counts["weight"] * counts["n"]).groupby(counts["cell_x"].astype("uint64")).sum()
    return count_error(true, hard), count_error(true, estimate)


def zip_only(*, informative: bool, seed: int, n: int = 2_000_000, resolution: int = 8) -> dict[str, float]:
    """Return the error of cell counts with 30% of households known by ZIP alone: spread, and piled on centers."""
    rng = np.random.default_rng(seed)
    table = ground_at(resolution)
    ground = to_pandas(table).dropna(subset=["zip"]).reset_index(drop=True)
    homes = simulate(ground, n, rng, resolution=resolution)
    chance = np.full(n, 0.3)
    if informative:  # the denser the place, the more often the address is missing
        rank = homes.groupby("cell")["zip"].transform("size").rank(pct=True).to_numpy()
        chance = 0.6 * rank
    lost = rng.random(n) < chance
    true = homes.groupby("cell").size()
    known = homes[~lost].groupby("cell").size()
    zips = homes[lost].groupby("zip").size()
    groups = pa.table(
        {
            "cell": pa.nulls(len(zips), pa.uint64()),
            "zip": pa.array(zips.index.tolist(), pa.string()),
            "spread_m": pa.nulls(len(zips), pa.int32()),
        }
    )
    kernel = to_pandas(spread_positions(groups, table))
    share = kernel["weight"] * kernel["at_zip"].map(zips)
    spread = share.groupby(kernel["cell"].astype("uint64")).sum()
    estimate = known.add(spread, fill_value=0.0)
    per_zip = share.groupby(kernel["zip"]).sum()
    census = ground.groupby("cell")["households"].sum()
    worst = ((estimate / estimate.sum()) / (census / census.sum()))[true[true >= LARGE].index].max()
    center = kernel.sort_values("weight").drop_duplicates("at_zip", keep="last").set_index("at_zip")["cell"]
    piled = known.add(zips.groupby(center.reindex(zips.index).astype("uint64").to_numpy()).sum(), fill_value=0.0)
    return {
        "spread": count_error(true, estimate),
        "piled": count_error(true, piled),
        "worst_hex": float(worst),
        "zip_totals_off": float((per_zip - zips).abs().max()),
    }


def main() -> None:
    """Print every figure."""
    folder = os.environ.get("GEOSCORE_REFERENCE_DATA")
    if folder:
        points = parse_points([read_points(Path(folder) / "address_points.csv")])
        found = pd.DataFrame([hidden(points, seed) for seed in range(SEEDS)])
        print(f"hidden addresses, {SEEDS} draws of {HIDDEN:.0%}")
        print(found.describe().loc[["mean", "min", "max"]].round(4).T)
    print("\nshare of households in a wrong cell, by the 95th percentile of the error")
    for name, p95 in P95_M.items():
        shares = {resolution: simulated_wrong(p95 / TO_95, resolution) for resolution in (7, 8, 9)}
        told = {resolution: wrong_cell_share(p95 / TO_95, resolution=resolution) for resolution in (7, 8, 9)}
        print(f"{name:<18} {p95:>6.0f} m  simulated {shares}  formula { ({k: round(v, 3) for k, v in told.items()}) }")
    print("\nerror of cell counts at resolution 8, 400,000 households: hard assignment, kernels")
    for name in ("street, urban", "street, suburban", "street, rural"):
        runs = np.array([kernel_gain(P95_M[name] / TO_95, seed=seed) for seed in range(3)]).mean(axis=0)
        print(f"{name:<18} {runs[0]:.3f} {runs[1]:.3f}  ({1 - runs[1] / runs[0]:.0%} less)")
    for informative in (False, True):
        runs = pd.DataFrame([zip_only(informative=informative, seed=seed) for seed in range(3)]).mean()
        missing = "informatively" if informative else "at random"
        print(f"\n30% known by ZIP alone, missing {missing}: {runs.round(4).to_dict()}")


def simulated_wrong(sigma_m: float, resolution: int, n: int = 200_000) -> float:
    """Return the share of simulated households whose position falls into another cell than their own."""
    rng = np.random.default_rng(7)
    homes = simulate(to_pandas(ground_at(resolution)).head(2000), n, rng, resolution=resolution)
    longitude, latitude = moved(homes, sigma_m, rng)
    found = cells_from_points(longitude, latitude, resolution=resolution)
    return round(float((found != homes["cell"].to_numpy()).mean()), 3)


if __name__ == "__main__":
    main()
