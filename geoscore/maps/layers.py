"""Layers of one's own: named polygons, lines or points with figures, drawn over the hexagons and listed in a table.

A trade area, a branch, a campaign's turf: anything that has a shape in degrees and something to say.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoscore.errors import InputError, missing_file

if TYPE_CHECKING:
    import shapely

LEAST_LABELLED: Final = 0.1
Figure = float | int | str | None
GeoJSON = Mapping[str, Any]


@dataclass(frozen=True)
class MapLayer:
    """A named shape with figures, to be drawn on a map and listed below it.

    Attributes
    ----------
    name
        What people call it.
    geometry
        Polygons, lines or points in WGS 84 degrees: a GeoJSON geometry, or a shapely one.
    figures
        What the table says of it, by column: numbers, text, or None where nothing is known.

    Examples
    --------
    >>> ring = MapLayer("5 minutes", {"type": "Point", "coordinates": [-122.16, 37.44]}, {"stores": 2})
    >>> ring.shape().geom_type, ring.figures
    ('Point', {'stores': 2})
    """

    name: str
    geometry: "GeoJSON | shapely.Geometry"
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def shape(self) -> "shapely.Geometry":
        """Return the shape, checked.

        Raises
        ------
        InputError
            It is no geometry, empty, or not in degrees.
        """
        import shapely
        import shapely.geometry

        try:
            given = self.geometry
            shape = given if isinstance(given, shapely.Geometry) else shapely.geometry.shape(given)
            west, south, east, north = shapely.force_2d(shape).bounds
        except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
            raise InputError(
                f"layer {self.name!r} has no usable geometry: {error!r}; give GeoJSON or shapely"
            ) from error
        if not np.isfinite([west, south, east, north]).all():
            raise InputError(f"layer {self.name!r} is empty; give it a polygon, a line or a point")
        if west < -180 or east > 180 or south < -90 or north > 90:  # noqa: PLR2004  degrees
            raise InputError(f"layer {self.name!r} is not in degrees of longitude and latitude; give it in WGS 84")
        return shapely.force_2d(shape)

    def label_points(self) -> list[tuple[float, float, float]]:
        """Return where its name may stand: longitude, latitude and the room there in degrees, the largest part first.

        Parts of less than a tenth of the largest carry no name.

        Examples
        --------
        >>> two = {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]],
        ...                                                [[[5, 5], [8, 5], [8, 8], [5, 8], [5, 5]]]]}
        >>> [(round(x, 1), round(y, 1), round(room, 1)) for x, y, room in MapLayer("a", two).label_points()][:1]
        [(6.5, 6.5, 3.0)]
        """
        import shapely

        shape = self.shape()
        parts = [part for part in shapely.get_parts(shapely.make_valid(shape)) if part.geom_type == "Polygon"]
        if not parts:
            middle = shape.representative_point()
            return [(float(middle.x), float(middle.y), 0.0)]
        parts.sort(key=lambda part: -float(part.area))
        found: list[tuple[float, float, float]] = []
        for part in parts:
            if found and part.area < LEAST_LABELLED * parts[0].area:
                break
            radius = shapely.maximum_inscribed_circle(part, tolerance=float(np.sqrt(part.area)) / 50)
            (x, y), _ = shapely.get_coordinates(radius)
            found.append((float(x), float(y), 2 * float(shapely.length(radius))))
        return found


def read_layers(path: Path) -> tuple[MapLayer, ...]:
    """Read the features of a file as layers: ``name`` is the name, every other property a figure.

    Parameters
    ----------
    path
        GeoJSON, GeoPackage, shapefile or GeoParquet, in any stated coordinate system.

    Raises
    ------
    InputNotFoundError, InputError
        There is no such file, or it holds no shapes.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "stores.geojson"
    >>> point = '{"type": "Point", "coordinates": [-122.2, 37.4]}'
    >>> text = '{"type": "Feature", "properties": {"name": "Main St", "staff": 4}, "geometry": %s}' % point
    >>> _ = path.write_text('{"type": "FeatureCollection", "features": [%s]}' % text)
    >>> [(layer.name, layer.figures) for layer in read_layers(path)]
    [('Main St', {'staff': 4})]
    """
    import geopandas as gpd
    import shapely

    if not path.exists():
        raise missing_file(path, needed="a layer for the map")
    try:
        frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    except (OSError, ValueError, RuntimeError, shapely.errors.ShapelyError) as error:
        raise InputError(f"{path} cannot be read as shapes: {' '.join(str(error).split())}") from error
    if "geometry" not in frame or frame.geometry.isna().all():
        raise InputError(f"{path} holds no geometry; a layer needs polygons, lines or points")
    frame = frame[frame.geometry.notna()]
    frame = frame.to_crs(4326) if frame.crs is not None else frame
    texts = [name for name in ("name", "area") if name in frame and frame[name].map(type).eq(str).any()]
    title = texts[0] if texts else None
    columns = [name for name in frame.columns if name not in ("geometry", title, "id")]
    table = json.loads(frame[columns].to_json(orient="records", date_format="iso")) if columns else [{}] * len(frame)
    names = frame[title] if title else [None] * len(frame)
    titles = [str(name) if isinstance(name, str) and name else f"{path.stem} {i}" for i, name in enumerate(names, 1)]
    layers = [
        MapLayer(title, shape, {key: _figure(value) for key, value in row.items()})
        for title, shape, row in zip(titles, frame.geometry, table, strict=True)
    ]
    for layer in layers:
        layer.shape()
    return tuple(layers)


def figure_columns(layers: Sequence[MapLayer]) -> tuple[str, ...]:
    """Return the names of all figures of some layers, each once, in the order in which they come.

    Examples
    --------
    >>> here = {"type": "Point", "coordinates": [0, 0]}
    >>> figure_columns([MapLayer("a", here, {"x": 1}), MapLayer("b", here, {"y": 2, "x": 3})])
    ('x', 'y')
    """
    return tuple(dict.fromkeys(name for layer in layers for name in layer.figures))


def _figure(value: Any) -> Figure:
    return value if isinstance(value, float | int | str) or value is None else json.dumps(value)
