"""A network of streets: links between nodes, the nearest place on it, and the quickest way to everywhere.

Times come from scipy's Dijkstra, exact to the last digit; `geoscore.spatial.roads` reads networks from files.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.spatial.cells import MEAN_EARTH_RADIUS_M

if TYPE_CHECKING:
    import shapely

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
DECIMALS: Final = 7
"""Corners are one node if they agree to a centimeter."""
INSTANT: Final = 1e-9
"""Seconds of a link without length: scipy takes an exact zero for no link."""
SITES_AT_ONCE: Final = 25


@dataclass(frozen=True)
class Places:
    """Points on a network.

    Attributes
    ----------
    link
        Nearest link of each point, shape (n,).
    along
        Where on it, 0 at its start and 1 at its end, shape (n,).
    away_m
        Meters from the point to there in a straight line, shape (n,).
    """

    link: Integers
    along: Floats
    away_m: Floats


@dataclass(frozen=True)
class Network:
    """Links between nodes, each with a time either way.

    Attributes
    ----------
    longitude, latitude
        Of the nodes in degrees, shape (n,).
    start, end
        Nodes of each link, shape (m,).
    forward_s, backward_s
        Seconds from start to end and back, infinite where it may not be gone, shape (m,).
    length_m
        Meters, shape (m,).
    shapes
        Links as lines in degrees, shape (m,).
    notes
        What was assumed or left out.
    """

    longitude: Floats
    latitude: Floats
    start: Integers
    end: Integers
    forward_s: Floats
    backward_s: Floats
    length_m: Floats
    shapes: "npt.NDArray[Any]"
    notes: tuple[str, ...] = ()

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.longitude)

    def reversed(self) -> "Network":
        """Return the network gone the other way: from everywhere to a place."""
        return replace(self, forward_s=self.backward_s, backward_s=self.forward_s)

    @cached_property
    def pieces(self) -> Integers:
        """Number of the piece that each node belongs to, 0 for the largest, shape (n,)."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        links = csr_array((np.ones(len(self.start)), (self.start, self.end)), shape=(self.nodes, self.nodes))
        _, labels = connected_components(links, directed=False)
        size = np.bincount(labels)
        rank = np.empty(len(size), dtype=np.int64)
        rank[np.argsort(-size, kind="stable")] = np.arange(len(size))
        return rank[labels]

    def graph(self, extra: "tuple[Integers, Integers, Floats] | None" = None, *, more: int = 0) -> Any:
        """Return the times between neighboring nodes as a sparse matrix, the quickest of parallel links.

        Parameters
        ----------
        extra
            Further links one way: from, to, seconds.
        more
            Number of nodes beyond the network's own that ``extra`` speaks of.
        """
        from scipy.sparse import csr_array

        tail, head = np.concatenate([self.start, self.end]), np.concatenate([self.end, self.start])
        seconds = np.concatenate([self.forward_s, self.backward_s])
        if extra is not None:
            tail, head, seconds = (np.concatenate(pair) for pair in zip((tail, head, seconds), extra, strict=True))
        known = np.isfinite(seconds)
        tail, head, seconds = tail[known], head[known], np.maximum(seconds[known], INSTANT)
        order = np.lexsort((seconds, head, tail))
        tail, head, seconds = tail[order], head[order], seconds[order]
        first = np.ones(len(tail), dtype=bool)
        first[1:] = (np.diff(tail) != 0) | (np.diff(head) != 0)
        size = self.nodes + more
        return csr_array((seconds[first], (tail[first], head[first])), shape=(size, size))

    def node_times(self, nodes: Integers, *, limit_s: float = np.inf) -> Floats:
        """Return the seconds from some nodes to all, infinite where there is no way within the limit; shape (k, n).

        Examples
        --------
        >>> import shapely
        >>> net = network_from_lines([shapely.LineString([(0, 0), (0, 0.01), (0, 0.02)])], speed_kmh=np.array([36.0]))
        >>> net.node_times(np.array([0])).round(0).tolist()
        [[0.0, 222.0]]
        """
        from scipy.sparse.csgraph import dijkstra

        return np.asarray(dijkstra(self.graph(), indices=nodes, limit=limit_s), dtype=np.float64)

    @cached_property
    def _tree(self) -> Any:
        import shapely

        return shapely.STRtree(_flattened(self.shapes, self._narrow))

    @cached_property
    def _narrow(self) -> float:
        return float(np.cos(np.radians(np.mean(self.latitude))))

    def snap(self, longitude: Floats, latitude: Floats) -> Places:
        """Return the nearest place on the network of every point.

        Examples
        --------
        >>> import shapely
        >>> net = network_from_lines([shapely.LineString([(0, 0), (0, 0.01)])], speed_kmh=np.array([36.0]))
        >>> place = net.snap(np.array([0.001]), np.array([0.0025]))
        >>> round(float(place.along[0]), 6), round(float(place.away_m[0]))
        (0.25, 111)
        """
        import shapely

        points = shapely.points(np.asarray(longitude) * self._narrow, np.asarray(latitude))
        which, link = self._tree.query_nearest(points, all_matches=False)
        nearest = np.empty(len(points), dtype=np.int64)
        nearest[which] = link
        lines = self._tree.geometries[nearest]
        along = shapely.line_locate_point(lines, points, normalized=True)
        foot = shapely.get_coordinates(shapely.line_interpolate_point(lines, along, normalized=True))
        away = meters_between(np.asarray(longitude), np.asarray(latitude), foot[:, 0] / self._narrow, foot[:, 1])
        return Places(nearest, np.clip(along, 0.0, 1.0), away)

    def times(self, sites: Places, places: Places, *, access_kmh: float, limit_s: float = np.inf) -> Floats:
        """Return the seconds from every site to every place, infinite where there is no way within the limit.

        What lies between a point and the network is gone in a straight line at the speed of access.

        Returns
        -------
        ndarray of shape (sites, places)
        """
        from scipy.sparse.csgraph import dijkstra

        count = len(sites.link)
        times = np.full((count, len(places.link)), np.inf)
        pace = 3.6 / access_kmh
        for first in range(0, count, SITES_AT_ONCE):
            some = np.arange(first, min(first + SITES_AT_ONCE, count))
            link, along = sites.link[some], sites.along[some]
            number = self.nodes + np.arange(len(some))
            extra = (
                np.concatenate([number, number]),
                np.concatenate([self.end[link], self.start[link]]),
                np.concatenate([_part(1.0 - along, self.forward_s[link]), _part(along, self.backward_s[link])]),
            )
            graph = self.graph(extra, more=len(some))
            reached = dijkstra(graph, indices=number, limit=limit_s)[:, : self.nodes]
            times[some] = self._arrive(reached, places)
            for i, one in enumerate(some):
                same = np.flatnonzero(places.link == link[i])
                apart = places.along[same] - along[i]
                straight = np.where(
                    apart >= 0,
                    _part(apart, np.broadcast_to(self.forward_s[link[i]], apart.shape)),
                    _part(-apart, np.broadcast_to(self.backward_s[link[i]], apart.shape)),
                )
                times[one, same] = np.minimum(times[one, same], straight)
        times += pace * (sites.away_m[:, None] + places.away_m[None, :])
        times[times > limit_s] = np.inf
        return times

    def _arrive(self, reached: Floats, places: Places) -> Floats:
        """Return the seconds to places on links from those to the links' ends."""
        on = _part(places.along, self.forward_s[places.link])
        back = _part(1.0 - places.along, self.backward_s[places.link])
        return np.minimum(reached[:, self.start[places.link]] + on, reached[:, self.end[places.link]] + back)


