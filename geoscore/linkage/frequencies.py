"""How common a value is among strangers: rare names say more than common ones, and an address has few households."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

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


def frequencies(entities: pa.Table, column: str) -> pa.Table:
    """Return how likely a record that is no match has each value, never rarer than a small file can tell.

    Parameters
    ----------
    entities
        Records, with the column and ``last``.
    column
        Name of a column.

    Returns
    -------
    pa.Table
        ``column``, each value once, and ``tf_column``, its share.

    Examples
    --------
    >>> entities = pa.table({"line": ["1 OAK ST"] * 5, "last": ["LEE", "DIAZ", "WONG", "KATZ", "LEE"]})
    >>> frequencies(entities, "line")["tf_line"].to_pylist()  # four last names: one household more than a home's
    [0.0001002]
    """
    values = entities[column].combine_chunks()
    if column in OF_A_HOUSEHOLD:
        values, others = _other_households(values, entities["last"].combine_chunks())
        return pa.table({column: values, f"tf_{column}": others / max(float(entities.num_rows), POPULATION)})
    counts = pc.value_counts(values.drop_null())
    seen = counts.field("counts").to_numpy() + SEEN_BEFORE * COMMON.get(column, 0.0)
    return pa.table({column: counts.field("values"), f"tf_{column}": seen / (entities.num_rows + SEEN_BEFORE)})


def _other_households(address: pa.Array, last: pa.Array) -> tuple[pa.Array, npt.NDArray[np.float64]]:
    """Return addresses or contacts, and how many other households may share each: the more, the more last names."""
    named = pa.table({"address": address, "last": last}).filter(address.is_valid())
    names = named.group_by("address").aggregate([("last", "count_distinct")])
    others = np.maximum(names["last_count_distinct"].to_numpy() - NAMES_OF_A_HOUSEHOLD, 0.0)
    return names["address"].combine_chunks(), others + MOVED_IN_OR_OUT
