"""Linkage from end to end: records to households, and to the persons in them.

Keys, entities, rules, a model that learns, pairs, clusters; nothing depends on the order of rows or files.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geoscore.linkage.blocking import CountedRule, Rule, choose_rules, count_pairs
from geoscore.linkage.cluster import connect, cut_bridges, leave_torn
from geoscore.linkage.comparisons import COMPARISONS
from geoscore.linkage.frequencies import POPULATION
from geoscore.linkage.keys import KEYS, Codes, codes_of, linkage_keys, number_entities, set_aside_shared
from geoscore.linkage.model import LinkageModel, log_odds, probability, save_models
from geoscore.schemas import LINK
from geoscore.tables import Table

PRECISION: Final = 0.97
"""Expected precision of the pairs that are linked; the threshold follows from it."""
ACCEPT: Final = (0.5, 0.95)
"""The threshold lies between these probabilities, whatever the precision asks for."""
REVIEW: Final = 0.05
"""Pairs from here up to the threshold are worth a second look by a person."""
FEW: Final = 20
"""Pairs that are right, taken to have been seen before."""
WORTH_KEEPING: Final = 0.001
TRAINING: Final = {
    "household": (("line",), ("rare", "first", "last"), ("last", "zip"), ("email",), ("phone",)),
    "person": (("line", "last"), ("rare", "first", "last"), ("ssn",)),
}
"""Pairs that agree in these are learned from: together they leave no comparison out."""
FEWEST_PAIRS: Final = 500
MOST_TRAINING_PAIRS: Final = 2.0
"""Of a record; where more agree, hardly one is a match, and nothing can be learned of matches."""
RARE_PAIRS: Final = 0.5
"""Of a record; the rarest full names are learned from, so many that they give so many pairs."""
TWICE_IN_A_FILE: Final = 0.1
"""Share of the pairs of one household in one file that are one person listed twice."""
LEAST_MATES: Final = 0.005
UNSURE: Final = 10.0
"""Pairs of either kind that are taken to have been seen, so that few pairs do not settle what they cannot."""


@dataclass
class Linked:
    """Links, how they came about, and what is needed to explain them."""

    links: Table
    records: pa.Table
    entities: pa.Table
    pairs: pa.Table
    models: dict[str, LinkageModel]
    rules: list[CountedRule]
    threshold: float
    counts: dict[str, Any] = field(default_factory=dict)

    def keep(self, links: pa.Table) -> "Linked":
        """Return what is left when only these links stay: nothing of any other record."""
        keys = ["source", "row"]
        records = self.records.join(links.select(keys), keys=keys, join_type="left semi")
        entities = self.entities.filter(pc.is_in(self.entities["unique_id"], records["unique_id"].combine_chunks()))
        return replace(self, records=records, entities=entities, pairs=self.pairs.slice(0, 0))

    def save(self, folder: Path) -> None:
        """Write the models, and what `geoscore explain-link` reads: private, for it holds names."""
        folder.mkdir(mode=0o700, exist_ok=True)
        save_models(self.models, folder / "model.json")
        pq.write_table(self.entities, folder / "entities.parquet", compression="zstd")
        pq.write_table(self.records, folder / "records.parquet", compression="zstd")
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
        Trained earlier, by the names of ``COMPARISONS``; applied as they are. New ones are trained by default.
    precision
        Expected share of right ones among linked pairs; sets the threshold, between 0.5 and 0.95.
    progress
        Called with what is being done.

    Returns
    -------
    Linked
        Among it the links, a table of schema ``LINK``: one row per record; ``match_probability`` is how likely
        the record belongs where it was put, with others or alone.

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
    entities = entities.append_column("rare", rare_names(entities["both"]))
    learn = models is None
    models = models or {name: LinkageModel(compared) for name, compared in COMPARISONS.items()}
    if learn:
        tell("training")
        for name, rules_ in TRAINING.items():
            models[name].fit(entities, rules=_training(entities, rules_), engine=records.engine)
    tell("pairs")
    household, rules, pairs, threshold = _households(records, entities, models, precision)
    tell("persons")
    entities = entities.append_column("household", pa.array(household))
    person = _persons(records, entities, models["member"], learn=learn)
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
    numbered = keys.select(["source", "row", "record_id"]).append_column("unique_id", pa.array(entity))
    return Linked(table, numbered, entities, pairs, models, rules, threshold, counts)


def _first_of_each(keys: pa.Table, entity: Codes) -> pa.Table:
    """Return the first record of each entity, numbered."""
    _, first = np.unique(entity, return_index=True)
    return keys.take(pa.array(first)).append_column("unique_id", pa.array(np.arange(len(first), dtype=np.int64)))


def _households(
    records: Table, entities: pa.Table, models: dict[str, LinkageModel], precision: float
) -> tuple[Codes, list[CountedRule], pa.Table, float]:
    """Return the household of each entity, the rules, the pairs and the threshold."""
    rules = choose_rules(entities)
    conditions = [Rule(rule.columns).condition for rule in rules if rule.used]
    n = entities.num_rows
    among = n * max(n - 1.0, POPULATION) / 2
    pairs = _surer(_score(records, entities, models, conditions, among=among, calibrate=True))
    threshold = choose_threshold(probability(pairs["weight"].to_numpy()), precision=precision)
    component = connect(pairs, size=n, weight=float(np.log2(threshold / (1 - threshold))))
    inside = entities.append_column("component", pa.array(component))
    every = _surer(_score(records, inside, models, ["l.component = r.component"], among=among, calibrate=False))
    return leave_torn(cut_bridges(component, every), every), rules, pairs, threshold


def _score(
    records: Table,
    entities: pa.Table,
    models: dict[str, LinkageModel],
    rules: list[str],
    *,
    among: float,
    calibrate: bool,
) -> list[pa.Table]:
    """Return the pairs as the model of households sees them, and as that of persons does."""
    found = []
    for name in ("household", "person"):
        least = WORTH_KEEPING if calibrate else 0.0
        pairs = models[name].score(entities, rules=rules, engine=records.engine, among=among, least=least)
        if calibrate:
            pairs = models[name].calibrate(pairs, records=entities.num_rows, among=among)
        found.append(pairs)
    return found


def _surer(found: list[pa.Table]) -> pa.Table:
    """Return each pair once, with the larger of its weights: one household, or one person and so one household."""
    return (
        pa.concat_tables(found)
        .group_by(["left", "right"])
        .aggregate([("weight", "max")])
        .rename_columns({"weight_max": "weight"})
        .sort_by([("left", "ascending"), ("right", "ascending")])
    )


def choose_threshold(probabilities: npt.NDArray[np.float64], *, precision: float) -> float:
    """Return the lowest threshold at which the pairs above it are expected to be right often enough.

    Parameters
    ----------
    probabilities
        Match probabilities of pairs, of shape (n,).
    precision
        Their mean above the threshold is to be at least this; a few pairs alone do not raise the threshold.

    Examples
    --------
    >>> round(choose_threshold(np.repeat([0.99, 0.98, 0.9, 0.6], 100), precision=0.959), 3)
    0.9
    """
    low, high = ACCEPT
    falling = np.sort(probabilities[probabilities >= low])[::-1]
    if len(falling) == 0:
        return low
    means = (np.cumsum(falling) + FEW) / (np.arange(1, len(falling) + 1) + FEW)
    enough = np.flatnonzero(means >= precision)
    if len(enough) == len(falling):
        return low
    return float(np.clip(falling[enough[-1]], low, high)) if len(enough) else high


def rare_names(names: pa.ChunkedArray) -> pa.Array:
    """Return the full names that few records have, null for the others: who shares one is likely one person.

    Examples
    --------
    >>> rare_names(pa.chunked_array([["ANN|LEE"] * 5 + ["BO|DIAZ"] * 2 + [None]])).to_pylist()[4:]
    [None, 'BO|DIAZ', 'BO|DIAZ', None]
    """
    codes = codes_of(names)
    counts = np.bincount(codes[codes >= 0], minlength=1)
    sizes, many = np.unique(counts, return_counts=True)
    pairs = np.cumsum(many * sizes * (sizes - 1) // 2)
    fits = sizes[pairs <= RARE_PAIRS * len(codes)]
    most = fits.max(initial=1)
    common = (codes < 0) | (counts[np.maximum(codes, 0)] > most)
    return pc.if_else(pa.array(common), pa.scalar(None, pa.string()), names.combine_chunks())


def _training(entities: pa.Table, rules: tuple[tuple[str, ...], ...]) -> list[str]:
    """Return conditions to learn from: those with enough pairs, and not so many that hardly one is a match."""
    counts = {columns: count_pairs(entities, columns) for columns in rules}
    most = MOST_TRAINING_PAIRS * entities.num_rows
    return [Rule(columns).condition for columns, pairs in counts.items() if FEWEST_PAIRS <= pairs <= most]


def _persons(records: Table, entities: pa.Table, model: LinkageModel, *, learn: bool) -> Codes:
    """Return the person of each entity; persons never reach across households."""
    rule = ["l.household = r.household"]
    pairs_in_all = count_pairs(entities, ["household"])
    if learn and pairs_in_all >= FEWEST_PAIRS:
        model.fit(entities, rules=rule, engine=records.engine)
    pairs = model.score(entities, rules=rule, engine=records.engine, among=pairs_in_all)
    evidence = pairs["weight"].to_numpy() - log_odds(model.prior(entities.num_rows, pairs_in_all))
    weight = evidence + house_mates(pairs, entities)
    pairs = pairs.set_column(2, "weight", pa.array(weight))
    component = connect(pairs, size=entities.num_rows, weight=0.0)
    same = component[pairs["left"].to_numpy()] == component[pairs["right"].to_numpy()]
    return cut_bridges(component, pairs.filter(pa.array(same)))


def house_mates(pairs: pa.Table, entities: pa.Table) -> npt.NDArray[np.float64]:
    """Return the log2 odds that a pair of one household is one person, before it is looked at, of shape (n,).

    A file rarely lists a person twice. So of the pairs of two files no more can be one person than the smaller number
    of records that the household has in either; and as many are house-mates as the files list house-mates themselves.

    Examples
    --------
    >>> entities = pa.table({"household": [0, 0, 0], "source": ["a", "a", "b"]})
    >>> pairs = pa.table({"left": [0, 0], "right": [1, 2], "weight": [0.0, 0.0]})
    >>> house_mates(pairs, entities).round(1).tolist()
    [-3.2, 0.0]
    """
    sizes = pd.DataFrame({"household": entities["household"].to_numpy(), "file": codes_of(entities["source"])})
    sizes = sizes.groupby(["household", "file"]).size().rename("n").reset_index()
    within = (sizes["n"] * (sizes["n"] - 1) / 2).groupby(sizes["file"]).sum()
    both = sizes.merge(sizes, on="household", suffixes=("", "_other"))
    both = both[both["file"] != both["file_other"]]
    both = both.assign(pairs=both["n"] * both["n_other"], persons=both[["n", "n_other"]].min(axis=1))
    rates = both.groupby(["file", "file_other"])[["pairs", "persons"]].sum()
    mates = [2 * np.sqrt(within[one] * within[other]) for one, other in rates.index]
    persons = np.maximum(np.minimum(rates["persons"], rates["pairs"] - mates), 0.0)
    share = (persons + UNSURE) / (rates["pairs"] + 2 * UNSURE)
    files = codes_of(entities["source"])
    one, other = files[pairs["left"].to_numpy()], files[pairs["right"].to_numpy()]
    looked_up = share.reindex(pd.MultiIndex.from_arrays([one, other])).fillna(TWICE_IN_A_FILE).to_numpy()
    clipped = np.clip(looked_up, TWICE_IN_A_FILE, 1 - LEAST_MATES)
    odds: npt.NDArray[np.float64] = np.log2(clipped / (1 - clipped))
    return odds


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
