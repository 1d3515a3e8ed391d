"""Street networks from files: OpenStreetMap extracts, and lines of any GIS file with or without speeds."""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError, missing_file
from geoscore.spatial.network import Network, network_from_lines, without_crumbs

Floats = npt.NDArray[np.float64]
Mode = Literal["drive", "bike", "walk"]
KMH_PER_MPH: Final = 1.609344
DRIVE_KMH: Final = {
    "motorway": 105.0, "motorway_link": 60.0, "trunk": 80.0, "trunk_link": 50.0, "primary": 55.0, "primary_link": 45.0,
    "secondary": 50.0, "secondary_link": 40.0, "tertiary": 45.0, "tertiary_link": 35.0, "unclassified": 40.0,
    "residential": 32.0, "living_street": 15.0, "service": 20.0, "road": 40.0, "track": 15.0,
    "s1100": 105.0, "s1200": 65.0, "s1400": 35.0, "s1630": 55.0, "s1640": 30.0, "s1740": 20.0,
}  # fmt: skip
"""Free-flow speeds by OpenStreetMap's ``highway`` and the Census Bureau's MTFCC."""
NOT_BY_CAR: Final = frozenset(
    ("footway", "path", "pedestrian", "steps", "cycleway", "bridleway", "corridor", "platform", "construction",
     "proposed", "abandoned", "raceway", "bus_guideway", "elevator", "s1500", "s1710", "s1720", "s1820", "s1830")
)  # fmt: skip
NOT_ON_FOOT: Final = frozenset(("motorway", "motorway_link", "trunk_link", "construction", "proposed", "abandoned",
                                "raceway", "bus_guideway", "s1100"))  # fmt: skip
NOT_BY_BIKE: Final = frozenset((*NOT_ON_FOOT, "steps", "corridor", "platform", "elevator"))
SPEED_KMH: Final[dict[str, float]] = {"drive": 50.0, "bike": 15.0, "walk": 4.8}
"""Speeds where nothing else is known."""
ACCESS_KMH: Final[dict[str, float]] = {"drive": 20.0, "bike": 10.0, "walk": 4.0}
"""Speeds in a straight line between a point and the network: small streets are not in every file."""
CLASS_COLUMNS: Final = ("highway", "fclass", "road_class", "class", "mtfcc", "type")
SPEED_COLUMNS: Final = {"speed_kmh": 1.0, "speed_mph": KMH_PER_MPH, "maxspeed": 1.0, "speed": 1.0}
TIME_COLUMNS: Final = {"seconds": 1.0, "travel_time_s": 1.0, "minutes": 60.0, "travel_time_min": 60.0}
FORWARD: Final = frozenset(("yes", "true", "1", "ft", "f", "forward", "y"))
AGAINST: Final = frozenset(("-1", "reverse", "tf", "t", "backward"))
_TAG: Final = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class _Lines:
    shapes: "npt.NDArray[Any]"
    columns: dict[str, "npt.NDArray[Any]"]


def read_network(path: Path, *, mode: Mode = "drive", speed_kmh: float | None = None) -> Network:
    """Read a street network.

    Parameters
    ----------
    path
        An OpenStreetMap extract (``.osm.pbf``, ``.osm``), or lines as GeoPackage, shapefile, GeoJSON or GeoParquet. Of
        their columns are used, where they are there: ``highway``, ``fclass``, ``road_class``, ``class`` or ``MTFCC``
        for the class; ``speed_kmh``, ``speed_mph`` or ``maxspeed``; ``seconds`` or ``minutes``; ``oneway``.
    mode
        ``drive``, ``bike`` or ``walk``. One-way streets bind cars, and bicycles where they are known.
    speed_kmh
        One speed for all links, instead of what the file says.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        It holds no lines, or none that may be gone in this mode.
    """
    if not path.exists():
        raise missing_file(path, "network")
    if speed_kmh is not None and not speed_kmh > 0:
        raise InputError(f"a speed of {speed_kmh:g} km/h leads nowhere; give one above 0")
    osm = path.name.lower().endswith((".pbf", ".osm"))
    lines = _read_osm(path) if osm else _read_lines(path)
    kind = _classes(lines)
    closed = {"drive": NOT_BY_CAR, "bike": NOT_BY_BIKE, "walk": NOT_ON_FOOT}[mode]
    kept = ~np.isin(kind, list(closed))
    if osm:
        kept &= (kind != "") & ~_barred(lines, mode)
    if not kept.any():
        raise InputError(f"no line of {path} may be gone by {mode}")
    lines = _Lines(lines.shapes[kept], {name: values[kept] for name, values in lines.columns.items()})
    kind = kind[kept]
    notes = [f"{path.name}: {len(kind):,} lines"]
    speeds = np.full(len(kind), speed_kmh) if speed_kmh is not None else _speeds(lines, kind, mode, notes)
    seconds = None if speed_kmh is not None else _seconds(lines, mode)
    forward, backward = _directions(lines, kind, mode)
    single = int((forward != backward).sum())
    if single:
        notes.append(f"{single:,} lines may be gone one way only")
    built = network_from_lines(
        lines.shapes, speed_kmh=speeds, forward=forward, backward=backward, seconds=seconds, notes=notes
    )
    return without_crumbs(built)


