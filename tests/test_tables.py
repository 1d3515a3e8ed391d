"""Rows numbered by their values, and where each value comes first."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoscore import tables
from geoscore.tables import first_rows, number_rows

SOME = st.one_of(st.none(), st.integers(0, 3))
ROWS = st.lists(st.tuples(SOME, st.one_of(st.none(), st.sampled_from(["a", "b"])), SOME), max_size=40)


@given(ROWS, st.sampled_from([1, 6, 1 << 40]))
def test_rows_have_one_number_where_their_values_are_the_same(rows: list[tuple[object, ...]], largest: int) -> None:
    columns = [pa.array([row[i] for row in rows], kind) for i, kind in enumerate([pa.int64(), pa.string(), pa.int8()])]
    batch = pa.RecordBatch.from_arrays(columns, names=["x", "y", "z"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_LARGEST", largest)  # numbers are made small again on the way
        numbers, size = number_rows(batch, batch.schema.names)
    met = list(dict.fromkeys(rows))
    assert numbers.tolist() == [met.index(row) for row in rows]
    assert size == len(met)
    assert first_rows(numbers, size).to_pylist() == [rows.index(row) for row in met]


def test_a_batch_without_rows_has_no_numbers() -> None:
    numbers, size = number_rows(pa.RecordBatch.from_pydict({"x": pa.array([], pa.int64())}), ["x"])
    assert (len(numbers), size, len(first_rows(numbers, size))) == (0, 0, 0)
    assert numbers.dtype == np.int64
