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
from geoscore.spatial.cells import cell_centers, cells_from_points, cells_from_polygons, parent_cells
from geoscore.spatial.centers import lean_shares
from geoscore.tables import from_pandas, to_pandas

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
    points: pd.DataFrame | None = None,
    centers: npt.NDArray[np.float64] | None = None,
) -> pa.Table:
    """Spread the households of census areas over the (cell, ZIP) pairs that they cover.

    Each area is laid out on cells two resolutions finer, its households spread evenly over them, or as its points
    say where there are any; a fine cell takes the ZIP area that its center lies in. This is area weighting, or point
    weighting, with H3 cells as the common grid.

    Parameters
    ----------
    area_ids, counties, households, areas
        The census areas, n of each: text id, county FIPS code, households, polygon in WGS 84 degrees.
    zips, zip_areas
        ZIP codes and their areas, m of each.
    resolution
        H3 resolution of the cells.
    points
        Where people live inside areas: ``area_id``, ``weight``, ``longitude``, ``latitude``.
    centers
        Longitude and latitude of the areas' centers of population, shape (n, 2), NaN where unknown: areas without
        points are spread as evenly as their center allows.

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
    if centers is not None:
        share, _ = lean_shares(index, *cell_centers(fine), centers)
    if points is not None and len(points):
        index, fine, share = _by_points(points, list(area_ids), index, fine, share, resolution=resolution + FINER)
    pieces = households[index] * share
    zip_names = np.unique(np.asarray(zips, dtype=object))
    zip_at = _zip_of(fine, zips, zip_areas, zip_names, resolution=resolution + FINER)
    cells, cell_at = np.unique(parent_cells(fine, resolution=resolution), return_inverse=True)
    key = (cell_at * (len(zip_names) + 1) + zip_at) * len(area_ids) + index
    found, at = np.unique(key, return_inverse=True)
    rest, area_at = np.divmod(found, len(area_ids))
    cell_at, zip_at = np.divmod(rest, len(zip_names) + 1)
    ground = pd.DataFrame(
        {
            "cell": cells[cell_at],
            "zip": np.array([*zip_names, None], dtype=object)[zip_at],
            "area_id": np.asarray(area_ids, dtype=object)[area_at],
            "area_county": np.asarray(counties, dtype=object)[area_at],
            "households": np.bincount(at, pieces, minlength=len(found)),
        }
    )
    ground = ground.merge(_county_of_zip(ground), on="zip", how="left")
    ground["county"] = ground["county"].fillna(ground["area_county"])
    ground = ground.sort_values(["cell", "zip", "county", "area_id"], ignore_index=True)
    _certify(before=float(households.sum()), after=float(ground["households"].sum()))
    return from_pandas(ground, GROUND)


def _zip_of(
    fine: npt.NDArray[np.uint64],
    zips: Sequence[str],
    zip_areas: "Sequence[shapely.Geometry]",
    zip_names: npt.NDArray[np.object_],
    *,
    resolution: int,
) -> npt.NDArray[np.int64]:
    """Return the number of the ZIP that the center of every fine cell lies in, the first of several; n where none."""
    index, zip_fine = cells_from_polygons(zip_areas, resolution=resolution)
    number = np.searchsorted(zip_names, np.asarray(zips, dtype=object))[index]
    order = np.lexsort((number, zip_fine))
    known, first = np.unique(zip_fine[order], return_index=True)
    if len(known) == 0:
        return np.full(len(fine), len(zip_names))
    place = np.minimum(np.searchsorted(known, fine), len(known) - 1)
    return np.where(known[place] == fine, number[order][first][place], len(zip_names))


def _by_points(
    points: pd.DataFrame,
    area_ids: list[str],
    index: npt.NDArray[np.int64],
    fine: npt.NDArray[np.uint64],
    share: npt.NDArray[np.float64],
    *,
    resolution: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64], npt.NDArray[np.float64]]:
    """Return areas, fine cells and shares, with those of areas that have points taken from their points."""
    at = pd.Series(np.arange(len(area_ids)), index=area_ids).loc[points["area_id"]].to_numpy(np.int64)
    cells = cells_from_points(points["longitude"].to_numpy(), points["latitude"].to_numpy(), resolution=resolution)
    weight = points["weight"].to_numpy(float)
    weight = weight / np.bincount(at, weight, len(area_ids))[at]
    without = ~np.isin(index, at)
    return (
        np.concatenate([index[without], at]),
        np.concatenate([fine[without], cells]),
        np.concatenate([share[without], weight]),
    )


def spread_variables(ground: pa.Table, values: pd.DataFrame, *, extensive: Sequence[str]) -> pd.DataFrame:
    """Carry variables of census areas to (cell, ZIP) pairs.

    Parameters
    ----------
    ground
        Table of schema ``GROUND``.
    values
        One row an area by its id, one column a variable.
    extensive
        Variables that count something, and are spread so that sums are kept; all others (medians, rates) are averaged
        by households.

    Returns
    -------
    DataFrame
        ``cell``, ``zip``, ``county`` and the variables; NaN where no area tells.

    Raises
    ------
    InputError
        An extensive variable is not conserved, for areas of it have no households to be spread by.

    Examples
    --------
    >>> place = {"zip": "94301", "county": "06085"}
    >>> ground = pa.Table.from_pylist(
    ...     [place | {"cell": 1, "area_id": "a", "households": 30.0},
    ...      place | {"cell": 2, "area_id": "a", "households": 10.0}], schema=GROUND)
    >>> found = spread_variables(ground, pd.DataFrame({"owners": [20.0], "rent": [1500.0]}, index=["a"]),
    ...                          extensive=["owners"])
    >>> found["owners"].tolist(), found["rent"].tolist()
    ([15.0, 5.0], [1500.0, 1500.0])
    """
    frame = to_pandas(ground)
    keys = ["cell", "zip", "county"]
    totals = frame.groupby("area_id")["households"].transform("sum")
    share = (frame["households"] / totals.where(totals > 0)).fillna(0.0)
    at = values.reindex(frame["area_id"])
    found = frame[keys].copy()
    for name in values:
        told = at[name].to_numpy(float)
        if name in extensive:
            found[name] = np.nan_to_num(told) * share.to_numpy()
            _certify(before=float(values[name].sum()), after=float(found[name].sum()), what=str(name))
        else:
            found[name] = told * frame["households"].to_numpy()
            found[f"{name} by"] = np.where(np.isnan(told), 0.0, frame["households"].to_numpy())
    summed = found.groupby(keys, dropna=False, sort=True).sum().reset_index()
    for name in values:
        if name not in extensive:
            by = summed.pop(f"{name} by")
            summed[name] = summed[name] / by.where(by > 0)
    return summed


def coarser_ground(ground: pa.Table, *, resolution: int) -> pa.Table:
    """Return the ground with every cell replaced by its ancestor: plain sums.

    Parameters
    ----------
    ground
        Table of schema ``GROUND``.
    resolution
        H3 resolution, not finer than the ground's.
    """
    frame = to_pandas(ground)
    frame["cell"] = parent_cells(frame["cell"].to_numpy(np.uint64), resolution=resolution)
    keys = ["cell", "zip", "county", "area_id"]
    return from_pandas(frame.groupby(keys, dropna=False, sort=True)["households"].sum().reset_index(), GROUND)


def _county_of_zip(pieces: pd.DataFrame) -> pd.DataFrame:
    """Return, for each ZIP, the county where most of its households live."""
    totals = pieces.groupby(["zip", "area_county"], sort=True)["households"].sum().reset_index()
    largest = totals.sort_values(["households", "area_county"], ascending=[False, True]).drop_duplicates("zip")
    return largest.rename(columns={"area_county": "county"})[["zip", "county"]]


def _certify(*, before: float, after: float, what: str = "households") -> None:
    if abs(after - before) > CONSERVED * max(before, 1.0):
        raise InputError(
            f"areal interpolation does not conserve {what}: {before:,.3f} before, {after:,.3f} after; "
            "some area that has any has an empty polygon or no households"
        )


def concentration(square_m: npt.NDArray[np.float64], households: npt.NDArray[np.float64], whole: pd.Series) -> float:
    """Return how surely households lie evenly on land: the concentration of a Dirichlet distribution around it.

    Estimated where the truth is known, one level up: parts (block groups) of wholes (tracts) hold households by
    Dirichlet shares whose means are their shares of the land; by the method of moments,
    ``sum (observed - mean)^2 = sum mean (1 - mean) / (k + 1)``.

    Parameters
    ----------
    square_m, households
        Land and households of the parts, shape (n,).
    whole
        What each part belongs to, n labels.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> land, of = rng.uniform(1, 3, 3000), pd.Series(np.repeat(np.arange(1000), 3))
    >>> mean = land / of.map(pd.Series(land).groupby(of.to_numpy()).sum()).to_numpy()
    >>> shares = np.concatenate([rng.dirichlet(5.0 * part) for part in mean.reshape(-1, 3)])
    >>> 4.5 < concentration(land, 1000 * shares, of) < 5.5
    True
    """
    labels = whole.to_numpy()

    def share(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        total = pd.Series(values).groupby(labels).transform("sum").to_numpy()
        return np.divide(values, total, out=np.zeros(len(values)), where=total > 0)

    mean, observed = share(square_m), share(households)
    off, even = float(((observed - mean) ** 2).sum()), float((mean * (1.0 - mean)).sum())
    return max(even / off - 1.0, 0.1) if off > 0 and even > 0 else 1.0
