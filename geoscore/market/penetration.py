"""Customers of one's own against a surface: penetration, whitespace, and how it falls with distance."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.ladder import Capacity
from geoscore.market.customers import read_customers
from geoscore.market.places import Key, added, known, places_of, shapes_of
from geoscore.query import Surface
from geoscore.query.select import UNNAMED, ancestors, counted_rows, labels_of
from geoscore.spatial.cells import cell_centers, child_cells, distance_m, parent_cells
from geoscore.surface_format import suppressed_rows
from geoscore.trade.areas import Customers, Site
from geoscore.trade.layer import Layer
from geoscore.trade.penetration import fit_decay, penetrate

Floats = npt.NDArray[np.float64]
LONG: Final = {"zip": "ZIP", "county": "county"}
FINEST: Final = 9
"""H3 resolution at which customers are counted; a finer surface has its own."""


def open_customers(
    surface: Surface, path: Path, *, weight: str | None = None, columns: Mapping[str, str] | None = None
) -> Customers:
    """Read customers as counts by cell; those with a ZIP alone are spread over its households."""
    resolution = max(surface.note.resolution, FINEST)
    cells = ancestors(surface.table, surface.note.resolution)
    labels, households = labels_of(surface.table["zip"]), _homes(surface)[0]
    by_zip = {}
    for code in np.unique(labels[labels != ""]):
        mine = np.flatnonzero((labels == code) & (cells > 0) & (households > 0))
        if len(mine):
            index, fine = child_cells(cells[mine], resolution=resolution)
            shares = (households[mine] / np.bincount(index))[index]
            by_zip[str(code)] = fine, shares / shares.sum()
    return read_customers(path, resolution=resolution, by_zip=by_zip, weight=weight, columns=columns)


def _homes(surface: Surface) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return how many households live in the cell of each row, and the row in which they are counted.

    What is counted in one row of a ZIP, county or region is spread evenly over the hidden cells of it.
    """
    households = surface.figures.households
    row = counted_rows(surface.table)
    hidden = np.flatnonzero((row >= 0) & suppressed_rows(surface.table))
    many = np.bincount(row[hidden], minlength=len(row))
    here = np.array(households)
    here[hidden] = households[row[hidden]] / many[row[hidden]]
    return here, row


def customers_by_row(surface: Surface, customers: Customers) -> tuple[Floats, float, float]:
    """Return customers by the row of the surface in which the households of their cell are counted.

    Customers of a cell are shared out over its ZIPs by their households; those of hidden cells are counted in the row
    of their ZIP, county or region.

    Returns
    -------
    spread
        Customers by row, shape (rows,).
    hidden
        How many of them live in hidden cells.
    outside
        How many live where the surface has no household at all, and are in no row.
    """
    cells = ancestors(surface.table, surface.note.resolution)
    households, counted = _homes(surface)
    own = parent_cells(customers.cells, resolution=surface.note.resolution)
    homes = np.unique(cells[(cells > 0) & (households > 0)])
    last = max(len(homes) - 1, 0)
    place = np.searchsorted(homes, own).clip(max=last)
    inside = homes[place] == own
    count = added(place[inside], customers.count[inside], len(homes))
    row = np.searchsorted(homes, cells).clip(max=last)
    mine = (homes[row] == cells) & (households > 0)
    total = added(row[mine], households[mine], len(homes))
    spread = np.zeros(len(cells))
    spread[mine] = count[row[mine]] * households[mine] / total[row[mine]]
    hidden = float(spread[suppressed_rows(surface.table)].sum())
    return added(counted[mine], spread[mine], len(cells)), hidden, float(customers.count[~inside].sum())


