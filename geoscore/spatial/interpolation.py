"""Areal interpolation: households of census areas become households of (cell, ZIP) pairs.

The result is a table of shares that is kept; shares of an area sum to 1, so that no household is lost or made.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.errors import InputError
from geoscore.schemas import GROUND
from geoscore.spatial.cells import cells_from_polygons, parent_cells
from geoscore.tables import from_pandas

if TYPE_CHECKING:
    import shapely

FINER: Final = 2
"""Areas are laid out on cells this many resolutions finer: 49 to a working cell, 0.015 km2 each at res 10."""

CONSERVED: Final = 1e-9
"""Largest relative difference of households before and after, beyond which a run stops (METHODS 4)."""


def interpolate_households(
    *,
    area_ids: Sequence[str],
    counties: Sequence[str],
    households: npt.NDArray[np.float64],
    areas: "Sequence[shapely.Geometry]",
    zips: Sequence[str],
    zip_areas: "Sequence[shapely.Geometry]",
    resolution: int,
) -> pa.Table:
    """Spread the households of census areas over the (cell, ZIP) pairs that they cover.

    Each area is laid out on cells two resolutions finer, its households spread evenly over them; a fine cell takes
    the ZIP area that its center lies in. This is area weighting with H3 cells as the common grid.

    Parameters
    ----------
    area_ids, counties, households, areas
        The census areas, n of each: text id, county FIPS code, households, polygon in WGS 84 degrees.
    zips, zip_areas
        ZIP codes and their areas, m of each.
    resolution
        H3 resolution of the cells.

    Returns
    -------
    Table of schema ``GROUND``, sorted
        One row per (cell, ZIP, area); households sum to the areas' own. The county is that of most of the
        ZIP's households, so that cells nest in ZIPs and ZIPs in counties.

    Raises
    ------
    InputError
        An area with households has no polygon, so that they would be lost.

    Examples
    --------
    >>> import numpy as np
    >>> from shapely import box
    >>> ground = interpolate_households(
    ...     area_ids=["a"], counties=["06085"], households=np.array([100.0]), areas=[box(-122.2, 37.4, -122.1, 37.5)],
    ...     zips=["94301"], zip_areas=[box(-122.2, 37.4, -122.1, 37.5)], resolution=7,
    ... )
    >>> round(sum(ground["households"].to_pylist()), 9)
    100.0
    """
    index, fine = cells_from_polygons(areas, resolution=resolution + FINER)
    share = 1.0 / np.bincount(index, minlength=len(area_ids))[index]
    pieces = pd.DataFrame(
        {
            "fine": fine,
            "area_id": np.asarray(area_ids, dtype=object)[index],
            "area_county": np.asarray(counties, dtype=object)[index],
            "households": households[index] * share,
        }
    )
    zip_index, zip_fine = cells_from_polygons(zip_areas, resolution=resolution + FINER)
    zip_of = pd.DataFrame({"fine": zip_fine, "zip": np.asarray(zips, dtype=object)[zip_index]})
    pieces = pieces.merge(zip_of.sort_values("zip").drop_duplicates("fine"), on="fine", how="left")
    pieces["cell"] = parent_cells(pieces["fine"].to_numpy(np.uint64), resolution=resolution)
    pieces = pieces.merge(_county_of_zip(pieces), on="zip", how="left")
    pieces["county"] = pieces["county"].fillna(pieces["area_county"])
    keys = ["cell", "zip", "county", "area_id"]
    ground = pieces.groupby(keys, dropna=False, sort=True)["households"].sum().reset_index()
    _certify(before=float(households.sum()), after=float(ground["households"].sum()))
    return from_pandas(ground, GROUND)


def _county_of_zip(pieces: pd.DataFrame) -> pd.DataFrame:
    """Return, for each ZIP, the county where most of its households live."""
    totals = pieces.groupby(["zip", "area_county"], sort=True)["households"].sum().reset_index()
    largest = totals.sort_values(["households", "area_county"], ascending=[False, True]).drop_duplicates("zip")
    return largest.rename(columns={"area_county": "county"})[["zip", "county"]]


def _certify(*, before: float, after: float) -> None:
    if abs(after - before) > CONSERVED * max(before, 1.0):
        raise InputError(
            f"areal interpolation does not conserve households: {before:,.3f} before, {after:,.3f} after; "
            "some area with households has an empty polygon"
        )
