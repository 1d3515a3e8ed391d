"""How long drive times take on the reference network: 100 sites over nine counties.

GEOSCORE_REFERENCE_DATA=... python benchmarks/trade_area.py
"""

import os
import time
from pathlib import Path

import numpy as np

from geoscore.market.areas import time_areas
from geoscore.market.travel import Travel
from geoscore.reference.census import open_census
from geoscore.spatial.cells import cell_centers, cells_from_polygons
from geoscore.spatial.polygons import area_km2, linked_cells
from geoscore.spatial.roads import read_network
from geoscore.trade.areas import Site


def main() -> None:
    """Time every step."""
    path = Path(os.environ["GEOSCORE_REFERENCE_DATA"]) / "road_links_2015.parquet"
    start = time.perf_counter()
    network = read_network(path)
    print(f"network of {network.nodes:,} nodes and {len(network.start):,} links: {time.perf_counter() - start:.1f} s")
    travel = Travel(network)
    _, cells = cells_from_polygons(list(open_census().areas.geometry), resolution=9)
    cells = np.unique(cells)
    pick = np.random.default_rng(0).choice(network.nodes, 100, replace=False)
    sites = [Site(str(i), float(network.longitude[i]), float(network.latitude[i])) for i in pick]
    start = time.perf_counter()
    times = travel.minutes(sites, cells)
    reached = [linked_cells(cells[row <= 15]) for row in times]  # noqa: PLR2004  minutes
    seconds = time.perf_counter() - start
    print(f"100 sites to all {len(cells):,} cells (resolution 9), and 15-minute areas drawn: {seconds:.1f} s")
    print(f"mean area {np.mean([area_km2(shape) for shape in reached]):,.0f} km2")
    start = time.perf_counter()
    time_areas(sites, [5, 10, 15], travel)
    print(f"100 sites, areas of 5, 10 and 15 minutes as the command draws them: {time.perf_counter() - start:.1f} s")
    lon, lat = cell_centers(cells)
    start = time.perf_counter()
    network.snap(lon, lat)
    print(f"of which finding the nearest street of every cell: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
