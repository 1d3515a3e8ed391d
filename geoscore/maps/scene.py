"""What a still map shows, laid out in kilometers and drawn by nobody yet: hexagons in classes, ground, labels, scale.

`still` writes it as SVG, `picture` draws it with matplotlib; both show the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely
import shapely.geometry

from geoscore.errors import InputError
from geoscore.ladder import Capacity, counts_at, interval
from geoscore.maps.extent import Bounds, county_order, main_bounds, share_outside
from geoscore.maps.figures import HIDDEN, Figures, Floats, Rows, read_rows
from geoscore.maps.layers import MapLayer
from geoscore.maps.measures import Measure, check_measure, measure_of, ratio, terms
from geoscore.maps.page import clean_text
from geoscore.maps.palette import DIVERGING, INDEX_BREAKS, SEQUENTIAL, class_breaks, layer_color, ramp
from geoscore.reference.basemap import Basemap
from geoscore.schemas import SurfaceNote
from geoscore.spatial.cells import MEAN_EARTH_RADIUS_M, parent_cells
from geoscore.spatial.polygons import cell_polygons

WHOLE: Final = 10.0
"""Breaks are whole numbers from here on."""
KM_PER_DEGREE: Final = np.pi * MEAN_EARTH_RADIUS_M / 180_000.0
KM_PER_MILE: Final = 1.609344
MARGIN: Final = 0.03
LABELS: Final = 22
LEADING: Final = 3
"""The largest places, named before counties are."""
LONGEST: Final = 28
"""Letters of a layer's name on the map; the table has it whole."""
ASIDE: Final = (0.0, 0.5, -0.5)
"""Where a place's name is tried: on its middle, then to the right and left, in widths of the name."""
LETTER: Final = 6.4
"""Width of a letter on a map of ``WIDTH`` dots, for keeping names apart."""
WIDTH: Final = 820.0
HATCH: Final = 110
"""Hatching lines across a map."""

WIDE_KM: Final = 1900.0
SHRINK: Final = 2.6458
"""Width of a hexagon of resolution 0, and how many times narrower it is one resolution finer."""
NARROWEST: Final = 4.0
"""Hexagons narrower than so many dots give way to their parents."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """A name on the map, at a point in kilometers; ``kind`` is county, place or layer, the last with a color."""

    text: str
    at: tuple[float, float]
    kind: str
    color: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A still map: shapes in kilometers east and north of the south-west corner.

    Attributes
    ----------
    size_km
        Width and height of what is shown.
    cells, classes
        Polygons, and the class of each: -1 where it is hidden.
    hatch
        Lines across the hidden ones.
    colors, words
        Of each class.
    land, shore, borders, zips
        The ground: polygons, then lines.
    layers, layer_colors
        Shapes of the user's own, and the color of each.
    resolution
        H3 resolution of the hexagons.
    outside
        Share of the households that live beyond the map.
    title, headline, legend, footer
        What stands over and under the map.
    """

    size_km: tuple[float, float]
    cells: npt.NDArray[np.object_]
    classes: npt.NDArray[np.int64]
    hatch: npt.NDArray[np.object_]
    colors: tuple[str, ...]
    words: tuple[str, ...]
    land: npt.NDArray[np.object_]
    shore: npt.NDArray[np.object_]
    borders: npt.NDArray[np.object_]
    zips: npt.NDArray[np.object_]
    layers: npt.NDArray[np.object_]
    layer_colors: tuple[str, ...]
    labels: tuple[Label, ...]
    k: int
    resolution: int
    outside: float
    title: str
    headline: str
    legend: str
    footer: str

    @property
    def hides(self) -> bool:
        """Whether any hexagon is hidden."""
        return bool((self.classes < 0).any())

    def scale(self) -> tuple[float, str]:
        """Return the length of the scale bar in km, a round number about a fifth of the width, and its words.

        Examples
        --------
        >>> from geoscore.schemas import SURFACE
        >>> note = SurfaceNote(title="Bay", region="", universe="", formula="2pct", formula_text="", horizon="one year",
        ...                    purpose="", vintage="", resolution=7, k=10, published=True)
        >>> scene_from_surface(SURFACE.empty_table(), note=note).scale()[1]
        '10 km (6 miles)'
        """
        wanted = self.size_km[0] / 5
        step = 10.0 ** np.floor(np.log10(wanted))
        length = float(max(part * step for part in (1, 2, 5) if part * step <= wanted))
        miles = length / KM_PER_MILE
        return length, f"{length:g} km ({miles:.0f} miles)" if miles >= 1 else f"{length:g} km ({miles:.1f} miles)"


