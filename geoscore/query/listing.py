"""Answers for every ZIP, cell or county of a surface at one threshold: ranked, as rows, as frames."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import SurfaceError
from geoscore.ladder import Capacity
from geoscore.query.answer import Answer, listing_html
from geoscore.query.select import ELSEWHERE, UNNAMED, ancestors, labels_of
from geoscore.query.sums import answers_of
from geoscore.spatial.cells import cell_text
from geoscore.surface_format import suppressed_rows

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from geoscore.query.surface import Surface

By = Literal["zip", "cell", "county"]
Rank = Literal["estimate", "share", "index", "low", "households"]


@dataclass(frozen=True)
class Threshold:
    """A surface at one threshold, ready to be listed.

    Examples
    --------
    >>> from geoscore.query import open_surface
    >>> len(open_surface("out/surface.parquet").at_least(2500).by("zip"))
    2
    """

    surface: "Surface"
    capacity: Capacity

    def by(self, key: By, *, resolution: int | None = None) -> "Listing":
        """List the answers by ZIP, cell or county.

        Parameters
        ----------
        key
            ``zip``, ``cell`` or ``county``.
        resolution
            H3 resolution of the cells; the surface's own by default.

        Raises
        ------
        SurfaceError
            The key is none of the three, or the resolution is finer than the surface's.

        Examples
        --------
        >>> len(surface.at_least(2500).by("cell")), len(surface.at_least(2500).by("cell", resolution=4))
        (4, 2)
        """
        if key not in ("zip", "cell", "county"):
            raise SurfaceError(f"{key!r}: a surface is listed by zip, cell or county")
        labels = self._labels(key, resolution)
        names, codes = np.unique(labels, return_inverse=True)
        codes = codes.reshape(-1)
        suppressed = suppressed_rows(self.surface.table)
        away = suppressed & np.isin(labels_of(self.surface.table["counted_in"]), ELSEWHERE[key])
        missing, shown = (np.bincount(codes, rows, len(names)) for rows in (away, ~suppressed))
        sums = self.surface.figures.summed(codes, len(names))
        areas = [self._area(key, name) for name in names]
        measures = self.surface.measures
        if measures is not None:
            measures = np.column_stack([np.bincount(codes, column, len(names)) for column in measures.T])
        answers = answers_of(
            areas,
            sums,
            note=self.surface.note,
            capacity=self.capacity,
            hidden=missing > 0,
            empty=shown == 0,
            measures=measures,
        )
        rows = list(zip((str(name) for name in names), answers, strict=True))
        return Listing(key, tuple(rows), self.surface, self.capacity, resolution)

    def _labels(self, key: By, resolution: int | None) -> npt.NDArray[np.object_]:
        table = self.surface.table
        if key == "cell":
            wanted = self.surface.note.resolution if resolution is None else resolution
            if not 0 <= wanted <= self.surface.note.resolution:
                raise SurfaceError(f"resolution {wanted}: the surface has {self.surface.note.resolution} or coarser")
            cells = ancestors(table, wanted)
            return np.array([cell_text(int(cell)) if cell else "" for cell in cells], dtype=object)
        if resolution is not None:
            raise SurfaceError("a resolution goes with --by cell")
        return labels_of(table[key])

    def _area(self, key: By, name: str) -> str:
        if not name:
            return UNNAMED[key]
        if key == "county":
            return self.surface.note.counties.get(name, f"county {name}")
        return f"{'ZIP' if key == 'zip' else 'cell'} {name}"


@dataclass(frozen=True)
class Listing:
    """Answers for all ZIPs, cells or counties of a surface at one threshold.

    Examples
    --------
    >>> from geoscore.query import open_surface
    >>> zips = open_surface("out/surface.parquet").at_least(2500).by("zip")
    >>> zips.top(1, rank="share").to_rows()[0]["zip"]
    '94301'
    >>> zips.to_geopandas().crs.to_epsg()
    4326
    """

    key: By
    answers: tuple[tuple[str, Answer], ...]
    surface: "Surface"
    capacity: Capacity
    resolution: int | None = None

    def __iter__(self) -> Any:
        """Iterate over the answers."""
        return (answer for _, answer in self.answers)

    def __len__(self) -> int:
        """Return the number of answers."""
        return len(self.answers)

    def top(self, n: int | None = None, *, rank: Rank = "estimate") -> "Listing":
        """Return the best of them, the first the best; what is hidden or has no place of its own comes last.

        Parameters
        ----------
        n
            How many; all by default.
        rank
            ``estimate``, ``share``, ``low`` (the lower end of the interval) or ``households``. The order by share is
            that by index.

        Examples
        --------
        >>> [answer.area for answer in surface.at_least(2500).by("zip").top(1)]
        ['ZIP 94301']
        """

        def goodness(item: tuple[str, Answer]) -> tuple[bool, float, str]:
            name, answer = item
            value = answer.share if rank in ("share", "index") else getattr(answer, rank)
            return not name, -(value if value is not None else -1.0), name

        return replace(self, answers=tuple(sorted(self.answers, key=goodness)[:n]))

    def to_rows(self) -> list[dict[str, Any]]:
        """Return plain values: the key, what an answer holds, and its ``index`` (share against the region's = 100).

        The key is None for what has no place of its own.

        Examples
        --------
        >>> row = surface.at_least(2500).by("zip").to_rows()[0]
        >>> row["zip"], row["estimate"], round(row["share"], 2), round(row["index"])
        ('94110', 91.6, 0.55, 90)
        """
        whole = self.surface.answer(self.surface.select(), capacity=self.capacity).share
        rows = []
        for name, answer in self.answers:
            index = None if answer.share is None or not whole else round(100.0 * answer.share / whole, 9)
            rows.append({self.key: name or None, **answer.to_dict(), "index": index})
        return rows

    def _repr_html_(self) -> str:
        return listing_html(self.to_rows(), key=self.key, capacity=self.capacity)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a pandas frame, one row for each ZIP, cell or county.

        Examples
        --------
        >>> surface.at_least(2500).by("zip").to_pandas()["estimate"].round(1).tolist()
        [91.6, 112.6]
        """
        import pandas as pd

        return pd.DataFrame(self.to_rows())

    def to_geopandas(self) -> "gpd.GeoDataFrame":
        """Return a GeoDataFrame in WGS 84; the shape of a ZIP or county is that of its cells.

        What has no cell has no place on a map and is left out.

        Examples
        --------
        >>> frame = surface.at_least(2500).by("zip").to_geopandas()
        >>> frame.crs.to_epsg(), list(frame["zip"])
        (4326, ['94110', '94301'])
        """
        import geopandas as gpd

        from geoscore.spatial.polygons import cell_polygons, merged_cells

        rows = [row for row in self.to_rows() if row[self.key] is not None]
        if self.key == "cell":
            shapes: Iterable[Any] = cell_polygons(np.array([int(row["cell"], 16) for row in rows], dtype=np.uint64))
        else:
            cells = ancestors(self.surface.table, self.surface.note.resolution)
            labels = np.array(self.surface.table[self.key].to_pylist(), dtype=object)
            shapes = [merged_cells(cells[(labels == row[self.key]) & (cells > 0)]) for row in rows]
        return gpd.GeoDataFrame(rows, geometry=list(shapes), crs=4326)
