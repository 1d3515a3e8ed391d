"""Customers from a file as counts by cell: by their coordinates, or spread over the households of their ZIP."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.errors import InputError
from geoscore.ingest.inspect import inspect_file, propose_source
from geoscore.market.files import FileTable, read_columns
from geoscore.spatial.cells import cells_from_points
from geoscore.standardize.values import parse_zip
from geoscore.trade.areas import Customers

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.uint64]


def read_customers(
    path: Path,
    *,
    resolution: int,
    by_zip: Mapping[str, tuple[Cells, Floats]],
    weight: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Customers:
    """Read customers as counts by cell.

    Parameters
    ----------
    path
        A file with longitude and latitude, or with ZIPs, or both.
    resolution
        Of the cells.
    by_zip
        For each ZIP its cells and their share of its households: where customers are that have a ZIP alone.
    weight
        Column of what customers weigh, such as their gifts; one each by default.
    columns
        Which column is ``longitude``, ``latitude`` or ``zip``; found out by default.

    Raises
    ------
    InputError
        The file says nothing of where customers are, or no row can be used.
    """
    roles = dict(columns or {})
    if not roles:
        source = propose_source(inspect_file(path), name="customers")
        proposed = {} if source is None else source.columns
        roles = {role: str(proposed[role]) for role in ("longitude", "latitude", "zip") if role in proposed}
    has_point = "longitude" in roles and "latitude" in roles
    if not has_point and "zip" not in roles:
        raise InputError(
            f"{path} says nothing of where its customers are: it needs longitude and latitude, or a ZIP; geocode it"
            " first, or name columns as --column zip=POSTAL"
        )
    table = read_columns(path, [*roles.values(), *([weight] if weight else [])])
    count = table.rows - table.unreadable
    worth = np.ones(count) if weight is None else table.numbers(weight)
    rejected: Counter[str] = Counter({"no row of a table": table.unreadable})
    usable = np.isfinite(worth) & (worth >= 0)
    rejected[f"{weight} missing or negative"] += int((~usable).sum())
    cells, counts, weights = [], [], []
    placed = np.zeros(count, dtype=bool)
    if has_point:
        lon, lat = table.numbers(roles["longitude"]), table.numbers(roles["latitude"])
        known = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)  # noqa: PLR2004
        known &= (lon != 0) | (lat != 0)
        placed = usable & known
        cells.append(cells_from_points(lon[placed], lat[placed], resolution=resolution))
        counts.append(np.ones(int(placed.sum())))
        weights.append(worth[placed])
    spread = 0
    if "zip" in roles:
        spread = _spread_zips(table, roles["zip"], usable & ~placed, worth, by_zip, (cells, counts, weights), rejected)
    else:
        rejected["no point"] += int((usable & ~placed).sum())
    if not int(placed.sum()) + spread:
        told = "; ".join(f"{number:,} {why}" for why, number in rejected.items() if number)
        raise InputError(f"no customer of {path} can be placed: {told or 'there is none'}")
    notes: tuple[str, ...] = ()
    if spread:
        have = "customer has" if spread == 1 else "customers have"
        notes = (f"{spread:,} {have} a ZIP alone, spread over its households: no one area is sure",)
    return Customers.from_cells(
        np.concatenate(cells), np.concatenate(counts), np.concatenate(weights),
        rejected={why: number for why, number in rejected.items() if number}, notes=notes,
    )  # fmt: skip


def _spread_zips(
    table: FileTable,
    column: str,
    rest: npt.NDArray[np.bool_],
    worth: Floats,
    by_zip: Mapping[str, tuple[Cells, Floats]],
    into: tuple[list[Any], list[Any], list[Any]],
    rejected: Counter[str],
) -> int:
    """Spread customers with a ZIP alone over its cells, and return how many."""
    parsed = parse_zip(pa.array(table.text(column).tolist(), pa.string()))
    codes = np.array([code or "" for code in parsed.values.to_pylist()])
    rejected["no point and no ZIP"] += int((rest & (codes == "")).sum())
    spread = 0
    for code in np.unique(codes[rest]):
        if not code:
            continue
        rows = rest & (codes == code)
        number = int(rows.sum())
        if code not in by_zip:
            rejected["ZIP not in the surface"] += number
            continue
        cells, shares = by_zip[str(code)]
        into[0].append(cells)
        into[1].append(number * shares)
        into[2].append(float(worth[rows].sum()) * shares)
        spread += number
    return spread
