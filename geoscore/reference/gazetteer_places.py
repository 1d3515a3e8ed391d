"""Address points that cannot be where they are said to be: far from all others of their ZIP, or of their city."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

FEWEST: Final = 10
"""Addresses of a place that its middle and its size are taken from, at least."""
STRAY_M: Final = 15_000.0
STRAY_TIMES: Final = 8.0
"""A stray lies this many times farther from the middle than half of its place does, and farther than ``STRAY_M``."""
METERS_PER_DEGREE: Final = 111_320.0
"""Of latitude; of longitude at the equator."""

Numbers = pd.Series | npt.NDArray[np.float64]


def apart_m(longitude: Numbers, latitude: Numbers, to_longitude: Numbers, to_latitude: Numbers) -> Any:
    """Return distances in meters between points no farther apart than a county, each of shape (n,).

    Examples
    --------
    >>> round(float(apart_m(np.array([-122.0]), np.array([37.0]), np.array([-122.0]), np.array([37.01]))[0]))
    1113
    """
    north = (latitude - to_latitude) * METERS_PER_DEGREE
    east = (longitude - to_longitude) * METERS_PER_DEGREE * np.cos(np.radians(latitude))
    return np.hypot(north, east)


def drop_strays(points: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the points without strays, and how many those were.

    Parameters
    ----------
    points
        With ``zip``, ``city`` (empty where unknown), ``longitude`` and ``latitude``.

    Examples
    --------
    >>> near = pd.DataFrame({"zip": "94501", "city": "", "longitude": -122.25, "latitude": 37.77}, index=range(20))
    >>> kept, strays = drop_strays(pd.concat([near, near.head(1).assign(latitude=38.77)]))
    >>> len(kept), strays
    (20, 1)
    """
    by_zip, told = _far(points, "zip")
    by_city, _ = _far(points, "city")
    stray = by_zip | (~told & by_city)
    return points[~stray].reset_index(drop=True), int(stray.sum())


def _far(points: pd.DataFrame, place: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which points lie far from the others of their place, and of which that could be told."""
    known = (points[place] != "").to_numpy()
    grouped = points.groupby(place)
    middle = grouped[["longitude", "latitude"]].transform("median")
    distance = apart_m(points["longitude"], points["latitude"], middle["longitude"], middle["latitude"])
    half = distance.groupby(points[place]).transform("median")
    told = known & (grouped["longitude"].transform("size") >= FEWEST).to_numpy()
    return told & (distance > np.maximum(STRAY_TIMES * half, STRAY_M)).to_numpy(), told
