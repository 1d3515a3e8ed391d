"""Geocoding alone: build a gazetteer from files, and give every row of a file its position.

The way beside the pipeline for those who want positions and no surface; it knows the order of ingest and geocoding.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from geoscore.engines import Frame, open_engine
from geoscore.errors import InputError, did_you_mean, missing_column, without_rows
from geoscore.gazetteer_files import PLACE_FIELDS
from geoscore.geocoding.match import Matcher
from geoscore.geocoding.open import open_matcher
from geoscore.geocoding.records import ASKED, join_positions, locate_addresses, read_addresses
from geoscore.geocoding.services import describe_sent
from geoscore.ingest.files import read_file
from geoscore.ingest.inspect import inspect_file, propose_source, source_names
from geoscore.ingest.mapping import map_batch
from geoscore.project import Source
from geoscore.reference.gazetteer import TO_95, open_gazetteer
from geoscore.staging import staged
from geoscore.tables import Table

MEMORY: Final = "3GB"
ADDED: Final = ("longitude", "latitude", "precision", "sigma_m", "score", "matched", "reason")
"""Columns that geocoding adds to a file."""
ENDINGS: Final = (".parquet", ".csv")


@dataclass
class GeocodedFile:
    """What geocoding did: rows by precision, and how far off they are expected to be."""

    out: Path
    rows: int
    by_precision: dict[str, dict[str, float]]
    match_rate: float
    columns: dict[str, Any]
    renamed: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {**asdict(self), "out": str(self.out)}


def geocode_file(
    path: Path,
    *,
    gazetteer: Path,
    out: Path,
    columns: Mapping[str, str] | None = None,
    services: Sequence[str] = (),
    addresses_may_leave: bool = False,
    memory: str | None = MEMORY,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> GeocodedFile:
    """Give every row of a file a position, and say how sure it is.

    Parameters
    ----------
    path
        File with address columns, as ``read_file`` takes it.
    gazetteer
        Folder of the gazetteer.
    out
        ``.parquet`` or ``.csv`` file to write: the file's columns, and ``longitude``, ``latitude``, ``precision``,
        ``sigma_m``, ``score``, ``matched`` and ``reason``; rows in their order, none left out.
    columns
        Which columns hold ``street``, ``unit``, ``city``, ``state``, ``zip``, ``longitude`` and ``latitude``; inferred
        where not given.
    services
        Services that are asked for what the gazetteer cannot place: ``census`` or ``nominatim=URL``.
    addresses_may_leave
        Addresses may be sent to them.
    memory
        Most memory the engine may take before it spills to disk, such as ``4GB``.
    progress
        Called with a stage's name, the steps done, and all steps where known.

    Raises
    ------
    InputError
        The file has no address columns, or the gazetteer is none.
    PolicyError
        A service was named, and addresses may not leave.
    """
    tell = progress or (lambda _stage, _done, _all: None)
    if out.suffix.lower() not in ENDINGS:
        raise InputError(f"{out}: positions are written as .parquet or .csv")
    with open_matcher(gazetteer, services=services, consent=addresses_may_leave) as matcher:
        return _geocode(path, matcher, out=out, columns=columns, memory=memory, tell=tell)


def _geocode(
    path: Path,
    matcher: Matcher,
    *,
    out: Path,
    columns: Mapping[str, str] | None,
    memory: str | None,
    tell: Callable[[str, int, int | None], None],
) -> GeocodedFile:
    source = _place_source(path, columns)
    with staged(out.resolve().parent) as folder, open_engine(memory=memory or MEMORY, scratch=folder) as engine:
        names = _stage_rows(path, source, folder / "rows.parquet", tell)
        rows = Table.scan(folder / "rows.parquet", pq.read_schema(folder / "rows.parquet"), engine=engine)
        tell("locate", 0, None)
        found = locate_addresses(rows, matcher, path=folder / "found.parquet")
        done = _finish(join_positions(rows, found), names).save(folder / "done.parquet")
        tell("write", 0, None)
        out.parent.mkdir(parents=True, exist_ok=True)
        _write(folder / "done.parquet", out)
        renamed = {name: new for name, new in names if name != new}
        told = _summary(done.collect().select(["precision", "sigma_m", "reason"]), out, source, renamed)
        return replace(told, sent=describe_sent(matcher))


def _place_source(path: Path, columns: Mapping[str, str] | None) -> Source:
    """Return which columns hold addresses: those that were named, else those that are inferred."""
    profile = inspect_file(path, to_use=True)
    known = [guess.name for guess in profile.columns]
    if columns:
        for target, column in columns.items():
            if target not in PLACE_FIELDS:
                raise InputError(f"{target!r} is no part of an address{did_you_mean(target, PLACE_FIELDS)}")
            if column not in known:
                raise missing_column(column, path, known)
        return Source(name=source_names([path])[0], path=path, columns=dict(columns), features=False)
    source = propose_source(profile, name=source_names([path])[0])
    found = {field: column for field, column in (source.columns if source else {}).items() if field in PLACE_FIELDS}
    if source is None or not found:
        raise InputError(f"{path} has no address columns; see `geoscore inspect {path}`, or name them with --column")
    return source.model_copy(update={"columns": found, "features": False})


def _stage_rows(
    path: Path, source: Source, staged: Path, tell: Callable[[str, int, int | None], None]
) -> list[tuple[str, str]]:
    """Write all rows beside their addresses; return the file's columns and what they are called in the output."""
    raw = read_file(path, sheet=source.sheet, delimiter=source.delimiter, encoding=source.encoding)
    writer: pq.ParquetWriter | None = None
    read = 0
    today = datetime.now(tz=UTC).date()
    try:
        for batch, rows in raw.batches:
            mapped = map_batch(batch, rows, source=source, as_of=today, lenient=True)
            table = _beside(batch, rows, mapped.records, mapped.rejected)
            if writer is None:
                writer = pq.ParquetWriter(staged, table.schema, compression="zstd")
            writer.write_table(table.cast(writer.schema))
            read += len(rows)
            tell(f"read {path.name}", read, None)
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise without_rows(path)
    # rows that could not even be told apart into columns keep their number and their reason
    taken = set(raw.names)
    return [(name, _free(name, taken)) for name in raw.names]


