"""Entities: records that say the same of everything are one, so that a file read twice brings nothing new.

Relational from end to end: names and addresses stay where the engine has them, and only counts come back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import narwhals as nw
import numpy as np
import pyarrow as pa

from geoscore.engines import Frame
from geoscore.linkage.comparisons import COMPARISONS
from geoscore.linkage.frequencies import with_frequencies
from geoscore.linkage.keys import COMPARED, KEYS, ONE_OF_A_KIND, linkage_keys
from geoscore.tables import Table

MOST_SHARED: Final = 20
"""An e-mail, phone or number that more records share than this belongs to an office or to nobody."""
RARE_PAIRS: Final = 0.5
"""Of a record; the rarest full names are learned from, so many that they give so many pairs."""
LEARNED_FROM: Final = 1_000_000
"""Entities that a model learns from at most; where there are more, by a hash of their numbers."""
GOLDEN: Final = 2_654_435_761
"""Knuth's multiplier, whose products of small whole numbers spread evenly over 32 bits."""
ORDER: Final = ("source", "record_id", "row")
RECORD: Final = pa.schema([*(KEYS.field(name) for name in ("source", "row", "record_id")), ("unique_id", pa.int64())])
FREQUENT: Final = tuple(
    sorted(
        {step.frequency for items in COMPARISONS.values() for item in items for step in item.steps if step.frequency}
    )
)
"""Columns whose rare values count for more than their common ones."""
ENTITY: Final = pa.schema(
    [*KEYS, ("unique_id", pa.int64()), ("rare", pa.string()), *((f"tf_{name}", pa.float64()) for name in FREQUENT)]
)


@dataclass(frozen=True)
class Entities:
    """Entities, the first record of each with its keys, and the records that each stands for.

    Attributes
    ----------
    table
        Table of schema ``ENTITY``: ``unique_id`` counts from 0, by source and record id; ``rare`` is the full name
        where few have it; ``tf_...`` is how common a value is among strangers.
    records
        Table of schema ``RECORD``: the entity of each record.
    size, n_records
        How many there are of either.
    known
        Columns that are not empty everywhere.
    set_aside
        Records that lost an e-mail, phone or number that too many share, by column.
    """

    table: Table
    records: Table
    size: int
    n_records: int
    known: frozenset[str]
    set_aside: dict[str, int]

    def sample(self, most: int = LEARNED_FROM) -> pa.Table:
        """Return at most about so many entities to learn from, the same on every engine, sorted by number."""
        frame = self.table.frame
        if self.size > most:
            least = int(most / self.size * 2**32)
            frame = frame.filter((nw.col("unique_id") * GOLDEN) % 2**32 < least)
        found = self.table.engine.collect(frame).select(ENTITY.names).cast(ENTITY)
        return found.sort_by("unique_id")


def find_entities(records: Table) -> Entities:
    """Return the entities among records.

    Records are one entity where they say the same of everything compared and are full enough to be sure of a person:
    a first and a last name, and an address, a birthday or a contact.

    Parameters
    ----------
    records
        Table of schema ``schemas.RECORD``.

    Examples
    --------
    >>> from geoscore.engines import open_engine
    >>> from geoscore.schemas import RECORD as GIVEN
    >>> full = {"full_name": "Ann Lee", "street": "12 Oak St", "zip": "94301"}
    >>> rows = [{"source": "a", "row": i, "record_id": str(i), **said}
    ...         for i, said in enumerate([full, {"zip": "94301"}, full, {"zip": "94301"}])]
    >>> with open_engine() as engine:
    ...     found = find_entities(Table.from_arrow(pa.Table.from_pylist(rows, schema=GIVEN), engine=engine))
    ...     found.records.collect().sort_by("row")["unique_id"].to_pylist()
    [0, 1, 0, 2]
    """
    engine = records.engine
    keys, set_aside = set_aside_shared(records.map_batches(linkage_keys, KEYS))
    said = engine.keep(keys.frame.with_columns(_said().alias("said")))
    first = said.with_columns(nw.lit(1).alias("one"))
    first = first.with_columns(nw.col("one").cum_sum().over("said", order_by=ORDER).alias("place"))
    numbers = first.filter(nw.col("place") == 1).select(*ORDER, "said").with_row_index("unique_id", order_by=ORDER)
    numbers = engine.keep(numbers.with_columns(nw.col("unique_id").cast(nw.Int64)))
    number = numbers.select("said", "unique_id")
    known = said.select(*(nw.col(name).count().alias(name) for name in KEYS.names), nw.len().alias("n_records"))
    counts = engine.collect(known).to_pylist()[0]
    size = engine.collect(numbers.select(nw.len().alias("n")))["n"][0].as_py()
    frame = said.join(numbers.select("source", "row", "unique_id"), on=["source", "row"], how="inner").drop("said")
    rare = with_rare_names(Table(engine.keep(frame), KEYS, engine), size)
    frame = with_frequencies(Table(engine.keep(rare), KEYS, engine), FREQUENT, size=size)
    return Entities(
        table=Table(engine.keep(frame.select(*ENTITY.names)), ENTITY, engine),
        records=Table(engine.keep(said.join(number, on="said", how="inner").select(*RECORD.names)), RECORD, engine),
        size=int(size),
        n_records=int(counts.pop("n_records")),
        known=frozenset(name for name, count in counts.items() if count),
        set_aside=set_aside,
    )


