"""Coordinates of points, in whatever system a file states, as degrees of WGS 84."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.ingest.raw import RawFile

NO_POINT: Final = "no point"
"""Reason for which a row is rejected whose geometry is missing or something else."""

ToDegrees: TypeAlias = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
"""Makes x and y, float64 of shape (n, 2), longitude and latitude; infinite where there is no such place."""


def find_degrees(raw: RawFile, system: Any) -> ToDegrees:
    """Return what brings points of a coordinate system to longitude and latitude, and note it in ``raw``.

    Parameters
    ----------
    raw
        The file, for notes and errors.
    system
        The coordinate system, as ``pyproj.CRS`` understands it; None for degrees of WGS 84.

    Raises
    ------
    InputError
        There is no such coordinate system.

    Examples
    --------
    >>> from pathlib import Path
    >>> raw = RawFile(Path("a.geojson"), [])
    >>> to_degrees = find_degrees(raw, "EPSG:3857")
    >>> to_degrees(np.array([[-13580977.9, 4501000.0]])).round(3).tolist(), raw.notes
    ([[-122.0, 37.443]], ['points brought from WGS 84 / Pseudo-Mercator to longitude and latitude'])
    """
    from pyproj import CRS, Transformer
    from pyproj.exceptions import ProjError

    if system is None:
        return _as_they_are
    try:
        crs = CRS.from_user_input(system)
        if crs.equals("OGC:CRS84") or crs.equals("EPSG:4326"):  # files have x first, whatever the system says
            return _as_they_are
        transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except ProjError as error:
        raise InputError(f"{raw.path} states a coordinate system that is not known: {str(system)[:80]}") from error
    raw.notes.append(f"points brought from {crs.name} to longitude and latitude")
    return lambda places: np.column_stack(transformer.transform(places[:, 0], places[:, 1]))


def _as_they_are(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return places
