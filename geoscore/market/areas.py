"""Trade areas over a surface: who lives in them, how many have the capacity, what they share.

Joins the rooms of trade and query: an area is a shape, and what is drawn is what is counted.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError, SurfaceError
from geoscore.ladder import Capacity
from geoscore.market.travel import FINEST, Travel
from geoscore.query import Surface
from geoscore.query.select import Selection, select_polygon
from geoscore.spatial.cells import cell_centers, child_cells, distance_m
from geoscore.spatial.polygons import area_km2, circle, linked_cells
from geoscore.surface_format import Figures
from geoscore.trade.areas import (
    EVERYBODY,
    Customers,
    Site,
    TradeArea,
    check_size,
    grow_until,
    nearest_areas,
    overlap,
    ring_area,
)
from geoscore.trade.dollars import expected_dollars
from geoscore.trade.layer import Layer

if TYPE_CHECKING:
    import shapely

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]
Goal = Literal["households", "at-capacity", "dollars"]
MOST_MINUTES: Final = 240.0
MOST_KM: Final = 500.0
FAR_KM: Final = 50.0
"""A ring that is larger has grown over something empty, such as the sea."""


def time_areas(
    sites: Sequence[Site], minutes: Sequence[float], travel: Travel, *, resolution: int | None = None
) -> list[TradeArea]:
    """Return what lies within times of each site, the shortest time first.

    Raises
    ------
    InputError
        A time is none, or a site is not on the network.
    """
    for limit in minutes:
        check_size(limit, "minutes", most=MOST_MINUTES)
    longest = max(minutes)
    finest = resolution or FINEST[travel.mode]
    cells = travel.candidates(sites, longest, resolution=finest)
    times = travel.minutes(sites, cells, limit=longest)
    notes = travel.notes(sites)
    return [
        TradeArea(
            f"{site.name}, {limit:g} min", site.name, "time", limit, "min", linked_cells(cells[times[i] <= limit]),
            notes=notes,
        )
        for i, site in enumerate(sites)
        for limit in sorted(minutes)
    ]  # fmt: skip


def matrix_areas(sites: Sequence[Site], minutes: Sequence[float], cells: Cells, times: Floats) -> list[TradeArea]:
    """Return what lies within times of each site by a matrix of times to cells."""
    for limit in minutes:
        check_size(limit, "minutes", most=MOST_MINUTES)
    return [
        TradeArea(
            f"{site.name}, {limit:g} min", site.name, "time", limit, "min", linked_cells(cells[times[i] <= limit])
        )
        for i, site in enumerate(sites)
        for limit in sorted(minutes)
    ]


def threshold_area(
    surface: Surface,
    site: Site,
    wanted: float,
    *,
    goal: Goal,
    capacity: Capacity,
    travel: Travel | None = None,
    resolution: int | None = None,
) -> TradeArea:
    """Return the smallest ring, or the shortest time, that holds what is wanted.

    Parameters
    ----------
    wanted
        Households, households at the capacity, or expected dollars, as ``goal`` says.
    travel
        Grow in time on a network; in distance without one.

    Raises
    ------
    InputError
        Even the largest area does not hold so much.
    """
    measure = {
        "households": "households",
        "at-capacity": f"households at {_told(capacity)}",
        "dollars": "expected dollars",
    }[goal]

    def amount(shape: "shapely.Geometry") -> float:
        selection = select_shape(surface, shape, "the area")
        if goal == "dollars":
            sums = sums_of(surface, selection)
            return float(expected_dollars(sums.households, sums.at_least, sums.variance)[0][0])
        answer = surface.answer(selection, capacity=capacity)
        return (answer.households if goal == "households" else answer.estimate) or 0.0

    if travel is None:
        radius = grow_until(
            lambda km: amount(circle(*site.point, radius_m=1000 * km)), wanted, most=MOST_KM, start=1.0,
            what=f"a ring around {site.name} in km",
        )  # fmt: skip
        ring = ring_area(site, round(radius + 5e-5, 4))
        size, unit, shape = ring.size, "km", ring.shape
    else:
        size, shape = _grow_time(site, wanted, travel, amount, resolution or FINEST[travel.mode])
        unit = "min"
    name = f"{site.name}, {wanted:,.0f} {measure}"
    notes = travel.notes([site]) if travel else ()
    if unit == "km" and size is not None and size > FAR_KM:
        notes = (f"the household nearest to {site.name} is {_nearest_km(surface, site):,.0f} km away",)
    return TradeArea(name, site.name, "threshold", size, unit, shape, notes=notes)


def _nearest_km(surface: Surface, site: Site) -> float:
    """Return how far the nearest cell is in which the surface shows a household, by its center."""
    from geoscore.query.select import ancestors

    cells = ancestors(surface.table, surface.note.resolution)
    lon, lat = cell_centers(np.unique(cells[(cells > 0) & (surface.figures.households > 0)]))
    return float(distance_m(lon, lat, to=site.point).min()) / 1000.0


def _grow_time(site: Site, wanted: float, travel: Travel, amount: Any, finest: int) -> tuple[float, "shapely.Geometry"]:
    """Return the shortest time that holds what is wanted, and its shape."""
    limit = 10.0
    while True:
        cells = travel.candidates([site], limit, resolution=finest)
        times = travel.minutes([site], cells, limit=limit)[0]
        if amount(linked_cells(cells[np.isfinite(times)])) >= wanted:
            break
        if limit >= MOST_MINUTES:
            raise InputError(
                f"within {MOST_MINUTES:g} minutes of {site.name} there is less than the {wanted:,.0f} asked"
            )
        limit = min(2.0 * limit, MOST_MINUTES)

    def held(minutes: float) -> float:
        return float(amount(linked_cells(cells[times <= minutes])))

    size = grow_until(held, wanted, most=limit, start=limit / 4, what=f"a time from {site.name} in minutes")
    return round(size + 5e-4, 3), linked_cells(cells[times <= size])


def nearest_site_areas(
    surface: Surface, sites: Sequence[Site], *, travel: Travel | None = None, resolution: int | None = None
) -> tuple[list[TradeArea], tuple[str, ...]]:
    """Return for each site where no other is nearer, within the surface; by time on a network, or by distance.

    Returns
    -------
    areas
        One for each site.
    notes
        What is to be known, such as cells that nobody can reach a site from.
    """
    finest = resolution or max(surface.note.resolution, FINEST["drive"])
    _, cells = child_cells(surface_cells(surface), resolution=finest)
    if travel is None:
        lon, lat = cell_centers(cells)
        costs = np.array([distance_m(lon, lat, to=site.point) / 1000.0 for site in sites])
        return nearest_areas(list(sites), cells, costs, unit="km"), ()
    costs = travel.minutes(sites, cells)
    lost = ~np.isfinite(costs).any(axis=0)
    notes = travel.notes(sites)
    if lost.any():
        notes = (*notes, f"{int(lost.sum()):,} of {len(cells):,} cells lie where no site can be reached from")
    return nearest_areas(list(sites), cells, costs, unit="min"), notes


def customer_center(customers: Customers) -> Site:
    """Return the middle of all customers, for those who name no site: the median of longitude and of latitude."""
    lon, lat = cell_centers(customers.cells)
    half = float(customers.weight.sum()) / 2.0
    middle = []
    for values in (lon, lat):
        order = np.argsort(values)
        middle.append(float(values[order][np.searchsorted(np.cumsum(customers.weight[order]), half)]))
    return Site(EVERYBODY, middle[0], middle[1])


def surface_cells(surface: Surface) -> Cells:
    """Return the cells of a surface, each once."""
    from geoscore.query.select import ancestors

    cells = np.unique(ancestors(surface.table, surface.note.resolution))
    return cells[cells > 0]


def select_shape(surface: Surface, shape: "shapely.Geometry", name: str) -> Selection:
    """Return the rows of a surface inside a shape; none at all where it lies outside of the surface."""
    if not shape.is_empty:
        try:
            return select_polygon(surface.table, shape, name=name)
        except SurfaceError:
            pass
    return Selection(name, np.zeros(surface.table.num_rows), hidden=False)


def sums_of(surface: Surface, selection: Selection) -> Figures:
    """Return the figures of a selection as one row."""
    rows = np.flatnonzero(selection.weights)
    zeros = np.zeros(len(rows), dtype=np.int64)
    return surface.figures.summed(zeros, 1, weights=selection.weights[rows], rows=rows)


def count_areas(surface: Surface, areas: Sequence[TradeArea], *, capacity: Capacity, strict: bool = True) -> Layer:
    """Count households, those at the capacity, and expected dollars in areas, and what areas of different sites share.

    Parameters
    ----------
    strict
        Refuse an area in which no cell of the surface lies.

    Raises
    ------
    SurfaceError
        No cell of the surface lies in an area.
    """
    rows, notes = [], dict.fromkeys(note for area in areas for note in area.notes)
    selections = []
    for area in areas:
        selection = (select_polygon(surface.table, area.shape, name=area.name) if strict and not area.shape.is_empty
                     else select_shape(surface, area.shape, area.name))  # fmt: skip
        selections.append(selection)
        rows.append(_row(surface, area, selection, capacity))
    shared = shared_rows(surface, areas, capacity=capacity)
    more = {"overlaps": shared} if shared else {}
    shapes = tuple(area.shape for area in areas)
    return Layer("trade areas", tuple(rows), shapes, "area", tuple(notes), more)


def _row(surface: Surface, area: TradeArea, selection: Selection, capacity: Capacity) -> dict[str, Any]:
    answer = surface.answer(selection, capacity=capacity)
    sums = sums_of(surface, selection)
    dollars = [float(values[0]) for values in expected_dollars(sums.households, sums.at_least, sums.variance)]
    told: dict[str, float | None] = dict(zip(("dollars", "dollars_low", "dollars_high"), dollars, strict=True))
    if answer.estimate is None:
        told = dict.fromkeys(told)
    return {
        **answer.to_dict(),
        "site": area.site,
        "kind": area.kind,
        "size": area.size,
        "unit": area.unit,
        "area_km2": round(area_km2(area.shape), 6),
        **{name: None if value is None else round(value, 6) for name, value in told.items()},
        **{name: round(value, 6) for name, value in area.figures.items()},
    }


def shared_rows(surface: Surface, areas: Sequence[TradeArea], *, capacity: Capacity) -> list[dict[str, Any]]:
    """Return what areas of two sites share: households, those at the capacity, dollars, and as parts of each."""
    rows = []
    for one, other in combinations(areas, 2):
        if one.site == other.site or one.size != other.size:
            continue
        shape = overlap(one, other)
        if shape.is_empty:
            continue
        name = f"{one.name} and {other.name}"
        selection = select_shape(surface, shape, name)
        answer = surface.answer(selection, capacity=capacity)
        sums = [sums_of(surface, select_shape(surface, area.shape, area.name)) for area in (one, other)]
        both = sums_of(surface, selection)
        dollars = float(expected_dollars(both.households, both.at_least, both.variance)[0][0])
        parts = [float(both.households[0] / each.households[0]) if each.households[0] else 0.0 for each in sums]
        rows.append(
            {
                "areas": [one.name, other.name],
                "households": answer.households,
                "estimate": answer.estimate,
                "low": answer.low,
                "high": answer.high,
                "dollars": round(dollars, 6),
                "share_of_first": round(parts[0], 9),
                "share_of_second": round(parts[1], 9),
                "suppressed": answer.suppressed,
            }
        )
    return rows


def _told(capacity: Capacity) -> str:
    return f"${capacity[0]:,.0f} to ${capacity[1]:,.0f}" if isinstance(capacity, tuple) else f"${capacity:,.0f}"
