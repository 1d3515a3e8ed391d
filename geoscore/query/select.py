"""Which rows of a surface an area is made of, and with what weight.

ZIPs and cells take whole rows; a drawn area takes each cell by the share of it that lies inside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.errors import SurfaceError, missing_file
from geoscore.spatial.cells import cell_resolution, cell_text, parent_cells
from geoscore.spatial.polygons import cell_shares, circle, read_area
from geoscore.surface_format import filled, suppressed_rows, values_of

if TYPE_CHECKING:
    import shapely

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
SHOWN: Final = 3
UNEVEN: Final = 0.5
"""Squared coefficient of variation of the households of hidden cells: between none and k, most of them few."""
ELSEWHERE: Final = {"zip": ("county", "region"), "cell": ("zip", "county", "region"), "county": ("region",)}
"""Rows so counted have a place of the kind, but their households are counted in none of it."""
UNNAMED: Final = {"zip": "ZIPs too small to show", "cell": "no cell (counted in ZIPs)", "county": "no county"}
"""What the rows without a ZIP, cell or county are called."""
ZIP_DIGITS: Final = 5
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
    rest
        Share of each row without a cell that belongs to the area if hidden cells are alike, shape (n,); None where no
        hidden cell lies in it.
    unsure
        Variance of how many households these are, beyond chance: shape (n,).
    """

    area: str
    weights: Floats
    hidden: bool
    rest: Floats | None = None
    unsure: Floats | None = None


def select_all(table: pa.Table, region: str) -> Selection:
    """Take everything; nothing is missing, for what is hidden in a cell is counted in a ZIP, county or region."""
    return Selection(region, _shown(table).astype(np.float64), hidden=False)


def select_zips(table: pa.Table, codes: Sequence[str]) -> Selection:
    """Take the rows of one ZIP or of several together.

    Raises
    ------
    SurfaceError
        The surface has no such ZIP; the message names the nearest by number.
    """
    wanted = list(dict.fromkeys(str(code).strip().split("-")[0] for code in codes))
    for code in wanted:
        if not (len(code) == ZIP_DIGITS and code.isdigit()):
            raise SurfaceError(f"{code!r} is no ZIP code; a ZIP has five digits")
    labels = labels_of(table["zip"])
    for code in wanted:
        if not (labels == code).any():
            raise SurfaceError(f"ZIP {code} is not in this surface{_nearest(code, table)}")
    inside = np.isin(labels, np.array(wanted, dtype=object))
    hidden = inside & ~_shown(table) & ~_equal(table["counted_in"], "zip")
    weights = (inside & _shown(table)).astype(np.float64)
    name = f"ZIP {wanted[0]}" if len(wanted) == 1 else f"ZIPs {', '.join(wanted)}"
    return Selection(name, weights, hidden=bool(hidden.any()))


def select_county(table: pa.Table, county: str, *, names: Mapping[str, str]) -> Selection:
    """Take the rows of a county, by its FIPS code or its name.

    Raises
    ------
    SurfaceError
        The surface has no such county.
    """
    codes = {name.casefold(): code for code, name in names.items()}
    plain = county.strip().casefold().removesuffix(" county")
    code = codes.get(plain, county.strip())
    inside = _equal(table["county"], code)
    if not inside.any():
        known = sorted(names.values()) or sorted(value for value in table["county"].unique().to_pylist() if value)
        raise SurfaceError(f"county {county!r} is not in this surface; it has {', '.join(known)}")
    hidden = inside & ~_shown(table) & _equal(table["counted_in"], "region")
    weights = (inside & _shown(table)).astype(np.float64)
    return Selection(names.get(code, f"county {code}"), weights, hidden=bool(hidden.any()))


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
    return _of_cells(table, inside.astype(np.float64), name=f"cell {cell_text(cell)}")


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
        raise missing_file(path)
    return select_polygon(table, read_area(path), name=path.stem)


def select_polygon(table: pa.Table, area: "shapely.Geometry", *, name: str) -> Selection:
    """Take the cells inside a polygon in WGS 84 degrees, each by its share inside.

    Raises
    ------
    SurfaceError
        No cell of the surface lies in it.
    """
    unique, inverse = np.unique(_cells(table), return_inverse=True)
    shares = cell_shares(unique, area)[inverse.reshape(-1)]
    if not shares.any():
        raise SurfaceError(f"no cell of this surface lies in {name}; is it drawn in the surface's region?")
    return _of_cells(table, shares, name=name)


