"""Sites over a surface: what people can reach of them, where to put them, and territories of equal potential."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.ladder import Capacity
from geoscore.market.places import known, places_of, select_cells
from geoscore.market.travel import Travel
from geoscore.query import Surface
from geoscore.query.select import Selection
from geoscore.spatial.cells import cell_centers, cell_text, distance_m
from geoscore.spatial.polygons import cell_polygons, linked_cells
from geoscore.trade.access import Falloff, catchment_weights, floating_catchment, hansen
from geoscore.trade.areas import Site
from geoscore.trade.hotspots import neighbor_weights
from geoscore.trade.layer import Layer
from geoscore.trade.siting import Chosen, Way, max_cover, p_median
from geoscore.trade.territories import share_out

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]
MOST_CELLS: Final = 4_000
MEASURED: Final = {"min": "minutes", "km": "km in a straight line"}
KM_PER_DEGREE: Final = 111.195


def costs_between(sites: Sequence[Site], cells: Cells, travel: Travel | None) -> tuple[Floats, str]:
    """Return minutes on a network, or kilometers in a straight line, between sites and cells; and the unit."""
    if travel is not None:
        return travel.minutes(sites, cells), "min"
    lon, lat = cell_centers(cells)
    return np.array([distance_m(lon, lat, to=site.point) / 1000.0 for site in sites]), "km"


def access_layer(
    surface: Surface, sites: Sequence[Site], supply: Floats, *, capacity: Capacity, catchment: float,
    falloff: Falloff = "step", measure: Literal["2sfca", "hansen"] = "2sfca", beta: float = 1.0,
    travel: Travel | None = None,
) -> Layer:  # fmt: skip
    """Return what each cell can reach of what sites offer: two-step floating catchment, or Hansen's accessibility."""
    if not (np.isfinite(supply).all() and (supply >= 0).all() and supply.sum() > 0):
        raise InputError("what sites offer must be numbers from 0 up, and not all 0")
    places = places_of(surface, "cell", capacity=capacity)
    cells = np.array([int(name, 16) for name in places.names], dtype=np.uint64)
    cost, unit = costs_between(sites, cells, travel)
    more: dict[str, Any] = {}
    if measure == "2sfca":
        weights = catchment_weights(cost, catchment, falloff=falloff)
        value, ratio = floating_catchment(places.estimate, supply, weights)
        more["sites"] = [{"site": site.name, "supply": float(s), "per_household": float(r)}
                         for site, s, r in zip(sites, supply, ratio, strict=True)]  # fmt: skip
        without = int((value == 0).sum())
        note = f"{without:,} of {len(cells):,} cells reach nothing within {catchment:g} {unit}"
    else:
        value = hansen(supply, cost, beta=beta)
        note = f"supply over {unit} ** {beta:g}"
    rows = [{**places.row(i, "cell"), "access": float(value[i]), "nearest": known(cost[:, i].min()), "unit": unit}
            for i in range(len(cells))]  # fmt: skip
    order = np.argsort(-value, kind="stable")
    shapes = cell_polygons(cells)
    notes = (note, *(travel.notes(sites) if travel else ()))
    return Layer("accessibility", tuple(rows[i] for i in order), tuple(shapes[i] for i in order), "cell", notes, more)


