"""What a page carries: a surface's rows packed for the mail, and the ground, places and layers they lie among.

Where figures are rounded to a tenth, as published ones are, the page holds them exactly. Of others a cell's count is
within 0.0005 households; sums by ZIP, county and region are exact always.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
import shapely.geometry

from geoscore.errors import InputError
from geoscore.ladder import LEVEL, Capacity, Z, check_band, check_threshold
from geoscore.maps.extent import county_order, main_bounds
from geoscore.maps.figures import PLACES, Figures, Floats, Rows
from geoscore.maps.layers import MapLayer, figure_columns
from geoscore.maps.packing import Packer
from geoscore.maps.palette import DIVERGING, INDEX_BREAKS, LAYERS, SEQUENTIAL
from geoscore.reference.basemap import Basemap, Place
from geoscore.schemas import SurfaceNote
from geoscore.spatial.cells import parent_cells
from geoscore.spatial.polygons import cell_polygons

_CROWDED: Final = 1500  # cells; more of them get a coarser level for a far view
_MOST_LEVELS: Final = 3
_TENTHS: Final = 10.0
_FINE: Final = 1000.0
_MICRODEGREES: Final = 1e6
_OUTLINE_TOLERANCE: Final = 0.0008  # degrees, under 100 m
_ZIP_TOLERANCE: Final = 0.0012
_DEGREE_DECIMALS: Final = 4

JSONValue = dict[str, Any]


def page_data(
    rows: Rows,
    *,
    note: SurfaceNote,
    capacity: Capacity = 2500.0,
    basemap: Basemap | None = None,
    layers: tuple[MapLayer, ...] = (),
    clean: Callable[[Any], Any] = lambda value: value,
) -> tuple[JSONValue, str]:
    """Return what the page's script reads: a head that is plain JSON, and the packed arrays it indexes.

    Parameters
    ----------
    rows
        A surface's rows.
    note
        What the surface says of itself.
    capacity
        The threshold, or band, at which the page opens, in US dollars.
    basemap
        Outlines and names.
    layers
        Shapes of the user's own.
    clean
        What every text goes through that is packed.

    Raises
    ------
    InputError
        An outline is not a polygon, or a layer no shape.
    SurfaceError
        The threshold lies off the ladder.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.maps.figures import read_rows
    >>> from geoscore.schemas import SURFACE
    >>> row = [0x872834744FFFFFF, "94301", "06085", 10.0, [4.0] * 25, [1.0] * 26, [1.0] * 26, [1.0] * 26, False, "cell"]
    >>> table = pa.Table.from_pylist([dict(zip(SURFACE.names, row, strict=True))], SURFACE)
    >>> note = SurfaceNote(title="", region="", universe="", formula="", formula_text="", horizon="",
    ...                    purpose="", vintage="", resolution=7, k=10, published=True)
    >>> head, figures = page_data(read_rows(table, note=note), note=note)
    >>> head["zips"], head["levels"]
    (['94301'], [7])
    """
    at, below = capacity if isinstance(capacity, tuple) else (capacity, None)
    if isinstance(capacity, tuple):
        check_band(capacity)
    check_threshold(at)
    basemap = basemap or Basemap()
    packer = Packer()
    levels = _pack_cells(packer, rows, resolution=note.resolution)
    _pack_rows(packer, rows)
    _pack_sums(packer, rows)
    counties = None if basemap.counties is None else {"features": county_order(rows, basemap.counties)}
    packer.add_json("ground", clean(_ground(replace(basemap, counties=counties))))
    packer.add_json("layers", [clean(_layer(layer)) for layer in layers])
    head = {
        "capacity": at,
        "below": below,
        "ladder": list(note.ladder),
        "level": LEVEL,
        "z": Z,
        "k": note.k,
        "region": note.region,
        "levels": levels,
        "home": main_bounds(rows),
        "zips": list(rows.zips),
        "counties": [note.counties.get(code, code) for code in rows.counties],
        "places": [_place(place) for place in basemap.places],
        "layer_columns": figure_columns(layers),
        "palette": {"sequential": SEQUENTIAL, "diverging": DIVERGING, "index_breaks": INDEX_BREAKS, "layers": LAYERS},
        "arrays": packer.index,
    }
    return head, packer.text()


def _pack_cells(packer: Packer, rows: Rows, *, resolution: int) -> list[int]:
    """Pack the cells of every level with their corners, and each cell's place among those one level up."""
    cells = np.unique(rows.cell[rows.cell > 0])
    levels = [resolution]
    _pack_level(packer, cells, level=0)
    while len(cells) > _CROWDED and len(levels) < _MOST_LEVELS and resolution > 0:
        resolution -= 1
        cells, at = np.unique(parent_cells(cells, resolution=resolution), return_inverse=True)
        packer.add(f"parent{len(levels)}", at.reshape(-1, 1), delta="rows")
        _pack_level(packer, cells, level=len(levels))
        levels.append(resolution)
    return levels


