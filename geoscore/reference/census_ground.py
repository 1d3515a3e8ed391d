"""A ground that is given: census households by H3 cell, ZIP, county and area, as somebody has laid them out before."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geoscore.errors import InputError, missing_column, missing_file
from geoscore.schemas import GROUND
from geoscore.tables import to_pandas


def read_ground(path: Path) -> pa.Table:
    """Read a ground: Parquet with the columns of ``GROUND``.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        A column is missing, cells are of several resolutions or no H3 cells, or households are missing or negative.

    Examples
    --------
    >>> import tempfile
    >>> row = {"cell": 0x872834744FFFFFF, "zip": "94301", "county": "06085", "area_id": "a", "households": 9.0}
    >>> path = Path(tempfile.mkdtemp()) / "ground.parquet"
    >>> pq.write_table(pa.Table.from_pylist([row], schema=GROUND), path)
    >>> read_ground(path).num_rows
    1
    """
    if not path.exists():
        raise missing_file(path, needed="ground of the census section")
    try:
        names = pq.read_schema(path).names
        missing = [name for name in GROUND.names if name not in names]
        if missing:
            raise missing_column(missing[0], path, names, needed=f"a ground has {', '.join(GROUND.names)}")
        table = pq.read_table(path, columns=GROUND.names).cast(GROUND)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as a ground: {error}") from error
    if table.num_rows == 0:
        raise InputError(f"{path} holds no cell")
    for name in ("cell", "county", "area_id", "households"):
        if table[name].null_count:
            raise InputError(f"{path}: {name} is missing in {table[name].null_count:,} rows")
    if pc.min(table["households"]).as_py() < 0:
        raise InputError(f"{path}: a row has fewer than no households")
    resolutions = np.unique(np.right_shift(table["cell"].to_numpy(), np.uint64(52)) & np.uint64(0xF))
    if len(resolutions) > 1:
        raise InputError(f"{path}: cells are of the resolutions {', '.join(map(str, resolutions))}; give one")
    return table


def areas_on(ground: pa.Table) -> pd.DataFrame:
    """Return the areas of a ground: ``area_id``, ``county`` of most of its households, and ``households``."""
    frame = to_pandas(ground.select(["area_id", "county", "households"]))
    totals = frame.groupby(["area_id", "county"], sort=True)["households"].sum().reset_index()
    areas = totals.sort_values("households", ascending=False, kind="stable").drop_duplicates("area_id")
    sums = totals.groupby("area_id")["households"].sum()
    return areas.assign(households=areas["area_id"].map(sums)).sort_values("area_id").reset_index(drop=True)
