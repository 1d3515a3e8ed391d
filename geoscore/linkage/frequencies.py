"""How common a value is among strangers: rare names say more than common ones, and an address has few households."""

from collections.abc import Sequence
from typing import Final

import narwhals as nw

from geoscore.engines import Frame
from geoscore.tables import Table

OF_A_HOUSEHOLD: Final = ("home", "spot", "line", "email", "phone", "ssn")
"""Columns whose values belong to one household, unless more last names than a household has stand beside one."""
COMMON: Final = {"first": 0.005, "last": 0.002, "zip": 0.01, "born": 5e-5}
"""How common a value usually is; with ``SEEN_BEFORE`` records of that kind a small file is filled up."""
SEEN_BEFORE: Final = 200.0
NAMES_OF_A_HOUSEHOLD: Final = 3.0
MOVED_IN_OR_OUT: Final = 0.002
"""Other households to be expected at an address where nothing points to one."""
POPULATION: Final = 10_000.0
"""A small file is taken for a sample of at least so many records."""


def with_frequencies(entities: Table, columns: Sequence[str], *, size: int) -> Frame:
    """Return entities with how likely a record that is no match has each value, never rarer than a small file can tell.

    Parameters
    ----------
    entities
        Records, with these columns and ``last``.
    columns
        Names of columns of texts.
    size
        Entities in all.

    Returns
    -------
    Frame
        With ``tf_...`` for each of the columns: the share, null where there is no value.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> rows = pa.table({"line": ["1 OAK ST"] * 5, "last": ["LEE", "DIAZ", "WONG", "KATZ", "LEE"]})
    >>> with open_engine() as engine:  # four last names: one household more than a home's
    ...     entities = Table.from_arrow(rows, engine=engine)
    ...     engine.collect(with_frequencies(entities, ["line"], size=5))["tf_line"][0].as_py()
    0.0001002
    """
    frame = entities.frame
    # one table for all, so that what follows need not know how each share came about
    shares = entities.engine.keep(nw.concat([_shares(frame, name, size) for name in columns]))
    for name in columns:
        some = shares.filter(nw.col("column") == name)
        told = some.select(nw.col("value").alias(name), nw.col("share").alias(f"tf_{name}"))
        frame = frame.join(told, on=name, how="left")
    return frame


def _shares(entities: Frame, column: str, size: int) -> Frame:
    """Return ``column``, its name; ``value``, each once; and ``share``."""
    known = entities.filter(~nw.col(column).is_null())
    if column in OF_A_HOUSEHOLD:
        # as many other households as there are more last names than a home's
        names = known.select(column, "last").unique().group_by(column).agg(nw.col("last").count().alias("n"))
        more = nw.col("n").cast(nw.Float64) - NAMES_OF_A_HOUSEHOLD
        others = nw.when(more > 0.0).then(more).otherwise(nw.lit(0.0)) + MOVED_IN_OR_OUT
        share = others / max(float(size), POPULATION)
    else:
        names = known.group_by(column).agg(nw.len().alias("n"))
        seen = nw.col("n").cast(nw.Float64) + SEEN_BEFORE * COMMON.get(column, 0.0)
        share = seen / (size + SEEN_BEFORE)
    return names.select(nw.lit(column).alias("column"), nw.col(column).alias("value"), share.alias("share"))
