"""Areas as polygons: read from files under the names the Census gives its columns, or drawn around centers.

Where only population-weighted centers are known, an area is what lies nearest to its center inside its tract.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from geoscore.errors import InputError, missing_file

ID_COLUMNS: Final = ("GEOID", "GEOID20", "GEOID10", "GEO_ID", "AFFGEOID", "area_id")
ZIP_COLUMNS: Final = ("zip", "ZCTA5", "ZCTA5CE20", "ZCTA5CE10", "GEOID20", "GEOID10", "GEOID")
TRACT_DIGITS: Final = 11
FARTHEST_DEGREES: Final = 0.05
NEAREST_DEGREES: Final = 0.002
"""An area without any polygon reaches half way to its neighbor, within these bounds (200 m to 5 km)."""


def read_polygons(path: Path, *, kind: str) -> Any:
    """Read a file of polygons as a GeoDataFrame in WGS 84.

    Parameters
    ----------
    path
        GeoParquet, GeoPackage, shapefile (zipped or not) or GeoJSON, in any stated coordinate system.
    kind
        What the polygons are, for messages.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        It holds no polygons.
    """
    import geopandas as gpd

    if not path.exists():
        raise missing_file(path, needed=f"{kind} of the census section")
    try:
        frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    except (OSError, ValueError, pa.ArrowException, RuntimeError) as error:
        raise InputError(f"{path} cannot be read as {kind}: {error}") from error
    return frame.to_crs(4326) if frame.crs is not None else frame.set_crs(4326)


def areas_of(frame: Any, path: Path) -> Any:
    """Return polygons with ``area_id``: one row an area, GEOIDs as text.

    Raises
    ------
    InputError
        There is no GEOID column, or an area stands twice.
    """
    column = _first(frame, ID_COLUMNS)
    if column is None:
        raise InputError(f"{path} has no GEOID column; it has {', '.join(map(str, frame.columns[:8]))}")
    found = frame[[column, "geometry"]].rename(columns={column: "area_id"})
    found["area_id"] = found["area_id"].astype(str).str.rsplit("US", n=1).str[-1]
    twice = found.loc[found["area_id"].duplicated(), "area_id"]
    if len(twice):
        raise InputError(f"area {twice.iloc[0]} stands twice in {path}; give each area one row")
    return found


def zips_of(frame: Any, path: Path) -> Any:
    """Return ZIP areas with ``zip``, ``city``, ``county`` and ``kind``; what the file does not say is empty.

    Raises
    ------
    InputError
        There is no column with ZIP codes.
    """
    column = _first(frame, ZIP_COLUMNS)
    if column is None:
        raise InputError(f"{path} has no ZIP column (ZCTA5CE20, GEOID20, zip, ...)")
    found = frame.rename(columns={column: "zip"})
    found["zip"] = found["zip"].astype(str).str.zfill(5)
    for name, value in (("city", ""), ("county", ""), ("kind", "standard")):
        if name not in found:
            found[name] = value
    twice = found.loc[found["zip"].duplicated(), "zip"]
    if len(twice):
        raise InputError(f"zip {twice.iloc[0]!r} stands twice in {path}; give each area one row")
    return found[["zip", "city", "county", "kind", "geometry"]]


def _first(frame: Any, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in frame.columns), None)


def read_centers(path: Path) -> pd.DataFrame:
    """Read centers of population: ``GEOID``, ``longitude``, ``latitude``; the Census's own file or any with these.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        A column is missing, or an area stands twice.
    """
    if not path.exists():
        raise missing_file(path, needed="centers of the census section")
    try:
        frame = (
            pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str, encoding="utf-8-sig")
        )
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as centers: {error}") from error
    names = {str(name).lower(): name for name in frame.columns}
    if "geoid" not in names and {"statefp", "countyfp", "tractce", "blkgrpce"} <= set(names):
        parts = [frame[names[part]].astype(str) for part in ("statefp", "countyfp", "tractce", "blkgrpce")]
        frame["GEOID"] = parts[0] + parts[1] + parts[2] + parts[3]
        names["geoid"] = "GEOID"
    if not {"geoid", "longitude", "latitude"} <= set(names):
        raise InputError(f"{path} has no GEOID, longitude and latitude; centers need all three")
    found = pd.DataFrame(
        {
            "area_id": frame[names["geoid"]].astype(str),
            "longitude": pd.to_numeric(frame[names["longitude"]]),
            "latitude": pd.to_numeric(frame[names["latitude"]]),
        }
    )
    twice = found.loc[found["area_id"].duplicated(), "area_id"]
    if len(twice):
        raise InputError(f"area {twice.iloc[0]} stands twice in {path}; give each area one row")
    return found


def areas_around(centers: pd.DataFrame, tracts: Any | None) -> tuple[Any, list[str]]:
    """Draw areas around their centers: what lies nearest to each, inside its tract.

    Parameters
    ----------
    centers
        ``area_id`` (its first eleven digits are the tract), ``longitude``, ``latitude``.
    tracts
        Polygons with ``area_id``; None where there are none.

    Returns
    -------
    areas
        GeoDataFrame with ``area_id``, in the order of the centers.
    notes
        How they were drawn.
    """
    import geopandas as gpd
    import shapely

    tract_of = centers["area_id"].str[:TRACT_DIGITS]
    shapes = (
        {}
        if tracts is None
        else dict(zip(tracts["area_id"], shapely.make_valid(tracts.geometry.to_numpy()), strict=True))
    )
    drawn = np.full(len(centers), None, dtype=object)
    stretch = 1.0 / np.cos(np.radians(centers["latitude"].to_numpy()))
    for tract, members in centers.groupby(tract_of, sort=True).indices.items():
        if tract in shapes:
            drawn[members] = _nearest(centers.iloc[members], shapes[tract], float(stretch[members].mean()))
    without = np.flatnonzero(pd.isna(drawn) | np.array([shape is None or shape.is_empty for shape in drawn]))
    if len(without):
        drawn[without] = _disks(centers, without, list(shapes.values()), stretch)
    notes = [f"areas are what lies nearest to {len(centers):,} centers of population, inside their tracts"]
    if len(without):
        notes.append(f"{len(without):,} areas have no tract polygon: they reach half way to the next center")
    return gpd.GeoDataFrame({"area_id": centers["area_id"].to_numpy()}, geometry=list(drawn), crs=4326), notes


def _nearest(centers: pd.DataFrame, tract: Any, stretch: float) -> list[Any]:
    """Return the Voronoi cells of centers inside a tract; degrees are made square first."""
    import shapely

    if len(centers) == 1:
        return [tract]
    at = shapely.points(centers["longitude"].to_numpy() / stretch, centers["latitude"].to_numpy())
    square = shapely.transform(tract, lambda xy: xy / [stretch, 1.0])
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(at), extend_to=square))
    tree = shapely.STRtree(cells)
    found = cells[tree.nearest(at)]
    inside = shapely.intersection(found, square)
    return list(shapely.transform(inside, lambda xy: xy * [stretch, 1.0]))


def _disks(centers: pd.DataFrame, rows: Any, taken: list[Any], stretch: Any) -> list[Any]:
    """Return disks around centers without a tract, less the tracts that are known."""
    import shapely

    at = np.column_stack([centers["longitude"] / stretch, centers["latitude"]])
    from scipy.spatial import KDTree

    distance, _ = KDTree(at).query(at[rows], k=min(2, len(at)))
    reach = np.clip(np.atleast_2d(distance)[:, -1] / 2.0, NEAREST_DEGREES, FARTHEST_DEGREES)
    disks = shapely.buffer(shapely.points(at[rows]), reach)
    disks = np.array(
        [shapely.transform(disk, lambda xy, s=s: xy * [s, 1.0]) for disk, s in zip(disks, stretch[rows], strict=True)]
    )
    if not taken:
        return list(disks)
    tree = shapely.STRtree(taken)
    cut = []
    for disk in disks:
        near = [taken[i] for i in tree.query(disk)]
        rest = shapely.difference(disk, shapely.union_all(near)) if near else disk
        cut.append(disk if rest.is_empty else rest)
    return cut