def _read_osm(path: Path) -> _Lines:
    """Read the ways of an OpenStreetMap extract; GDAL's own reader comes with geopandas."""
    import geopandas as gpd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            frame = gpd.read_file(path, layer="lines", columns=["highway", "other_tags"], where="highway IS NOT NULL")
        except (OSError, ValueError, RuntimeError) as error:
            why = " ".join(str(error).split())[:200]
            raise InputError(f"{path} cannot be read as an OpenStreetMap extract: {why}") from error
    if not len(frame):
        raise InputError(f"{path} holds no street (a way with highway=...)")
    tags = [dict(_TAG.findall(text)) if isinstance(text, str) else {} for text in frame["other_tags"]]
    columns = {"highway": frame["highway"].to_numpy(dtype=object)}
    for name in ("oneway", "maxspeed", "junction", "access", "motor_vehicle", "foot", "bicycle", "oneway:bicycle"):
        columns[name] = np.array([tag.get(name, "") for tag in tags], dtype=object)
    return _Lines(frame.geometry.to_numpy(), columns)


def _read_lines(path: Path) -> _Lines:
    """Read lines of a GIS file, in degrees; multi-part lines are parted."""
    import geopandas as gpd
    import shapely

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            frame = gpd.read_parquet(path) if path.suffix.lower() == ".parquet" else gpd.read_file(path)
    except (OSError, ValueError, RuntimeError, shapely.errors.ShapelyError) as error:
        why = " ".join(str(error).split())[:200]
        raise InputError(f"{path} cannot be read as lines: {why}") from error
    if "geometry" not in frame:
        raise InputError(f"{path} holds no geometry; a network is a file of lines")
    frame = frame[~frame.geometry.isna()].explode(index_parts=False)
    frame = frame[frame.geom_type == "LineString"]
    if not len(frame):
        raise InputError(f"{path} holds no line; a network is a file of lines")
    frame = frame if frame.crs is None else frame.to_crs(4326)
    west, south, east, north = frame.total_bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):  # noqa: PLR2004  degrees
        raise InputError(f"{path} is not in degrees of longitude and latitude; state its coordinate system")
    columns = {
        str(name).lower(): frame[name].to_numpy(dtype=object) for name in frame.columns if name != frame.geometry.name
    }
    return _Lines(shapely.force_2d(frame.geometry.to_numpy()), columns)


def _classes(lines: _Lines) -> "npt.NDArray[np.object_]":
    for name in CLASS_COLUMNS:
        if name in lines.columns:
            return np.array([str(value or "").strip().lower() for value in lines.columns[name]], dtype=object)
    return np.full(len(lines.shapes), "", dtype=object)


def _barred(lines: _Lines, mode: Mode) -> npt.NDArray[np.bool_]:
    """Return which ways of OpenStreetMap are closed to a mode by their own tags."""
    own = lines.columns[{"drive": "motor_vehicle", "bike": "bicycle", "walk": "foot"}[mode]]
    general = np.isin(lines.columns["access"], ["no", "private"])
    allowed = np.isin(own, ["yes", "designated", "permissive", "destination"])
    return np.asarray(np.isin(own, ["no", "private"]) | (general & ~allowed))


def _speeds(lines: _Lines, kind: "npt.NDArray[np.object_]", mode: Mode, notes: list[str]) -> Floats:
    """Return the speed of every line: its own, that of its class, or the usual one of the mode."""
    usual = SPEED_KMH[mode]
    if mode != "drive":
        notes.append(f"{mode} at {usual:g} km/h")
        return np.full(len(kind), usual)
    speeds = np.array([DRIVE_KMH.get(name, np.nan) for name in kind])
    own = np.full(len(kind), np.nan)
    for name, factor in SPEED_COLUMNS.items():
        if name in lines.columns:
            own = factor * np.array([_speed(value) for value in lines.columns[name]])
            break
    stated = np.isfinite(own) & (own > 0)
    classed = int((np.isfinite(speeds) & ~stated).sum())
    speeds = np.where(stated, own, speeds)
    rest = ~np.isfinite(speeds)
    told = [f"{int(stated.sum()):,} by their own", f"{classed:,} by class", f"{int(rest.sum()):,} at {usual:g} km/h"]
    notes.append(f"speeds of lines: {', '.join(told)}; free flow, no traffic")
    return np.where(rest, usual, speeds)


def _speed(value: Any) -> float:
    """Return km/h as a tag or a number says: ``35 mph``, ``50``."""
    text = str(value if value is not None else "").strip().lower()
    found = _NUMBER.match(text)
    if not found:
        return float("nan")
    return float(found[0]) * (KMH_PER_MPH if "mph" in text else 1.0)


def _seconds(lines: _Lines, mode: Mode) -> Floats | None:
    for name, factor in TIME_COLUMNS.items():
        if mode == "drive" and name in lines.columns:
            values = np.array([_speed(value) for value in lines.columns[name]]) * factor
            return np.where(values > 0, values, np.nan)
    return None


def _directions(
    lines: _Lines, kind: "npt.NDArray[np.object_]", mode: Mode
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return whether each line may be gone as it is drawn, and against it."""
    count = len(kind)
    if mode == "walk" or "oneway" not in lines.columns:
        return np.ones(count, dtype=bool), np.ones(count, dtype=bool)
    told = np.array([str(value).strip().lower() for value in lines.columns["oneway"]], dtype=object)
    told = np.where(told == "1.0", "1", np.where(told == "-1.0", "-1", told))
    if "junction" in lines.columns:
        round_ = np.isin(lines.columns["junction"], ["roundabout", "circular"]) & (told == "")
        told = np.where(round_ | ((kind == "motorway") & (told == "")), "yes", told)
    if mode == "bike" and "oneway:bicycle" in lines.columns:
        told = np.where(lines.columns["oneway:bicycle"] == "no", "no", told)
    return ~np.isin(told, list(AGAINST)), ~np.isin(told, list(FORWARD))
