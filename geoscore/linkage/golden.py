"""Golden records: what several files say of one household, merged into one row.

Each figure is taken from the most trusted source that has it, then from the record that belongs most surely, then from
the fullest; every value remembers its source, and contradictions are counted.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import narwhals as nw
import pyarrow as pa

from geoscore.engines import Frame
from geoscore.schemas import EVIDENCE, HOUSEHOLD, PROVENANCE
from geoscore.tables import Table

PLACE: Final = ("zip", "longitude", "latitude", "precision", "sigma_m")
"""Taken from the record whose position is surest, so that they belong together."""
FIELDS: Final = ("zip", "longitude", "latitude", *EVIDENCE)
NOWHERE_M: Final = 1e9
ORDER: Final = ("doubt", "rank", "unsure", "empty", "record_id", "row")
PLACE_ORDER: Final = ("doubt", "vague", *ORDER[1:])
DOUBTFUL: Final = 0.5
"""A record that belongs to its household less surely is asked last, whatever its source."""
AGREES: Final = 0.9


def merge_households(records: Table, links: Table, *, precedence: Sequence[str]) -> Table:
    """Merge the records of each household into one row.

    Parameters
    ----------
    records
        Table of schema ``PLACED``.
    links
        Table of schema ``LINK``, one row for each record.
    precedence
        Names of the sources, the most trusted first.

    Returns
    -------
    Table of schema ``HOUSEHOLD``
        ZIP and coordinates come from the record whose position is surest.
        Names, streets and e-mail are not among its columns.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> from geoscore.schemas import LINK, PLACED
    >>> rows = [{"source": s, "row": 1, "record_id": "1", "zip": z, "income_usd": i}
    ...         for s, z, i in [("a", "94301", None), ("b", "94306", 90_000.0)]]
    >>> link = [{"source": s, "row": 1, "household_id": "h", "match_probability": 1.0} for s in "ab"]
    >>> with open_engine() as engine:
    ...     records = Table.from_arrow(pa.Table.from_pylist(rows, schema=PLACED), engine=engine)
    ...     links = Table.from_arrow(pa.Table.from_pylist(link, schema=LINK), engine=engine)
    ...     merged = merge_households(records, links, precedence=["a", "b"]).collect().to_pylist()[0]
    >>> merged["zip"], merged["income_usd"], merged["n_sources"]
    ('94301', 90000.0, 2)
    """

    def merge(frame: Frame) -> Frame:
        ordered = _ranked(frame, links, precedence)
        totals = ordered.group_by("household_id").agg(
            nw.col("match_probability").min(),
            nw.col("largest_gift_usd").max().alias("largest"),
            nw.col("source").n_unique().cast(nw.Int64).alias("n_sources"),
            nw.len().cast(nw.Int64).alias("n_records"),
        )
        first = _first_known(ordered, {name: nw.col(name) for name in EVIDENCE})
        place = _first_known(ordered, {name: nw.col(name) for name in PLACE}, order=PLACE_ORDER)
        joined = totals.join(first, on="household_id", how="inner").join(place, on="household_id", how="inner")
        return joined.with_columns(nw.col("largest").alias("largest_gift_usd"))

    return records.derive(HOUSEHOLD, merge)


def trace_values(records: Table, links: Table, *, precedence: Sequence[str]) -> Table:
    """Return the source that each value of a household's golden record came from.

    Parameters
    ----------
    records, links, precedence
        As for ``merge_households``.

    Returns
    -------
    Table of schema ``PROVENANCE``
        One row per household: for each field the name of a source, null where the household has no value. The
        largest gift is traced to the most trusted source that has one.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> from geoscore.schemas import LINK, PLACED
    >>> ages = [("a", None), ("b", 50.0)]
    >>> rows = [{"source": s, "row": 1, "record_id": "1", "zip": "94301", "age": a} for s, a in ages]
    >>> link = [{"source": s, "row": 1, "household_id": "h", "match_probability": 1.0} for s in "ab"]
    >>> with open_engine() as engine:
    ...     records = Table.from_arrow(pa.Table.from_pylist(rows, schema=PLACED), engine=engine)
    ...     links = Table.from_arrow(pa.Table.from_pylist(link, schema=LINK), engine=engine)
    ...     traced = trace_values(records, links, precedence=["a", "b"]).collect().to_pylist()[0]
    >>> traced["zip"], traced["age"], traced["income_usd"]
    ('a', 'b', None)
    """

    def trace(frame: Frame) -> Frame:
        said: dict[str, nw.Expr] = {name: nw.when(~nw.col(name).is_null()).then(nw.col("source")) for name in FIELDS}
        ordered = _ranked(frame, links, precedence)
        place: dict[str, nw.Expr] = {name: said.pop(name) for name in PLACE if name in said}
        found = _first_known(ordered, place, order=PLACE_ORDER)
        return _first_known(ordered, said).join(found, on="household_id", how="inner")

    return records.derive(PROVENANCE, trace)


def count_conflicts(records: Table, links: Table) -> dict[str, int]:
    """Count the households whose records contradict each other, by field.

    ZIPs contradict each other where they differ, figures where they differ by more than a tenth; a household's largest
    gift is the largest of all, and house-mates have ages of their own: neither is a contradiction.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> from geoscore.schemas import LINK, RECORD
    >>> rows = [{"source": s, "row": 1, "record_id": "1", "zip": z, "income_usd": i}
    ...         for s, z, i in [("a", "94301", 80_000.0), ("b", "94306", 82_000.0)]]
    >>> link = [{"source": s, "row": 1, "household_id": "h", "match_probability": 1.0} for s in "ab"]
    >>> with open_engine() as engine:
    ...     records = Table.from_arrow(pa.Table.from_pylist(rows, schema=RECORD), engine=engine)
    ...     links = Table.from_arrow(pa.Table.from_pylist(link, schema=LINK), engine=engine)
    ...     count_conflicts(records, links)
    {'zip': 1}
    """
    figures = [name for name in EVIDENCE if name not in ("age", "largest_gift_usd")]
    link = links.frame.select("source", "row", "household_id")
    joined = records.frame.join(link, on=["source", "row"], how="inner")
    spans = [nw.col(name).min().alias(f"{name}_low") for name in figures]
    spans += [nw.col(name).max().alias(f"{name}_high") for name in figures]
    spread = joined.group_by("household_id").agg(
        nw.col("zip").min().alias("zip_low"), nw.col("zip").max().alias("zip_high"), *spans
    )
    apart = [(nw.col("zip_low") != nw.col("zip_high")).cast(nw.Int64).sum().alias("zip")]
    apart += [
        (nw.col(f"{name}_low") < AGREES * nw.col(f"{name}_high")).cast(nw.Int64).sum().alias(name) for name in figures
    ]
    counted = records.engine.collect(spread.select(*apart)).to_pylist()[0]
    return {name: int(count) for name, count in counted.items() if count}


def _ranked(frame: Frame, links: Table, precedence: Sequence[str]) -> Frame:
    """Return records with their household and what they are ranked by: doubt, source, sureness, fullness."""
    ranks = Table.from_arrow(
        pa.table({"source": list(precedence), "rank": range(len(precedence))}), engine=links.engine
    )
    link = links.frame.select("source", "row", "household_id", "match_probability")
    joined = frame.join(link, on=["source", "row"], how="inner").join(ranks.frame, on="source", how="inner")
    empty = sum((nw.col(name).is_null().cast(nw.Int64) for name in FIELDS), start=nw.lit(0))
    return joined.with_columns(
        (nw.col("match_probability") < DOUBTFUL).cast(nw.Int64).alias("doubt"),
        (nw.lit(1.0) - nw.col("match_probability")).alias("unsure"),
        empty.alias("empty"),
        nw.col("sigma_m").fill_null(NOWHERE_M).alias("vague"),
    )


def _first_known(ordered: Frame, values: Mapping[str, nw.Expr], *, order: Sequence[str] = ORDER) -> Frame:
    """Return for each household the first value of each field that is known."""
    named = ordered.with_columns(*(value.alias(f"first_{name}") for name, value in values.items()))
    filled = named.with_columns(
        nw.col(f"first_{name}").fill_null(strategy="backward").over("household_id", order_by=order) for name in values
    )
    place = nw.col("one").cum_sum().over("household_id", order_by=order).alias("place")
    first = filled.with_columns(nw.lit(1).alias("one")).with_columns(place).filter(nw.col("place") == 1)
    return first.select("household_id", *(nw.col(f"first_{name}").alias(name) for name in values))
