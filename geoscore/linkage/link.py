"""Linkage from end to end: records to households, and to the persons in them.

Keys, entities, rules, a model that learns, pairs, clusters; nothing depends on the order of rows or files.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.linkage.blocking import CountedRule, Rule, choose_rules, count_pairs
from geoscore.linkage.cluster import connect, cut_bridges
from geoscore.linkage.comparisons import COMPARISONS
from geoscore.linkage.keys import KEYS, Codes, linkage_keys, number_entities, set_aside_shared
from geoscore.linkage.model import POPULATION, LinkageModel, probability, save_models
from geoscore.schemas import LINK
from geoscore.tables import Table

PRECISION: Final = 0.97
"""Expected precision of the pairs that are linked; the threshold follows from it."""
ACCEPT: Final = (0.5, 0.95)
"""The threshold lies between these probabilities, whatever the precision asks for."""
REVIEW: Final = 0.05
"""Pairs from here up to the threshold are worth a second look by a person."""
WORTH_KEEPING: Final = 0.001
TRAINING: Final = (("line",), ("first", "last"), ("last", "zip"), ("email",), ("phone",))
"""Pairs that agree in these are learned from: together they leave no comparison out."""
FEWEST_PAIRS: Final = 500
MOST_TRAINING_PAIRS: Final = 100
"""Of a record; where more agree, hardly one is a match, and nothing can be learned of matches."""


@dataclass
class Linked:
    """Links, how they came about, and what is needed to explain them."""

    links: Table
    entities: pa.Table
    pairs: pa.Table
    models: dict[str, LinkageModel]
    rules: list[CountedRule]
    threshold: float
    counts: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write the models, and what `geoscore explain-link` reads: private, for it holds names."""
        folder.mkdir(mode=0o700, exist_ok=True)
        save_models(self.models, folder / "model.json")
        pq.write_table(self.entities, folder / "entities.parquet", compression="zstd")
        pq.write_table(self.pairs, folder / "pairs.parquet", compression="zstd")
        (folder / "linkage.json").write_text(json.dumps(self.counts, indent=1) + "\n", encoding="utf-8")


def link_records(
    records: Table,
    *,
    models: dict[str, LinkageModel] | None = None,
    precision: float = PRECISION,
    progress: Callable[[str], None] | None = None,
) -> Linked:
    """Find the records that belong to the same household, and to the same person.

    Parameters
    ----------
    records
        Table of schema ``RECORD``.
    models
        Trained earlier, for ``household`` and ``person``; they are applied as they are. New ones are trained by default.
    precision
        Expected share of right ones among linked pairs; sets the threshold, between 0.5 and 0.95.
    progress
        Called with what is being done.

    Returns
    -------
    Linked
        Among it the links, a table of schema ``LINK``: one row per record; ``match_probability`` is how likely the
        record belongs where it was put, with others or alone.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.engines import open_engine
    >>> from geoscore.schemas import RECORD
    >>> rows = [
    ...     {"source": "a", "row": 1, "record_id": "1", "full_name": "Ann Lee", "street": "12 Oak Street"},
    ...     {"source": "b", "row": 1, "record_id": "x", "full_name": "Bo Lee", "street": "12 OAK ST."},
    ... ]
    >>> with open_engine() as engine:
    ...     records = Table.from_arrow(pa.Table.from_pylist(rows, schema=RECORD), engine=engine)
    ...     links = link_records(records).links.collect()
    >>> len(set(links["household_id"].to_pylist())), len(set(links["person_id"].to_pylist()))
    (1, 2)
    """
    tell = progress or (lambda _what: None)
    tell("keys")
    keys = records.map_batches(linkage_keys, KEYS).collect()
    keys = keys.sort_by([("source", "ascending"), ("record_id", "ascending"), ("row", "ascending")])
    keys, set_aside = set_aside_shared(keys)
    entity = number_entities(keys)
    entities = _first_of_each(keys, entity)
    learn = models is None
    models = models or {name: LinkageModel(compared) for name, compared in COMPARISONS.items()}
    models = models or {name: LinkageModel(compared) for name, compared in COMPARISONS.items()}
    if learn:
        tell("training")
        models["household"].fit(entities, rules=_training(entities), engine=records.engine)
    tell("pairs")
    household, rules, pairs, threshold = _households(records, entities, models["household"], precision)
    tell("persons")
    entities = entities.append_column("household", pa.array(household))
    person = _persons(records, entities, models["person"], learn=learn)
    entities = entities.append_column("person", pa.array(person))
    sure = _sureness(household, pairs)
    links = pa.table(
        {
            **{name: keys[name] for name in ("source", "row", "record_id")},
            "person_id": _ids("p", keys, person[entity]),
            "household_id": _ids("h", keys, household[entity]),
            "match_probability": np.round(sure[entity], 6),
        },
        schema=LINK,
    )
    counts = {
        "records": keys.num_rows,
        "distinct_records": entities.num_rows,
        "persons": len(np.unique(person)),
        "households": len(np.unique(household)),
        "threshold": round(threshold, 4),
        "pairs_for_review": _between(pairs, REVIEW, threshold),
        "trained": bool(learn and models["household"].trained_on),
        "set_aside": set_aside,
        "rules": [str(rule) for rule in rules],
    }
    table = Table.from_arrow(links, engine=records.engine)
    return Linked(table, entities, pairs, models, rules, threshold, counts)


