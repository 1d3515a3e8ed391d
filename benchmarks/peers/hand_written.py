"""The job by hand: duckdb reads, h3ronpy indexes on both cores' turn, duckdb joins and counts.

python hand_written.py POINTS FEATURES OUT
"""

import sys
from collections.abc import Iterator

import duckdb
import pyarrow as pa
from h3ronpy.vector import coordinates_to_cells

points, features, out = sys.argv[1:]
connection = duckdb.connect()
rows = connection.sql(f"select longitude, latitude, income_usd from read_parquet('{points}')").to_arrow_reader(131_072)
schema = pa.schema([("cell", pa.uint64()), ("income_usd", pa.float64())])


def indexed() -> Iterator[pa.RecordBatch]:
    """Yield the cells and incomes of every batch."""
    for batch in rows:
        cells = coordinates_to_cells(batch["latitude"].to_numpy(), batch["longitude"].to_numpy(), 8)
        yield pa.RecordBatch.from_arrays([pa.array(cells.to_numpy()), batch["income_usd"]], schema=schema)


counted = duckdb.connect()
stream = pa.RecordBatchReader.from_batches(schema, indexed())
counted.sql(
    f"""copy (
        select cell, count(*) as households,
               sum(case when income_usd is null then share_above
                        when income_usd * 0.02 >= 2500 then 1.0 else 0.0 end) as at_least
        from stream join read_parquet('{features}') using (cell) group by cell
    ) to '{out}' (format parquet)"""
)
