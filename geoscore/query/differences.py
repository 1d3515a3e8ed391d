"""Two surfaces beside each other: the same rows, the same counts, and how far apart their figures are."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from geoscore.errors import SurfaceError
from geoscore.query.surface import Surface
from geoscore.surface_format import LADDERS, figures, suppressed_rows

KEYS: Final = ("cell", "zip", "county", "counted_in")
NOTED: Final = (*("formula", "horizon", "universe", "purpose", "vintage", "resolution", "k", "epsilon"), "ladder")
"""What a surface says of itself that another must say too, for figures to mean the same."""


@dataclass(frozen=True, kw_only=True)
class Differences:
    """How two surfaces differ.

    Attributes
    ----------
    rows
        Rows of the first and of the second.
    only_first, only_second
        Rows that the other has not, by cell, ZIP and county.
    suppression
        Rows that one hides and the other shows.
    households
        Of both, in all.
    largest
        Largest relative difference in rows of both, by column: of figures above 1 household relative, below absolute.
    notes
        What they say differently of themselves, with both values.
    """

    rows: tuple[int, int]
    only_first: int
    only_second: int
    suppression: int
    households: tuple[float, float]
    largest: dict[str, float]
    notes: dict[str, tuple[Any, Any]]

    def same(self, *, tolerance: float) -> bool:
        """Return whether rows, what is hidden and notes are the same, and figures within the tolerance."""
        apart = self.only_first or self.only_second or self.suppression or self.notes
        return not apart and max(self.largest.values(), default=0.0) <= tolerance

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return asdict(self)


def compare_surfaces(first: Surface, second: Surface) -> Differences:
    """Compare two surfaces row by row.

    Raises
    ------
    SurfaceError
        A surface has two rows of one cell, ZIP and county, so that rows cannot be told apart.

    Examples
    --------
    >>> from geoscore.query import open_surface
    >>> surface = open_surface("out/surface.parquet")  # doctest: +SKIP
    >>> compare_surfaces(surface, surface).same(tolerance=0.0)  # doctest: +SKIP
    True
    """
    one, other = (_keyed(surface.table) for surface in (first, second))
    met = one.join(other, keys=list(KEYS), join_type="inner", right_suffix="_of_other")
    at, to = (met[name].to_numpy() for name in ("at", "at_of_other"))
    tables = first.table.take(at), second.table.take(to)
    hidden = [suppressed_rows(table) for table in tables]
    both = ~hidden[0] & ~hidden[1]
    values = [figures(table).take(both) for table in tables]
    largest = {name: _apart(getattr(values[0], name), getattr(values[1], name)) for name in ("households", *LADDERS)}
    said = {name: (getattr(first.note, name), getattr(second.note, name)) for name in NOTED}
    totals = [float(np.sum(figures(surface.table).households)) for surface in (first, second)]
    return Differences(
        rows=(one.num_rows, other.num_rows),
        only_first=one.num_rows - met.num_rows,
        only_second=other.num_rows - met.num_rows,
        suppression=int(np.sum(hidden[0] != hidden[1])),
        households=(totals[0], totals[1]),
        largest=largest,
        notes={name: values for name, values in said.items() if values[0] != values[1]},
    )


def _keyed(table: pa.Table) -> pa.Table:
    """Return the keys of rows without nulls, which no join finds, and the rows' numbers."""
    columns = {
        "cell": table["cell"].fill_null(0),
        **{name: table[name].fill_null("") for name in KEYS[1:]},
        "at": pa.array(np.arange(table.num_rows)),
    }
    keys = pa.table(columns)
    if keys.group_by(list(KEYS)).aggregate([]).num_rows != table.num_rows:
        raise SurfaceError("a surface has two rows of one cell, ZIP and county; they cannot be compared")
    return keys


def _apart(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    if one.size == 0:
        return 0.0
    scale = np.maximum(np.maximum(np.abs(one), np.abs(other)), 1.0)
    return float(np.max(np.abs(one - other) / scale))