def penetration_layer(
    surface: Surface, customers: Customers, *, by: Key, capacity: Capacity, show_small: bool = False,
    resolution: int | None = None,
) -> Layer:  # fmt: skip
    """Return penetration, fair share and gap of every place, the largest gap (whitespace) first.

    Where fewer customers live than the surface shows households (k), their number is not told and the gap is the least
    that it can be, for a table of this is soon passed on.
    """
    places = places_of(surface, by, capacity=capacity, resolution=resolution, unnamed=True)
    spread, hidden, outside = customers_by_row(surface, customers)
    placed = places.rows >= 0
    count = added(places.rows[placed], spread[placed], len(places.names))
    told = penetrate(count, places.figures.households, places.estimate)
    k = 0 if show_small else surface.note.k
    small = (count > 0) & (count < k)
    shown = np.where(small, k - 1.0, count)
    rows = []
    for i in range(len(places.names)):
        quiet = bool(small[i])
        rate = shown[i] / places.figures.households[i] if places.figures.households[i] else None
        rows.append(
            {
                **places.row(i, by),
                by: places.names[i] or UNNAMED[by],
                "customers": None if quiet else round(float(count[i]), 6),
                "few_customers": quiet,
                "penetration": None if quiet or rate is None else round(float(rate), 9),
                "penetration_at_capacity": None if quiet else known(told.rate_at_capacity[i]),
                "fair_share": round(float(told.fair_share[i]), 6),
                "gap": round(float(told.fair_share[i] - shown[i]), 6),
                "index": None if quiet else known(told.index[i]),
            }
        )
    # what has no name is no place to go to, and stands last
    order = sorted(range(len(rows)), key=lambda i: (not places.names[i], -rows[i]["gap"], places.names[i]))
    shapes = shapes_of(surface, places, by)
    notes = list(customers.notes)
    notes += _away(hidden, outside, by, k)
    notes += customers.unused()
    if small.any():
        notes.append(
            f"{int(small.sum()):,} {'place has' if small.sum() == 1 else 'places have'} fewer than {k} customers: how"
            " many is not told, and the gap is the least it can be; --show-small tells the holder of the file"
        )
    if surface.note.universe == "file":
        notes.append("penetration is of the households in the surface's files, not of all households")
    return Layer(
        "penetration", tuple(rows[i] for i in order), tuple(shapes[i] for i in order), by, tuple(notes)
    )  # fmt: skip


def _away(hidden: float, outside: float, by: Key, k: int) -> list[str]:
    """Say how many customers live in hidden cells, and how many nowhere on the surface."""
    notes = []
    if hidden >= 0.5:  # noqa: PLR2004  a customer
        many = f"fewer than {k}" if round(hidden) < k else f"{hidden:,.0f}"
        where = f'in "{UNNAMED["cell"]}"' if by == "cell" else f"in their {LONG[by]} where it is large enough"
        notes.append(
            f"{many} customers live in hidden hexagons, and are counted with these hexagons' households: {where}"
        )
    if outside >= 0.5:  # noqa: PLR2004  a customer
        live = "customer lives" if round(outside) == 1 else "customers live"
        told = "is" if round(outside) == 1 else "are"
        notes.append(f"{outside:,.0f} {live} where the surface shows no household at all, and {told} not in the table")
    return notes


def decay_layer(surface: Surface, customers: Customers, site: Site, *, bands_km: Sequence[float]) -> Layer:
    """Return penetration by distance band from a site, and the fitted fall of it."""
    edges = np.array([0.0, *sorted(set(bands_km))])
    if len(edges) < 2 or not (edges[1:] > 0).all():  # noqa: PLR2004
        raise InputError("distance bands are kilometers above 0, such as --band 2 --band 5 --band 10")
    cells = ancestors(surface.table, surface.note.resolution)
    spread, _, _ = customers_by_row(surface, customers)
    shown = np.flatnonzero((cells > 0) & ~suppressed_rows(surface.table))
    lon, lat = cell_centers(cells[shown])
    km = distance_m(lon, lat, to=site.point) / 1000.0
    band = np.searchsorted(edges, km, side="right") - 1
    inside = band < len(edges) - 1
    households = added(band[inside], surface.figures.households[shown[inside]], len(edges) - 1)
    count = added(band[inside], spread[shown[inside]], len(edges) - 1)
    weighted = added(band[inside], (surface.figures.households[shown] * km)[inside], len(edges) - 1)
    middle = np.divide(weighted, households, out=(edges[1:] + edges[:-1]) / 2, where=households > 0)
    decay = fit_decay(count, households, middle)
    rows = tuple(
        {
            "band": f"{low:g} to {high:g} km",
            "households": round(float(households[i]), 6),
            "customers": round(float(count[i]), 6) if count[i] >= surface.note.k or count[i] == 0 else None,
            "penetration": known(count[i] / households[i] if households[i] and count[i] >= surface.note.k else np.nan),
            "fitted": known(decay.a * (middle[i] ** decay.b if decay.form == "power" else np.exp(decay.b * middle[i]))),
        }
        for i, (low, high) in enumerate(pairwise(edges))
    )
    text = f"penetration falls as {decay.a:.4g} " + (
        f"km ** {decay.b:.3f}" if decay.form == "power" else f"exp({decay.b:.3f} km)"
    )
    halves = "" if decay.half_km is None else f"; it halves every {decay.half_km:.1f} km"
    notes = (f"{text} (standard error {decay.error:.3f}){halves}", "cells count by their centers")
    return Layer("distance decay", rows, None, "band", (*notes, *customers.notes), {"decay": decay.__dict__})
