"""What a page carries: sums by cell, ZIP and region, packed small enough to travel by mail.

Region and ZIP figures are exact; those of a cell are within a 30,000th of its households.
"""

import base64
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
import shapely.geometry

from geoscore.errors import InputError
from geoscore.ladder import LEVEL, Z, at_threshold
from geoscore.maps.figures import HIDDEN, Figures, Floats, Integers, Rows
from geoscore.maps.palette import DIVERGING, INDEX_BREAKS, SEQUENTIAL
from geoscore.schemas import LADDER, SurfaceNote
from geoscore.spatial.cells import cell_centers, parent_cells
from geoscore.spatial.polygons import cell_polygons

_CROWDED: Final = 1500  # cells; more of them get a coarser level for a far view
_MOST_LEVELS: Final = 3
_STEPS: Final = 65_535
_HATCHES: Final = 5  # lines across a hidden cell
_OUTLINE_TOLERANCE: Final = 0.0008  # degrees, under 100 m

JSONValue = dict[str, object]


def page_data(rows: Rows, *, note: SurfaceNote, capacity: float, outlines: JSONValue | None) -> JSONValue:
    """Return all that the page's script reads, ready for JSON.

    Parameters
    ----------
    rows
        A surface's rows.
    note
        What the surface says of itself.
    capacity
        The threshold at which the page opens, in US dollars; the slider takes it between its rungs.
    outlines
        County polygons, a GeoJSON FeatureCollection in degrees with a ``name`` each; drawn as they are.

    Returns
    -------
    dict
        ``region`` and ``zips`` hold exact sums, ``levels`` the cells and their parents for a far view.

    Raises
    ------
    InputError
        The outlines are not a FeatureCollection of polygons.
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
    >>> data = page_data(read_rows(table, note=note), note=note, capacity=2500, outlines=None)
    >>> data["region"]["households"]
    10.0
    """
    ladder: tuple[float, ...] = note.ladder
    if capacity not in ladder:
        rows, ladder = with_threshold(rows, capacity), tuple(sorted((*ladder, capacity)))
    region = rows.region()
    return {
        "capacity": capacity,
        "ladder": list(ladder),
        "level": LEVEL,
        "z": Z,
        "k": note.k,
        "counties": [note.counties.get(code, code) for code in rows.counties],
        "palette": {"sequential": SEQUENTIAL, "diverging": DIVERGING, "index_breaks": INDEX_BREAKS},
        "region": {
            "name": note.region,
            "households": float(region.households[0]),
            "at_least": region.at_least[0].tolist(),
            "variance": region.variance[0].tolist(),
            "most": float(region.most[0]),
        },
        "zips": _zips(rows),
        "levels": _levels(rows, resolution=note.resolution),
        "outlines": _outlines(outlines),
    }


def with_threshold(rows: Rows, capacity: float) -> Rows:
    """Return rows whose ladders hold one more threshold, read from the two rungs around it."""
    place = int(np.searchsorted(LADDER, capacity))

    def insert(figures: Floats) -> Floats:
        first = figures.shape[1] - len(LADDER)  # variances begin with that of the households
        return np.insert(figures, first + place, at_threshold(figures[:, first:], capacity), axis=1)

    return replace(
        rows,
        at_least=insert(rows.at_least),
        variance=insert(rows.variance),
        zip_covariance=insert(rows.zip_covariance),
        county_covariance=insert(rows.county_covariance),
    )


def pack(values: npt.NDArray[np.generic], kind: str) -> str:
    """Return an array as base64 of its little-endian bytes of the NumPy ``kind``, such as ``f4``.

    Examples
    --------
    >>> import numpy as np
    >>> pack(np.array([1, 2]), "u2")
    'AQACAA=='
    """
    return base64.b64encode(np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()).decode("ascii")


def pack_ladder(values: Floats) -> JSONValue:
    """Return rows of non-negative figures as 16-bit square roots of shares of each row's largest.

    Examples
    --------
    >>> import numpy as np
    >>> pack_ladder(np.array([[4.0, 1.0]]))["root"] == pack(np.array([65535, 32768]), "u2")
    True
    """
    top = values.max(axis=1, initial=0.0)
    share = np.divide(values, top[:, None], out=np.zeros_like(values), where=top[:, None] > 0)
    return {"top": pack(top, "f4"), "root": pack(np.rint(np.sqrt(share) * _STEPS), "u2")}


def _zips(rows: Rows) -> JSONValue:
    figures = rows.sums(rows.zip_at, size=len(rows.zips), within=("cell", "zip"))
    county = _heaviest(rows.zip_at, rows.county_at, rows.households, size=len(rows.zips))
    return {
        "codes": rows.zips,
        "county": county.tolist(),
        "households": pack(figures.households, "f8"),
        "at_least": pack(figures.at_least, "f8"),
        "variance": pack(figures.variance, "f8"),
        "most": pack(figures.most, "f8"),
        "hidden": pack(figures.hidden, "u1"),
    }


