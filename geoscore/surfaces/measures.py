"""Measures beside the ladder: sums over households, such as dollars expected, spread over places as households are."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from geoscore.spatial.cells import parent_cells
from geoscore.tables import to_pandas

PLACE = ["cell", "zip", "county"]
AT = ["at_cell", "at_zip", "at_spread_m"]


def spread_measures(positions: pa.Table, kernel: pa.Table, names: Sequence[str], *, resolution: int) -> pa.Table:
    """Return the sums of measures over (cell, ZIP) pairs.

    Parameters
    ----------
    positions
        Columns ``cell``, ``zip``, ``spread_m`` and the measures: sums over the households of each position.
    kernel
        Table of schema ``KERNEL`` with a row for every position.
    names
        The measures.
    resolution
        H3 resolution of the pairs, not finer than the kernel's.

    Returns
    -------
    Table with ``cell``, ``zip``, ``county`` and the measures; their sums are those of ``positions``.
    """
    at = to_pandas(positions).rename(columns=dict(zip(["cell", "zip", "spread_m"], AT, strict=True)))
    joined = to_pandas(kernel).merge(at, on=AT, how="inner")
    known = joined["cell"].notna()
    parents = parent_cells(joined.loc[known, "cell"].to_numpy(np.uint64), resolution=resolution)
    joined.loc[known, "cell"] = pd.array(parents, dtype="UInt64")
    for name in names:
        joined[name] = joined[name] * joined["weight"]
    summed = joined.groupby(PLACE, dropna=False, sort=True)[list(names)].sum().reset_index()
    schema = pa.schema([kernel.schema.field(name) for name in PLACE] + [(name, pa.float64()) for name in names])
    return pa.Table.from_pandas(summed[schema.names], schema=schema, preserve_index=False)