def _part(share: Floats, seconds: Floats) -> Floats:
    """Return a share of the seconds; none of a way that may not be gone takes no time."""
    return np.where(share > 0, share, 0.0) * np.where(np.isfinite(seconds), seconds, 0.0) + np.where(
        np.isfinite(seconds) | (share <= 0), 0.0, np.inf
    )


def meters_between(longitude: Floats, latitude: Floats, to_longitude: Floats, to_latitude: Floats) -> Floats:
    """Return great-circle distances between pairs of points in degrees.

    Examples
    --------
    >>> round(float(meters_between(np.zeros(1), np.zeros(1), np.zeros(1), np.ones(1))[0]))
    111195
    """
    lat, lat_to = np.radians(latitude), np.radians(to_latitude)
    turn = np.radians(to_longitude) - np.radians(longitude)
    chord = np.sin((lat_to - lat) / 2) ** 2 + np.cos(lat) * np.cos(lat_to) * np.sin(turn / 2) ** 2
    return np.asarray(2 * MEAN_EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(chord, 1.0))), dtype=np.float64)


def network_from_lines(
    lines: "Sequence[shapely.LineString] | npt.NDArray[Any]",
    *,
    speed_kmh: Floats,
    forward: Bools | None = None,
    backward: Bools | None = None,
    seconds: Floats | None = None,
    notes: Sequence[str] = (),
) -> Network:
    """Build a network from lines that meet where they share a corner.

    Lines are parted wherever another one touches them in a corner of both; lines that cross without one (a bridge) do
    not meet.

    Parameters
    ----------
    lines
        Longitude and latitude in degrees, shape (m,).
    speed_kmh
        Shape (m,).
    forward, backward
        Whether a line may be gone in the direction in which it is drawn, and against it; both by default.
    seconds
        For the whole line, shape (m,), where it is known better than length over speed; NaN elsewhere.
    notes
        What the reader of the lines has to say.

    Raises
    ------
    InputError
        No line has a length.
    """
    import shapely

    shapes = np.asarray(lines, dtype=object)
    corners, line = shapely.get_coordinates(shapes, return_index=True)
    repeated = np.zeros(len(line), dtype=bool)
    repeated[1:] = (np.diff(line) == 0) & (np.abs(np.diff(corners, axis=0)).max(axis=1) < 10.0**-DECIMALS / 2)
    corners, line = corners[~repeated], line[~repeated]
    if not len(line) or not (np.bincount(line) > 1).any():
        raise InputError("the network has no line with a length")
    corner = _numbered(corners)
    edge = np.zeros(len(line), dtype=bool)
    edge[0] = edge[-1] = True
    turn = np.flatnonzero(np.diff(line))
    edge[turn] = edge[turn + 1] = True
    node = (np.bincount(corner) > 1)[corner] | edge
    step = np.diff(line, append=-1) == 0  # from this corner to the next of the same line
    first = np.flatnonzero(step)
    length = meters_between(*corners[first].T, *corners[first + 1].T)
    link_of_step = np.cumsum(node[first]) - 1
    begins = np.flatnonzero(node[first])
    meters = np.asarray(np.bincount(link_of_step, length), dtype=np.float64)
    ends = np.append(begins[1:], len(first)) - 1
    of_line = line[first[begins]]
    total = np.bincount(of_line, meters, len(shapes))
    pace = 3.6 / np.asarray(speed_kmh, dtype=np.float64)
    if seconds is not None:
        pace = np.where(np.isfinite(seconds), np.divide(seconds, total, out=np.ones(len(total)), where=total > 0), pace)
    names, number = np.unique(np.concatenate([corner[first[begins]], corner[first[ends] + 1]]), return_inverse=True)
    start, end = np.split(number.reshape(-1), 2)
    where = np.zeros((len(names), 2))
    where[start], where[end] = corners[first[begins]], corners[first[ends] + 1]
    taken = np.concatenate([first, first[ends] + 1])
    owner = np.concatenate([link_of_step, np.arange(len(begins))])
    order = np.lexsort((taken, owner))
    drawn = shapely.linestrings(corners[taken[order]], indices=owner[order])
    spent = meters * pace[of_line]
    there = np.ones(len(shapes), dtype=bool) if forward is None else forward
    back = np.ones(len(shapes), dtype=bool) if backward is None else backward
    return Network(
        where[:, 0], where[:, 1], start.astype(np.int64), end.astype(np.int64), np.where(there[of_line], spent, np.inf),
        np.where(back[of_line], spent, np.inf), meters, drawn, tuple(notes),
    )  # fmt: skip


