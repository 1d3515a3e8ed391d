"""Households of a run as a model sees them: their evidence, their features from every file, and their neighborhood."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.propensity.model import Model
from geoscore.schemas import EVIDENCE

Floats = npt.NDArray[np.float64]
ROW: Final = ("row", "record_id")
POSITION: Final = ("cell", "zip", "spread_m")
MEASURES: Final = ("expected_givers", "givers_variance", "expected_usd", "usd_variance")
"""What a scored household adds to a surface."""


def assemble_households(
    homes: pa.Table, links: pa.Table, features: Mapping[str, pa.Table], areas: pa.Table
) -> pa.Table:
    """Return one row for every household, with all that a model may look at.

    Parameters
    ----------
    homes
        Table of schema ``LOCATED``.
    links
        Table of schema ``LINK``.
    features
        Features of every source: ``row``, ``record_id`` and the file's own columns.
    areas
        What is known of where each household lives, a row for each of ``homes``.

    Returns
    -------
    Table
        ``household_id``, evidence, ``<source>.<column>`` of the household's first row in each source,
        ``rows_in_<source>`` and the columns of ``areas``; in the order of ``homes``.

    Examples
    --------
    >>> from geoscore.schemas import LINK, LOCATED
    >>> homes = pa.Table.from_pylist([{"household_id": "h", "age": 40.0}], schema=LOCATED)
    >>> links = pa.Table.from_pylist([{"source": "list", "row": 7, "household_id": "h"}], schema=LINK)
    >>> files = {"list": pa.table({"row": [7], "record_id": ["7"], "since": [2019]})}
    >>> table = assemble_households(homes, links, files, pa.table({"area_households_per_km2": [900.0]}))
    >>> table.select(["age", "rows_in_list", "list.since"]).to_pylist()
    [{'age': 40.0, 'rows_in_list': 1, 'list.since': 2019}]
    """
    found = homes.select(["household_id", *EVIDENCE])
    ids = pd.Series(homes["household_id"].to_pylist(), dtype=object)
    place = pd.DataFrame({"household_id": ids, "at": np.arange(len(ids))})
    frame = links.select(["source", "row", "household_id"]).to_pandas().sort_values(["source", "row"])
    for source, table in features.items():
        own = frame[frame["source"] == source]
        count = ids.map(own["household_id"].value_counts()).fillna(0).astype(int)
        found = found.append_column(f"rows_in_{source}", pa.array(count.to_numpy()))
        rows = pd.DataFrame({"row": table["row"].to_pandas(), "of": np.arange(table.num_rows)})
        first = own.merge(rows, on="row", how="inner").drop_duplicates("household_id")
        at = place.merge(first, on="household_id", how="left").sort_values("at")["of"]
        take = pa.array(at, pa.int64(), from_pandas=True)
        for name in (name for name in table.column_names if name not in ROW):
            found = found.append_column(f"{source}.{name}", table[name].combine_chunks().take(take))
    for name in areas.column_names:
        found = found.append_column(name, areas[name])
    return found


@dataclass(frozen=True)
class ScoredHouseholds:
    """What a model says of the households of a run.

    Attributes
    ----------
    ids
        Of the households, n of them.
    scores
        Shape (n, 4), the columns of ``MEASURES``.
    table
        Ids with ``p_gives``, ``expected_gift_usd`` and the chance of every rung, for the holder of the files.
    """

    ids: pa.ChunkedArray
    scores: Floats
    table: pa.Table

    def at_positions(self, homes: pa.Table) -> pa.Table:
        """Return the sums of ``MEASURES`` over households that share a position, for ``surfaces.spread_measures``."""
        frame = homes.select(["household_id", *POSITION]).to_pandas(types_mapper={pa.uint64(): pd.UInt64Dtype()}.get)
        own = pd.DataFrame(self.scores, columns=list(MEASURES)).assign(household_id=self.ids.to_pylist())
        joined = frame.merge(own, on="household_id", how="inner")
        summed = joined.groupby(list(POSITION), dropna=False, sort=True)[list(MEASURES)].sum().reset_index()
        schema = pa.schema(
            [homes.schema.field(name) for name in POSITION] + [(name, pa.float64()) for name in MEASURES]
        )
        return pa.Table.from_pandas(summed, schema=schema, preserve_index=False)


def score_households(model: Model, rows: pa.Table) -> ScoredHouseholds:
    """Score the households that ``assemble_households`` gave.

    A household gives with probability p, and then m dollars on average with a coefficient of variation c: p m dollars
    are expected of it, with the variance p m^2 (1 + c^2) - p^2 m^2.

    Raises
    ------
    InputError
        A column that the model looks at is missing.
    """
    found = model.predict(rows)
    n = rows.num_rows
    scores = np.zeros((n, len(MEASURES)))
    if found.p_gives is not None:
        p = found.p_gives
        scores[:, 0], scores[:, 1] = p, p * (1.0 - p)
        if found.gift_if_gives_usd is not None and model.amounts is not None:
            m, c = found.gift_if_gives_usd, model.amounts.spread
            scores[:, 2], scores[:, 3] = p * m, p * m**2 * (1.0 + c**2) - (p * m) ** 2
    batches = [model.score_batch(batch) for batch in rows.to_batches()]
    told: Any = pa.Table.from_batches(batches, schema=model.schema())
    told = told.add_column(0, "household_id", rows["household_id"])
    return ScoredHouseholds(rows["household_id"], scores, told)
