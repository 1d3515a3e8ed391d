"""Every source of a project, read and mapped: records, rejected rows and features as Parquet files.

Streams batch by batch; counts what was read, used, rejected and mended, and proves that nothing was lost.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.errors import GeoscoreError, InputError, missing_column, without_rows
from geoscore.ingest.columns import SAMPLE_ROWS, sensitive_columns
from geoscore.ingest.download import forget_copies, show_path
from geoscore.ingest.files import read_file
from geoscore.ingest.mapping import SWAPPED, InsideRegion, MappedBatch, check_columns, map_batch
from geoscore.ingest.raw import RawFile
from geoscore.ingest.suppression import SUPPRESSED, Suppression
from geoscore.project import Source
from geoscore.schemas import RECORD, REJECTED
from geoscore.standardize import DateOrder, choose_date_order, find_date_order

MOSTLY_SWAPPED: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class SourceReport:
    """What became of one file."""

    name: str
    path: str
    rows_read: int
    rows_rejected: dict[str, int]
    mended: dict[str, int]
    notes: tuple[str, ...] = ()
    refused_features: tuple[str, ...] = ()
    sensitive_features: dict[str, str] = field(default_factory=dict)
    """Sensitive columns that are kept, each with the reason that the project file states."""

    @property
    def rows_used(self) -> int:
        """Rows that became records."""
        return self.rows_read - sum(self.rows_rejected.values())


@dataclass(frozen=True)
class OpenSource:
    """A source whose file is there, can be read, and has the columns that are mapped."""

    source: Source
    raw: RawFile
    date_order: DateOrder = "mdy"
    sensitive: tuple[str, ...] = ()
    """Columns not mapped that speak of what people may not be sorted by."""

    def refused(self) -> list[str]:
        """Return the sensitive columns that no reason keeps."""
        return [name for name in self.sensitive if name not in self.source.sensitive]

    def features(self) -> list[str]:
        """Return the columns that are kept beside the records."""
        if not self.source.features:
            return []
        return [name for name in _unmapped(self.source, self.raw.names) if name not in self.refused()]

    def keeps_features(self) -> bool:
        """Return whether anything of a row is kept beside its record."""
        return bool(self.features())


def open_sources(sources: Sequence[Source], *, resolve: Callable[[Path], Path]) -> list[OpenSource]:
    """Open every source, so that what is wrong with one is said before any work is done.

    Parameters
    ----------
    sources
        Sources of a project file.
    resolve
        Makes a path of the project file one that can be opened.

    Raises
    ------
    InputError
        A file cannot be read, or a mapped column is missing.
    PolicyError
        A file has the shape of FEC individual-contributor data.
    """
    forget_copies()
    return [_open(source, resolve) for source in sources]


def ingest_sources(
    opened: Sequence[OpenSource],
    *,
    as_of: date,
    out: Path,
    inside: InsideRegion | None = None,
    suppression: Suppression | None = None,
    lenient: bool = False,
    progress: Callable[[str, int], None] | None = None,
) -> list[SourceReport]:
    """Read every source into ``records.parquet``, ``rejected.parquet`` and ``features/<source>.parquet``.

    Who opted out is rejected without any of what stood in the row. Of them ``records.parquet`` keeps what linkage
    finds their household by, and ``suppressed.parquet`` says which rows these are: ``drop_households`` takes them out.

    Parameters
    ----------
    opened
        What ``open_sources`` returned; each can be ingested once.
    as_of
        Day on which ages are counted.
    out
        Folder to write to.
    inside
        Says whether points lie in the region.
    suppression
        Says who opted out.
    lenient
        Leave values out that cannot be right, and count them, where otherwise their rows would be rejected.
    progress
        Called with a source's name and the rows read so far.

    Raises
    ------
    InputError
        A file is damaged further down, has no rows, or most of its coordinates are swapped.
    """
    reports: list[SourceReport] = []
    (out / "features").mkdir(parents=True, exist_ok=True)
    with (
        pq.ParquetWriter(out / "records.parquet", RECORD, compression="zstd") as records,
        pq.ParquetWriter(out / "rejected.parquet", REJECTED, compression="zstd") as rejected,
        pq.ParquetWriter(out / "suppressed.parquet", SUPPRESSED, compression="zstd") as suppressed,
    ):
        writers = _Writers(records, rejected, suppressed)
        for item in opened:
            mapping = partial(
                map_batch,
                source=item.source,
                as_of=as_of,
                inside=inside,
                suppression=suppression,
                date_order=item.date_order,
                lenient=lenient,
            )
            reports.append(_ingest_one(item, out, writers, mapping=mapping, progress=progress))
    return reports


@dataclass(frozen=True)
class _Writers:
    """The files that all sources are written to."""

    records: pq.ParquetWriter
    rejected: pq.ParquetWriter
    suppressed: pq.ParquetWriter


def _open(source: Source, resolve: Callable[[Path], Path]) -> OpenSource:
    raw = _read(source, resolve)
    check_columns(source, raw.names)
    sensitive = _find_sensitive(source, raw)
    _check_sensitive(source, raw.names, sensitive)
    return OpenSource(source, raw, _date_order(source, resolve), sensitive)


def _read(source: Source, resolve: Callable[[Path], Path]) -> RawFile:
    return read_file(resolve(source.path), sheet=source.sheet, delimiter=source.delimiter, encoding=source.encoding)


def _find_sensitive(source: Source, raw: RawFile) -> tuple[str, ...]:
    """Return the sensitive ones among the columns not mapped, by their headers and their first values."""
    first = next(raw.batches, None)
    if first is None:
        return ()
    raw.batches = chain([first], raw.batches)
    batch, _ = first
    sample = pa.Table.from_batches([batch.slice(0, SAMPLE_ROWS)])
    return tuple(sensitive_columns(sample.select(_unmapped(source, raw.names))))


def _date_order(source: Source, resolve: Callable[[Path], Path]) -> DateOrder:
    """Return how a file writes its dates: as the project says, else as the whole file shows."""
    column = source.columns.get("date_of_birth")
    if source.date_order is not None or not isinstance(column, str):
        return source.date_order or "mdy"
    return choose_date_order([find_date_order(batch.column(column)) for batch, _ in _read(source, resolve).batches])


def _check_sensitive(source: Source, names: Sequence[str], sensitive: Sequence[str]) -> None:
    """Check that every column kept for a stated reason is there, unmapped, and needs one."""
    for column in source.sensitive:
        where = f"column {column!r} of {source.path.name}, named in [sources.sensitive],"
        if column not in names:
            raise missing_column(column, source.path.name, names, needed="named in [sources.sensitive]")
        if column not in _unmapped(source, names):
            raise InputError(f"{where} is mapped to a field, or is the id; only columns kept as features stand there")
        if column not in sensitive:
            raise InputError(f"{where} is not left out as sensitive and needs no reason; remove it there")


def _ingest_one(
    item: OpenSource,
    out: Path,
    writers: _Writers,
    *,
    mapping: Callable[..., MappedBatch],
    progress: Callable[[str, int], None] | None,
) -> SourceReport:
    source, raw = item.source, item.raw
    if item.date_order == "mixed":
        raw.notes.append("some dates of birth are month first, some day first: what reads both ways is left out")
    kept_columns = item.features()
    reasons: Counter[str] = Counter()
    mended: Counter[str] = Counter()
    kept: pq.ParquetWriter | None = None
    read = used = 0
    try:
        for batch, rows in raw.batches:
            mapped = mapping(batch, rows, features=kept_columns)
            writers.records.write_batch(mapped.records)
            writers.records.write_batch(mapped.opted_out)
            writers.rejected.write_batch(mapped.rejected)
            writers.suppressed.write_batch(mapped.opted_out.select(SUPPRESSED.names))
            kept = kept or pq.ParquetWriter(out / "features" / f"{source.name}.parquet", mapped.features.schema)
            kept.write_batch(mapped.features)
            reasons.update(mapped.rejected.column("reason").to_pylist())
            mended.update(mapped.mended)
            read += batch.num_rows
            used += mapped.records.num_rows
            if progress:
                progress(source.name, read)
    finally:
        if kept is not None:
            kept.close()
    reasons.update(_write_unreadable(source, raw, writers.rejected))
    read += len(raw.rejected)
    check_counts(source, read, used, reasons)
    return _report(item, read, reasons, mended)


def _report(item: OpenSource, read: int, reasons: Counter[str], mended: Counter[str]) -> SourceReport:
    return SourceReport(
        name=item.source.name,
        path=show_path(item.source.path),
        rows_read=read,
        rows_rejected=dict(sorted(reasons.items())),
        mended=dict(sorted(mended.items())),
        notes=tuple(item.raw.notes),
        refused_features=tuple(item.refused()),
        sensitive_features={column: reason.strip() for column, reason in item.source.sensitive.items()},
    )


def report_source(item: OpenSource, read: int, reasons: Counter[str], mended: Counter[str]) -> dict[str, Any]:
    """Return what became of a source that was counted in one pass, as a run's summary tells it."""
    report = _report(item, read, reasons, mended)
    return {**asdict(report), "rows_used": report.rows_used}