def _pack_level(packer: Packer, cells: npt.NDArray[np.uint64], *, level: int) -> None:
    """Pack cells in their order, the middles of their corners, and the corners as steps from there.

    Opposite corners are nearly each other's negative, and neighbors nearly alike, so that little is left to store.
    """
    packer.add_words(f"cells{level}", cells)
    shapes = cell_polygons(cells) if len(cells) else np.array([], dtype=object)
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    lengths = np.bincount(owner, minlength=len(cells)) - 1  # a ring ends where it began
    first = (
        np.concatenate([[0], np.cumsum(lengths + 1)[:-1]]).astype(np.int64) if len(cells) else np.array([], np.int64)
    )
    most = max(6, int(lengths.max(initial=6)))
    corner = np.minimum(np.arange(most), lengths[:, None] - 1)  # where a cell has fewer, the last one again
    corners = points[first[:, None] + corner] if len(cells) else np.zeros((0, most, 2))
    steps = np.rint(corners * _MICRODEGREES)
    middle = np.rint(steps.mean(axis=1))
    offsets = steps - middle[:, None, :]
    offsets[:, 3:6] += offsets[:, :3]
    packer.add(f"middle{level}", middle, delta="rows")
    packer.add(f"corners{level}", offsets.reshape(len(cells), 2 * most), delta="rows")


def _pack_rows(packer: Packer, rows: Rows) -> None:
    """Pack the surface's rows: everything that is summed on the page is summed of them."""
    cells = np.unique(rows.cell[rows.cell > 0])
    at = np.where(rows.cell > 0, np.searchsorted(cells, rows.cell), -1)
    counted = np.array([PLACES.index(str(place)) if str(place) in PLACES else 0 for place in rows.counted_in], np.int64)
    places = np.column_stack([at, rows.zip_at, rows.county_at, counted, rows.shown.astype(np.int64)])
    packer.add("places", places.reshape(len(rows.cell), 5), delta="rows")
    exact = all(_in_tenths(part) for part in (rows.households, rows.at_least, rows.variance, rows.zip_covariance))
    counts = np.column_stack([rows.households, rows.at_least])
    packer.add("counts", counts, delta="columns", scale=_TENTHS if exact else _FINE)
    with_zip, with_county = rows.zip_covariance - rows.variance, rows.county_covariance - rows.zip_covariance
    if exact:
        for name, part in (("variance", rows.variance), ("with_zip", with_zip), ("with_county", with_county)):
            packer.add(name, part, delta="columns", scale=_TENTHS)
        return
    packer.add("variance", rows.variance, delta="columns", scale=500.0, root=True)
    packer.add("with_zip", with_zip, delta="columns", scale=10.0, root=True)
    packer.add("with_county", with_county, delta="columns", scale=10.0, root=True)


def _in_tenths(values: Floats) -> bool:
    return bool(np.all(np.abs(values * _TENTHS - np.rint(values * _TENTHS)) < 1e-6))  # noqa: PLR2004  a float's noise


def _pack_sums(packer: Packer, rows: Rows) -> None:
    """Pack the sums by ZIP and county and of everything, exactly as a query reckons them."""
    by_zip = rows.sums(rows.zip_at, size=len(rows.zips), within=("cell", "zip"))
    by_county = rows.sums(rows.county_at, size=len(rows.counties), within=("cell", "zip", "county"))
    for name, sums in (("zip_sums", by_zip), ("county_sums", by_county), ("region_sums", rows.region())):
        packer.add_exact(name, _columns(sums))


