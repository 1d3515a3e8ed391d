"""H3 cells in bulk: of points, of polygons, their parents and centers.

The only room that knows h3ronpy; a cell is a uint64, and a coarser cell always comes from a finer one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.errors import InputError

if TYPE_CHECKING:
    import shapely

MEAN_EARTH_RADIUS_M = 6_371_008.8


def cells_from_points(
    longitude: npt.NDArray[np.float64], latitude: npt.NDArray[np.float64], *, resolution: int
) -> npt.NDArray[np.uint64]:
    """Return the cell of every point.

    Parameters
    ----------
    longitude, latitude
        Degrees, WGS 84, both of shape (n,).
    resolution
        H3 resolution, 0 to 15.

    Returns
    -------
    ndarray of uint64, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> cells = cells_from_points(np.array([-122.16]), np.array([37.44]), resolution=8)
    >>> cell_text(int(cells[0]))
    '8828347433fffff'
    """
    from h3ronpy.vector import coordinates_to_cells

    if len(longitude) == 0:
        return np.empty(0, dtype=np.uint64)
    cells = coordinates_to_cells(np.asarray(latitude, float), np.asarray(longitude, float), resolution)
    return _numpy(cells)


def parent_cells(cells: npt.NDArray[np.uint64], *, resolution: int) -> npt.NDArray[np.uint64]:
    """Return the ancestor at ``resolution`` of every cell, of shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> cell_text(int(parent_cells(np.array([0x8828347447FFFFF], dtype=np.uint64), resolution=7)[0]))
    '872834744ffffff'
    """
    from h3ronpy import change_resolution

    if len(cells) == 0:
        return np.empty(0, dtype=np.uint64)
    return _numpy(change_resolution(_cells(cells), resolution))


def cell_centers(cells: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return longitude and latitude of every cell's center, in degrees, each of shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> longitude, latitude = cell_centers(np.array([0x872834744FFFFFF], dtype=np.uint64))
    >>> round(float(longitude[0]), 2), round(float(latitude[0]), 2)
    (-122.15, 37.39)
    """
    from h3ronpy.vector import cells_to_coordinates

    if len(cells) == 0:
        return np.empty(0), np.empty(0)
    table = cells_to_coordinates(_cells(cells))
    return table.column("lng").to_numpy(), table.column("lat").to_numpy()


