"""Groups of entities: persons and households, told to the engine by numbers, and named after their first record."""

import hashlib
from typing import Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.engines import Frame
from geoscore.linkage.entities import ORDER, Entities
from geoscore.linkage.keys import Codes
from geoscore.schemas import LINK
from geoscore.tables import Table

DIGEST: Final = 8
FIRST: Final = pa.schema(
    [("group", pa.int64()), ("source", pa.string()), ("record_id", pa.string()), ("seen", pa.int64())]
)
NAMED: Final = pa.schema([("group", pa.int64()), ("name", pa.string())])


def with_group(entities: Table, name: str, group: Codes) -> Table:
    """Return the entities that share their group with others, with its number in a column of that name.

    Examples
    --------
    >>> from geoscore.engines import open_engine
    >>> with open_engine() as engine:
    ...     entities = Table.from_arrow(pa.table({"unique_id": [0, 1, 2]}), engine=engine)
    ...     with_group(entities, "household", np.array([0, 1, 1])).collect().sort_by("unique_id").to_pylist()
    [{'unique_id': 1, 'household': 1}, {'unique_id': 2, 'household': 1}]
    """
    shared = np.flatnonzero(np.bincount(group, minlength=len(group))[group] > 1)
    numbers = entities.engine.from_arrow(pa.table({"unique_id": shared, name: group[shared]}))
    schema = entities.schema.append(pa.field(name, pa.int64()))
    return entities.derive(schema, lambda frame: frame.join(numbers, on="unique_id", how="inner"))


def files_of(entities: Table, size: int) -> Codes:
    """Return the number of the file of each entity, of shape (size,), -1 for those that are not in the table."""
    names = sorted(entities.engine.collect(entities.frame.select("source").unique())["source"].to_pylist())
    files = entities.engine.from_arrow(pa.table({"source": names, "file": np.arange(len(names))}))
    told = entities.frame.select("unique_id", "source").join(files, on="source", how="inner")
    found = entities.engine.collect(told.select("unique_id", "file"))
    codes = np.full(size, -1, dtype=np.int64)
    codes[found["unique_id"].to_numpy()] = found["file"].to_numpy()
    return codes


def name_groups(
    entities: Entities, household: Codes, person: Codes, sure: npt.NDArray[np.float64]
) -> tuple[Table, Table]:
    """Return the links of all records, and the entities with their groups.

    Parameters
    ----------
    entities
        All of them.
    household, person
        The group of each, numbered by its first entity, of shape (size,).
    sure
        How likely each belongs where it was put, of the same shape.

    Returns
    -------
    links, entities
        A table of schema ``LINK``, sorted; and ``ENTITY`` with ``household`` and ``person``.
    """
    table, engine = entities.table, entities.table.engine
    numbers = {"unique_id": np.arange(entities.size), "household": household, "person": person}
    groups = engine.from_arrow(pa.table({**numbers, "match_probability": np.round(sure, 6)}))
    named = table.frame.select("unique_id", "source", "record_id").join(groups, on="unique_id", how="inner")
    names = {kind: _names(Table(named, table.schema, engine), kind) for kind in ("household", "person")}
    joined = entities.records.frame.join(groups, on="unique_id", how="inner")
    for kind, frame in names.items():
        joined = joined.join(
            frame.select(nw.col("group").alias(kind), nw.col("name").alias(f"{kind}_id")), on=kind, how="inner"
        )
    schema = pa.schema([*table.schema, ("household", pa.int64()), ("person", pa.int64())])
    told = groups.select("unique_id", "household", "person")
    found = table.derive(schema, lambda frame: frame.join(told, on="unique_id", how="inner"))
    return Table(joined.select(*LINK.names).sort(*ORDER), LINK, engine), found


def _names(named: Table, kind: str) -> Frame:
    """Return the name of every group of a kind: a hash of the source and the id of its first record.

    Records of one source may have the same id; then the second group that begins with it is named as such.
    """
    first = named.frame.filter(nw.col("unique_id") == nw.col(kind)).with_columns(nw.lit(1).alias("one"))
    seen = nw.col("one").cum_sum().over("source", "record_id", order_by="unique_id").cast(nw.Int64)
    told = first.with_columns(seen.alias("seen"), nw.col(kind).alias("group"))
    table = Table(told.select(*FIRST.names), FIRST, named.engine)
    return table.map_batches(_HASHES[kind], NAMED).frame


def _hashed(batch: pa.RecordBatch, letter: str) -> pa.RecordBatch:
    parts = (batch[name].to_pylist() for name in ("source", "record_id", "seen"))
    texts = ("\x1f".join((source, record_id, str(seen))) for source, record_id, seen in zip(*parts, strict=True))
    digests = [letter + hashlib.blake2b(text.encode(), digest_size=DIGEST).hexdigest() for text in texts]
    return pa.RecordBatch.from_arrays([batch["group"], pa.array(digests, pa.string())], schema=NAMED)


def name_households(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the names of households by their first records."""
    return _hashed(batch, "h")


def name_persons(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the names of persons by their first records."""
    return _hashed(batch, "p")


_HASHES: Final = {"household": name_households, "person": name_persons}
