"""Golden records: what several files say of one household, merged into one row.

Each figure is taken from the most trusted source that has it.
"""

from collections.abc import Sequence

import narwhals as nw
import pyarrow as pa

from geoscore.engines import Frame
from geoscore.schemas import EVIDENCE, HOUSEHOLD
from geoscore.tables import Table


def merge_households(records: Table, links: Table, *, precedence: Sequence[str]) -> Table:
    """Merge the records of each household into one row.

    Parameters
    ----------
    records
        Table of schema ``RECORD``.
    links
        Table of schema ``LINK``, one row for each record.
    precedence
        Names of the sources, the most trusted first.

    Returns
    -------
    Table of schema ``HOUSEHOLD``
        Names, streets and e-mail are not among its columns.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> from geoscore.schemas import LINK, RECORD
    >>> rows = [{"source": s, "row": 1, "record_id": "1", "zip": z, "income_usd": i}
    ...         for s, z, i in [("a", "94301", None), ("b", "94306", 90_000.0)]]
    >>> link = [{"source": s, "row": 1, "household_id": "h", "match_probability": 1.0} for s in "ab"]
    >>> with open_engine() as engine:
    ...     records = Table.from_arrow(pa.Table.from_pylist(rows, schema=RECORD), engine=engine)
    ...     links = Table.from_arrow(pa.Table.from_pylist(link, schema=LINK), engine=engine)
    ...     merged = merge_households(records, links, precedence=["a", "b"]).collect().to_pylist()[0]
    >>> merged["zip"], merged["income_usd"], merged["n_sources"]
    ('94301', 90000.0, 2)
    """
    ranks = Table.from_arrow(
        pa.table({"source": list(precedence), "rank": range(len(precedence))}), engine=records.engine
    )
    fields = ("zip", "longitude", "latitude", *EVIDENCE)
    order = ["rank", "record_id", "row"]

    def merge(frame: Frame) -> Frame:
        link = links.frame.select("source", "row", "household_id", "match_probability")
        joined = frame.join(link, on=["source", "row"], how="inner").join(ranks.frame, on="source", how="inner")
        totals = joined.group_by("household_id").agg(
            nw.col("match_probability").min(),
            nw.col("source").n_unique().cast(nw.Int64).alias("n_sources"),
            nw.len().cast(nw.Int64).alias("n_records"),
        )
        filled = joined.with_columns(
            nw.col(name).fill_null(strategy="backward").over("household_id", order_by=order) for name in fields
        )
        place = nw.col("one").cum_sum().over("household_id", order_by=order).alias("place")
        first = (
            filled.with_columns(nw.lit(1).alias("one"))
            .with_columns(place)
            .filter(nw.col("place") == 1)
            .select("household_id", *fields)
        )
        return totals.join(first, on="household_id", how="inner")

    return records.derive(HOUSEHOLD, merge)