def cells_from_polygons(
    polygons: "Sequence[shapely.Geometry]", *, resolution: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Return the cells whose centers lie in each polygon; a polygon too small for one keeps its own cell.

    Parameters
    ----------
    polygons
        Polygons or multipolygons, longitude and latitude in degrees; empty ones and None get no cell.
    resolution
        H3 resolution, 0 to 15.

    Returns
    -------
    index
        Position of the polygon, int64, shape (m,).
    cells
        uint64, shape (m,).

    Examples
    --------
    >>> from shapely import box
    >>> index, cells = cells_from_polygons([box(-122.2, 37.4, -122.1, 37.5)], resolution=6)
    >>> len(cells)
    2
    """
    import shapely
    from h3ronpy import ContainmentMode
    from h3ronpy.vector import wkb_to_cells

    def fill(shapes: object, mode: object) -> pa.ListArray:
        wkb = pa.array(shapely.to_wkb(shapes), pa.binary())
        return pa.array(wkb_to_cells(wkb, resolution, containment_mode=mode))

    shapes = np.asarray(polygons, dtype=object)
    shapes = np.where(shapely.is_missing(shapes), shapely.Polygon(), shapes)
    centered = fill(shapes, ContainmentMode.ContainsCentroid)
    lengths = pc.list_value_length(centered).to_numpy(zero_copy_only=False)
    small = np.flatnonzero((lengths == 0) & ~shapely.is_empty(shapes))
    touched = fill(shapely.centroid(shapes[small]), ContainmentMode.IntersectsBoundary)
    index = np.concatenate([np.repeat(np.arange(len(shapes)), lengths), small]).astype(np.int64)
    return index, np.concatenate([_flat(centered), _flat(touched)])


def child_cells(
    cells: npt.NDArray[np.uint64], *, resolution: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Return the cells of a finer resolution under each cell.

    Returns
    -------
    index
        Position of the coarser cell, int64, shape (m,).
    cells
        uint64, shape (m,).

    Examples
    --------
    >>> import numpy as np
    >>> index, cells = child_cells(np.array([0x872834744FFFFFF], dtype=np.uint64), resolution=8)
    >>> len(cells), bool((parent_cells(cells, resolution=7) == 0x872834744FFFFFF).all())
    (7, True)
    """
    from h3ronpy import change_resolution_list

    if len(cells) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
    return _listed(change_resolution_list(_cells(cells), resolution))


def near_cells(cells: npt.NDArray[np.uint64], *, steps: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Return the cells within so many steps of each cell, itself among them; index and cells as `child_cells` does.

    Examples
    --------
    >>> import numpy as np
    >>> index, cells = near_cells(np.array([0x872834744FFFFFF], dtype=np.uint64), steps=2)
    >>> len(cells)
    19
    """
    from h3ronpy import grid_disk

    if len(cells) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
    return _listed(grid_disk(_cells(cells), steps))


def cells_area_km2(cells: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Return areas of cells in square kilometers, shape (n,).

    Examples
    --------
    >>> cells_area_km2(np.array([0x8828347433FFFFF], dtype=np.uint64)).round(1).tolist()
    [0.8]
    """
    import h3

    return np.array([h3.cell_area(h3.int_to_str(int(cell)), unit="km^2") for cell in cells], dtype=np.float64)


def cell_text(cell: int) -> str:
    """Return a cell as people write it, in hexadecimal.

    Examples
    --------
    >>> cell_text(0x872834744FFFFFF)
    '872834744ffffff'
    """
    return f"{cell:x}"


def parse_cell(text: str) -> int:
    """Return the cell that ``text`` names.

    Raises
    ------
    InputError
        It is not an H3 cell.

    Examples
    --------
    >>> parse_cell("872834744ffffff") == 0x872834744FFFFFF
    True
    """
    import h3

    text = text.strip().lower()
    if not h3.is_valid_cell(text):
        raise InputError(f"{text!r} is not an H3 cell; a cell is written like 872834744ffffff")
    return int(text, 16)


def cell_resolution(cell: int) -> int:
    """Return the resolution of a cell.

    Examples
    --------
    >>> cell_resolution(0x872834744FFFFFF)
    7
    """
    return (cell >> 52) & 0xF


def distance_m(
    longitude: npt.NDArray[np.float64], latitude: npt.NDArray[np.float64], *, to: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Return great-circle distances in meters from every point to ``to`` (longitude, latitude in degrees).

    Examples
    --------
    >>> import numpy as np
    >>> round(float(distance_m(np.array([-122.0]), np.array([37.0]), to=(-122.0, 38.0))[0]), -3)
    111000.0
    """
    return distances_m(longitude, latitude, np.float64(to[0]), np.float64(to[1]))


def distances_m(
    longitude: npt.NDArray[np.float64],
    latitude: npt.NDArray[np.float64],
    to_longitude: npt.NDArray[np.float64] | np.float64,
    to_latitude: npt.NDArray[np.float64] | np.float64,
) -> npt.NDArray[np.float64]:
    """Return great-circle distances in meters between points pair by pair, or to one point; degrees, shape (n,)."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    lon_to, lat_to = np.radians(to_longitude), np.radians(to_latitude)
    chord = np.sin((lat - lat_to) / 2) ** 2 + np.cos(lat) * np.cos(lat_to) * np.sin((lon - lon_to) / 2) ** 2
    return np.asarray(2 * MEAN_EARTH_RADIUS_M * np.arcsin(np.sqrt(chord)))


def _cells(cells: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(cells, dtype=np.uint64)


def _numpy(array: Any) -> npt.NDArray[np.uint64]:
    return np.asarray(array.to_numpy(), dtype=np.uint64)


def _listed(lists: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    found = pa.array(lists)
    lengths = pc.list_value_length(found).to_numpy(zero_copy_only=False)
    return np.repeat(np.arange(len(found)), lengths).astype(np.int64), _flat(found)


def _flat(lists: pa.ListArray) -> npt.NDArray[np.uint64]:
    return np.asarray(lists.flatten().to_numpy(zero_copy_only=False), dtype=np.uint64)
