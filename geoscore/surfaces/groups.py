"""Households counted by position and level of evidence, packed small: all arithmetic happens on these counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.engines import Frame
from geoscore.schemas import GROUP
from geoscore.tables import Table, first_rows, number_rows, to_pandas

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
LEVEL_COLUMNS: Final = ("known_bin", "income_known", "income_low_usd", "income_high_usd", "multiplier", "evidence")
POSITION: Final = ("cell", "zip", "spread_m")
AT: Final = [f"at_{name}" for name in POSITION]


@dataclass(frozen=True)
class GroupCounts:
    """Households by position and level.

    Attributes
    ----------
    positions
        Table of ``cell``, ``zip`` and ``spread_m``, sorted, one row a position.
    levels
        The columns of a level of evidence, sorted, one row a level.
    position, level
        Row numbers in both, shape (g,).
    households
        That share them, shape (g,).
    """

    positions: pa.Table
    levels: pd.DataFrame
    position: Codes
    level: Codes
    households: Floats

    def at_positions(self, wanted: npt.NDArray[np.bool_]) -> "GroupCounts":
        """Return the counts at some of the positions."""
        kept = wanted[self.position]
        numbers = np.cumsum(wanted, dtype=np.int32) - 1
        return GroupCounts(
            self.positions.filter(pa.array(wanted)),
            self.levels,
            numbers[self.position[kept]],
            self.level[kept],
            self.households[kept],
        )

    def by_position(self) -> Floats:
        """Return the households at each position."""
        return np.bincount(self.position, self.households, minlength=self.positions.num_rows).astype(np.float64)


def count_groups(scored: Table) -> pa.Table:
    """Count the households that share a position and a level of evidence.

    Parameters
    ----------
    scored
        Table of schema ``SCORED``.

    Returns
    -------
    Table of schema ``GROUP``, sorted
    """
    keys = [name for name in GROUP.names if name != "households"]

    def group(frame: Frame) -> Frame:
        return frame.group_by(*keys).agg(nw.len().cast(nw.Int64).alias("households"))

    return scored.derive(GROUP, group).collect().sort_by([(name, "ascending") for name in keys])


def pack_groups(batches: Iterable[pa.RecordBatch]) -> GroupCounts:
    """Return groups packed: a number for the position, a number for the level, and a count.

    Parameters
    ----------
    batches
        Of schema ``GROUP``, in any order; the result does not depend on it.

    Examples
    --------
    >>> rows = [{"cell": 2, "known_bin": 1, "households": 4}, {"cell": 1, "known_bin": 1, "households": 3}]
    >>> counts = pack_groups([pa.RecordBatch.from_pylist(rows, schema=GROUP)])
    >>> counts.positions["cell"].to_pylist(), counts.by_position().tolist(), len(counts.levels)
    ([1, 2], [3.0, 4.0], 1)
    """
    zips: dict[str | None, int] = {}
    levels: dict[tuple[object, ...], int] = {}
    packed: list[tuple[npt.NDArray[np.generic], ...]] = []
    for batch in batches:
        cell = pc.fill_null(batch["cell"], 0).to_numpy(zero_copy_only=False)
        spread = pc.fill_null(batch["spread_m"], -1).to_numpy(zero_copy_only=False)
        zip_at = _numbered(batch["zip"], zips)
        level = _level_numbers(batch, levels)
        packed.append((cell, zip_at, spread, level, batch["households"].to_numpy().astype(np.int32)))
    if not packed:
        packed = [(np.zeros(0, np.uint64), *(np.zeros(0, np.int32) for _ in range(4)))]
    cell, zip_at, spread, level, households = (np.concatenate(column) for column in zip(*packed, strict=True))
    del packed
    zip_names, zip_rank = _ranked(zips)
    positions, position = _positions(cell, zip_rank[zip_at], spread, zip_names)
    del cell, zip_at, spread
    table, level_rank = _sorted_levels(levels)
    key = position.astype(np.int64) * max(len(table), 1) + level_rank[level]
    del position, level
    order = np.argsort(key)
    key = key[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    summed = np.add.reduceat(households[order], starts, dtype=np.float64) if len(key) else np.zeros(0)
    at, level = np.divmod(key[starts], max(len(table), 1))
    return GroupCounts(positions, table, at.astype(np.int32), level.astype(np.int32), summed)


def _positions(
    cell: npt.NDArray[np.uint64], zip_rank: Codes, spread: Codes, zip_names: list[str | None]
) -> tuple[pa.Table, Codes]:
    """Return the distinct positions, sorted, and the number of each row's."""
    at_cell = pc.dictionary_encode(pa.array(cell))
    at_spread = pc.dictionary_encode(pa.array(spread))
    key = at_cell.indices.to_numpy().astype(np.int64) * max(len(zip_names), 1) + zip_rank
    key = key * max(len(at_spread.dictionary), 1) + at_spread.indices.to_numpy()
    encoded = pc.dictionary_encode(pa.array(key))
    key, at_spread_code = np.divmod(encoded.dictionary.to_numpy(), max(len(at_spread.dictionary), 1))
    at_cell_code, zip_at = np.divmod(key, max(len(zip_names), 1))
    cell, spread = at_cell.dictionary.to_numpy()[at_cell_code], at_spread.dictionary.to_numpy()[at_spread_code]
    order = np.lexsort((spread, zip_at, cell))
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    cell, zip_at, spread = cell[order], zip_at[order], spread[order]
    positions = pa.table(
        {
            "cell": pa.array(cell.astype(np.uint64), mask=cell == 0),
            "zip": pa.array(zip_names, pa.string()).take(pa.array(zip_at)),
            "spread_m": pa.array(spread.astype(np.int32), mask=spread < 0),
        },
        schema=pa.schema([GROUP.field(name) for name in POSITION]),
    )
    return positions, rank[encoded.indices.to_numpy()]