def _free(name: str, taken: set[str]) -> str:
    """Return a column's name in the output; one that geocoding adds itself is kept under another."""
    if name not in ADDED:
        return name
    new = f"{name}_in_file"
    while new in taken:
        new += "_"
    return new


def _beside(
    batch: pa.RecordBatch, rows: npt.NDArray[np.int64], records: pa.Table | pa.RecordBatch, rejected: pa.RecordBatch
) -> pa.Table:
    """Return the file's columns as ``c0``, ``c1``, ..., the row, its address as mapped, and why it was rejected."""
    at = pd.Series(np.arange(records.num_rows), index=records.column("row").to_numpy()).reindex(rows)
    take = pa.array(at, pa.int64(), from_pandas=True)
    why = pd.Series(rejected.column("reason").to_pylist(), index=rejected.column("row").to_numpy(), dtype=object)
    columns = {f"c{i}": batch.column(i) for i in range(batch.num_columns)}
    columns["row"] = pa.array(rows, pa.int64())
    for name in PLACE_FIELDS:
        columns[name] = pc.take(records.column(name), take)
    columns["rejected"] = pa.array(why.reindex(rows).where(lambda text: text.notna(), None), pa.string())
    return pa.table(columns)


def _finish(placed: Table, names: Sequence[tuple[str, str]]) -> Table:
    """Return the file's own columns and what was added, in the order of the rows."""
    schema = placed.schema
    own = [pa.field(new, schema.field(f"c{i}").type) for i, (_, new) in enumerate(names)]
    final = pa.schema([*own, *[schema.field(name) for name in ADDED]])

    def finish(frame: Frame) -> Frame:
        told = frame.sort("row").with_columns(reason=nw.coalesce("rejected", "reason"))
        return told.select(*[nw.col(f"c{i}").alias(new) for i, (_, new) in enumerate(names)], *ADDED)

    return placed.derive(final, finish)


def _write(path: Path, out: Path) -> None:
    if out.suffix.lower() == ".parquet":
        shutil.copyfile(path, out)
        return
    file = pq.ParquetFile(path)
    with pacsv.CSVWriter(out, file.schema_arrow) as writer:
        for batch in file.iter_batches():
            writer.write_batch(batch)


def _summary(done: pa.Table, out: Path, source: Source, renamed: dict[str, str]) -> GeocodedFile:
    frame = done.to_pandas()
    by_precision: dict[str, dict[str, float]] = {}
    for precision in ("given", "rooftop", "range", "street", "zip"):
        sigma = frame.loc[frame["precision"] == precision, "sigma_m"]
        if len(sigma):
            typical = float(sigma.median())
            told = {"median_error_m": 1.1774 * typical, "p95_error_m": TO_95 * typical}
            by_precision[precision] = {"rows": len(sigma), "share": len(sigma) / len(frame), **told}
    none = int(frame["precision"].isna().sum())
    if none:
        by_precision["none"] = {"rows": none, "share": none / len(frame)}
    matched = frame["precision"].isin(["given", "rooftop", "range", "street"]).mean()
    why = frame.loc[~frame["precision"].isin(["given", "rooftop", "range", "street"]), "reason"].value_counts()
    reasons = {str(reason): int(count) for reason, count in why.head(10).items()}
    return GeocodedFile(out, len(frame), by_precision, float(matched), dict(source.columns), renamed, reasons)


def explain_address(address: str, *, gazetteer: Path) -> dict[str, Any]:
    """Say how one address is read, which streets it may mean, and where it is taken to be.

    Parameters
    ----------
    address
        A whole address in one line.
    gazetteer
        Folder of the gazetteer.

    Returns
    -------
    dict
        ``parsed``: the parts; ``candidates``: streets with the kinds of agreement and their scores, the best first;
        ``found``: the position, ``POSITION`` as a dict.
    """
    matcher = Matcher(open_gazetteer(gazetteer))
    row = pa.Table.from_pylist([{"street": address}], schema=pa.schema([(name, pa.string()) for name in ASKED]))
    parsed = read_addresses(row)
    candidates = matcher.candidates(matcher.prepare(parsed)).sort_values(["score", "street"], ascending=[False, True])
    streets = matcher.gazetteer.streets
    told = []
    for found in candidates.head(10).to_dict("records"):
        item = {str(part): value for part, value in found.items() if part not in ("row", "street")}
        street = streets.iloc[int(found["street"])]
        name = " ".join(part for part in street[["predir", "name", "suffix", "postdir"]] if part)
        numbers = None if pd.isna(street["lowest"]) else [int(street["lowest"]), int(street["highest"])]
        places = {"zips": list(street["zips"]), "cities": list(street["cities"]), "numbers": numbers}
        told.append({"street": name, **places, **item})
    return {
        "parsed": {name: value for name, value in parsed.to_pylist()[0].items() if value not in ("", None)},
        "candidates": told,
        "found": matcher.locate(parsed).to_pylist()[0],
    }
