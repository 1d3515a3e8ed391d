"""One pass over a file whose rows are households: each batch is mapped, located, scored and counted at once.

The same pure functions as stage by stage, one after the other in memory, so that no household is written anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.capacity import FIELDS, NOTHING, Evidence, contradiction_kinds, score_batch
from geoscore.formulas import Formula
from geoscore.geocoding import locate_batch
from geoscore.ingest import OUTSIDE, MappedBatch, Suppression, map_batch
from geoscore.project import Source
from geoscore.schemas import EVIDENCE, GROUP, HOUSEHOLD, TALLY
from geoscore.standardize import DateOrder
from geoscore.tables import first_rows, number_rows

LOST: Final = "the household has no place"
LABELLED: Final = pa.schema([HOUSEHOLD.field(name) for name in ("household_id", "income_usd", *FIELDS)])
KEYS: Final = tuple(name for name in GROUP.names if name != "households")


@dataclass(frozen=True)
class Tally:
    """Counts the rows of a file by position and level of evidence; a pure function of a batch and its row numbers.

    Attributes
    ----------
    source
        The source of the project file; every mapped column is there.
    as_of
        Day on which ages are counted.
    cells
        Cells of the region at the working resolution, sorted, uint64.
    zips
        Standard distance in meters of every ZIP with households.
    without_homes
        Known ZIPs where no household lives.
    resolution
        The working resolution.
    formula, evidence
        What capacity is, and what other figures say of income.
    suppression
        Who opted out.
    """

    source: Source
    as_of: date
    cells: npt.NDArray[np.uint64]
    zips: Mapping[str, float]
    without_homes: frozenset[str]
    resolution: int
    formula: Formula
    evidence: Evidence = NOTHING
    suppression: Suppression | None = None
    date_order: DateOrder = "mdy"

    def __call__(self, batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> pa.RecordBatch:
        """Return the counts of a batch, of schema ``TALLY``."""
        mapped, located, outside = self.locate(batch, rows)
        records, lost = mapped.records, located["reason"].is_valid()
        parts = [_rejected(mapped.rejected)]
        if pc.any(outside).as_py():
            gone = records.filter(outside)
            where = [f"longitude, latitude: {x}, {y}" for x, y in zip(gone["longitude"], gone["latitude"], strict=True)]
            parts.append(_refusals(gone, pa.array([OUTSIDE] * len(gone), pa.string()), pa.array(where, pa.string())))
        if pc.any(lost).as_py():
            gone = records.filter(lost)
            parts.append(_refusals(gone, located["reason"].filter(lost), pa.array([LOST] * len(gone), pa.string())))
        unplaced = pc.or_(lost, outside)
        if pc.any(unplaced).as_py():
            located = located.filter(pc.invert(unplaced))
        counted = {("mended", what): count for what, count in mapped.mended.items()}
        for kind, found in contradiction_kinds(self.formula, figures_of(located)).items():
            counted["contradiction", kind] = int(found.sum())
        parts.append(_counted({key: count for key, count in counted.items() if count}))
        parts.append(count_batch(score_batch(located, self.formula, self.evidence)))
        return pa.Table.from_batches(parts, schema=TALLY).combine_chunks().to_batches()[0]

    def locate(
        self, batch: pa.RecordBatch, rows: npt.NDArray[np.int64]
    ) -> tuple[MappedBatch, pa.RecordBatch, pa.Array]:
        """Return what became of a batch's rows, the places of its records, and which lie outside the region."""
        mapped = map_batch(
            batch,
            rows,
            source=self.source,
            as_of=self.as_of,
            suppression=self.suppression,
            date_order=self.date_order,
        )
        located = locate_batch(
            _households(mapped.records), self.zips, resolution=self.resolution, without_homes=self.without_homes
        )
        return mapped, located, self._outside(located)

    def _outside(self, located: pa.RecordBatch) -> pa.Array:
        """Return which households have coordinates outside the region."""
        encoded = pc.dictionary_encode(located["cell"])
        found = encoded.dictionary.to_numpy()
        place = np.minimum(np.searchsorted(self.cells, found), len(self.cells) - 1)
        outside = pa.array(self.cells[place] != found)
        return pc.fill_null(outside.take(encoded.indices), fill_value=False)


