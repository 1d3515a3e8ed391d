"""Shapes of trade areas: rings, what is reached in time, where customers come from, what is nearest to which site."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.spatial.cells import cell_centers, distance_m, near_cells
from geoscore.spatial.polygons import cell_polygons, circle, linked_cells

if TYPE_CHECKING:
    import shapely

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]
Shape = Literal["distance", "hull", "density"]
CONCAVE: Final = 0.3
"""How closely a hull follows its cells: 0 as closely as can be, 1 convex."""
SMOOTH_STEPS: Final = 2
NARROWEST: Final = 1e-4
"""A threshold is met when the size is known to this share of itself."""
SMALLEST_KM: Final = 0.05
SAME_M: Final = 1.0
EVERYBODY: Final = "all customers"
"""What the middle of the customers is called where nobody names a site."""


@dataclass(frozen=True)
class Site:
    """A place that people come to."""

    name: str
    longitude: float
    latitude: float

    @property
    def point(self) -> tuple[float, float]:
        """Longitude and latitude."""
        return self.longitude, self.latitude


@dataclass(frozen=True)
class TradeArea:
    """The area of a site.

    Attributes
    ----------
    name
        Of the area.
    site
        Of the site; empty where it belongs to none.
    kind
        ``ring``, ``time``, ``threshold``, ``customers`` or ``nearest``.
    size
        Kilometers, minutes or share of the customers, as ``unit`` says.
    shape
        Polygon or multipolygon in degrees of WGS 84: what is drawn is what is counted.
    figures
        Further figures of its own, such as its share of the customers.
    """

    name: str
    site: str
    kind: str
    size: float | None
    unit: str
    shape: "shapely.Geometry"
    figures: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def check_sites(sites: list[Site]) -> None:
    """Raise ``InputError`` where sites are none, share a name or a point, or lie nowhere."""
    if not sites:
        raise InputError("there is no site; name one as --site NAME=LON,LAT, or a file of them")
    for site in sites:
        if not (-180 <= site.longitude <= 180 and -90 <= site.latitude <= 90):  # noqa: PLR2004  degrees
            raise InputError(f"{called(site)} at {site.longitude:g},{site.latitude:g} is no place; longitude first")
    names = [site.name for site in sites]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two sites are called {twice!r}; give each its own name")
    lon, lat = (np.array([getattr(site, name) for site in sites]) for name in ("longitude", "latitude"))
    for i, site in enumerate(sites[:-1]):
        near = np.flatnonzero(distance_m(lon[i + 1 :], lat[i + 1 :], to=site.point) < SAME_M)
        if len(near):
            raise InputError(f"sites {site.name} and {sites[i + 1 + near[0]].name} stand at one point; merge them")


def called(site: Site) -> str:
    """Return a site as a sentence calls it: ``site office``, and ``site 1`` where it has no name of its own."""
    return site.name if site.name.startswith("site ") else f"site {site.name}"


def ring_area(site: Site, radius_km: float) -> TradeArea:
    """Return the ring around a site: all within a great-circle distance.

    Examples
    --------
    >>> ring_area(Site("office", -122.16, 37.44), 5).name
    'office, 5 km'
    """
    check_size(radius_km, "km", most=1000.0)
    shape = circle(site.longitude, site.latitude, radius_m=1000 * radius_km)
    return TradeArea(f"{site.name}, {radius_km:g} km", site.name, "ring", radius_km, "km", shape)


def check_size(size: float, unit: str, *, most: float) -> None:
    """Raise ``InputError`` unless a size lies above 0 and within reason."""
    if not 0 < size <= most:
        raise InputError(f"{size:g} {unit} is no size of a trade area; give more than 0 and at most {most:g}")


def donut(outer: TradeArea, inner: TradeArea) -> TradeArea:
    """Return an area without an inner one.

    Examples
    --------
    >>> site = Site("office", -122.16, 37.44)
    >>> donut(ring_area(site, 5), ring_area(site, 2)).name
    'office, 2 to 5 km'
    """
    import shapely

    rest = shapely.difference(outer.shape, inner.shape)
    name = f"{outer.name} without {inner.name}"
    if outer.size is not None and inner.size is not None and outer.site == inner.site and outer.unit == inner.unit:
        name = f"{outer.site}, {inner.size:g} to {outer.size:g} {outer.unit}"
    return TradeArea(name, outer.site, outer.kind, outer.size, outer.unit, rest, notes=outer.notes)


def overlap(one: TradeArea, other: TradeArea) -> "shapely.Geometry":
    """Return what two areas share: polygons alone, perhaps none."""
    import shapely

    shared = shapely.intersection(one.shape, other.shape)
    parts = [part for part in shapely.get_parts(shared, return_index=False) if part.geom_type == "Polygon"]
    return shapely.multipolygons(parts) if parts else shapely.MultiPolygon()


def grow_until(reached: Callable[[float], float], wanted: float, *, most: float, start: float, what: str) -> float:
    """Return the smallest size at which a growing figure is what is wanted, to 1 part in 10,000, never less.

    Parameters
    ----------
    reached
        The figure at a size; it never falls as the size grows.
    wanted
        What it is to be.
    most
        Largest size.
    start
        Where to begin.
    what
        What grows, for the error: ``a ring around X``.

    Raises
    ------
    InputError
        The largest size is not enough.

    Examples
    --------
    >>> round(grow_until(lambda radius: radius**2, 9.0, most=100.0, start=1.0, what="a ring"), 3)
    3.0
    """
    if not wanted > 0:
        raise InputError(f"{wanted:g} is nothing to grow until; give a number above 0")
    low, high = 0.0, start
    while reached(high) < wanted:
        if high >= most:
            raise InputError(f"{what} of {most:g} holds {reached(most):,.0f}, less than the {wanted:,.0f} asked for")
        low, high = high, min(2.0 * high, most)
    while high - low > NARROWEST * high:
        middle = (low + high) / 2.0
        low, high = (low, middle) if reached(middle) >= wanted else (middle, high)
    return high


def nearest_areas(sites: list[Site], cells: Cells, costs: Floats, *, unit: str) -> list[TradeArea]:
    """Return for each site the cells to which no other is nearer: a Voronoi diagram on a network, or by distance.

    Parameters
    ----------
    cells
        Shape (n,).
    costs
        Of each site to each cell, shape (s, n), infinite where there is no way; the first of equal sites wins.

    Examples
    --------
    >>> cells = np.array([0x872834744FFFFFF, 0x872834745FFFFFF], dtype=np.uint64)
    >>> areas = nearest_areas([Site("a", 0, 0), Site("b", 1, 0)], cells, np.array([[1.0, 5], [2, 3]]), unit="min")
    >>> [area.figures["farthest"] for area in areas]
    [1.0, 3.0]
    """
    best = costs.argmin(axis=0)
    least = costs.min(axis=0)
    areas = []
    for i, site in enumerate(sites):
        mine = (best == i) & np.isfinite(least)
        farthest = float(least[mine].max()) if mine.any() else 0.0
        shape = linked_cells(cells[mine])
        areas.append(
            TradeArea(f"nearest to {site.name}", site.name, "nearest", None, unit, shape, {"farthest": farthest})
        )
    return areas


@dataclass(frozen=True)
class Customers:
    """Customers by cell: how many, and what they weigh (dollars, visits, or one each).

    Attributes
    ----------
    cells
        Shape (n,), each once.
    count, weight
        Shape (n,).
    """

    cells: Cells
    count: Floats
    weight: Floats
    rejected: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def unused(self) -> list[str]:
        """Say how many were not used, and why.

        Examples
        --------
        >>> none = np.array([])
        >>> Customers(none.astype(np.uint64), none, none, {"no point": 1}).unused()
        ['1 customer was not used: no point']
        """
        return [
            f"{number:,} {'customer was' if number == 1 else 'customers were'} not used: {why}"
            for why, number in self.rejected.items()
        ]

    @classmethod
    def from_cells(
        cls, cells: Cells, count: Floats, weight: Floats, *, rejected: dict[str, int], notes: tuple[str, ...] = ()
    ) -> "Customers":
        """Add up customers that share a cell."""
        unique, at = np.unique(cells, return_inverse=True)
        at = at.reshape(-1)
        counts, weights = (np.bincount(at, values, len(unique)).astype(np.float64) for values in (count, weight))
        return cls(unique, counts, weights, rejected, notes)


def customer_area(site: Site, customers: Customers, share: float, *, by: Shape) -> TradeArea:
    """Return the smallest area with a share of what the customers weigh.

    Parameters
    ----------
    site
        From which distances are taken, and whose area it is.
    customers
        By cell; shapes follow cells, never a household.
    share
        0.6 for 60%.
    by
        ``distance``: the ring; ``hull``: a concave hull around the nearest cells; ``density``: the cells in which
        customers stand most densely, smoothed over their neighbors.

    Raises
    ------
    InputError
        The share is none, or there is no customer.
    """
    if not 0 < share <= 1:
        raise InputError(f"a share of {share:g} of the customers; give one above 0 and at most 1, such as 0.7")
    whole = float(customers.weight.sum())
    if whole <= 0:
        raise InputError("no customer has a place and a weight above 0")
    name = f"{share:.0%} of {site.name}" if site.name == EVERYBODY else f"{share:.0%} of the customers of {site.name}"
    lon, lat = cell_centers(customers.cells)
    away = distance_m(lon, lat, to=site.point)
    if by == "density":
        shape, cells = _densest(customers, share)
        held = float(customers.weight[np.isin(customers.cells, cells)].sum()) / whole
        figures = {"customer_share": held}
        return TradeArea(name, site.name, "customers", share, "share", shape, figures)
    order = np.argsort(away, kind="stable")
    last = int(np.searchsorted(np.cumsum(customers.weight[order]), share * whole * (1 - 1e-12)))
    taken = order[: min(last, len(order) - 1) + 1]
    radius_km = max(float(np.ceil(away[taken].max() / 10) / 100), SMALLEST_KM)
    figures = {"customer_share": float(customers.weight[taken].sum()) / whole, "radius_km": radius_km}
    if by == "distance":
        shape = circle(site.longitude, site.latitude, radius_m=1000 * radius_km)
    else:
        shape = cell_hull(customers.cells[taken])
    return TradeArea(name, site.name, "customers", share, "share", shape, figures)


def cell_hull(cells: Cells) -> "shapely.Geometry":
    """Return a concave hull around whole cells: its corners are cells' corners, not households."""
    import shapely

    corners = shapely.multipoints(shapely.get_coordinates(cell_polygons(cells)))
    hull = shapely.concave_hull(corners, ratio=CONCAVE)
    return hull if hull.geom_type == "Polygon" else shapely.convex_hull(corners)


def _densest(customers: Customers, share: float) -> tuple["shapely.Geometry", Cells]:
    """Return the highest-density region: cells in the order of their smoothed density until they hold the share."""
    index, near = near_cells(customers.cells, steps=SMOOTH_STEPS)
    spread, at = np.unique(near, return_inverse=True)
    density = np.bincount(at.reshape(-1), customers.weight[index], len(spread))
    own = np.zeros(len(spread))
    own[np.searchsorted(spread, customers.cells)] = customers.weight
    # where density is equal the cell with customers of its own comes first
    order = np.lexsort((spread, -own, -density))
    last = int(np.searchsorted(np.cumsum(own[order]), share * own.sum() * (1 - 1e-12)))
    cells = spread[order[: last + 1]]
    return linked_cells(cells), cells
