"""How far off households are when tracts are laid out on hexagons: evenly, by their center, by a sample of points.

GEOSCORE_REFERENCE_DATA=DIR python benchmarks/accuracy/interpolation.py

The truth are the households of block groups on the same hexagons, laid out as evenly as their centers allow; so what is
measured is what a tract does not say of its block groups. Error: sum of absolute differences over all households.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.project import open_project
from geoscore.reference.census import open_census
from geoscore.reference.census_areas import areas_of, read_polygons
from geoscore.regions import census_files
from geoscore.spatial.cells import cell_centers, cells_from_polygons
from geoscore.spatial.centers import lean_shares
from geoscore.spatial.interpolation import interpolate_households

PROJECT = Path(__file__).parents[2] / "examples" / "census_only" / "geoscore.toml"
Floats = npt.NDArray[np.float64]


def by_cell(ground: pa.Table) -> pd.Series:
    """Return households by cell."""
    return ground.select(["cell", "households"]).to_pandas().groupby("cell")["households"].sum()


def main() -> None:
    """Print every figure."""
    if "GEOSCORE_REFERENCE_DATA" not in os.environ:
        sys.exit("set GEOSCORE_REFERENCE_DATA to the folder of reference data")
    plan = open_project(PROJECT)
    census = open_census(census_files(plan))
    areas = census.areas.assign(tract=census.areas["area_id"].str[:11])
    polygons = areas_of(read_polygons(plan.resolve(plan.census.tracts), kind="tracts"), PROJECT).set_index("area_id")
    kept = areas["tract"].isin(polygons.index).to_numpy()
    areas, centers = areas[kept], np.asarray(census.centers)[kept]
    zips = census.zips
    place = {"zips": list(zips["zip"]), "zip_areas": list(zips.geometry)}
    households = areas["households"].to_numpy(float)
    for resolution in (8, 9):
        start = time.perf_counter()
        truth = by_cell(interpolate_households(
            area_ids=list(areas["area_id"]), counties=list(areas["county"]), households=households,
            areas=list(areas.geometry), centers=centers, resolution=resolution, **place,
        ))  # fmt: skip
        print(f"resolution {resolution}: {len(areas):,} block groups laid out in {time.perf_counter() - start:.1f} s")
    truth = by_cell(interpolate_households(
        area_ids=list(areas["area_id"]), counties=list(areas["county"]), households=households,
        areas=list(areas.geometry), centers=centers, resolution=8, **place,
    ))  # fmt: skip
    tract = areas.groupby("tract")
    ids = sorted(tract.groups)
    whole = {
        "area_ids": ids, "counties": [area[:5] for area in ids], "areas": list(polygons.loc[ids].geometry),
        "households": tract["households"].sum().loc[ids].to_numpy(float), "resolution": 8, **place,
    }  # fmt: skip
    weight = households + 1e-9
    middle = np.column_stack([
        (pd.Series(centers[:, i] * weight).groupby(areas["tract"].to_numpy()).sum()
         / pd.Series(weight).groupby(areas["tract"].to_numpy()).sum()).loc[ids]
        for i in range(2)
    ])  # fmt: skip
    ways = {"area": {}, "center of population": {"centers": middle}}
    rng = np.random.default_rng(3)
    index, fine = cells_from_polygons(list(areas.geometry), resolution=10)
    order = np.argsort(index, kind="stable")
    shares, _ = lean_shares(index, *cell_centers(fine), centers)
    below = np.cumsum(shares[order])  # area 0 from 0 to 1, area 1 from 1 to 2, ...
    for share in (0.02, 0.1, 0.3):
        n = rng.binomial(households.astype(int), share)
        area = np.repeat(np.arange(len(areas)), n)
        at = fine[order][np.searchsorted(below, area + rng.random(len(area)) * (1.0 - 1e-12))]
        longitude, latitude = cell_centers(at)
        points = {
            "area_id": areas["tract"].to_numpy()[area],
            "weight": 1.0,
            "longitude": longitude,
            "latitude": latitude,
        }
        ways[f"points of {share:.0%} of households"] = {"points": pd.DataFrame(points)}
    for name, more in ways.items():
        found = by_cell(interpolate_households(**whole, **more))
        off = found.sub(truth, fill_value=0.0).abs().sum() / truth.sum()
        print(f"{name:<32}{off:.1%}")


if __name__ == "__main__":
    main()