def without_crumbs(network: Network, *, least_nodes: int = 10) -> Network:
    """Return a network without its tiniest pieces, from which a point would reach nothing, and say so.

    Examples
    --------
    >>> import shapely
    >>> lines = [shapely.LineString([(0, i / 100), (0, (i + 1) / 100)]) for i in range(20)]
    >>> lines.append(shapely.LineString([(1, 1), (1, 1.1)]))
    >>> whole = without_crumbs(network_from_lines(lines, speed_kmh=np.full(21, 30.0)))
    >>> whole.nodes, whole.notes
    (21, ('1 pieces of the network with fewer than 10 nodes were left out (2 nodes)',))
    """
    size = np.bincount(network.pieces)
    large = size >= min(least_nodes, size.max())
    notes = list(network.notes)
    if large.sum() > 1:
        told = ", ".join(f"{count:,}" for count in sorted(size[large], reverse=True)[:5])
        notes.append(f"the network is in {int(large.sum())} pieces of {told} nodes; there is no way between them")
    if large.all():
        return replace(network, notes=tuple(notes))
    notes.append(
        f"{int((~large).sum()):,} pieces of the network with fewer than {least_nodes} nodes were left out"
        f" ({int(size[~large].sum()):,} nodes)"
    )
    kept = large[network.pieces]
    links = kept[network.start]
    number = np.cumsum(kept) - 1
    return Network(
        network.longitude[kept], network.latitude[kept], number[network.start[links]], number[network.end[links]],
        network.forward_s[links], network.backward_s[links], network.length_m[links], network.shapes[links],
        tuple(notes),
    )  # fmt: skip


def _numbered(corners: Floats) -> Integers:
    """Return the number of each corner among the distinct ones, shape (n,)."""
    rounded = np.round(corners, DECIMALS)
    _, number = np.unique(rounded[:, 0] + 1j * rounded[:, 1], return_inverse=True)
    return np.asarray(number.reshape(-1), dtype=np.int64)


def _flattened(shapes: "npt.NDArray[Any]", narrow: float) -> "npt.NDArray[Any]":
    """Return lines with longitude shrunk as it is on the ground at the network's middle."""
    import shapely

    return np.asarray(shapely.transform(shapes, lambda corners: corners * (narrow, 1.0)))