def _first_of_each(keys: pa.Table, entity: Codes) -> pa.Table:
    """Return the first record of each entity, numbered."""
    _, first = np.unique(entity, return_index=True)
    return keys.take(pa.array(first)).append_column("unique_id", pa.array(np.arange(len(first), dtype=np.int64)))


def _households(
    records: Table, entities: pa.Table, model: LinkageModel, precision: float
) -> tuple[Codes, list[CountedRule], pa.Table, float]:
    """Return the household of each entity, the rules, the pairs and the threshold."""
    rules = choose_rules(entities)
    conditions = [Rule(rule.columns).condition for rule in rules if rule.used]
    n = entities.num_rows
    among = n * max(n - 1.0, POPULATION) / 2
    pairs = model.score(entities, rules=conditions, engine=records.engine, among=among, least=WORTH_KEEPING)
    pairs = model.calibrate(pairs, records=n, among=among)
    threshold = choose_threshold(probability(pairs["weight"].to_numpy()), precision=precision)
    component = connect(pairs, size=n, weight=float(np.log2(threshold / (1 - threshold))))
    inside = entities.append_column("component", pa.array(component))
    every = model.score(inside, rules=["l.component = r.component"], engine=records.engine, among=among)
    household = cut_bridges(component, every)
    return household, rules, pairs, threshold


def choose_threshold(probabilities: npt.NDArray[np.float64], *, precision: float) -> float:
    """Return the lowest threshold at which the pairs above it are expected to be right often enough.

    Parameters
    ----------
    probabilities
        Match probabilities of pairs, of shape (n,).
    precision
        Their mean above the threshold is to be at least this.

    Examples
    --------
    >>> round(choose_threshold(np.array([0.99, 0.98, 0.9, 0.6]), precision=0.95), 3)
    0.9
    """
    low, high = ACCEPT
    falling = np.sort(probabilities[probabilities >= low])[::-1]
    if len(falling) == 0:
        return low
    means = np.cumsum(falling) / np.arange(1, len(falling) + 1)
    enough = np.flatnonzero(means >= precision)
    if len(enough) == len(falling):
        return low
    return float(np.clip(falling[enough[-1]], low, high)) if len(enough) else high


def _training(entities: pa.Table) -> list[str]:
    """Return conditions to learn from: those with enough pairs, and not so many that hardly one is a match."""
    counts = {columns: count_pairs(entities, columns) for columns in TRAINING}
    most = MOST_TRAINING_PAIRS * entities.num_rows
    return [Rule(columns).condition for columns, pairs in counts.items() if FEWEST_PAIRS <= pairs <= most]


def _persons(records: Table, entities: pa.Table, model: LinkageModel, *, learn: bool) -> Codes:
    """Return the person of each entity; persons never reach across households."""
    rule = ["l.household = r.household"]
    pairs_in_all = count_pairs(entities, ["household"])
    if learn and pairs_in_all >= FEWEST_PAIRS:
        model.fit(entities, rules=rule, engine=records.engine)
    pairs = model.score(entities, rules=rule, engine=records.engine, among=pairs_in_all)
    pairs = model.calibrate(pairs, records=entities.num_rows, among=pairs_in_all)
    component = connect(pairs, size=entities.num_rows, weight=0.0)
    same = component[pairs["left"].to_numpy()] == component[pairs["right"].to_numpy()]
    return cut_bridges(component, pairs.filter(pa.array(same)))


def _sureness(household: Codes, pairs: pa.Table) -> npt.NDArray[np.float64]:
    """Return how likely each entity belongs where it was put: linked by its best pair inside, alone by none outside."""
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    p = probability(pairs["weight"].to_numpy())
    inside = household[left] == household[right]
    best = np.zeros((2, len(household)))
    for side in (left, right):
        for row, chosen in enumerate((inside, ~inside)):
            np.maximum.at(best[row], side[chosen], p[chosen])
    alone = np.bincount(household, minlength=len(household))[household] == 1
    return np.where(alone, 1 - best[1], np.maximum(best[0], WORTH_KEEPING))


def _between(pairs: pa.Table, low: float, high: float) -> int:
    p = probability(pairs["weight"].to_numpy())
    return int(((p >= low) & (p < high)).sum())


def _ids(letter: str, keys: pa.Table, group: Codes) -> pa.Array:
    """Name every group after its first record; ``keys`` is sorted, so first means smallest."""
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    smallest = keys.take(pa.array(first))
    seen: dict[str, int] = {}
    ids = []
    for source, record_id in zip(smallest["source"].to_pylist(), smallest["record_id"].to_pylist(), strict=True):
        name = f"{source}\x1f{record_id}"
        seen[name] = seen.get(name, 0) + 1
        digest = hashlib.blake2b(f"{name}\x1f{seen[name]}".encode(), digest_size=8)
        ids.append(f"{letter}{digest.hexdigest()}")
    return pa.array(ids, pa.string()).take(pa.array(inverse.reshape(-1)))
