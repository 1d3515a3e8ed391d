"""Places of a surface: its cells, ZIPs or counties with their figures and shapes."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from geoscore.ladder import Capacity, counts_at, interval
from geoscore.query import Surface
from geoscore.query.select import ELSEWHERE, Selection, ancestors, labels_of
from geoscore.spatial.cells import cell_text
from geoscore.spatial.polygons import cell_polygons, linked_cells
from geoscore.surface_format import Figures, suppressed_rows

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]
Key = Literal["zip", "cell", "county"]


@dataclass(frozen=True)
class Places:
    """Cells, ZIPs or counties of a surface with their figures.

    Attributes
    ----------
    names
        Shape (n,); empty for the rows that have none, where these were asked for.
    rows
        Place of each row of the surface, -1 where it has none, shape (rows,).
    figures
        Sums of their rows.
    estimate, low, high
        Households at the capacity with their interval, shape (n,).
    hidden
        Whether households of the place are counted elsewhere, shape (n,).
    """

    names: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    figures: Figures
    estimate: Floats
    low: Floats
    high: Floats
    hidden: npt.NDArray[np.bool_]

    def row(self, i: int, key: str) -> dict[str, Any]:
        """Return what is told of a place anyway."""
        return {
            key: self.names[i],
            "households": round(float(self.figures.households[i]), 6),
            "estimate": round(float(self.estimate[i]), 6),
            "low": round(float(self.low[i]), 6),
            "high": round(float(self.high[i]), 6),
            "suppressed": bool(self.hidden[i]),
        }


def places_of(
    surface: Surface, key: Key, *, capacity: Capacity, resolution: int | None = None, unnamed: bool = False
) -> Places:
    """Return the places of a surface that show any household, by name.

    Parameters
    ----------
    unnamed
        Take the rows without a name as a place too, the first: what is counted in no cell, ZIP or county.
    """
    table = surface.table
    if key == "cell":
        cells = ancestors(table, surface.note.resolution if resolution is None else resolution)
        labels = np.array([cell_text(int(cell)) if cell else "" for cell in cells], dtype=object)
    else:
        labels = labels_of(table[key])
    hidden = suppressed_rows(table)
    usable = ((labels != "") | unnamed) & ~hidden
    names, at = np.unique(labels[usable], return_inverse=True)
    rows = np.full(len(labels), -1, dtype=np.int64)
    rows[usable] = at.reshape(-1)
    sums = surface.figures.summed(at.reshape(-1), len(names), rows=np.flatnonzero(usable))
    estimate, variance = counts_at(sums.at_least, sums.variance, sums.households, capacity)
    low, high = interval(estimate, variance, sums.most())
    dark = np.isin(names, labels[hidden & np.isin(labels_of(table["counted_in"]), ELSEWHERE[key])])
    return Places(tuple(map(str, names)), rows, sums, estimate, low, high, dark)


def shapes_of(surface: Surface, places: Places, key: Key) -> tuple[Any, ...]:
    """Return the shapes of places: a cell's own, or those of all its cells taken together."""
    if key == "cell":
        cells = np.array([int(name, 16) for name in places.names if name], dtype=np.uint64)
        nowhere = (linked_cells(cells[:0]),) * (len(places.names) - len(cells))
        return (*nowhere, *cell_polygons(cells))
    cells = ancestors(surface.table, surface.note.resolution)
    return tuple(linked_cells(np.unique(cells[(places.rows == i) & (cells > 0)])) for i in range(len(places.names)))


def select_cells(surface: Surface, cells: Cells, name: str, *, resolution: int) -> Selection:
    """Return the rows under some cells of a resolution."""
    inside = np.isin(ancestors(surface.table, resolution), cells)
    hidden = suppressed_rows(surface.table)
    return Selection(name, (inside & ~hidden).astype(np.float64), hidden=bool((inside & hidden).any()))


def added(at: npt.NDArray[np.int64], values: Floats, size: int) -> Floats:
    """Return the sums of values by number, shape (size,)."""
    return np.asarray(np.bincount(at, values, size), dtype=np.float64)


def known(value: Any) -> float | None:
    """Return a number, None where it is none."""
    number = float(value)
    return round(number, 9) if np.isfinite(number) else None
