"""How fast a surface answers, in process: a ZIP, a hexagon, a polygon of 1,000 cells, all cells at another threshold.

python benchmarks/query.py SURFACE
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from geoscore.ladder import counts_at, interval
from geoscore.query import open_surface
from geoscore.spatial.cells import cell_text
from geoscore.spatial.polygons import circle


def median_ms(what: Callable[[], Any], times: int = 21) -> float:
    """Return the median time of a call, in milliseconds."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        what()
        took.append(time.perf_counter() - start)
    return 1000.0 * float(np.median(took))


def main() -> None:
    """Print every figure."""
    start = time.perf_counter()
    surface = open_surface(sys.argv[1])
    surface.query()
    print(f"{surface.table.num_rows:,} rows, opened and first asked in {time.perf_counter() - start:.2f} s")
    zips = [code for code in surface.table["zip"].unique().to_pylist() if code]
    cells = [cell for cell in surface.table["cell"].unique().to_pylist() if cell]
    area = circle(-122.0, 37.5, radius_m=13_300.0)
    many = surface.select(area=area).weights.sum()
    at = surface.figures
    print(f"ZIP        {median_ms(lambda: surface.query(zip=zips[len(zips) // 2])):.1f} ms")
    print(f"hexagon    {median_ms(lambda: surface.query(cell=cell_text(cells[len(cells) // 2]))):.1f} ms")
    print(f"polygon    {median_ms(lambda: surface.query(area=area)):.1f} ms ({many:,.0f} cells)")
    anew = median_ms(lambda: interval(*counts_at(at.at_least, at.variance, at.households, 1234.0), at.most()))
    print(f"all rows at another threshold, with intervals: {anew:.1f} ms")
    print(f"all cells as a list of answers: {median_ms(lambda: surface.at_least(1234.0).by('cell'), 5):.0f} ms")


if __name__ == "__main__":
    main()
