"""How good are the estimated samples? Checked against census figures that geoscore does not ship.

GEOSCORE_REFERENCE_DATA=DIR python benchmarks/accuracy/samples.py
"""

import os
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from geoscore.reference.samples import sample_path

OPEN = 125_000.0
FEWEST = 200


def main() -> None:
    """Print the share of households in the right ZIP, and the errors of modelled incomes."""
    if "GEOSCORE_REFERENCE_DATA" not in os.environ:
        sys.exit("set GEOSCORE_REFERENCE_DATA to the folder of reference data")
    folder = Path(os.environ["GEOSCORE_REFERENCE_DATA"])
    groups = pd.read_parquet(folder / "acs2017_block_groups.parquet")
    centers = pd.read_parquet(folder / "block_group_centers_2010.parquet")
    groups = groups.merge(centers, on="GEOID")
    groups["households"] = groups["B19001_001E"].astype(float)
    groups["above"] = groups[["B19001_015E", "B19001_016E", "B19001_017E"]].astype(float).sum(axis=1)
    points = gpd.GeoDataFrame(
        groups,
        geometry=gpd.points_from_xy(groups["longitude"].astype(float), groups["latitude"].astype(float)),
        crs=4326,
    )
    zip_areas(points, gpd.read_parquet(folder / "zctas.parquet"))
    incomes(points)


def zip_areas(points: gpd.GeoDataFrame, zctas: gpd.GeoDataFrame) -> None:
    """Compare estimated ZIP areas with the census's own."""
    zips = gpd.read_parquet(sample_path("zips.parquet"))
    ours = points.sjoin_nearest(zips[zips.geometry.notna()][["zip", "geometry"]].to_crs(4326), how="left")
    ours = ours[~ours.index.duplicated()]
    true = points.sjoin(zctas[["ZCTA5", "geometry"]].to_crs(4326), how="inner")["ZCTA5"]
    true = true[~true.index.duplicated()]
    right = ours.loc[true.index, "zip"] == true
    share = np.average(right, weights=points.loc[true.index, "households"])
    print(f"households in the right ZIP area: {share:.1%}")


def incomes(points: gpd.GeoDataFrame) -> None:
    """Compare modelled zone incomes with ACS 2013-17, block groups put into zones by their centers."""
    zones = gpd.read_parquet(sample_path("zones.parquet"))
    table = pq.read_table(sample_path("zone_incomes.parquet")).to_pandas()
    above = table[table["low_usd"] >= OPEN].groupby("area_id")["households"].sum()
    total = table.groupby("area_id")["households"].sum()
    print(
        f"share above $125,000, region: {above.sum() / total.sum():.1%} "
        f"(ACS {points['above'].sum() / points['households'].sum():.1%})"
    )
    inside = points.sjoin(zones[["area_id", "geometry"]], how="inner")
    truth = inside.groupby("area_id")[["above", "households"]].sum()
    both = truth[truth["households"] > FEWEST].join((above / total).rename("model"), how="inner")
    share = both["above"] / both["households"]
    error = np.average((both["model"] - share).abs(), weights=both["households"])
    flat = np.average((share - np.average(share, weights=both["households"])).abs(), weights=both["households"])
    print(
        f"zones: correlation {np.corrcoef(share, both['model'])[0, 1]:.2f}, "
        f"mean error {100 * error:.1f} points of share"
    )
    print(f"       (one share for all zones would be {100 * flat:.1f} points off)")


if __name__ == "__main__":
    main()