@dataclass(frozen=True)
class Labels:
    """Picks the rows of a file from which evidence on incomes is learned: those that have a place and an income.

    Attributes
    ----------
    tally
        Reads and places the rows.
    """

    tally: Tally

    def __call__(self, batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> pa.RecordBatch:
        """Return these rows of a batch, of schema ``LABELLED``."""
        mapped, located, outside = self.tally.locate(batch, rows)
        placed = pc.and_(located["reason"].is_null(), pc.invert(outside))
        known = mapped.records.filter(pc.and_(placed, mapped.records["income_usd"].is_valid()))
        ids = pc.binary_join_element_wise(known["source"], known["row"].cast(pa.string()), ":")
        columns = [ids if item.name == "household_id" else known[item.name] for item in LABELLED]
        return pa.RecordBatch.from_arrays(columns, schema=LABELLED)


def _households(records: pa.RecordBatch) -> pa.RecordBatch:
    """Return records as households whose positions are those of their file."""
    n = len(records)
    columns = {name: records[name] for name in ("zip", "longitude", "latitude", *EVIDENCE)}
    arrays = [columns[item.name] if item.name in columns else pa.nulls(n, item.type) for item in HOUSEHOLD]
    return pa.RecordBatch.from_arrays(arrays, schema=HOUSEHOLD)


def figures_of(located: pa.RecordBatch) -> dict[str, npt.NDArray[np.float64]]:
    """Return the evidence columns of a batch, NaN where unknown."""
    return {name: located[name].to_numpy(zero_copy_only=False).astype(np.float64, copy=False) for name in EVIDENCE}


def _tally(columns: dict[str, Any], size: int) -> pa.RecordBatch:
    arrays = [columns[item.name] if item.name in columns else pa.nulls(size, item.type) for item in TALLY]
    return pa.RecordBatch.from_arrays(arrays, schema=TALLY)


def _rejected(rejected: pa.RecordBatch) -> pa.RecordBatch:
    return _refusals(rejected, rejected["reason"], rejected["detail"])


def _refusals(rows: pa.RecordBatch, reason: pa.Array, detail: pa.Array) -> pa.RecordBatch:
    n = len(rows)
    columns = {
        "kind": pa.array(["rejected"] * n, pa.string()),
        "households": pa.array(np.ones(n, dtype=np.int64)),
        **{name: rows[name] for name in ("row", "record_id")},
        "reason": reason,
        "detail": detail,
    }
    return _tally(columns, n)


def _counted(counts: dict[tuple[str, str], int]) -> pa.RecordBatch:
    columns = {
        "kind": pa.array([kind for kind, _ in counts], pa.string()),
        "reason": pa.array([what for _, what in counts], pa.string()),
        "households": pa.array(list(counts.values()), pa.int64()),
    }
    return _tally(columns, len(counts))


def count_batch(scored: pa.RecordBatch) -> pa.RecordBatch:
    """Return the groups of a batch of scored households, as rows of ``TALLY``.

    Examples
    --------
    >>> from geoscore.schemas import SCORED
    >>> rows = [{"zip": "94301", "known_bin": 3}, {"zip": "94301", "known_bin": 3}, {"zip": "94303", "known_bin": 3}]
    >>> counted = count_batch(pa.RecordBatch.from_pylist(rows, schema=SCORED))
    >>> counted["zip"].to_pylist(), counted["households"].to_pylist()
    (['94301', '94303'], [2, 1])
    """
    key, groups = number_rows(scored, KEYS)
    kept = scored.take(first_rows(key, groups))
    counts = pa.array(np.bincount(key, minlength=groups))
    columns = {name: kept[name] for name in KEYS}
    return _tally({**columns, "kind": pa.repeat(pa.scalar("group"), groups), "households": counts}, groups)