def _levels(rows: Rows, *, resolution: int) -> list[JSONValue]:
    levels = [_level(rows, rows.cell, resolution=resolution)]
    cell = rows.cell
    while len(np.unique(cell)) > _CROWDED and len(levels) < _MOST_LEVELS and resolution > 0:
        resolution -= 1
        cell = cell.copy()
        cell[cell > 0] = parent_cells(cell[cell > 0], resolution=resolution)
        levels.append(_level(rows, cell, resolution=resolution))
    return levels


def _level(rows: Rows, cell: npt.NDArray[np.uint64], *, resolution: int) -> JSONValue:
    cells, at, figures = rows.by_cell(cell)
    longitude, latitude = cell_centers(cells)
    offsets, zip_at = _zips_of_cells(rows, at, size=len(cells))
    return {
        "resolution": resolution,
        "cells": pack(cells, "u8"),
        "longitude": pack(longitude, "f4"),
        "latitude": pack(latitude, "f4"),
        "households": pack(figures.households, "f4"),
        "at_least": pack_ladder(figures.at_least),
        "variance": pack_ladder(figures.variance),
        "most": pack(figures.most, "f4"),
        "hidden": pack(figures.hidden, "u1"),
        "county": pack(_heaviest(at, rows.county_at, rows.households, size=len(cells)), "i2"),
        "zip_offsets": pack(offsets, "u4"),
        "zip_at": pack(zip_at, "u2"),
        "hatch": pack(_hatch(cells, figures), "f4"),
    }


def _zips_of_cells(rows: Rows, at: Integers, *, size: int) -> tuple[Integers, Integers]:
    kept = np.flatnonzero((at >= 0) & (rows.zip_at >= 0))
    pairs, pair_at = np.unique(np.column_stack([at[kept], rows.zip_at[kept]]), axis=0, return_inverse=True)
    households = np.bincount(pair_at, weights=rows.households[kept], minlength=len(pairs))
    order = np.lexsort((pairs[:, 1], -households, pairs[:, 0]))
    counts = np.bincount(pairs[:, 0].astype(np.int64), minlength=size)
    return np.concatenate([[0], np.cumsum(counts)]), pairs[order, 1]


def _heaviest(key: Integers, choice: Integers, weight: Floats, *, size: int) -> Integers:
    """Return, for every key, the choice with most weight; -1 where it has none."""
    best = np.full(size, -1, dtype=np.int64)
    kept = np.flatnonzero((key >= 0) & (choice >= 0))
    if len(kept) == 0:
        return best
    pairs, at = np.unique(np.column_stack([key[kept], choice[kept]]), axis=0, return_inverse=True)
    total = np.bincount(at, weights=weight[kept], minlength=len(pairs))
    order = np.lexsort((-pairs[:, 1], total))
    best[pairs[order, 0]] = pairs[order, 1]
    return best


def _hatch(cells: npt.NDArray[np.uint64], figures: Figures) -> Floats:
    """Return diagonal lines across the hidden cells: west, south, east, north ends, shape (m, 4)."""
    lines = []
    for shape in cell_polygons(cells[figures.hidden == HIDDEN]):
        west, south, east, north = shape.bounds
        width, height = east - west, north - south
        for step in range(1, 2 * _HATCHES, 2):
            shift = (step / _HATCHES - 1) * width
            line = shapely.LineString([(west + shift, south), (east + shift, north)])
            inside = shapely.intersection(line, shape.buffer(-0.04 * min(width, height)))
            if not inside.is_empty:
                lines.append(np.asarray(inside.coords)[[0, -1]].ravel())
    return np.array(lines, dtype=np.float64).reshape(-1, 4)


def _outlines(outlines: JSONValue | None) -> JSONValue | None:
    if outlines is None:
        return None
    features = outlines.get("features")
    if not isinstance(features, list):
        raise InputError("outlines must be a GeoJSON FeatureCollection of county polygons, each with a name")
    try:
        shapes = np.array([shapely.geometry.shape(feature["geometry"]) for feature in features], dtype=object)
        names = [str((feature.get("properties") or {}).get("name") or "") for feature in features]
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.GEOSException) as error:
        raise InputError(f"a feature of the outlines is not a polygon with properties: {error!r}") from error
    if any(shape.geom_type not in {"Polygon", "MultiPolygon"} for shape in shapes):
        raise InputError("outlines must be polygons; draw lines and points on a map of your own")
    simple = shapely.coverage_simplify(shapes, _OUTLINE_TOLERANCE)
    kept = [(name, shape) for name, shape in zip(names, simple, strict=True) if not shape.is_empty]
    return {"type": "FeatureCollection", "features": [_feature(name, shape) for name, shape in kept]}


def _feature(name: str, shape: shapely.Geometry) -> JSONValue:
    largest = max(shapely.get_parts(shape), key=lambda part: float(part.area))
    middle = shapely.get_point(shapely.maximum_inscribed_circle(largest, tolerance=0.01), 0)
    return {
        "type": "Feature",
        "properties": {"name": name, "at": [round(middle.x, 4), round(middle.y, 4)]},
        "geometry": _rounded(shapely.geometry.mapping(shape)),
    }


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