def _columns(sums: Figures) -> Floats:
    """Return hidden, households, 25 counts, 26 variances."""
    return np.column_stack([sums.hidden, sums.households, sums.at_least, sums.spread])


def _place(place: Place) -> list[Any]:
    return [place.name, place.longitude, place.latitude, round(place.size), list(place.zips)]


def _layer(layer: MapLayer) -> JSONValue:
    shape = layer.shape()
    points = [[round(number, 5) for number in point] for point in layer.label_points()]
    return {
        "name": layer.name,
        "at": points[0][:2],
        "more": points[1:],
        "figures": {name: value if value == value else None for name, value in layer.figures.items()},  # noqa: PLR0124
        "geometry": _rounded(shapely.geometry.mapping(shape), decimals=6),
    }


# --- the ground -----------------------------------------------------------------------------------------------


def _ground(basemap: Basemap) -> JSONValue:
    """Return outlines thinned to what a screen shows: land, county borders, ZIP areas."""
    counties, names = _polygons(basemap.counties, key="name")
    zips, _ = _polygons(basemap.zips, key="zip", tolerance=_ZIP_TOLERANCE)
    shore, borders = _edges(counties)
    return {
        "shore": shore,
        "borders": borders,
        "counties": [_county(name, shape) for name, shape in zip(names, counties, strict=True)],
        "zip_lines": _lines(shapely.union_all(shapely.boundary(zips))) if len(zips) else [],
        "note": basemap.note,
    }


def _edges(counties: Any) -> tuple[list[Any], list[Any]]:
    """Return the lines around all counties together, and those between two of them."""
    if not len(counties):
        return [], []
    around = shapely.boundary(shapely.union_all(counties))
    between = shapely.difference(shapely.union_all(shapely.boundary(counties)), around)
    return _lines(around), _lines(between)


def _lines(shape: shapely.Geometry) -> list[Any]:
    parts = shapely.get_parts(shapely.line_merge(shape))
    return [_rounded(list(line.coords)) for line in parts if not line.is_empty]


def _polygons(
    collection: JSONValue | None, *, key: str, tolerance: float = _OUTLINE_TOLERANCE
) -> tuple[Any, list[str]]:
    """Return the polygons of a collection, thinned together so that neighbors still meet, and their names."""
    if collection is None:
        return np.array([], dtype=object), []
    features = collection.get("features")
    if not isinstance(features, list):
        raise InputError("outlines must be a GeoJSON FeatureCollection of polygons, each with a name")
    try:
        shapes = np.array([shapely.geometry.shape(feature["geometry"]) for feature in features], dtype=object)
        names = [str((feature.get("properties") or {}).get(key) or "") for feature in features]
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise InputError(f"a feature of the outlines is not a polygon with properties: {error!r}") from error
    if any(shape.geom_type not in {"Polygon", "MultiPolygon"} for shape in shapes):
        raise InputError("outlines must be polygons; draw lines and points as layers")
    simple = shapely.coverage_simplify(shapes, tolerance) if len(shapes) else shapes
    kept = [(name, shape) for name, shape in zip(names, simple, strict=True) if not shape.is_empty]
    return np.array([shape for _, shape in kept], dtype=object), [name for name, _ in kept]


def _county(name: str, shape: shapely.Geometry) -> JSONValue:
    largest = max(shapely.get_parts(shape), key=lambda part: float(part.area))
    middle = shapely.get_point(shapely.maximum_inscribed_circle(largest, tolerance=0.01), 0)
    return {
        "type": "Feature",
        "properties": {"name": name, "at": [round(middle.x, 4), round(middle.y, 4)]},
        "geometry": _rounded(shapely.geometry.mapping(shape)),
    }


def _rounded(value: Any, *, decimals: int = _DEGREE_DECIMALS) -> Any:
    if isinstance(value, float):
        return round(value, decimals)
    if isinstance(value, dict):
        return {key: _rounded(item, decimals=decimals) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item, decimals=decimals) for item in value]
    return value