def mapped_columns(source: Source) -> list[str]:
    """Return the columns of a file that its source maps, its id among them."""
    names = [source.id] if source.id is not None else []
    for columns in source.columns.values():
        names.extend([columns] if isinstance(columns, str) else columns)
    return list(dict.fromkeys(names))


def _unmapped(source: Source, names: Sequence[str]) -> list[str]:
    mapped = set(mapped_columns(source))
    return [name for name in names if name not in mapped and name not in ("row", "record_id")]


def _write_unreadable(source: Source, raw: RawFile, rejected: pq.ParquetWriter) -> Counter[str]:
    data = [
        {"source": source.name, "row": row, "record_id": str(row), "reason": reason, "detail": detail}
        for row, reason, detail in raw.rejected
    ]
    rejected.write_batch(pa.RecordBatch.from_pylist(data, schema=REJECTED))
    return Counter(reason for _, reason, _ in raw.rejected)


def check_counts(source: Source, read: int, used: int, reasons: Counter[str]) -> None:
    """Prove that no row of a source was lost, and that its coordinates are not swapped.

    Raises
    ------
    InputError
        It has no row, or most of its coordinates are swapped.
    GeoscoreError
        Rows read are not rows used and rejected.
    """
    if read == 0:
        raise without_rows(source.path.name)
    if read != used + reasons.total():
        raise GeoscoreError(f"{source.path.name}: {read} rows read are not {used} used + {reasons.total()} rejected")
    if reasons[SWAPPED] > MOSTLY_SWAPPED * read:
        raise InputError(
            f"{source.path.name}: longitude and latitude seem swapped in {reasons[SWAPPED]:,} of {read:,} rows; "
            "exchange the two columns in the project file"
        )
