"""Files that need no linking: every row is a household of its own."""

from pathlib import Path

import narwhals as nw

from geoscore.engines import Frame
from geoscore.schemas import HOUSEHOLD, LINK
from geoscore.tables import Table


def leave_alone(records: Table, *, path: Path) -> Table:
    """Return links that make every record a household of its own.

    Parameters
    ----------
    records
        Table of schema ``RECORD``.
    path
        Parquet file to keep the links in.

    Returns
    -------
    Table of schema ``LINK``

    Examples
    --------
    >>> import tempfile
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> from geoscore.schemas import RECORD
    >>> rows = [{"source": "a", "row": i, "record_id": str(i)} for i in (1, 2)]
    >>> with open_engine() as engine, tempfile.TemporaryDirectory() as folder:
    ...     records = Table.from_arrow(pa.Table.from_pylist(rows, schema=RECORD), engine=engine)
    ...     links = leave_alone(records, path=Path(folder) / "links.parquet").collect()
    >>> sorted(links["household_id"].to_pylist())
    ['a:1', 'a:2']
    """

    def link(frame: Frame) -> Frame:
        return frame.with_columns(
            person_id=household_id(), household_id=household_id(), match_probability=nw.lit(1.0)
        )  # fmt: skip

    return records.derive(LINK, link).save(path)


def rows_as_households(records: Table) -> Table:
    """Return every record as a household.

    Parameters
    ----------
    records
        Table of schema ``PLACED``.

    Returns
    -------
    Table of schema ``HOUSEHOLD``
    """

    def rename(frame: Frame) -> Frame:
        return frame.with_columns(
            household_id=household_id(),
            match_probability=nw.lit(1.0),
            n_sources=nw.lit(1).cast(nw.Int64),
            n_records=nw.lit(1).cast(nw.Int64),
        ).select("household_id", *[name for name in HOUSEHOLD.names if name != "household_id"])

    return records.derive(HOUSEHOLD, rename)


def household_id() -> nw.Expr:
    """Return the id of a row that is a household: its source and its number."""
    return nw.concat_str(nw.col("source"), nw.lit(":"), nw.col("row").cast(nw.String))