def set_aside_shared(keys: Table) -> tuple[Table, dict[str, int]]:
    """Leave out e-mails, phones and numbers that too many records share to tell a household.

    Returns
    -------
    keys, counts
        The keys without them, and how many records lost one, by column.

    Examples
    --------
    >>> from geoscore.engines import open_engine
    >>> rows = [{"source": "a", "row": i, "email": "a@b.org", "phone": "1"} for i in range(30)]
    >>> with open_engine() as engine:
    ...     set_aside_shared(Table.from_arrow(pa.Table.from_pylist(rows, schema=KEYS), engine=engine))[1]
    {'email': 30, 'phone': 30}
    """
    frame = keys.engine.keep(keys.frame)
    shared = {
        name: frame.filter(~nw.col(name).is_null())
        .group_by(name)
        .agg(nw.len().alias("n"))
        .filter(nw.col("n") > MOST_SHARED)
        for name in ONE_OF_A_KIND
    }
    lost = nw.concat(
        [
            some.select(nw.col("n").sum().alias("n")).with_columns(nw.lit(name).alias("name"))
            for name, some in shared.items()
        ]
    )
    told = keys.engine.collect(lost).to_pylist()
    by_name = {row["name"]: int(row["n"]) for row in told if row["n"]}
    counts = {name: by_name[name] for name in ONE_OF_A_KIND if name in by_name}
    for name in counts:
        frame = frame.join(shared[name], on=name, how="left")
        frame = frame.with_columns(nw.when(nw.col("n").is_null()).then(nw.col(name)).alias(name)).drop("n")
    return keys.derive(KEYS, lambda _: frame), counts


def with_rare_names(entities: Table, size: int) -> Frame:
    """Return entities with the full names that few have, ``rare``, null for the others: who shares one is likely one.

    Examples
    --------
    >>> from geoscore.engines import open_engine
    >>> rows = [{"both": name} for name in ["ANN|LEE"] * 5 + ["BO|DIAZ"] * 2 + [None]]
    >>> with open_engine() as engine:
    ...     entities = Table.from_arrow(pa.Table.from_pylist(rows, schema=KEYS), engine=engine)
    ...     rare = engine.collect(with_rare_names(entities, 8))["rare"]
    >>> sorted(rare.drop_null().to_pylist())
    ['BO|DIAZ', 'BO|DIAZ']
    """
    names = entities.frame.filter(~nw.col("both").is_null()).group_by("both").agg(nw.len().cast(nw.Int64).alias("n"))
    by_size = entities.engine.collect(names.group_by("n").agg(nw.len().alias("names"))).sort_by("n")
    sizes, many = by_size["n"].to_numpy(), by_size["names"].to_numpy()
    pairs = np.cumsum(many * sizes * (sizes - 1) // 2)
    most = int(sizes[pairs <= RARE_PAIRS * size].max(initial=1))
    rare = names.filter(nw.col("n") <= most).select("both", nw.col("both").alias("rare"))
    return entities.frame.join(rare, on="both", how="left")


def count_groups(entities: Table, columns: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    """Return how many pairs of entities agree in all columns of each of these, without making them.

    Examples
    --------
    >>> from geoscore.engines import open_engine
    >>> with open_engine() as engine:
    ...     zips = pa.table({"zip": ["94301", "94301", "94301", None, None]})
    ...     count_groups(Table.from_arrow(zips, engine=engine), [("zip",)])
    {('zip',): 3}
    """
    counted = [
        entities.frame.filter(*(~nw.col(name).is_null() for name in names))
        .group_by(*names)
        .agg(nw.len().cast(nw.Int64).alias("n"))
        .select((nw.col("n") * (nw.col("n") - 1)).sum().cast(nw.Int64).alias("twice"))
        .with_columns(nw.lit(number).alias("number"))
        for number, names in enumerate(columns)
    ]
    found = {row["number"]: row["twice"] or 0 for row in entities.engine.collect(nw.concat(counted)).to_pylist()}
    return {names: int(found[number]) // 2 for number, names in enumerate(columns)}


def _said() -> nw.Expr:
    """Return all that is compared of a record as one text, and one of its own for a record that says too little."""
    said = nw.concat_str([nw.col(name).cast(nw.String).fill_null("") for name in COMPARED], separator="\x1f")
    own = nw.concat_str(nw.lit("\x1e"), nw.col("source"), nw.lit("\x1f"), nw.col("row").cast(nw.String))
    known = {name: ~nw.col(name).is_null() for name in COMPARED}
    placed = known["line"] | known["born"]
    for name in ONE_OF_A_KIND:
        placed |= known[name]
    return nw.when(known["first"] & known["last"] & placed).then(said).otherwise(own)
