"""The job with srai: its regionalizer's hexagons, its joiner, then counts.

python srai_job.py POINTS FEATURES OUT
"""

import sys
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import box
from srai.joiners import IntersectionJoiner
from srai.regionalizers import H3Regionalizer

warnings.filterwarnings("ignore")
points, features, out = sys.argv[1:]
rows = pd.read_parquet(points, columns=["longitude", "latitude", "income_usd"])
rows.index.name = "feature_id"
places = gpd.GeoDataFrame(
    rows[["income_usd"]], geometry=gpd.points_from_xy(rows["longitude"], rows["latitude"]), crs=4326
)
area = gpd.GeoDataFrame(geometry=[box(*places.total_bounds)], crs=4326)
regions = H3Regionalizer(resolution=8).transform(area)
joined = IntersectionJoiner().transform(regions, places[["geometry"]]).reset_index()
joined["cell"] = np.array([int(text, 16) for text in joined["region_id"]], dtype=np.uint64)
met = joined.merge(rows[["income_usd"]], left_on="feature_id", right_index=True)
met = met.merge(pd.read_parquet(features), on="cell")
known = met["income_usd"].notna()
met["at_least"] = np.where(known, met["income_usd"] * 0.02 >= 2500, met["share_above"])
counted = met.groupby("cell").agg(households=("at_least", "size"), at_least=("at_least", "sum")).reset_index()
counted.to_parquet(out)
