"""Sums of a surface's rows, by cell, ZIP or the whole region: what a map colors and says.

Rows are (cell, zip) pairs; every figure is a plain sum of them, so all of them agree with a query's.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geoscore import surface_format
from geoscore.errors import SurfaceError
from geoscore.schemas import SURFACE, SurfaceNote

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SHOWN: Final = 0
PARTLY_HIDDEN: Final = 1
HIDDEN: Final = 2
PLACES: Final = ("cell", "zip", "county", "region")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Sums over rows that share a key: arrays of shape (n,), or (n, rungs) for the two ladders."""

    households: Floats
    at_least: Floats
    variance: Floats
    spread: Floats  # variances of the households, then of the counts: shape (n, 1 + rungs)
    most: Floats  # households that may be here at most
    hidden: npt.NDArray[np.uint8]  # SHOWN, PARTLY_HIDDEN (some are counted elsewhere) or HIDDEN (all are)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A surface's rows as arrays, in an order of their own; places in ``zips`` and ``counties``, -1: null."""

    cell: npt.NDArray[np.uint64]  # 0 where null
    zip_at: Integers
    zips: tuple[str, ...]
    county_at: Integers
    counties: tuple[str, ...]
    counted_in: npt.NDArray[np.object_]  # cell, zip, county or region
    shown: npt.NDArray[np.bool_]
    households: Floats
    at_least: Floats
    variance: Floats
    zip_covariance: Floats
    county_covariance: Floats

    def sums(self, key: Integers, *, size: int, within: tuple[str, ...]) -> Figures:
        """Return the sums of the rows by ``key``, 0 to ``size`` - 1; rows with a negative key are left out.

        ``within`` are the places, as in ``counted_in``, that lie inside a key: a suppressed row counted in
        any other is missing from the sum.
        """
        negative = key < 0
        away = ~self.shown & ~np.isin(self.counted_in.astype(str), within)
        missing = np.bincount(key[~negative], weights=away[~negative], minlength=size) > 0
        any_shown = np.bincount(key[~negative], weights=self.shown[~negative], minlength=size) > 0

        rows = surface_format.Figures(
            self.households, self.at_least, self.variance, self.zip_covariance, self.county_covariance,
            self.zip_at, self.county_at,
        )  # fmt: skip
        total = rows.summed(np.where(negative, size, key), size + 1).take(slice(size))
        return Figures(
            households=total.households,
            at_least=total.at_least,
            variance=total.variance[:, 1:],
            spread=total.variance,
            most=total.most(),
            hidden=np.where(~any_shown, HIDDEN, np.where(missing, PARTLY_HIDDEN, SHOWN)).astype(np.uint8),
        )

    def by_cell(self, cell: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], Integers, Figures]:
        """Return the distinct cells of ``cell``, each row's place among them (-1: none), and their sums."""
        cells, at = np.unique(cell, return_inverse=True)
        if len(cells) and cells[0] == 0:
            cells, at = cells[1:], at - 1
        return cells, at, self.sums(at, size=len(cells), within=("cell",))

    def region(self) -> Figures:
        """Return the sums of all rows, of shape (1,)."""
        return self.sums(np.zeros(len(self.cell), np.int64), size=1, within=PLACES)


def read_rows(table: pa.Table, *, note: SurfaceNote) -> Rows:
    """Return the rows of a surface as arrays; their order does not depend on the table's.

    Raises
    ------
    SurfaceError
        A column is missing, or a row does not hold one figure for every rung.

    Examples
    --------
    >>> from geoscore.schemas import LADDER, SURFACE
    >>> row = [0x872834744FFFFFF, "94301", "06085", 10.0, [4.0] * 25, [1.0] * 26, [1.0] * 26, [1.0] * 26, False, "cell"]
    >>> table = pa.Table.from_pylist([dict(zip(SURFACE.names, row, strict=True))], SURFACE)
    >>> note = SurfaceNote(title="", region="", universe="", formula="", formula_text="", horizon="",
    ...                    purpose="", vintage="", resolution=7, k=10, published=True)
    >>> read_rows(table, note=note).zips
    ('94301',)
    """
    absent = [name for name in SURFACE.names if name not in table.column_names]
    if absent:
        raise SurfaceError(f"the surface lacks {', '.join(absent)}; a map is made of a surface's own table")
    table = table.select(SURFACE.names).cast(SURFACE)
    order = ("cell", "zip", "county", "counted_in", "households")
    table = table.sort_by([(name, "ascending") for name in order])
    shown = ~pc.fill_null(table["suppressed"], False).to_numpy()
    zip_at, zips = _codes(table["zip"])
    county_at, counties = _codes(table["county"])
    return Rows(
        cell=pc.fill_null(table["cell"], 0).to_numpy(),
        zip_at=zip_at,
        zips=zips,
        county_at=county_at,
        counties=counties,
        counted_in=pc.fill_null(table["counted_in"], "cell").to_numpy(),
        shown=shown,
        households=np.where(shown, pc.fill_null(table["households"], 0.0).to_numpy(), 0.0),
        at_least=_ladder(table["at_least"], shown, rungs=len(note.ladder)),
        variance=_ladder(table["variance"], shown, rungs=1 + len(note.ladder)),
        zip_covariance=_ladder(table["zip_covariance"], shown, rungs=1 + len(note.ladder)),
        county_covariance=_ladder(table["county_covariance"], shown, rungs=1 + len(note.ladder)),
    )


def _codes(column: pa.ChunkedArray) -> tuple[Integers, tuple[str, ...]]:
    names = sorted(name for name in pc.unique(column).to_pylist() if name is not None)
    at = pc.fill_null(pc.index_in(column, pa.array(names, column.type)), -1)
    return at.to_numpy().astype(np.int64), tuple(names)


def _ladder(column: pa.ChunkedArray, shown: npt.NDArray[np.bool_], *, rungs: int) -> Floats:
    filled = np.zeros((len(shown), rungs))
    lists = column.combine_chunks().filter(pa.array(shown))
    lengths = pc.list_value_length(lists)
    if lists.null_count or not pc.all(pc.equal(lengths, rungs), min_count=0).as_py():
        raise SurfaceError(f"a row of the surface does not hold {rungs} figures, one for every rung")
    filled[shown] = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, rungs)
    return filled
