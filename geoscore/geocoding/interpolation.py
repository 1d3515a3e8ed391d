"""Positions along a street: a known address, between known numbers, on a segment with a range, the street's middle.

Every way of placing has a scale in meters that its error grows with; how fast is learned from the gazetteer itself,
by placing each of its addresses from the others (leave one out).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from geoscore.reference.gazetteer import USUAL, WAYS, ErrorModel, Gazetteer
from geoscore.reference.gazetteer_places import METERS_PER_DEGREE, apart_m

Floats = npt.NDArray[np.float64]

OFFSET_M: Final = 10.0
"""Houses stand this far from the middle of the road (half a residential right of way)."""
METERS_PER_NUMBER: Final = 1.4
"""Usual distance between consecutive numbers: 100 to a block of 140 m."""
SUSPECT: Final = 5.0
"""Known numbers that lie this many times farther apart than usual are doubtful."""
NEAR_M: Final = 200.0
FARTHEST: Final = 2_000
"""Numbers beyond the last known one by more than this are not placed along the street."""
NEIGHBORS: Final = 4
"""Known addresses that the direction of a street's end is drawn from."""
SEVERAL: Final = 5
"""Known addresses of a street from which on its middle means something."""
FEWEST: Final = 90
"""Addresses that one knot of an error line is learned from, at least."""


@dataclass(frozen=True)
class Placed:
    """Positions, the way each was found, and the scale of its error; all of shape (n,), not a number where unplaced."""

    longitude: Floats
    latitude: Floats
    way: npt.NDArray[np.object_]
    scale: Floats


