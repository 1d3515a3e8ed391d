"""What a map shows at first: the part of a surface where nearly all of its households live.

A country with islands far away would be a speck on a map of all of it; what lies outside is told beside the map.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.maps.figures import Rows
from geoscore.spatial.cells import cell_centers

Bounds = tuple[float, float, float, float]
BINS: Final = 40
"""Squares across; places with an empty square between them are apart."""
NEARLY_ALL: Final = 0.9
SMALLER: Final = 0.5
"""The main part is shown alone where it has nearly all households, on less than this share of the whole map."""
HALF: Final = 180.0
EDGE: Final = 0.3
"""Of a square, left around it."""


def main_bounds(rows: Rows) -> Bounds | None:
    """Return west, south, east and north of where nearly all households live, in degrees; None where that is all.

    Examples
    --------
    >>> from geoscore.schemas import SURFACE, SurfaceNote
    >>> from geoscore.maps.figures import read_rows
    >>> note = SurfaceNote(title="", region="", universe="", formula="", formula_text="", horizon="",
    ...                    purpose="", vintage="", resolution=7, k=10, published=True)
    >>> main_bounds(read_rows(SURFACE.empty_table(), note=note)) is None
    True
    """
    placed = rows.cell > 0
    cells, at = np.unique(rows.cell[placed], return_inverse=True)
    return _main(cells, np.bincount(at.reshape(-1), rows.households[placed], len(cells)).astype(np.float64))


def share_outside(rows: Rows, bounds: Bounds) -> float:
    """Return the share of the households with a cell that lives outside of a map."""
    placed = rows.cell > 0
    x, y = cell_centers(rows.cell[placed])
    west, south, east, north = bounds
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    households = rows.households[placed]
    total = float(households.sum())
    return float(households[~inside].sum()) / total if total > 0 else 0.0


def county_order(rows: Rows, collection: dict[str, Any] | None) -> Any:
    """Return a collection's county outlines with the most households first: the order in which they are named."""
    features = [] if collection is None else collection.get("features")
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        return features  # refused where they are drawn
    households = np.bincount(rows.county_at[rows.county_at >= 0], rows.households[rows.county_at >= 0])
    size = dict(zip(rows.counties, households, strict=False))
    return sorted(features, key=lambda feature: -size.get(str((feature.get("properties") or {}).get("county")), 0.0))


def _main(cells: npt.NDArray[np.uint64], households: npt.NDArray[np.float64]) -> Bounds | None:
    from scipy.ndimage import find_objects, label, sum_labels

    if len(cells) == 0 or households.sum() <= 0:
        return None
    x, y = cell_centers(cells)
    x = _unwrapped(x)
    squeeze = float(np.cos(np.radians((y.min() + y.max()) / 2)))
    across, up = float(np.ptp(x)) * squeeze, float(np.ptp(y))
    step = max(across, up) / BINS
    if step <= 0:
        return None
    column, row = ((part / step).astype(int) for part in ((x - x.min()) * squeeze, y - y.min()))
    grid = np.zeros((row.max() + 1, column.max() + 1))
    np.add.at(grid, (row, column), households)
    met = np.zeros(grid.shape, dtype=bool)
    met[row, column] = True
    parts, number = label(met, structure=np.ones((3, 3)))
    held = np.atleast_1d(sum_labels(grid, parts, np.arange(1, number + 1)))
    main = int(np.argmax(held))
    rows, columns = find_objects(parts)[main]
    size = (rows.stop - rows.start) * (columns.stop - columns.start)
    if held[main] < NEARLY_ALL * households.sum() or size > SMALLER * grid.size:
        return None
    west, east = (x.min() + (part * step) / squeeze for part in (columns.start - EDGE, columns.stop + EDGE))
    south, north = (y.min() + part * step for part in (rows.start - EDGE, rows.stop + EDGE))
    return (float(west), float(south), float(east), float(north)) if west >= -HALF and east <= HALF else None


def _unwrapped(longitude: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return longitudes without the step at 180 degrees, where places lie on both sides of it.

    Examples
    --------
    >>> _unwrapped(np.array([-170.0, 175.0, -70.0])).tolist()
    [-170.0, -185.0, -70.0]
    """
    ordered = np.sort(longitude)
    gaps = np.diff(ordered, append=ordered[0] + 360.0)
    widest = int(np.argmax(gaps))
    if widest == len(ordered) - 1:
        return longitude
    beyond = longitude > ordered[widest]
    east_alone = beyond.sum() * 2 > len(longitude)
    return np.where(beyond, longitude - 360.0 * (not east_alone), longitude + 360.0 * east_alone)
