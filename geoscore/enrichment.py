"""Enrichment: what the census knows of the places where households were found.

Every (cell, ZIP) pair in use gets the mixture of census areas that live in it.
"""

import pandas as pd
import pyarrow as pa

from geoscore.schemas import MIX
from geoscore.tables import from_pandas, to_pandas


def mix_areas(kernel: pa.Table, ground: pa.Table) -> pa.Table:
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
    >>> mix_areas(kernel, ground)["share"].to_pylist()
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