class StreetPoints:
    """Known numbers of streets, sorted, one position for each number; ready to be searched for many at once."""

    def __init__(self, points: pd.DataFrame) -> None:
        known = points.groupby(["street", "number"], sort=True)[["longitude", "latitude"]].median().reset_index()
        self.street = known["street"].to_numpy(np.int64)
        self.number = known["number"].to_numpy(np.int64)
        self.longitude = known["longitude"].to_numpy(float)
        self.latitude = known["latitude"].to_numpy(float)
        self.key = self.street * _BASE + self.number

    @cached_property
    def slopes(self) -> tuple[Floats, Floats]:
        """Degrees for each number at each known number, drawn from its nearest neighbors on the street."""
        over = np.zeros(len(self.key))
        east, north = np.zeros(len(self.key)), np.zeros(len(self.key))
        here = np.arange(len(self.key))
        for step in (*range(-NEIGHBORS + 1, 0), *range(1, NEIGHBORS)):
            there = np.clip(here + step, 0, max(len(here) - 1, 0))
            same = (self.street[there] == self.street) & (there != here)
            gap = np.where(same, self.number[there] - self.number, 0).astype(float)
            over += gap**2
            east += gap * (self.longitude[there] - self.longitude)
            north += gap * (self.latitude[there] - self.latitude)
        safe = np.where(over > 0, over, 1.0)
        return np.where(over > 0, east / safe, np.nan), np.where(over > 0, north / safe, np.nan)

    def place(self, street: npt.NDArray[np.int64], number: npt.NDArray[np.int64], *, leave_out: bool = False) -> Placed:
        """Place numbers from their known neighbors on the street.

        Parameters
        ----------
        street, number
            Of shape (n,).
        leave_out
            Place each known number from the others, as if it were not known.
        """
        n = len(street)
        longitude, latitude, scale = (np.full(n, np.nan) for _ in range(3))
        way = np.full(n, None, dtype=object)
        if not len(self.key) or not n:
            return Placed(longitude, latitude, way, scale)
        key = street * _BASE + number
        below = np.searchsorted(self.key, key, side="left") - 1
        above = np.searchsorted(self.key, key, side="right" if leave_out else "left")
        has_below = (below >= 0) & (self.street[np.clip(below, 0, None)] == street)
        has_above = above < len(self.key)
        has_above &= self.street[np.where(has_above, above, 0)] == street
        below, above = np.where(has_below, below, 0), np.where(has_above, above, 0)
        between = has_below & has_above
        self._between(between, number, below, above, longitude, latitude, scale)
        way[between] = "between"
        ends = has_below ^ has_above
        self._beyond(
            ends, number, np.where(has_below, below, above), longitude, latitude, scale, way, leave_out=leave_out
        )
        return Placed(longitude, latitude, way, scale)

    def _between(
        self,
        where: npt.NDArray[np.bool_],
        number: npt.NDArray[np.int64],
        below: npt.NDArray[np.int64],
        above: npt.NDArray[np.int64],
        longitude: Floats,
        latitude: Floats,
        scale: Floats,
    ) -> None:
        one, two = below[where], above[where]
        gap = np.maximum(self.number[two] - self.number[one], 1)
        share = (number[where] - self.number[one]) / gap
        longitude[where] = self.longitude[one] + share * (self.longitude[two] - self.longitude[one])
        latitude[where] = self.latitude[one] + share * (self.latitude[two] - self.latitude[one])
        apart = apart_m(self.longitude[one], self.latitude[one], self.longitude[two], self.latitude[two])
        # a bridge: no error at its ends, most in the middle; and ends too far apart for their numbers are suspect
        suspect = np.maximum(apart - SUSPECT * METERS_PER_NUMBER * gap, 0.0)
        scale[where] = 2.0 * np.sqrt(share * (1.0 - share)) * np.maximum(apart, METERS_PER_NUMBER * gap) + suspect

    def _beyond(
        self,
        where: npt.NDArray[np.bool_],
        number: npt.NDArray[np.int64],
        near: npt.NDArray[np.int64],
        longitude: Floats,
        latitude: Floats,
        scale: Floats,
        way: npt.NDArray[np.object_],
        *,
        leave_out: bool,
    ) -> None:
        at = near[where]
        gap = (number[where] - self.number[at]).astype(float)
        east, north = (slope[at] for slope in self.slopes)
        if leave_out:
            east, north = self._slopes_without(at, number[where])
        here = self.longitude[at], self.latitude[at]
        reach = apart_m(*here, here[0] + np.nan_to_num(east * gap), here[1] + np.nan_to_num(north * gap))
        # a street whose known numbers lie too far apart for them tells nothing of where it goes on
        sane = reach <= SUSPECT * METERS_PER_NUMBER * np.abs(gap) + NEAR_M
        drawn = np.isfinite(east) & (np.abs(gap) <= FARTHEST) & sane
        longitude[where] = self.longitude[at] + np.where(drawn, east * gap, 0.0)
        latitude[where] = self.latitude[at] + np.where(drawn, north * gap, 0.0)
        moved = apart_m(self.longitude[at], self.latitude[at], longitude[where], latitude[where])
        scale[where] = np.where(
            drawn, np.maximum(moved, METERS_PER_NUMBER * np.abs(gap)), METERS_PER_NUMBER * np.abs(gap)
        )
        way[where] = np.where(drawn, "beyond", "beside")

    def pairs(self) -> tuple[Floats, Floats]:
        """Return scales and distances of known numbers and others on their street, as if each knew but one other."""
        steps = [step for step in range(1, NEIGHBORS + 1) if step < len(self.key)]
        pairs = [np.column_stack([np.arange(len(self.key) - step), np.arange(step, len(self.key))]) for step in steps]
        one, two = np.concatenate(pairs or [np.empty((0, 2), int)]).T
        same = self.street[one] == self.street[two]
        one, two = one[same], two[same]
        gap = METERS_PER_NUMBER * (self.number[two] - self.number[one])
        return gap, apart_m(self.longitude[one], self.latitude[one], self.longitude[two], self.latitude[two])

    def _slopes_without(self, at: npt.NDArray[np.int64], number: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return slopes at known numbers as if the numbers left out were not known."""
        over, east, north = (np.zeros(len(at)) for _ in range(3))
        for step in (*range(-NEIGHBORS, 0), *range(1, NEIGHBORS + 1)):
            there = np.clip(at + step, 0, len(self.key) - 1)
            same = (self.street[there] == self.street[at]) & (there != at) & (self.number[there] != number)
            gap = np.where(same, self.number[there] - self.number[at], 0).astype(float)
            over += gap**2
            east += gap * (self.longitude[there] - self.longitude[at])
            north += gap * (self.latitude[there] - self.latitude[at])
        safe = np.where(over > 0, over, 1.0)
        return np.where(over > 0, east / safe, np.nan), np.where(over > 0, north / safe, np.nan)


_BASE: Final = 10_000_000


def place_on_segments(gazetteer: Gazetteer, street: npt.NDArray[np.int64], number: npt.NDArray[np.int64]) -> Placed:
    """Place numbers on the segments whose range and parity hold them, on their side of the road.

    Parameters
    ----------
    gazetteer
        With ``segments``.
    street, number
        Of shape (n,).
    """
    import shapely

    n = len(street)
    longitude, latitude, scale = (np.full(n, np.nan) for _ in range(3))
    way = np.full(n, None, dtype=object)
    segments = gazetteer.segments
    if segments.empty or not n:
        return Placed(longitude, latitude, way, scale)
    asked = pd.DataFrame({"row": np.arange(n), "street": street, "number": number})
    met = asked.merge(segments, on="street")
    low, high = met[["start", "end"]].min(axis=1), met[["start", "end"]].max(axis=1)
    even = met["number"] % 2 == 0
    met = met[met["number"].between(low, high) & ((met["parity"] == "B") | (even == (met["parity"] == "E")))]
    width = (met["end"] - met["start"]).abs()
    met = met.assign(width=width).sort_values(["row", "width", "line"]).drop_duplicates("row")
    if met.empty:
        return Placed(longitude, latitude, way, scale)
    lines = shapely.from_wkb(met["line"].to_numpy())
    span = (met["end"] - met["start"]).to_numpy(float)
    share = np.where(span == 0, 0.5, (met["number"] - met["start"]) / np.where(span == 0, 1.0, span))
    # the lots at a corner do not stand on the crossing
    share = 0.03 + 0.94 * share
    x, y, dx, dy = _along(lines, share)
    turn = np.where(met["side"] == "L", 1.0, -1.0)
    shrink = np.cos(np.radians(y))
    length = np.hypot(dx * shrink, dy)
    length = np.where(length > 0, length, 1.0)
    rows = met["row"].to_numpy()
    longitude[rows] = x + turn * OFFSET_M * (-dy / length) / (METERS_PER_DEGREE * shrink)
    latitude[rows] = y + turn * OFFSET_M * (dx * shrink / length) / METERS_PER_DEGREE
    scale[rows] = shapely.length(lines) * METERS_PER_DEGREE * np.sqrt((1.0 + shrink**2) / 2.0)
    way[rows] = "segment"
    return Placed(longitude, latitude, way, scale)


def _along(lines: npt.NDArray[np.object_], share: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return points at shares of lines, and the direction of the line there, in degrees."""
    import shapely

    point = shapely.line_interpolate_point(lines, share, normalized=True)
    before = shapely.line_interpolate_point(lines, np.maximum(share - 0.01, 0.0), normalized=True)
    after = shapely.line_interpolate_point(lines, np.minimum(share + 0.01, 1.0), normalized=True)
    x, y = shapely.get_x(point), shapely.get_y(point)
    dx, dy = shapely.get_x(after) - shapely.get_x(before), shapely.get_y(after) - shapely.get_y(before)
    return x, y, dx, dy


def learn_errors(gazetteer: Gazetteer) -> ErrorModel:
    """Learn how far off positions are by placing each address of the gazetteer from the others.

    Parameters
    ----------
    gazetteer
        With ``points``; ways that too few of them can teach keep what is usual.
    """
    scales, p95 = dict(USUAL.scales), dict(USUAL.p95)
    learned = dict.fromkeys(WAYS, 0)
    numbered = gazetteer.points[gazetteer.points["number"].notna()]
    known = StreetPoints(numbered)
    street, number = known.street, known.number
    found = known.place(street, number, leave_out=True)
    on_segments = place_on_segments(gazetteer, street, number)
    middle = gazetteer.streets.iloc[street]
    centers = Placed(
        middle["longitude"].to_numpy(float),
        middle["latitude"].to_numpy(float),
        np.where(middle["known"].to_numpy() >= SEVERAL, "street", "").astype(object),
        middle["sigma_m"].to_numpy(float),
    )
    seen = {"beside": known.pairs()}
    for placed in (found, on_segments, centers):
        error = apart_m(placed.longitude, placed.latitude, known.longitude, known.latitude)
        for way in {"between", "beyond", "segment", "street"} & set(placed.way):
            at = placed.way == way
            seen[way] = (placed.scale[at], error[at])
    for way, (scale, error) in seen.items():
        if len(scale) >= FEWEST:
            scales[way], p95[way] = _knots(scale, error)
            learned[way] = len(scale)
    return ErrorModel(scales=scales, p95=p95, learned=learned)


def _knots(scale: Floats, error: Floats) -> tuple[list[float], list[float]]:
    """Return scales and the 95th percentile of errors around each, which never falls."""
    order = np.argsort(scale, kind="stable")
    parts = np.array_split(order, max(len(order) // FEWEST, 1))
    at = [float(max(np.median(scale[part]), 1.0)) for part in parts]
    each = np.array([max(float(np.quantile(error[part], 0.95)), _LEAST_P95_M) for part in parts])
    high = np.maximum.accumulate(each)
    # farther than anything seen, errors grow as the scale does
    frame = pd.DataFrame({"at": [*at, 100.0 * at[-1]], "high": [*high, 100.0 * high[-1]]}).groupby("at")["high"].max()
    return [float(value) for value in frame.index], [float(value) for value in frame]


_LEAST_P95_M: Final = 20.0


def closest_points(one: pd.DataFrame, two: pd.DataFrame) -> tuple[float, float, float] | None:
    """Return the middle between the two closest points of two streets, and half their distance in meters."""
    if one.empty or two.empty:
        return None
    x, y = np.meshgrid(np.arange(len(one)), np.arange(len(two)), indexing="ij")
    mine, theirs = one.to_numpy(float)[x.ravel()], two.to_numpy(float)[y.ravel()]
    far = apart_m(mine[:, 0], mine[:, 1], theirs[:, 0], theirs[:, 1])
    i = int(far.argmin())
    middle = (mine[i] + theirs[i]) / 2.0
    return float(middle[0]), float(middle[1]), float(far[i]) / 2.0