def scene_from_surface(
    table: pa.Table,
    *,
    note: SurfaceNote,
    capacity: Capacity = 2500.0,
    measure: Measure = "estimate",
    basemap: Basemap | None = None,
    layers: Sequence[MapLayer] = (),
    focus: Bounds | None = None,
    width: float = WIDTH,
) -> Scene:
    """Lay out a still map.

    Parameters
    ----------
    table
        Table of schema ``SURFACE``; rows without a cell have no place on the map.
    note
        What the surface says of itself.
    capacity
        Threshold in US dollars, or band.
    measure
        ``estimate``, ``share``, ``index`` or ``low``.
    basemap
        Outlines and names.
    layers
        Shapes of the user's own, with their names.
    focus
        West, south, east and north in degrees of what is shown; where nearly all households live by default.
    width
        Dots across the map, for which names find room.

    Raises
    ------
    SurfaceError
        The threshold lies off the ladder, or the measure is unknown.
    """
    check_measure(measure)
    basemap = basemap or Basemap()
    rows = read_rows(table, note=note)
    outlines = county_order(rows, basemap.counties)
    counties, zips = (_shapes(part) for part in ({"features": outlines}, basemap.zips))
    bounds = focus or main_bounds(rows)
    cells, sums, resolution = _cells(rows, note, _Frame(counties, bounds), width=width)
    polygons = cell_polygons(cells) if len(cells) else np.array([], dtype=object)
    values = measure_of(sums, rows.region(), capacity=capacity, measure=measure)
    seen = (sums.hidden != HIDDEN) & (sums.households > 0)
    breaks = INDEX_BREAKS if measure == "index" else class_breaks(values[seen])
    palette = (DIVERGING if measure == "index" else SEQUENTIAL)["light"]
    classes = np.where(seen, np.searchsorted(np.array(breaks), values, side="right"), -1)
    frame = _Frame(np.concatenate([polygons, counties]), bounds)
    around = shapely.boundary(shapely.union_all(counties)) if len(counties) else None
    between = None if around is None else shapely.difference(shapely.union_all(shapely.boundary(counties)), around)
    own = [(frame.clip(np.array([layer.shape()], dtype=object)), layer_color(i)) for i, layer in enumerate(layers)]
    seen_own = [(shapes[0], color) for shapes, color in own if len(shapes)]
    kept = frame.keeps(polygons)
    placed = frame.place(polygons[kept])
    outside = share_outside(rows, frame.bounds) if bounds and not focus else 0.0
    return Scene(
        size_km=frame.size_km,
        cells=placed,
        classes=classes[kept].astype(np.int64),
        hatch=_hatch(placed[classes[kept] < 0], frame.size_km, gap_km=frame.size_km[0] / HATCH * WIDTH / width),
        colors=ramp(palette, classes=len(breaks) + 1),
        words=_words(breaks, measure=measure),
        land=frame.clip(counties),
        shore=frame.clip(shapely.get_parts(around) if around is not None else counties[:0]),
        borders=frame.clip(shapely.get_parts(between) if between is not None else counties[:0]),
        zips=frame.clip(_between(zips) if focus else zips[:0]),
        layers=np.array([shape for shape, _ in seen_own], dtype=object),
        layer_colors=tuple(color for _, color in seen_own),
        labels=_labels(frame, outlines, counties, basemap, layers, letter=LETTER / width),
        k=note.k,
        resolution=resolution,
        outside=outside,
        title=clean_text(note.title or "Giving capacity"),
        headline=_headline(rows.region(), capacity),
        legend=_legend(capacity, measure=measure),
        footer=clean_text(_footer(note, resolution, outside)),
    )


def _cells(rows: Rows, note: SurfaceNote, frame: "_Frame", *, width: float) -> tuple[Any, Figures, int]:
    """Return cells that are wide enough to be seen, their sums and their resolution."""
    resolution = note.resolution
    while resolution > 0 and WIDE_KM / SHRINK**resolution * width / frame.size_km[0] < NARROWEST:
        resolution -= 1
    at = rows.cell.copy()
    if resolution < note.resolution:
        at[at > 0] = parent_cells(at[at > 0], resolution=resolution)
    cells, _, sums = rows.by_cell(at)
    return cells, sums, resolution


