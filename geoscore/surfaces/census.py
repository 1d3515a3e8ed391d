"""The census universe: all households of a region, from its areas alone or from files raked to the areas' totals."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.surface_format import figures
from geoscore.surfaces.build import surface_of, with_all
from geoscore.surfaces.errors import Allocation, Errors, Links, Parts, alike
from geoscore.tables import to_pandas

Floats = npt.NDArray[np.float64]
PLACE = ["cell", "zip", "county"]


def census_surface(
    ground: pa.Table, area_ids: list[str], shares: Floats, errors: Errors, allocation: Allocation
) -> tuple[pa.Table, dict[str, Parts]]:
    """Build the surface of all households of a region, from what the census says of its areas.

    Parameters
    ----------
    ground
        Table of schema ``GROUND``: households of every area by cell and ZIP.
    area_ids
        Ids of the areas, n of them, in the order of what follows.
    shares
        Share of each area's households above each rung, shape (n, 25).
    errors
        How far these shares may be off.
    allocation
        How surely households lie on cells as ``ground`` says.

    Returns
    -------
    surface
        Table of schema ``SURFACE``.
    parts
        The parts of its variance by name.
    """
    rows, links, mass = _laid_out(ground, area_ids)
    totals = _sums(mass[:, None], links.area, len(area_ids))[:, 0]
    expected, parts = _from_areas(links, rows, mass, mass, with_all(shares), totals, totals, errors, allocation)
    return surface_of(rows, expected, parts), parts


def rake_surface(
    files: pa.Table,
    mix: pa.Table,
    ground: pa.Table,
    area_ids: list[str],
    shares: Floats,
    errors: Errors,
    allocation: Allocation,
    *,
    anchored: bool,
) -> tuple[pa.Table, dict[str, Parts]]:
    """Build the surface of all households of a region, some of which are known from files.

    Where an area has N households and p of them lie above a rung by the census, and the files know n of them of which
    y lie above it, the other N - n lie above it at the rate (N p - y) / (N - n): what files know moves households
    within the area and makes them surer, and never changes what the census counts. Files that know more households of
    an area than it has are scaled down to it.

    Parameters
    ----------
    files
        Table of schema ``SURFACE``: the households of the files.
    mix
        Table of schema ``MIX``: the areas of its rows.
    ground, area_ids, shares, errors, allocation
        As for ``census_surface``, at the files' resolution.
    anchored
        The census's shares count the same capacity as the files do; else the others are taken to have the area's own
        rate.
    """
    rows, links, mass = _laid_out(ground, area_ids, files)
    n = len(area_ids)
    known, at = _file_links(files, mix, rows, area_ids)
    totals = _sums(mass[:, None], links.area, n)[:, 0]
    in_files = _sums(known[:, :1], at.area, n)[:, 0]
    fits = np.divide(np.minimum(in_files, totals), in_files, out=np.zeros(n), where=in_files > 0)
    known = known * fits[at.area][:, None]
    sure = _sums(known, at.area, n)
    rest = np.maximum(totals - sure[:, 0], 0.0)
    p = with_all(shares)
    if anchored:
        left = np.divide(totals[:, None] * p - sure, rest[:, None], out=np.zeros_like(p), where=rest[:, None] > 0)
        p = np.minimum.accumulate(np.clip(left, 0.0, 1.0), axis=1)
    taken = _sums_by(at, known[:, 0], links)
    free = np.maximum(mass - taken, 0.0)
    all_free = _sums(free[:, None], links.area, n)[:, 0]
    placed = np.divide(free * rest[links.area], all_free[links.area], out=np.zeros(len(free)), where=free > 0)
    expected, parts = _from_areas(links, rows, placed, placed, p, rest, totals, errors, allocation)
    kept, told = _sums(known, at.row, len(rows)), _whole(files, rows)[:, :1]
    scale = np.divide(kept[:, :1], told, out=np.zeros_like(told), where=told > 0)
    parts["households of the files"] = _of_files(files, rows, scale)
    return surface_of(rows, expected + kept, parts), parts


def _laid_out(
    ground: pa.Table, area_ids: list[str], files: pa.Table | None = None
) -> tuple[pd.DataFrame, Links, Floats]:
    """Return the rows of a surface, their links to areas, and the census households of every link."""
    frame = to_pandas(ground)
    frame = frame[frame["households"] > 0]
    keys = [frame[PLACE]] if files is None else [frame[PLACE], to_pandas(files.select(PLACE))]
    every = pd.concat(keys, ignore_index=True)
    codes = every.groupby(PLACE, dropna=False, sort=True).ngroup().to_numpy(np.int64)
    rows = every.assign(code=codes).drop_duplicates("code").sort_values("code")[PLACE].reset_index(drop=True)
    place = pd.Series(np.arange(len(area_ids)), index=area_ids)
    area = place.loc[frame["area_id"]].to_numpy(np.int64)
    return rows, Links(rows, codes[: len(frame)], area), frame["households"].to_numpy(np.float64)


def _from_areas(
    links: Links,
    rows: pd.DataFrame,
    mass: Floats,
    doubtful: Floats,
    p: Floats,
    placed: Floats,
    surveyed: Floats,
    errors: Errors,
    allocation: Allocation,
) -> tuple[Floats, dict[str, Parts]]:
    """Return expected households that only the census knows, and the parts of their variance.

    ``mass`` are the households of every link, ``placed`` those of every area that are spread by it, ``p`` the areas'
    shares (areas, 26); the survey may be off for all ``surveyed`` households of an area, and what it is off by falls
    on these.
    """
    area = links.area
    here = p[area]
    share = np.divide(doubtful, placed[area], out=np.zeros(len(mass)), where=placed[area] > 0)
    doubt = (share * surveyed[area])[:, None] * np.sqrt(here * (1.0 - here))
    parts = {
        "households": alike(links.by_row(mass[:, None] * here * (1.0 - here))),
        "survey, area by area": links.covariances(doubt, errors.spread[area]),
        "survey, in common": links.together(links.by_row(doubt), errors.common_of(rows["county"])),
        "allocation to cells": links.allocations(share, allocation.scale(placed)[area][:, None] * here**2),
    }
    return links.by_row(mass[:, None] * here), parts


def _file_links(files: pa.Table, mix: pa.Table, rows: pd.DataFrame, area_ids: list[str]) -> tuple[Floats, Links]:
    """Return the files' households by row and area, those above each rung behind them, and the links."""
    shared = to_pandas(mix)
    numbered = rows.assign(row=np.arange(len(rows)))
    met = shared.merge(numbered, on=PLACE, how="inner")
    whole = _whole(files, rows)
    place = pd.Series(np.arange(len(area_ids)), index=area_ids)
    row, area = met["row"].to_numpy(np.int64), place.loc[met["area_id"]].to_numpy(np.int64)
    return whole[row] * met["share"].to_numpy(np.float64)[:, None], Links(rows, row, area)


