"""Polygons on a globe: circles, cells as shapes, and how much of a cell lies in an area."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.spatial.cells import MEAN_EARTH_RADIUS_M, cell_centers, cell_resolution

if TYPE_CHECKING:
    import shapely

Floats = npt.NDArray[np.float64]
CORNERS = 128
WIDEST_DEGREES = 180.0
REACH = 2.0
"""No corner of a cell is farther from its center than this many mean edges (at most 1.4 anywhere)."""
NARROWEST = 1e-6
DECIMALS = 9
"""Drawn areas are kept to a tenth of a millimeter: finer corners only make trouble."""


def circle(longitude: float, latitude: float, *, radius_m: float) -> "shapely.Polygon":
    """Return the circle of all points within a great-circle distance, as a polygon of 128 corners.

    Examples
    --------
    >>> area = circle(-122.16, 37.44, radius_m=1000)
    >>> round(area.bounds[3], 4)
    37.449
    """
    import shapely

    bearing = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    angle, lat, lon = radius_m / MEAN_EARTH_RADIUS_M, np.radians(latitude), np.radians(longitude)
    lats = np.arcsin(np.sin(lat) * np.cos(angle) + np.cos(lat) * np.sin(angle) * np.cos(bearing))
    turn = np.arctan2(np.sin(bearing) * np.sin(angle) * np.cos(lat), np.cos(angle) - np.sin(lat) * np.sin(lats))
    return shapely.Polygon(np.column_stack([np.degrees(lon + turn), np.degrees(lats)]))


def cell_polygons(cells: npt.NDArray[np.uint64]) -> Any:
    """Return the outlines of cells, longitude and latitude in degrees; an array of n polygons.

    Examples
    --------
    >>> import numpy as np
    >>> len(cell_polygons(np.array([0x872834744FFFFFF], dtype=np.uint64))[0].exterior.coords)
    7
    """
    import shapely
    from h3ronpy.vector import cells_to_wkb_polygons

    wkb = cells_to_wkb_polygons(np.ascontiguousarray(cells, dtype=np.uint64))
    return shapely.from_wkb(np.array([item.as_py() for item in wkb], dtype=object))


def merged_cells(cells: npt.NDArray[np.uint64]) -> "shapely.Geometry":
    """Return the outline of cells taken together."""
    import shapely

    return shapely.union_all(cell_polygons(np.unique(cells))) if len(cells) else shapely.Polygon()


def linked_cells(cells: npt.NDArray[np.uint64]) -> "shapely.Geometry":
    """Return the outline of cells of one resolution taken together, by their shared edges: quick for many cells.

    Examples
    --------
    >>> from geoscore.spatial.cells import near_cells
    >>> import shapely
    >>> shape = linked_cells(near_cells(np.array([0x872834744FFFFFF], dtype=np.uint64), steps=1)[1])
    >>> len(shapely.get_parts(shape)), len(shape.geoms[0].exterior.coords)
    (1, 19)
    """
    import shapely
    from h3ronpy.vector import cells_to_wkb_polygons

    if not len(cells):
        return shapely.MultiPolygon()
    wkb = cells_to_wkb_polygons(np.unique(np.ascontiguousarray(cells, dtype=np.uint64)), link_cells=True)
    parts = shapely.from_wkb(np.array([item.as_py() for item in wkb], dtype=object))
    shape = shapely.multipolygons(list(shapely.get_parts(parts)))
    return shape if shapely.is_valid(shape) else shapely.union_all(shapely.make_valid(parts))


def area_km2(shape: "shapely.Geometry") -> float:
    """Return the area of a shape in degrees on the ground, in square kilometers, on a sphere.

    Longitude shrunk by the cosine integrated over latitude (Lambert's cylindrical projection) keeps areas.

    Examples
    --------
    >>> round(area_km2(circle(-122.16, 37.44, radius_m=10_000)), 1)  # of 128 corners; the circle's is 314.2
    314.0
    """
    import shapely

    radius = MEAN_EARTH_RADIUS_M / 1000.0

    def flatten(corners: Floats) -> Floats:
        lon, lat = np.radians(corners[:, 0]), np.radians(corners[:, 1])
        return np.column_stack([radius * lon, radius * np.sin(lat)])

    return float(shapely.transform(shape, flatten).area)


def cell_shares(cells: npt.NDArray[np.uint64], area: "shapely.Geometry") -> Floats:
    """Return the share of each cell that lies in an area; 0 for a cell of 0 (none).

    A cell is small, so that the ratio of areas in degrees is the ratio of areas on the ground.

    Parameters
    ----------
    cells
        uint64, shape (n,).
    area
        Polygon or multipolygon in WGS 84 degrees.
    """
    import shapely

    shares = np.zeros(len(cells))
    known = np.flatnonzero(cells > 0)
    known = known[_near(cells[known], area)]
    shapes = cell_polygons(cells[known])
    shapely.prepare(area)
    whole = shapely.contains(area, shapes)
    shares[known[whole]] = 1.0
    cut = np.flatnonzero(shapely.intersects(area, shapes) & ~whole)
    inside = shapely.area(shapely.intersection(shapes[cut], area))
    shares[known[cut]] = np.clip(inside / shapely.area(shapes[cut]), 0.0, 1.0)
    return shares


def _near(cells: npt.NDArray[np.uint64], area: "shapely.Geometry") -> npt.NDArray[np.bool_]:
    """Return which cells may touch an area, by their centers: drawing the outlines of all others takes longest."""
    import h3

    if not len(cells) or area.is_empty:
        return np.zeros(len(cells), dtype=bool)
    longitude, latitude = cell_centers(cells)
    west, south, east, north = area.bounds
    edge_m = h3.average_hexagon_edge_length(cell_resolution(int(cells[0])), "m")
    reach = np.degrees(REACH * edge_m / MEAN_EARTH_RADIUS_M)
    wide = reach / np.maximum(np.cos(np.radians(np.minimum(np.abs(latitude) + reach, 90.0))), NARROWEST)
    beside = (longitude > west - wide) & (longitude < east + wide)
    beside |= np.abs(longitude) + wide > WIDEST_DEGREES  # at the antimeridian an outline may stand on either side
    return beside & (latitude > south - reach) & (latitude < north + reach)


def area_of(shapes: Any) -> "shapely.Geometry":
    """Return one area from a shapely geometry, a GeoDataFrame or a GeoSeries; frames in any stated coordinate system.

    Raises
    ------
    InputError
        It is none of these, empty, or not in degrees.
    """
    import shapely

    if hasattr(shapes, "geometry") and hasattr(shapes, "crs"):
        shapes = shapes.to_crs(4326) if shapes.crs is not None else shapes
        shapes = shapely.union_all(shapely.make_valid(shapes.geometry.dropna().to_numpy()))
    if not isinstance(shapes, shapely.Geometry):
        raise InputError(f"an area is a file, a shapely geometry or a GeoDataFrame, not {type(shapes).__name__}")
    shapes = shapes if shapes.is_valid else shapely.make_valid(shapes)  # lines that cross make an area of nothing
    if shapes.is_empty or shapes.area == 0:
        raise InputError("the area is empty; draw a polygon")
    west, south, east, north = shapes.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:  # noqa: PLR2004  degrees
        raise InputError("the area is not in degrees of longitude and latitude; give it in WGS 84, longitude first")
    return shapes


def read_area(path: Path) -> "shapely.Geometry":
    """Read the polygons of a file as one area in WGS 84 degrees.

    Parameters
    ----------
    path
        GeoJSON, GeoPackage, shapefile or GeoParquet, in any stated coordinate system.

    Raises
    ------
    InputError
        The file cannot be read, or holds no polygon.
    """
    import geopandas as gpd
    import shapely

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # what GDAL mutters; what cannot be read is said below
            frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    except (OSError, ValueError, RuntimeError, shapely.errors.ShapelyError) as error:
        why = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read as polygons: {why}") from error
    if "geometry" not in frame or frame.geometry.isna().all():
        raise InputError(f"{path} holds no geometry; draw at least one polygon")
    shapes = frame.geometry.dropna()
    shapes = shapes.to_crs(4326) if shapes.crs is not None else shapes
    try:
        rounded = shapely.transform(shapes.to_numpy(), lambda corners: np.round(corners, DECIMALS))
        area = shapely.union_all(shapely.make_valid(rounded))
    except shapely.errors.ShapelyError as error:
        why = " ".join(str(error).split())
        raise InputError(f"the polygons of {path} cannot be put together: {why}; draw them anew") from error
    if area.area == 0:
        raise InputError(f"{path} holds no polygon with an area; draw at least one")
    west, south, east, north = area.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:  # noqa: PLR2004  degrees
        raise InputError(
            f"{path} is not in degrees with longitude first: state its coordinate system, turn its axes, or split what"
            " crosses the antimeridian"
        )
    if any(part.bounds[2] - part.bounds[0] > WIDEST_DEGREES for part in shapely.get_parts(area)):
        raise InputError(
            f"a polygon of {path} is over 180 degrees wide: if it crosses the antimeridian, split it there"
        )
    return area
