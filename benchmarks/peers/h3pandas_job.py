"""The job as h3pandas and geopandas users write it.

python h3pandas_job.py POINTS FEATURES OUT
"""

import sys

import geopandas as gpd
import h3pandas  # noqa: F401  registers the accessor
import numpy as np
import pandas as pd

points, features, out = sys.argv[1:]
rows = pd.read_parquet(points, columns=["longitude", "latitude", "income_usd"])
places = gpd.GeoDataFrame(
    rows[["income_usd"]], geometry=gpd.points_from_xy(rows["longitude"], rows["latitude"]), crs=4326
)
indexed = places.h3.geo_to_h3(8).reset_index(names="cell")
indexed["cell"] = np.array([int(text, 16) for text in indexed["cell"]], dtype=np.uint64)
met = indexed.drop(columns="geometry").merge(pd.read_parquet(features), on="cell")
known = met["income_usd"].notna()
met["at_least"] = np.where(known, met["income_usd"] * 0.02 >= 2500, met["share_above"])
counted = met.groupby("cell").agg(households=("at_least", "size"), at_least=("at_least", "sum")).reset_index()
counted.to_parquet(out)