def _of_cells(table: pa.Table, shares: Floats, *, name: str) -> Selection:
    """Take cells by the share of each inside, and of what is hidden as much as of these cells lies inside.

    Households of hidden cells are counted in one row of their ZIP, county or region. How many live in any one cell is
    not known; that is added to the variance.
    """
    shown = _shown(table)
    hidden = ~shown & (shares > 0)
    if not hidden.any():
        return Selection(name, shares * shown, hidden=False)
    weights, unsure = np.zeros(len(shares)), np.zeros(len(shares))
    groups = _rests(table)
    cells = ~shown & (_cells(table) > 0)
    all_of_them = np.bincount(groups[cells], minlength=len(shares))
    inside = np.bincount(groups[cells], shares[cells], minlength=len(shares))
    rest = np.flatnonzero(shown & (_cells(table) == 0))
    count, part = all_of_them[groups[rest]], inside[groups[rest]]
    weights[rest] = np.divide(part, count, out=np.zeros(len(rest)), where=count > 0)
    households = filled(table["households"].combine_chunks(), 0.0)[rest]
    each = np.divide(households, count, out=np.zeros(len(rest)), where=count > 0)
    unsure[rest] = UNEVEN * each**2 * part * (1.0 - weights[rest])
    return Selection(name, shares * shown, hidden=True, rest=weights, unsure=unsure)


def counted_rows(table: pa.Table) -> npt.NDArray[np.int64]:
    """Return the row in which the households of each row are counted, -1 where there is none, shape (n,).

    It is the row itself, or of a hidden cell that of its ZIP, county or region.
    """
    shown, cells, groups = _shown(table), _cells(table), _rests(table)
    rests = np.flatnonzero(shown & (cells == 0))
    rest = np.full(len(shown), -1, dtype=np.int64)
    rest[groups[rests]] = rests
    return np.where(shown, np.arange(len(shown)), np.where(cells > 0, rest[groups], -1)).astype(np.int64)


def _rests(table: pa.Table) -> npt.NDArray[np.int64]:
    """Return a number for where each row is counted: alike for a row without a cell and the hidden cells in it."""
    where = labels_of(table["counted_in"])
    zips, counties = labels_of(table["zip"]), labels_of(table["county"])
    named = np.where(where == "zip", "z" + zips + " " + counties, np.where(where == "county", "c" + counties, where))
    return np.unique(named.astype(str), return_inverse=True)[1].reshape(-1).astype(np.int64)


def ancestors(table: pa.Table, resolution: int) -> npt.NDArray[np.uint64]:
    """Return each row's cell at ``resolution``, 0 where it has none."""
    cells = _cells(table)
    known = cells > 0
    cells[known] = parent_cells(cells[known], resolution=resolution)
    return cells


def _cells(table: pa.Table) -> npt.NDArray[np.uint64]:
    """Return cells, 0 where null, from the column's own memory: pyarrow would make floats of them."""
    column = table["cell"].combine_chunks()
    known = values_of(column.is_valid().cast(pa.uint8())).astype(bool)
    if not len(column):
        return np.empty(0, dtype=np.uint64)
    values = np.frombuffer(column.buffers()[1], dtype=np.uint64)[column.offset : column.offset + len(column)]
    return np.where(known, values, np.uint64(0))


def labels_of(column: Any) -> npt.NDArray[np.object_]:
    """Return a column of text as an array, empty where null."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    words = np.array([word or "" for word in encoded.dictionary.to_pylist()], dtype=object)
    return words[values_of(encoded.indices)]


def _shown(table: pa.Table) -> Bools:
    return ~suppressed_rows(table)


def _equal(column: Any, value: str) -> Bools:
    return np.asarray(labels_of(column) == value, dtype=bool)


def _nearest(code: str, table: pa.Table) -> str:
    known = sorted(value for value in table["zip"].unique().to_pylist() if value)
    if not known:
        return ""
    near = sorted(known, key=lambda other: (abs(int(other) - int(code)), other))[:SHOWN]
    return f"; the nearest by number are {', '.join(near)}"
