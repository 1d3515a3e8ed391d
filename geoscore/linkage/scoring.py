"""Pairs and their weights: entities meet where they agree, and models say how surely they match.

Runs where the engine has the entities; what comes back is the numbers of two and a weight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.engines import Engine
from geoscore.linkage.comparisons import Comparison
from geoscore.linkage.entities import Entities
from geoscore.linkage.model import PAIRS, LinkageModel
from geoscore.tables import Table

SCORED: Final = pa.schema([("model", pa.int64()), *PAIRS])


@dataclass(frozen=True)
class Scorer:
    """What scores pairs under several models: a function of entities, of the columns by which they meet, and an engine.

    It travels to workers.
    """

    models: tuple[LinkageModel, ...]
    compared: tuple[tuple[Comparison, ...], ...]
    priors: tuple[float, ...]
    least: float

    def __call__(self, entities: pa.Table, blocks: Sequence[Sequence[str]], engine: Engine) -> pa.Table:
        """Return a table of schema ``SCORED``, each pair once for every model that finds it likely enough."""
        tables = []
        for number, (model, compared, prior) in enumerate(zip(self.models, self.compared, self.priors, strict=True)):
            pairs = model.score(entities, rules=blocks, compared=compared, engine=engine, prior=prior, least=self.least)
            once = pairs.group_by(PAIRS.names).aggregate([])
            tables.append(once.append_column("model", pa.array(np.full(once.num_rows, number))).select(SCORED.names))
        return pa.concat_tables(tables).cast(SCORED)


def score_pairs(
    table: Table,
    models: Mapping[str, LinkageModel],
    blocks: Sequence[Sequence[str]],
    entities: Entities,
    *,
    among: float,
    least: float = 0.0,
) -> dict[str, pa.Table]:
    """Return the pairs that meet, as each model sees them.

    Parameters
    ----------
    table
        Entities, all or some, with the columns of the blocks.
    models
        By their names.
    blocks
        Columns; only pairs that agree in all of one are looked at.
    entities
        All of them: how many there are, and what is known of them.
    among
        All pairs that there are, looked at or not: sets the probability of a match before looking.
    least
        Probability under which a pair is not worth keeping.

    Returns
    -------
    dict of pa.Table
        By model: ``left`` < ``right`` (numbers of entities), ``weight`` (log2 of the odds), sorted.
    """
    if not blocks or entities.size < 2:  # noqa: PLR2004
        return {name: PAIRS.empty_table() for name in models}
    compared = tuple(tuple(model.filled(entities.known)) for model in models.values())
    columns = {"unique_id", *(name for rule in blocks for name in rule)}
    for item in (item for items in compared for item in items):
        columns |= {*item.columns, *(f"tf_{step.frequency}" for step in item.steps if step.frequency)}
    given = pa.schema([field for field in table.schema if field.name in columns])
    scorer = Scorer(
        models=tuple(models.values()),
        compared=compared,
        priors=tuple(model.prior(entities.size, among) for model in models.values()),
        least=least,
    )
    engine = table.engine
    scored = engine.map_blocks(table.frame.select(*given.names), blocks, scorer, SCORED, given=given)
    found = engine.collect(scored.unique()).cast(SCORED)
    order = [("left", "ascending"), ("right", "ascending")]
    return {
        name: found.filter(pc.equal(found["model"], number)).select(PAIRS.names).sort_by(order)
        for number, name in enumerate(models)
    }
