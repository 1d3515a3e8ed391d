"""A result as a table and a layer: rows of plain values, and where they have one, their shapes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import shapely


@dataclass(frozen=True)
class Layer:
    """Rows with the same keys, and their shapes.

    Attributes
    ----------
    title
        What the rows are.
    rows
        Plain values, ready for JSON.
    shapes
        Polygons or points in degrees of WGS 84, one a row; None where rows have no place.
    name
        The key by which people call a row.
    notes
        What was assumed, left out or is to be known.
    more
        Other tables that belong to it, by name.

    Examples
    --------
    >>> Layer("areas", ({"area": "office, 5 km", "estimate": 10.0},)).to_pandas().shape
    (1, 2)
    """

    title: str
    rows: tuple[dict[str, Any], ...]
    shapes: "tuple[shapely.Geometry, ...] | None" = None
    name: str = "area"
    notes: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a pandas frame, one row each."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))

    def to_geopandas(self) -> "gpd.GeoDataFrame":
        """Return a GeoDataFrame in WGS 84.

        Raises
        ------
        InputError
            The rows have no shapes.
        """
        import geopandas as gpd

        from geoscore.errors import InputError

        if self.shapes is None:
            raise InputError(f"{self.title} have no place on a map; take --format table, json or csv")
        return gpd.GeoDataFrame(list(self.rows), geometry=list(self.shapes), crs=4326)

    def named_shapes(self) -> "Sequence[tuple[str, shapely.Geometry, dict[str, Any]]]":
        """Return name, shape and figures of every row: what a map draws."""
        shapes = self.shapes or ()
        return [(str(row[self.name]), shape, row) for row, shape in zip(self.rows, shapes, strict=False)]