def _numbered(column: pa.Array, numbers: dict[str | None, int]) -> Codes:
    """Return the numbers of texts, giving new ones to those that are met for the first time."""
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    known = [numbers.setdefault(text, len(numbers)) for text in encoded.dictionary.to_pylist()]
    return np.array([*known, 0], dtype=np.int32)[encoded.indices.to_numpy(zero_copy_only=False)]


def _level_numbers(batch: pa.RecordBatch, numbers: dict[tuple[object, ...], int]) -> Codes:
    """Return the numbers of levels, giving new ones to those that are met for the first time."""
    key, size = number_rows(batch, LEVEL_COLUMNS)
    first = first_rows(key, size)
    rows = zip(*(batch[name].take(first).to_pylist() for name in LEVEL_COLUMNS), strict=True)
    known = [numbers.setdefault(row, len(numbers)) for row in rows]
    return np.array([*known, 0], dtype=np.int32)[key]


def _ranked(numbers: dict[str | None, int]) -> tuple[list[str | None], Codes]:
    """Return texts in their order, missing last, and the place of each number among them."""
    names = sorted(numbers, key=lambda text: (text is None, text or ""))
    rank = np.zeros(len(names) + 1, dtype=np.int32)
    for place, name in enumerate(names):
        rank[numbers[name]] = place
    return names, rank


def _sorted_levels(numbers: dict[tuple[object, ...], int]) -> tuple[pd.DataFrame, Codes]:
    schema = pa.schema([GROUP.field(name) for name in LEVEL_COLUMNS])
    columns = list(zip(*numbers, strict=True)) or [()] * len(LEVEL_COLUMNS)
    table = pa.table([pa.array(column, item.type) for column, item in zip(columns, schema, strict=True)], schema=schema)
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in LEVEL_COLUMNS]).to_numpy()
    rank = np.zeros(len(order) + 1, dtype=np.int32)
    rank[np.fromiter(numbers.values(), np.int64, len(numbers))[order]] = np.arange(len(order))
    return to_pandas(table.take(pa.array(order))), rank