class _Frame:
    """What is shown, and the way from degrees to kilometers: true to scale in its middle latitude."""

    def __init__(self, polygons: Any, focus: Bounds | None) -> None:
        whole = shapely.total_bounds(polygons) if len(polygons) else np.array([-123.0, 37.0, -122.0, 38.0])
        west, south, east, north = focus or whole
        across, up = max(MARGIN * (east - west), 1e-3), max(MARGIN * (north - south), 1e-3)
        self.bounds: Bounds = (west - across, south - up, east + across, north + up)
        self.box = shapely.box(*self.bounds)
        self._per_lon = KM_PER_DEGREE * float(np.cos(np.radians((south + north) / 2)))
        west, south, east, north = self.bounds
        self.size_km = ((east - west) * self._per_lon, (north - south) * KM_PER_DEGREE)

    def keeps(self, shapes: Any) -> npt.NDArray[np.bool_]:
        return np.asarray(shapely.intersects(shapes, self.box), dtype=bool) if len(shapes) else np.zeros(0, bool)

    def place(self, shapes: Any) -> Any:
        return shapely.transform(shapes, self.point)

    def point(self, degrees: Floats) -> Floats:
        return np.column_stack(
            [(degrees[:, 0] - self.bounds[0]) * self._per_lon, (degrees[:, 1] - self.bounds[1]) * KM_PER_DEGREE]
        )

    def km(self, longitudes: float) -> float:
        """Return how wide some degrees of longitude are."""
        return longitudes * self._per_lon

    def clip(self, shapes: Any) -> Any:
        """Return what of the shapes lies in the frame, placed."""
        if not len(shapes):
            return np.array([], dtype=object)
        inside = shapely.intersection(shapely.make_valid(shapes), self.box)
        return self.place(inside[~shapely.is_empty(inside)])


def _shapes(collection: dict[str, Any] | None) -> Any:
    features = (collection or {}).get("features", [])
    try:
        shapes = np.array([shapely.geometry.shape(feature["geometry"]) for feature in features], dtype=object)
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise InputError(f"a feature of the outlines is not a polygon: {error!r}") from error
    return shapely.coverage_simplify(shapes, 0.0008) if len(shapes) else shapes


def _hatch(hidden: Any, size_km: tuple[float, float], *, gap_km: float) -> Any:
    """Return diagonal lines across shapes, running on from one into the next."""
    if not len(hidden):
        return np.array([], dtype=object)
    wide, high = size_km
    starts = np.arange(-high, wide, gap_km)
    ends = [np.column_stack([starts + side, np.full_like(starts, side)]) for side in (0.0, high)]
    lines = shapely.linestrings(np.stack(ends, axis=1))
    return np.array([shapely.intersection(shapely.union_all(hidden), shapely.multilinestrings(lines))], dtype=object)


def _between(shapes: Any) -> Any:
    return shapely.get_parts(shapely.union_all(shapely.boundary(shapes))) if len(shapes) else shapes


