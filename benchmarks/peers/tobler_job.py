"""Census zones to the same hexagons by tobler's area interpolation: the step that geoscore calls the ground.

python tobler_job.py ZONES HEXAGONS OUT
"""

import sys
import warnings

import geopandas as gpd
from tobler.area_weighted import area_interpolate

warnings.filterwarnings("ignore")
zones, hexagons, out = sys.argv[1:]
source, target = (gpd.read_parquet(path).to_crs(3310) for path in (zones, hexagons))
found = area_interpolate(source, target, extensive_variables=["households"])
found.assign(cell=target["cell"].to_numpy())[["cell", "households"]].to_parquet(out)
