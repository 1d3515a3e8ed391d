"""A surface that can be asked: by ZIP, cell, area or all of it, at any threshold, as table or map."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.errors import SurfaceError
from geoscore.ladder import Capacity, check_band, check_threshold, read_capacity
from geoscore.query.answer import Answer, WithHidden
from geoscore.query.drawn import Drawn
from geoscore.query.listing import Threshold
from geoscore.query.select import (
    Selection,
    select_all,
    select_cell,
    select_circle,
    select_county,
    select_file,
    select_polygon,
    select_zips,
)
from geoscore.query.sums import answers_of
from geoscore.schemas import SurfaceNote
from geoscore.spatial.cells import parse_cell
from geoscore.spatial.polygons import area_of
from geoscore.surface_format import Figures, figures, measured, read_surface, write_surface

if TYPE_CHECKING:
    import shapely

Floats = npt.NDArray[np.float64]
DEFAULT_CAPACITY = 2500.0
NOBODY = 0.5
"""Expected households of an area with hidden ones below which nothing is told of it."""


@dataclass(frozen=True)
class Surface(Drawn):
    """Expected households above every rung of the ladder, for each (cell, ZIP) pair.

    Attributes
    ----------
    table
        Table of schema ``SURFACE``.
    note
        What the surface says of itself.

    Examples
    --------
    >>> surface = open_surface("out/surface.parquet")
    >>> answer = surface.query(zip="94301", capacity=2500)
    >>> round(answer.households), round(answer.estimate), round(answer.low), round(answer.high)
    (168, 113, 104, 121)
    >>> surface.at_least(2500).by("zip").top(1).to_pandas()[["zip", "households", "estimate"]].round(1)
         zip  households  estimate
    0  94301       168.0     112.6
    """

    table: pa.Table
    note: SurfaceNote

    def query(
        self,
        *,
        zip: str | Sequence[str] | None = None,  # noqa: A002  the field's own word
        cell: str | int | None = None,
        county: str | None = None,
        area: "Path | str | shapely.Geometry | None" = None,
        point: tuple[float, float] | None = None,
        radius_km: float | None = None,
        capacity: Capacity = DEFAULT_CAPACITY,
    ) -> Answer:
        """Ask for one area; without an area, for the whole region.

        Parameters
        ----------
        zip
            A ZIP code, or several that are taken together.
        cell
            An H3 cell, of the surface's resolution or coarser.
        county
            A county's name or FIPS code.
        area
            A file of polygons, or a polygon in WGS 84 degrees.
        point
            Longitude and latitude in degrees, the middle of a circle.
        radius_km
            Radius of the circle.
        capacity
            Threshold in US dollars, $50 to $1,000,000, or a band ``(400, 2500)``: at least $400 and less than $2,500;
            $2,500 if none is given.

        Raises
        ------
        SurfaceError
            The area is not in the surface, the threshold off the ladder, or more than one area is given.

        Examples
        --------
        >>> answer = surface.query(zip="94301", capacity=2500)
        >>> answer.households, answer.estimate
        (168.0, 112.6)
        >>> round(surface.query(point=(-122.16, 37.44), radius_km=10, capacity=(400, 2500)).estimate)
        53
        """
        selection = self.select(zip=zip, cell=cell, county=county, area=area, point=point, radius_km=radius_km)
        return self.answer(selection, capacity=capacity)

    def select(
        self,
        *,
        zip: str | Sequence[str] | None = None,  # noqa: A002
        cell: str | int | None = None,
        county: str | None = None,
        area: "Path | str | shapely.Geometry | None" = None,
        point: tuple[float, float] | None = None,
        radius_km: float | None = None,
    ) -> Selection:
        """Find the rows of an area; the whole region where none is given.

        Parameters
        ----------
        zip
            A ZIP code, or several that are taken together.
        cell
            An H3 cell, of the surface's resolution or coarser.
        county
            A county's name or FIPS code.
        area
            A file of polygons, or a polygon in WGS 84 degrees.
        point, radius_km
            Longitude and latitude in degrees, and a distance.

        Returns
        -------
        Selection
            The area's name, and the share of each row of ``table`` that belongs to it, shape (n,).

        Raises
        ------
        SurfaceError
            The area is not in the surface, or more than one area is given.

        Examples
        --------
        >>> surface.select(zip="94301").weights.tolist()
        [0.0, 1.0, 1.0, 1.0]
        """
        if sum(value is not None for value in (zip, cell, county, area, point)) > 1:
            raise SurfaceError("more than one area; give one of zip, cell, county, area, or point with a radius")
        if (point is None) != (radius_km is None):
            raise SurfaceError("a point needs a radius in km, and a radius a point")
        if zip is not None:
            return select_zips(self.table, [zip] if isinstance(zip, str | int) else zip)
        if county is not None:
            return select_county(self.table, county, names=self.note.counties)
        if cell is not None:
            number = parse_cell(cell) if isinstance(cell, str) else cell
            return select_cell(self.table, number, resolution=self.note.resolution)
        if point is not None and radius_km is not None:
            return select_circle(self.table, point, radius_km=radius_km)
        return self._select_area(area)

    def _select_area(self, area: Any) -> Selection:
        if area is None:
            return select_all(self.table, self.note.region)
        if isinstance(area, str | Path):
            return select_file(self.table, Path(area))
        return select_polygon(self.table, area_of(area), name="the drawn area")

    def answer(self, selection: Selection, *, capacity: Capacity = DEFAULT_CAPACITY) -> Answer:
        """Sum the rows of a selection into an answer.

        Parameters
        ----------
        selection
            From `select`.
        capacity
            Threshold in US dollars, or a band.

        Raises
        ------
        SurfaceError
            The threshold is off the ladder.

        Examples
        --------
        >>> surface.answer(surface.select(zip="94110"), capacity=2500).estimate
        91.6
        """
        capacity = read_capacity(capacity)
        rows, total = self._sum(selection.weights)
        empty = selection.hidden and float(total.households[0]) < NOBODY
        known = self.measures
        measures = None if known is None else (selection.weights[rows] @ known[rows])[None, :]
        answer = answers_of(
            [selection.area],
            total,
            note=self.note,
            capacity=capacity,
            hidden=[selection.hidden],
            empty=[empty],
            measures=measures,
        )[0]
        return answer if empty else replace(answer, with_hidden=self._with_hidden(selection, capacity))

    def _sum(self, weights: Floats) -> tuple[npt.NDArray[np.intp], Figures]:
        rows = np.flatnonzero(weights)
        zeros = np.zeros(len(rows), dtype=np.int64)
        return rows, self.figures.summed(zeros, 1, weights=weights[rows], rows=rows)

    def _with_hidden(self, selection: Selection, capacity: Capacity) -> WithHidden | None:
        """Return what an area holds if its hidden cells are as hidden cells are on average."""
        if selection.rest is None or selection.unsure is None or not selection.rest.any():
            return None
        rows, total = self._sum(selection.weights + selection.rest)
        total = _less_sure(total, self.figures.take(rows), selection.unsure[rows])
        found = answers_of([selection.area], total, note=self.note, capacity=capacity, hidden=[True], empty=[False])[0]
        return WithHidden(
            *(round(float(value or 0.0), 9) for value in (found.households, found.estimate, found.low, found.high))
        )

    def at_least(self, capacity: Capacity = DEFAULT_CAPACITY) -> Threshold:
        """Fix a threshold or band, to list its answers by ZIP, cell or county.

        Examples
        --------
        >>> [(answer.area, answer.estimate) for answer in surface.at_least(2500).by("zip")]
        [('ZIP 94110', 91.6), ('ZIP 94301', 112.6)]
        """
        capacity = read_capacity(capacity)
        if isinstance(capacity, tuple):
            check_band(capacity)
            return Threshold(self, (float(capacity[0]), float(capacity[1])))
        check_threshold(capacity)
        return Threshold(self, float(capacity))

    def rollup(self, resolution: int) -> "Surface":
        """Return the surface at a coarser H3 resolution: plain sums.

        Raises
        ------
        SurfaceError
            The resolution is finer than the surface's, or none.

        Examples
        --------
        >>> surface.rollup(5).query(zip="94301").households
        168.0
        """
        from geoscore.surfaces import roll_up

        if not 0 <= resolution <= self.note.resolution:
            raise SurfaceError(f"resolution {resolution}: the surface has {self.note.resolution}, and cells only merge")
        return Surface(roll_up(self.table, resolution=resolution), replace(self.note, resolution=resolution))

    def save(self, path: Path | str) -> None:
        """Write the surface to one Parquet file.

        Examples
        --------
        >>> surface.save(folder / "surface.parquet")
        >>> open_surface(folder / "surface.parquet").query().households
        336.0
        """
        write_surface(self.table, self.note, Path(path))

    @cached_property
    def figures(self) -> Figures:
        """The figures of every row."""
        return figures(self.table)

    @cached_property
    def measures(self) -> Floats | None:
        """What a propensity model says of every row, shape (n, 4); None of a surface without."""
        return measured(self.table)

    def __repr__(self) -> str:
        """Return what it is, in a line: a table of a million figures helps nobody."""
        note = self.note
        rows = f"{self.table.num_rows:,} rows at resolution {note.resolution}"
        return f"<Surface {note.title!r}, {note.region}: {rows}, {note.formula}, as of {note.vintage}>"


def _less_sure(total: Figures, rows: Figures, unsure: Floats) -> Figures:
    """Return sums with what is added to their variance by not knowing how many households of a row belong to them."""
    share = np.ones_like(rows.variance)
    share[:, 1:] = rows.at_least / np.maximum(rows.households, 1e-12)[:, None]
    added = unsure @ share**2
    return replace(total, variance=total.variance + added[None, :])


def open_surface(path: Path | str) -> Surface:
    """Open a surface.

    Parameters
    ----------
    path
        ``surface.parquet`` of a run, or the run's folder.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    SurfaceError
        It is no surface, damaged, or of a newer format.

    Examples
    --------
    >>> open_surface("out/surface.parquet")
    <Surface 'Two towns', Two towns: 4 rows at resolution 7, income-2pct-1y, as of 2026-11-01>
    """
    table, note = read_surface(Path(path))
    return Surface(table, note)
