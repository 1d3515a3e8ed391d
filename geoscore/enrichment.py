"""Enrichment: what the census knows of the places where households were found.

Every (cell, ZIP) pair in use gets the mixture of census areas that live in it.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.schemas import MIX
from geoscore.spatial.cells import cells_area_km2, parent_cells
from geoscore.tables import from_pandas, to_pandas

Floats = npt.NDArray[np.float64]
INCOMES: Final = (50_000.0, 100_000.0, 200_000.0)
"""Incomes whose shares describe a neighborhood, in US dollars."""
AREA_FIGURES: Final = (*(f"area_share_above_{int(usd / 1000)}k" for usd in INCOMES), "area_households_per_km2")


def mix_areas(kernel: pa.Table, *, ground: pa.Table) -> pa.Table:
    """Return the census areas of every (cell, ZIP) pair in use, with their shares of its households.

    Parameters
    ----------
    kernel
        Table of schema ``KERNEL``, whose ``cell``, ``zip`` and ``county`` are the pairs in use.
    ground
        Table of schema ``GROUND``.

    Returns
    -------
    Table of schema ``MIX``, sorted
        A pair that the census does not know (a file's own ZIP in a neighboring cell) takes its cell's mixture,
        and a cell without census households the mixture of its ZIP, else of its county.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.schemas import GROUND, KERNEL
    >>> place = {"cell": 1, "zip": "94301", "county": "06085"}
    >>> ground = pa.Table.from_pylist(
    ...     [place | {"area_id": "a", "households": 30.0}, place | {"area_id": "b", "households": 10.0}], schema=GROUND)
    >>> kernel = pa.Table.from_pylist([place | {"at_zip": "94301", "weight": 1.0}], schema=KERNEL)
    >>> mix_areas(kernel, ground=ground)["share"].to_pylist()
    [0.75, 0.25]
    """
    keys = ["cell", "zip", "county"]
    left = to_pandas(kernel.select(keys)).drop_duplicates()
    areas = to_pandas(ground)
    areas = areas[areas["households"] > 0]
    found = []
    for on in (["cell", "zip"], ["cell"], ["zip"], ["county"]):
        totals = areas.groupby([*on, "area_id"])["households"].sum().reset_index()
        part = left.merge(totals, on=on, how="inner")
        found.append(part)
        left = left.merge(part[keys].drop_duplicates(), on=keys, how="left", indicator=True)
        left = left.loc[left["_merge"] == "left_only", keys]
    mix = pd.concat([part for part in found if len(part)], ignore_index=True)
    mix["share"] = mix["households"] / mix.groupby(keys, dropna=False)["households"].transform("sum")
    mix = mix.sort_values([*keys, "area_id"])
    return from_pandas(mix, MIX)


def describe_places(
    homes: pa.Table, ground: pa.Table, area_ids: list[str], shares: Floats, *, resolution: int
) -> pa.Table:
    """Return what the census knows of where each household lives: the same for all of a cell, and no name of a place.

    Parameters
    ----------
    homes
        Columns ``cell``, at ``resolution`` or finer, and ``zip``; either may be null.
    ground
        Table of schema ``GROUND``.
    area_ids
        Ids of the areas, n of them.
    shares
        Share of each area's households above each of ``INCOMES``, shape (n, 3).
    resolution
        H3 resolution of ``ground``.

    Returns
    -------
    Table with the columns of ``AREA_FIGURES``, a row for each household
        Of its cell, else the mean over the households of its ZIP, else null.
    """
    areas = to_pandas(ground)
    areas = areas[areas["households"] > 0].reset_index(drop=True)
    at = pd.Series(np.arange(len(area_ids)), index=area_ids).loc[areas["area_id"]].to_numpy(np.int64)
    mass = areas["households"].to_numpy(np.float64)
    cells = areas["cell"].to_numpy(np.uint64)
    per_cell = pd.Series(mass).groupby(cells).sum()
    density = per_cell / cells_area_km2(per_cell.index.to_numpy(np.uint64))
    figures = np.column_stack([shares[at], density.loc[cells].to_numpy(np.float64)])
    frame = to_pandas(homes.select(["cell", "zip"]))
    known = frame["cell"].notna().to_numpy()
    where = np.zeros(len(frame), dtype=np.uint64)
    where[known] = parent_cells(frame.loc[known, "cell"].to_numpy(np.uint64), resolution=resolution)
    by_cell = _means(figures, mass, pd.Series(cells)).reindex(where).to_numpy(np.float64)
    by_zip = _means(figures, mass, areas["zip"]).reindex(frame["zip"]).to_numpy(np.float64)
    found = np.where(np.isnan(by_cell), by_zip, by_cell)
    columns = [pa.array(found[:, i], from_pandas=True) for i in range(found.shape[1])]
    return pa.Table.from_arrays(columns, names=list(AREA_FIGURES))


def _means(figures: Floats, mass: Floats, place: "pd.Series[Any]") -> pd.DataFrame:
    weighed = pd.DataFrame(figures * mass[:, None]).groupby(place.to_numpy()).sum()
    return weighed.div(pd.Series(mass).groupby(place.to_numpy()).sum(), axis=0)
