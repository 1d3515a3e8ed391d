"""Shapes for a gazetteer, in their real layouts: street segments with ranges, ZIP areas, parcels and address points.

Segments: TIGER/Line ADDRFEAT shapefiles, and lines of any format with the same fields. ZIP areas: polygons with a ZIP
field, such as ZCTAs. Points and parcels with a street become rows with coordinates for the tabular readers.
"""

import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.errors import InputError
from geoscore.standardize.addresses import parse_addresses

if TYPE_CHECKING:
    import geopandas

ENDINGS: Final = (".shp", ".gpkg", ".geojson", ".geojsonl", ".fgb", ".zip", ".parquet", ".json")
RANGES: Final = {"L": ("lfromhn", "ltohn", "parityl", "zipl"), "R": ("rfromhn", "rtohn", "parityr", "zipr")}
"""Fields of ADDRFEAT by side: first and last number, parity, ZIP."""
ZIP_FIELDS: Final = (
    "zcta5ce20",
    "zcta5ce10",
    "zcta5ce",
    "geoid20",
    "geoid10",
    "zcta",
    "zip",
    "zipcode",
    "zip_code",
    "postcode",
)
HOUSEHOLDS: Final = ("households", "hh", "housing20", "housing10")
WGS84: Final = 4326
EQUAL_AREA: Final = "EPSG:5070"


@dataclass
class Shapes:
    """What a file of shapes holds; ``rows`` are for the tabular readers. ``rejected`` counts what could not be used."""

    segments: pd.DataFrame = field(default_factory=pd.DataFrame)
    zips: pd.DataFrame = field(default_factory=pd.DataFrame)
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    read: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def is_shapes(path: Path) -> bool:
    """Say whether a file holds shapes: by its ending, and for JSON, zip and Parquet by what is inside."""
    ending = path.suffix.lower()
    if ending not in ENDINGS or not path.is_file():
        return False
    if ending == ".zip":
        import zipfile

        return zipfile.is_zipfile(path) and any(
            name.lower().endswith(".shp") for name in zipfile.ZipFile(path).namelist()
        )
    if ending == ".parquet":
        try:
            return b"geo" in (pq.read_schema(path).metadata or {})
        except (OSError, pa.ArrowException):
            return False
    if ending == ".json":
        with path.open("rb") as file:
            return b'"Feature' in file.read(4096)
    return True


def read_shapes(path: Path) -> Shapes:
    """Read a file of shapes.

    Raises
    ------
    InputError
        It cannot be read, has no coordinate system, or holds shapes without an address or ZIP.
    """
    frame, notes = _to_degrees(path, _read(path))
    shapes = Shapes(read=len(frame), notes=notes)
    whole = frame.geometry.notna() & ~frame.geometry.is_empty & frame.geometry.is_valid
    mended = frame.geometry.notna() & ~frame.geometry.is_empty & ~whole
    if mended.any():
        frame.loc[mended, "geometry"] = frame.loc[mended, "geometry"].make_valid()
    bad = int((frame.geometry.isna() | frame.geometry.is_empty).sum())
    if bad:
        shapes.rejected["no shape, or an empty one"] = bad
    frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty]
    names = {str(name).lower(): name for name in frame.columns}
    kinds = set(frame.geom_type)
    if kinds & {"LineString", "MultiLineString"}:
        _segments(path, frame[frame.geom_type.str.contains("Line")], names, shapes)
    elif kinds & {"Polygon", "MultiPolygon"} and not any("street" in name or "addr" in name for name in names):
        _zip_areas(path, frame, names, shapes)
    else:
        points = frame.geometry.representative_point()
        rows = pd.DataFrame(frame.drop(columns="geometry")).astype("string")
        rows = rows.drop(columns=[name for name in rows if str(name).lower() in ("longitude", "latitude")])
        shapes.rows = rows.assign(longitude=points.x.astype(str), latitude=points.y.astype(str))
    return shapes


def _read(path: Path) -> "geopandas.GeoDataFrame":
    import geopandas

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # drivers warn of what is told below, or does not matter here
            if path.suffix.lower() == ".parquet":
                return geopandas.read_parquet(path)
            if path.suffix.lower() in (".geojson", ".json", ".geojsonl") and _in_lines(path):
                return geopandas.read_file(f"GeoJSONSeq:{path}")
            return geopandas.read_file(path)
    except Exception as error:  # every driver has errors of its own
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} cannot be read as shapes: {line}") from error


def _in_lines(path: Path) -> bool:
    """Say whether every line of a JSON file is a feature of its own, as OpenAddresses writes them."""
    with path.open(encoding="utf-8", errors="replace") as file:
        try:
            return bool(json.loads(file.readline())["type"] == "Feature")
        except (ValueError, KeyError, TypeError):
            return False