def _labels(
    frame: _Frame, outlines: list[Any], counties: Any, basemap: Basemap, layers: Sequence[MapLayer], *, letter: float
) -> tuple[Label, ...]:
    """Return the names that find room: layers, the largest places, counties and then the other places by size."""
    wanted = _layer_labels(frame, layers, letter=letter)
    named = ((place.name, place.longitude, place.latitude, "place", None) for place in basemap.places)
    places: list[Wanted] = [place for place in named if shapely.contains_xy(frame.box, *place[1:3])]
    wanted += places[:LEADING]
    for feature, shape in zip(outlines, counties, strict=True):
        largest = max(shapely.get_parts(shape), key=lambda part: float(part.area))
        middle = largest.representative_point()
        wanted.append((str(feature["properties"].get("name", "")).upper(), middle.x, middle.y, "county", None))
    wanted += places[LEADING:]
    taken: list[Bounds] = []
    labels: list[Label] = []
    for text, longitude, latitude, kind, color in wanted:
        if not shapely.contains_xy(frame.box, longitude, latitude) or len(labels) >= LABELS:
            continue
        x, y = frame.point(np.array([[longitude, latitude]]))[0]
        if kind == "point":
            y += 2.3 * letter * frame.size_km[0]  # over its dot, not on it
        if kind == "county" and any(text == label.text.upper() for label in labels):
            continue  # a city that is a county of its own is named once
        larger = 1.2 if color else 1.0
        wide, high = larger * letter * frame.size_km[0] * (len(text) + 3) / 2, 2.1 * letter * frame.size_km[0]
        middles = [x + 2 * wide * aside for aside in (ASIDE if kind == "place" else ASIDE[:1])]
        lines = (-1, -3, 1) if color else (-1,)
        boxes = [(m - wide, y + n * high, m + wide, y + (n + 2) * high) for n in lines for m in middles]
        box = next((box for box in boxes if _free(box, taken, frame.size_km[0])), None)
        if box is None:
            continue
        at = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
        taken.append(box)
        labels.append(Label(text=clean_text(text), at=at, kind="layer" if kind == "point" else kind, color=color))
    return tuple(labels)


Wanted = tuple[str, float, float, str, str | None]
"""A name, where it should stand, what it is of, and its color where it has its own."""


def _layer_labels(frame: _Frame, layers: Sequence[MapLayer], *, letter: float) -> list[Wanted]:
    """Return the names of layers, each at its largest part first, then at further parts where there is room."""
    first: list[Wanted] = []
    more: list[Wanted] = []
    for i, layer in enumerate(layers):
        name = layer.name if len(layer.name) <= LONGEST else f"{layer.name[: LONGEST - 1].rstrip()}…"
        kind = "point" if layer.shape().geom_type == "Point" else "layer"
        for k, (longitude, latitude, room) in enumerate(layer.label_points()):
            told = (name, longitude, latitude, kind, layer_color(i))
            if k == 0:
                first.append(told)
            elif frame.km(room) > letter * frame.size_km[0] * len(name):
                more.append(told)
    return first + more


def _free(box: Bounds, taken: Sequence[Bounds], width: float) -> bool:
    """Return whether a box lies on the map and meets none that is taken."""
    inside = box[0] >= 0 and box[2] <= width
    return inside and not any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken)


def _words(breaks: Sequence[float], *, measure: Measure) -> tuple[str, ...]:
    def edge(value: float) -> str:  # as `edge` and `share` of figures.js write it
        if measure == "share":
            return f"{100 * value:.2g}%" if value < 0.1 else f"{value:.0%}"  # noqa: PLR2004  of all
        return f"{value:,.0f}" if value >= WHOLE else f"{value:.2g}"

    edges = [edge(value) for value in breaks]
    if not edges:
        return ("all",)
    return (f"under {edges[0]}", *(f"{low} to {high}" for low, high in pairwise(edges)), f"{edges[-1]} and more")


def _legend(capacity: Capacity, *, measure: Measure) -> str:
    told = {
        "estimate": "Expected households with capacity of {}",
        "share": "Share of households with capacity of {}",
        "index": "Share with capacity of {}, region = 100",
        "low": "Households with capacity of {}, low end of the 90% interval",
    }
    return told[measure].format(terms(capacity))


def _headline(region: Figures, capacity: Capacity) -> str:
    estimate, variance = counts_at(region.at_least, region.spread, region.households, capacity)
    low, high = interval(estimate, variance, region.most)
    share = float(ratio(estimate, region.households)[0])
    told = f"{estimate[0]:,.0f} of {region.households[0]:,.0f} households ({share:.0%})"
    return f"{told}; 90% interval {low[0]:,.0f} to {high[0]:,.0f}"


def _footer(note: SurfaceNote, resolution: int, outside: float) -> str:
    counted = {"file": "households in the files named", "census": "all households"}.get(note.universe, note.universe)
    formula = note.formula_text or note.formula
    ledger = f" Ledger {note.ledger[:12]}." if note.ledger else ""
    beyond = f" {outside:.1%} of the households live beyond this map." if outside > 0 else ""
    return (
        f"Capacity: {formula}, {note.horizon}. Counted: {counted}, {note.vintage}. "
        f"Purpose: {note.purpose}. H3 resolution {resolution}.{beyond} Made with geoscore.{ledger}"
    )
