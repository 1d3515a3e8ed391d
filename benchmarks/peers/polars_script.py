"""The job by hand in polars: all rows in memory at once.

python polars_script.py POINTS FEATURES OUT
"""

import sys

import polars as pl
from h3ronpy.vector import coordinates_to_cells

points, features, out = sys.argv[1:]
rows = pl.read_parquet(points, columns=["longitude", "latitude", "income_usd"])
cells = coordinates_to_cells(rows["latitude"].to_numpy(), rows["longitude"].to_numpy(), 8)
above = pl.when(pl.col("income_usd").is_null()).then("share_above").otherwise(pl.col("income_usd") * 0.02 >= 2500)
(
    rows.select(pl.Series("cell", cells.to_numpy()), "income_usd")
    .join(pl.read_parquet(features), on="cell")
    .group_by("cell")
    .agg(pl.len().alias("households"), above.cast(pl.Float64).sum().alias("at_least"))
    .write_parquet(out)
)