def siting_layer(
    surface: Surface, *, count: int, objective: Literal["p-median", "coverage"], capacity: Capacity,
    candidates: Sequence[Site] = (), kept: Sequence[Site] = (), reach: float | None = None, way: Way = "exact",
    travel: Travel | None = None, resolution: int | None = None, pool: int = 60,
) -> Layer:  # fmt: skip
    """Choose k sites for the households at the capacity.

    Parameters
    ----------
    count
        Number of sites in all.
    candidates
        Where sites may be; by default the centers of the cells with most potential.
    kept
        Sites that are there already.
    reach
        For coverage: minutes or kilometers.
    pool
        How many cells are candidates where none are given.
    """
    fine = min(surface.note.resolution, 7) if resolution is None else resolution
    places = places_of(surface, "cell", capacity=capacity, resolution=fine)
    cells = np.array([int(name, 16) for name in places.names], dtype=np.uint64)
    offered = [*kept, *candidates] if candidates else [*kept, *_best_cells(cells, places.estimate, pool, kept, travel)]
    cost, unit = costs_between(offered, cells, travel)
    fixed = np.arange(len(offered)) < len(kept)
    if objective == "coverage":
        if reach is None or not reach > 0:
            raise InputError(
                "coverage needs how far a site reaches: --reach in minutes with a network, else kilometers"
            )
        chosen = max_cover(places.estimate, cost, count=count, reach=reach, way=way, kept=fixed)
        share = chosen.value / float(places.estimate.sum())
        told = f"{chosen.value:,.0f} households at the capacity ({share:.1%}) are within {reach:g} {unit} of a site"
    else:
        chosen = p_median(places.estimate, cost, count=count, way=way, kept=fixed)
        told = f"the mean way to the nearest site is {chosen.value:.3g} {unit}"
    rows, shapes = [], []
    for one in chosen.candidates:
        mine = chosen.nearest == one
        site = offered[int(one)]
        under = np.flatnonzero(np.isin(places.rows, np.flatnonzero(mine)))
        weights = np.zeros(surface.table.num_rows)
        weights[under] = 1.0
        answer = surface.answer(Selection(site.name, weights, hidden=False), capacity=capacity)
        way_there = np.average(cost[one][mine], weights=places.estimate[mine] + 1e-12) if mine.any() else np.nan
        rows.append(
            {
                "site": site.name, "longitude": site.longitude, "latitude": site.latitude, "kept": bool(fixed[one]),
                "households": answer.households, "estimate": answer.estimate, "low": answer.low, "high": answer.high,
                "mean_cost": known(way_there),
                "unit": unit,
            }
        )  # fmt: skip
        shapes.append(linked_cells(cells[mine]))
    proof = _proof(chosen)
    lost = float(places.estimate[chosen.nearest < 0].sum())
    others = len(offered) - len(kept)
    among = f"{others:,} candidates" if candidates else f"the {others:,} cells of resolution {fine} with most potential"
    notes = [told, f"{way}: {proof} among {among}", f"mean cost is in {MEASURED[unit]}"]
    if lost > 0:
        notes.append(f"{lost:,.0f} households at the capacity are within reach of no site")
    more = {"objective": chosen.value, "bound": chosen.bound, "proven": chosen.proven}
    return Layer("sites", tuple(rows), tuple(shapes), "site", tuple(notes), more)


def _proof(chosen: Chosen) -> str:
    if chosen.proven:
        return "proven to be the best"
    return "not proven to be the best" if chosen.bound is None else f"nothing is better than {chosen.bound:,.4g}"


def _best_cells(cells: Cells, potential: Floats, pool: int, kept: Sequence[Site], travel: Travel | None) -> list[Site]:
    """Return centers of the cells with most potential that a site can stand in."""
    order = np.argsort(-potential, kind="stable")[:pool]
    lon, lat = cell_centers(cells[order])
    taken = {(site.longitude, site.latitude) for site in kept}
    sites = [Site(cell_text(int(cell)), float(x), float(y)) for cell, x, y in zip(cells[order], lon, lat, strict=True)]
    sites = [site for site in sites if site.point not in taken]
    if travel is None:
        return sites
    reached = []
    for site in sites:
        try:
            travel.places([site])
        except InputError:
            continue
        reached.append(site)
    return reached


def territory_layer(
    surface: Surface, *, count: int, capacity: Capacity, seed: int = 0, resolution: int | None = None
) -> Layer:
    """Share the surface's cells out into territories of equal potential that hang together.

    Without a resolution the finest is taken that has at most 4,000 cells.
    """
    fine = surface.note.resolution if resolution is None else resolution
    places = places_of(surface, "cell", capacity=capacity, resolution=fine)
    while resolution is None and len(places.names) > MOST_CELLS and fine > 0:
        fine -= 1
        places = places_of(surface, "cell", capacity=capacity, resolution=fine)
    cells = np.array([int(name, 16) for name in places.names], dtype=np.uint64)
    lon, lat = cell_centers(cells)
    narrow = np.cos(np.radians(lat.mean()))
    at = np.column_stack([lon * narrow, lat]) * KM_PER_DEGREE
    shared = share_out(places.estimate, at, neighbor_weights(cells), count=count, seed=seed)
    rows, shapes = [], []
    for k in range(count):
        mine = cells[shared.part == k]
        name = f"territory {k + 1}"
        answer = surface.answer(select_cells(surface, mine, name, resolution=fine), capacity=capacity)
        rows.append({**answer.to_dict(), "cells": len(mine)})
        shapes.append(linked_cells(mine))
    notes = [f"cells of resolution {fine}; the farthest from the mean potential is off by {shared.unevenness:.1%}"]
    if len(shared.bridges):
        notes.append(f"{len(shared.bridges)} gaps between cells were bridged: water, or land where nobody lives")
    return Layer("territories", tuple(rows), tuple(shapes), "area", tuple(notes), {"unevenness": shared.unevenness})