def _whole(files: pa.Table, rows: pd.DataFrame) -> Floats:
    """Return the files' households of every row, and those above each rung: shape (rows, 26)."""
    values = figures(files)
    found = np.zeros((len(rows), 1 + values.at_least.shape[1]))
    found[_rows_of(files, rows)] = np.hstack([values.households[:, None], values.at_least])
    return found


def _rows_of(files: pa.Table, rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    keys = to_pandas(files.select(PLACE))
    return np.asarray(keys.merge(rows.assign(row=np.arange(len(rows))), on=PLACE, how="left")["row"], dtype=np.int64)


def _of_files(files: pa.Table, rows: pd.DataFrame, scale: Floats) -> Parts:
    """Return the variance of what files say of their own households."""
    values, at = figures(files), _rows_of(files, rows)
    found = [np.zeros((len(rows), values.variance.shape[1])) for _ in range(3)]
    for part, known in zip(found, (values.variance, values.zip_covariance, values.county_covariance), strict=True):
        part[at] = known * scale[at] ** 2
    return found[0], found[1], found[2]


def _sums(values: Floats, at: npt.NDArray[Any], size: int) -> Floats:
    return Links.sums(values, at, size)


def _sums_by(at: Links, values: Floats, links: Links) -> Floats:
    """Return the values of one set of links at the same row and area of another."""
    most = int(max(at.area.max(initial=0), links.area.max(initial=0))) + 1
    table = pd.Series(values).groupby(at.row * most + at.area).sum()
    return np.asarray(table.reindex(links.row * most + links.area).fillna(0.0), dtype=np.float64)
