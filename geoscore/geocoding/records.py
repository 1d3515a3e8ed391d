"""Positions for tables of addresses: each distinct address is looked for once, however many rows have it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.engines import Frame
from geoscore.geocoding.match import POSITION, Matcher
from geoscore.geocoding.positions import SIGMA_GIVEN_M
from geoscore.schemas import PLACED
from geoscore.standardize.addresses import ADDRESS, city_key, parse_addresses
from geoscore.tables import Table

ASKED: Final = ("street", "unit", "city", "state", "zip")
"""The columns of an address as files have them."""
FOUND: Final = pa.schema([*[(name, pa.string()) for name in ASKED], *[POSITION.field(name) for name in POSITION.names]])
AT_ONCE: Final = 50_000
"""Distinct addresses that are looked for together; bounds the memory."""


def read_addresses(batch: pa.RecordBatch | pa.Table) -> pa.Table:
    """Return the parsed addresses of rows with ``street``, ``unit``, ``city``, ``state`` and ``zip``.

    A street that stands without city and ZIP is read as a whole address in one line.

    Examples
    --------
    >>> row = {"street": "12 Oak St, Alameda CA 94501", "unit": None, "city": None, "state": None, "zip": None}
    >>> read_addresses(pa.Table.from_pylist([row])).to_pylist()[0]["city"]
    'ALAMEDA'
    """
    columns = {name: _flat(batch[name]).cast(pa.string()) for name in ASKED}
    alone = pc.and_(_empty(columns["city"]), _empty(columns["zip"]))
    street = parse_addresses(pc.if_else(alone, None, columns["street"]))
    whole = parse_addresses(pc.if_else(alone, columns["street"], None), whole=True)
    parts = {name: pc.if_else(alone, _flat(whole[name]), _flat(street[name])) for name in ADDRESS.names}
    parts["city"] = pc.if_else(alone, parts["city"], city_key(columns["city"]))
    told = pc.fill_null(pc.utf8_slice_codeunits(columns["zip"], 0, 5), "")
    parts["zip"] = pc.if_else(alone, parts["zip"], told)
    unit = pc.fill_null(pc.utf8_upper(columns["unit"]), "")
    parts["unit"] = pc.if_else(pc.equal(unit, ""), parts["unit"], unit)
    return pa.table({name: parts[name] for name in ADDRESS.names}, schema=ADDRESS)


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _empty(column: pa.Array) -> pa.Array:
    return pc.equal(pc.fill_null(column, ""), "")


def locate_rows(batch: pa.RecordBatch, matcher: Matcher) -> pa.RecordBatch:
    """Return distinct addresses with their positions; columns of ``FOUND``."""
    parts = []
    for start in range(0, batch.num_rows, AT_ONCE):
        some = batch.slice(start, AT_ONCE)
        found = matcher.locate(read_addresses(some))
        columns = [*(_flat(some[name]) for name in ASKED), *(_flat(found[name]) for name in POSITION.names)]
        parts.append(pa.RecordBatch.from_arrays(columns, schema=FOUND))
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    table = pa.Table.from_batches(parts, schema=FOUND).combine_chunks()
    empty = pa.RecordBatch.from_pylist([], schema=FOUND)
    return table.to_batches()[0] if table.num_rows else empty


def locate_addresses(rows: Table, matcher: Matcher, *, path: Path) -> Table:
    """Find the positions of the distinct addresses of a table.

    Parameters
    ----------
    rows
        Table with the columns of ``ASKED``, null where unknown.
    matcher
        The gazetteer, ready.
    path
        Parquet file to keep them in.

    Returns
    -------
    Table of schema ``FOUND``
        One row for each distinct address; empty texts stand for nulls, ready to be joined by ``join_positions``.
    """
    asked = pa.schema([FOUND.field(name) for name in ASKED])

    def distinct(frame: Frame) -> Frame:
        filled = frame.select(*[nw.col(name).fill_null("").alias(name) for name in ASKED])
        return filled.filter(nw.any_horizontal(*[nw.col(name) != "" for name in ASKED], ignore_nulls=True)).unique()

    once = rows.derive(asked, distinct)
    return once.map_batches(lambda batch: locate_rows(batch, matcher), FOUND).save(path)


def join_positions(rows: Table, found: Table) -> Table:
    """Give every row its position: its own coordinates where it has them, else what was found of its address.

    Parameters
    ----------
    rows
        Table with the columns of ``ASKED``, ``longitude`` and ``latitude``.
    found
        What ``locate_addresses`` returned.

    Returns
    -------
    Table
        The columns of ``rows``, and ``precision``, ``sigma_m``, ``score``, ``found_zip``, ``matched``, ``reason``.
    """
    added = [name for name in POSITION.names if name not in ("longitude", "latitude")]
    schema = pa.schema([*rows.schema, *[POSITION.field(name) for name in added]])
    keys = [f"{name}_key" for name in ASKED]

    def join(frame: Frame) -> Frame:
        keyed = frame.with_columns(*[nw.col(name).fill_null("").alias(f"{name}_key") for name in ASKED])
        names = dict(zip(ASKED, keys, strict=True))
        other = found.frame.rename({**names, "longitude": "found_longitude", "latitude": "found_latitude"})
        joined = keyed.join(other, on=keys, how="left")
        given = ~nw.col("longitude").is_null() & ~nw.col("latitude").is_null()
        return joined.with_columns(
            nw.when(given).then(nw.col("longitude")).otherwise(nw.col("found_longitude")).alias("longitude"),
            nw.when(given).then(nw.col("latitude")).otherwise(nw.col("found_latitude")).alias("latitude"),
            nw.when(given).then(nw.lit("given")).otherwise(nw.col("precision")).alias("precision"),
            nw.when(given).then(nw.lit(SIGMA_GIVEN_M)).otherwise(nw.col("sigma_m")).alias("sigma_m"),
            nw.when(given).then(nw.lit(1.0)).otherwise(nw.col("score").fill_null(0.0)).alias("score"),
            nw.when(given).then(nw.lit(None, nw.String)).otherwise(nw.col("matched")).alias("matched"),
            nw.when(given)
            .then(nw.lit(None, nw.String))
            .when(nw.col("score").is_null())
            .then(nw.lit("no address"))
            .otherwise(nw.col("reason"))
            .alias("reason"),
        )

    return rows.derive(schema, join)


def place_records(records: Table, matcher: Matcher | None, *, path: Path) -> Table:
    """Give every record its position, as ``join_positions`` does, and the ZIP that was found where it has none.

    Parameters
    ----------
    records
        Table of schema ``RECORD``.
    matcher
        The gazetteer, ready; without one, records have the coordinates of their file and no others.
    path
        Parquet file to keep positions in.

    Returns
    -------
    Table of schema ``PLACED``
    """
    if matcher is not None:
        joined = join_positions(records, locate_addresses(records, matcher, path=path))
        return joined.derive(PLACED, lambda frame: frame.with_columns(zip=nw.coalesce("zip", "found_zip")))
    given = ~nw.col("longitude").is_null()
    return records.derive(
        PLACED,
        lambda frame: frame.with_columns(
            nw.when(given).then(nw.lit("given")).alias("precision"),
            nw.when(given).then(nw.lit(SIGMA_GIVEN_M)).alias("sigma_m"),
        ),
    )
