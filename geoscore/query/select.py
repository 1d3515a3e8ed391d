"""Which rows of a surface an area is made of, and with what weight.

ZIPs and cells take whole rows; a drawn area takes each cell by the share of it that lies inside.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.errors import InputNotFoundError, SurfaceError
from geoscore.spatial.cells import cell_resolution, cell_text, parent_cells
from geoscore.spatial.polygons import cell_shares, circle, read_area

if TYPE_CHECKING:
    import shapely

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
SHOWN: Final = 3
MOST_RADIUS_KM: Final = 1_000.0


@dataclass(frozen=True)
class Selection:
    """Rows of a surface that make up an area.

    Attributes
    ----------
    area
        What people call it.
    weights
        Share of each row that belongs to it, shape (n,).
    hidden
        Whether households of the area are counted elsewhere, and so missing from the sum.
    """

    area: str
    weights: Floats
    hidden: bool


def select_all(table: pa.Table, region: str) -> Selection:
    """Take everything: nothing is hidden, for what is suppressed in a cell is counted in a ZIP, county or the region."""
    return Selection(region, _shown(table).astype(np.float64), hidden=False)


def select_zip(table: pa.Table, code: str) -> Selection:
    """Take the rows of a ZIP.

    Raises
    ------
    SurfaceError
        The surface has no such ZIP; the message names the nearest by number.
    """
    inside = _equal(table["zip"], code)
    if not inside.any():
        raise SurfaceError(f"ZIP {code} is not in this surface{_nearest(code, table)}")
    hidden = inside & ~_shown(table) & ~_equal(table["counted_in"], "zip")
    return Selection(f"ZIP {code}", (inside & _shown(table)).astype(np.float64), hidden=bool(hidden.any()))


def select_cell(table: pa.Table, cell: int, *, resolution: int) -> Selection:
    """Take the rows under an H3 cell of the surface's resolution or coarser.

    Raises
    ------
    SurfaceError
        The cell is finer than the surface, or not in it.
    """
    wanted = cell_resolution(cell)
    if wanted > resolution:
        raise SurfaceError(
            f"cell {cell_text(cell)} has resolution {wanted}, the surface {resolution}; ask for its parent "
            f"{cell_text(int(parent_cells(np.array([cell], dtype=np.uint64), resolution=resolution)[0]))}"
        )
    inside = ancestors(table, wanted) == cell
    if not inside.any():
        raise SurfaceError(f"cell {cell_text(cell)} is not in this surface; nobody was found there")
    hidden = inside & ~_shown(table)
    return Selection(f"cell {cell_text(cell)}", (inside & _shown(table)).astype(np.float64), hidden=bool(hidden.any()))


def select_circle(table: pa.Table, point: tuple[float, float], *, radius_km: float) -> Selection:
    """Take the cells within a distance of a point (longitude, latitude), each by its share inside.

    Raises
    ------
    SurfaceError
        The radius is not positive, or the point is no place.
    """
    longitude, latitude = point
    if not 0 < radius_km <= MOST_RADIUS_KM:
        raise SurfaceError(f"radius of {radius_km:g} km; give more than 0 and at most {MOST_RADIUS_KM:g}")
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):  # noqa: PLR2004  degrees
        raise SurfaceError(f"{longitude:g},{latitude:g} is no place; write longitude first, like -122.16,37.44")
    area = circle(longitude, latitude, radius_m=1000 * radius_km)
    return select_polygon(table, area, name=f"{radius_km:g} km around {longitude:g},{latitude:g}")


def select_file(table: pa.Table, path: Path) -> Selection:
    """Take the cells inside the polygons of a file, each by its share inside."""
    if not path.exists():
        raise InputNotFoundError(f"there is no file {path}")
    return select_polygon(table, read_area(path), name=path.stem)


def select_polygon(table: pa.Table, area: "shapely.Geometry", *, name: str) -> Selection:
    """Take the cells inside a polygon in WGS 84 degrees, each by its share inside.

    Raises
    ------
    SurfaceError
        No cell of the surface lies in it.
    """
    cells = table["cell"].to_numpy(zero_copy_only=False) if table["cell"].null_count == 0 else _cells(table)
    unique, inverse = np.unique(cells, return_inverse=True)
    shares = cell_shares(unique, area)[inverse.reshape(-1)]
    if not shares.any():
        raise SurfaceError(f"no cell of this surface lies in {name}; is it drawn in the surface's region?")
    hidden = (shares > 0) & ~_shown(table)
    return Selection(name, shares * _shown(table), hidden=bool(hidden.any()))


def ancestors(table: pa.Table, resolution: int) -> npt.NDArray[np.uint64]:
    """Return each row's cell at ``resolution``, 0 where it has none."""
    cells = _cells(table)
    known = cells > 0
    cells[known] = parent_cells(cells[known], resolution=resolution)
    return cells


def _cells(table: pa.Table) -> npt.NDArray[np.uint64]:
    return np.array(pc.fill_null(table["cell"], 0).to_numpy(), dtype=np.uint64)


def _shown(table: pa.Table) -> Bools:
    return ~np.asarray(table["suppressed"].to_numpy(), dtype=bool)


def _equal(column: Any, value: str) -> Bools:
    return np.asarray(pc.fill_null(pc.equal(column, value), fill_value=False).to_numpy(), dtype=bool)


def _nearest(code: str, table: pa.Table) -> str:
    known = sorted(value for value in table["zip"].unique().to_pylist() if value)
    if not code.isdigit() or not known:
        return "; a ZIP has five digits"
    near = sorted(known, key=lambda other: (abs(int(other) - int(code)), other))[:SHOWN]
    return f"; the nearest by number are {', '.join(near)}"