def _to_degrees(path: Path, frame: "geopandas.GeoDataFrame") -> tuple["geopandas.GeoDataFrame", list[str]]:
    if frame.crs is None:
        bounds = frame.total_bounds
        if np.isfinite(bounds).all() and (np.abs(bounds) <= [180, 90, 180, 90]).all():
            return frame.set_crs(4326), [f"{path.name} names no coordinate system; read as degrees (WGS 84)"]
        raise InputError(f"{path} names no coordinate system, and its coordinates are no degrees; add a .prj file")
    if frame.crs.to_epsg() == WGS84 or str(frame.crs).upper() == "OGC:CRS84":
        return frame, []
    return frame.to_crs(4326), [f"{path.name} was reprojected from {frame.crs.name} to WGS 84"]


def _segments(path: Path, frame: "geopandas.GeoDataFrame", names: dict[str, Any], shapes: Shapes) -> None:
    missing = [name for name in ("fullname", *RANGES["L"][:2], *RANGES["R"][:2]) if name not in names]
    if missing:
        raise InputError(
            f"{path} holds lines without {', '.join(missing).upper()}; address ranges are read as in ADDRFEAT"
        )
    import shapely

    frame = frame[frame.geom_type == "LineString"] if (frame.geom_type == "LineString").all() else _merged(frame)
    street = parse_addresses(pa.array(frame[names["fullname"]].astype("string"), pa.string())).to_pandas()
    middle = shapely.line_interpolate_point(frame.geometry.to_numpy(), 0.5, normalized=True)
    sides = []
    for side, (start, end, parity, zip_field) in RANGES.items():
        numbers = [
            frame[names[name]].astype("string").str.extract(r"^(\d{1,6})$")[0].astype("float") for name in (start, end)
        ]
        part = street[["predir", "name", "suffix", "postdir"]].assign(
            start=numbers[0].to_numpy(),
            end=numbers[1].to_numpy(),
            parity=_text(frame, names.get(parity)).str.upper().str[:1].to_numpy(),
            zip=_text(frame, names.get(zip_field)).str.extract(r"^(\d{5})")[0].fillna("").to_numpy(),
            side=side,
            line=shapely.to_wkb(frame.geometry.to_numpy()),
            longitude=shapely.get_x(middle),
            latitude=shapely.get_y(middle),
        )
        empty = numbers[0].isna().to_numpy() & numbers[1].isna().to_numpy()
        sides.append(part[~empty])
    both = pd.concat(sides, ignore_index=True)
    usable = both["start"].notna() & both["end"].notna() & (both["name"] != "")
    if (~usable).any():
        shapes.rejected["a side without a name, or with numbers that are none"] = int((~usable).sum())
    both = both[usable]
    same = both["start"] % 2 == both["end"] % 2
    told = both["parity"].isin(["E", "O", "B"])
    found = np.where(same, np.where(both["start"] % 2 == 0, "E", "O"), "B")
    both["parity"] = np.where(told, both["parity"], found)
    shapes.segments = both.astype({"start": "int64", "end": "int64"})


def _merged(frame: "geopandas.GeoDataFrame") -> "geopandas.GeoDataFrame":
    return frame.explode(index_parts=False).reset_index(drop=True)


def _text(frame: pd.DataFrame, name: Any) -> pd.Series:
    return pd.Series("", index=frame.index) if name is None else frame[name].astype("string").fillna("")


def _zip_areas(path: Path, frame: "geopandas.GeoDataFrame", names: dict[str, Any], shapes: Shapes) -> None:
    column = next((names[name] for name in ZIP_FIELDS if name in names), None)
    if column is None:
        raise InputError(f"{path} holds areas without a ZIP or an address; name the ZIP column zip or ZCTA5CE20")
    codes = frame[column].astype("string").str.extract(r"(\d{5})$")[0]
    if codes.isna().any():
        shapes.rejected["an area whose ZIP has not five digits"] = int(codes.isna().sum())
    frame = frame[codes.notna()].assign(zip=codes[codes.notna()]).dissolve("zip").reset_index()
    flat = frame.geometry.to_crs(EQUAL_AREA)
    center = flat.centroid
    radius = np.sqrt(flat.area / np.pi)
    weight = next((names[name] for name in HOUSEHOLDS if name in names), None)
    degrees = center.to_crs(4326)
    shapes.zips = pd.DataFrame(
        {
            "zip": frame["zip"],
            "longitude": degrees.x,
            "latitude": degrees.y,
            "sigma_m": radius / 2.0,  # of a disk of the same area, one axis
            "radius_m": flat.hausdorff_distance(center),
            "households": frame[weight].astype(float) if weight else np.nan,
        }
    )
