"""Linkage from end to end: records to households, and to the persons in them.

Keys, entities, rules, a model that learns, pairs, clusters; nothing depends on the order of rows or files.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore.linkage.blocking import CountedRule, choose_rules, count_pairs, every_block
from geoscore.linkage.cluster import connect, cut_bridges, leave_torn
from geoscore.linkage.comparisons import COMPARISONS
from geoscore.linkage.entities import Entities, count_groups, find_entities
from geoscore.linkage.frequencies import POPULATION
from geoscore.linkage.groups import files_of, name_groups, with_group
from geoscore.linkage.keys import Codes
from geoscore.linkage.model import LinkageModel, log_odds, probability, save_models
from geoscore.linkage.scoring import score_pairs
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
TWICE_IN_A_FILE: Final = 0.1
"""Share of the pairs of one household in one file that are one person listed twice."""
LEAST_MATES: Final = 0.005
UNSURE: Final = 10.0
"""Pairs of either kind that are taken to have been seen, so that few pairs do not settle what they cannot."""


@dataclass
class Linked:
    """Links, how they came about, and what is needed to explain them."""

    links: Table
    records: Table
    entities: Table
    pairs: pa.Table
    models: dict[str, LinkageModel]
    rules: list[CountedRule]
    threshold: float
    counts: dict[str, Any] = field(default_factory=dict)

    def keep(self, links: Table) -> "Linked":
        """Return what is left when only these links stay: nothing of any other record."""
        some = links.frame.select("source", "row")
        records = self.records.derive(self.records.schema, lambda f: f.join(some, on=["source", "row"], how="semi"))
        numbers = records.frame.select("unique_id").unique()
        entities = self.entities.derive(self.entities.schema, lambda f: f.join(numbers, on="unique_id", how="semi"))
        return replace(self, records=records, entities=entities, pairs=self.pairs.slice(0, 0))

    def save(self, folder: Path) -> None:
        """Write the models, and what `geoscore explain-link` reads: private, for it holds names."""
        folder.mkdir(mode=0o700, exist_ok=True)
        save_models(self.models, folder / "model.json")
        self.entities.save(folder / "entities.parquet")
        self.records.save(folder / "records.parquet")
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
    entities = find_entities(records)
    learn = models is None
    models = models or {name: LinkageModel(compared) for name, compared in COMPARISONS.items()}
    sample = entities.sample() if learn else None
    if sample is not None:
        tell("training")
        for name, rules_ in TRAINING.items():
            models[name].fit(sample, rules=_training(sample, rules_), engine=records.engine)
    tell("pairs")
    household, rules, pairs, threshold = _households(entities, models, precision)
    tell("persons")
    person = _persons(entities, household, models["member"], sample)
    counts = {
        "records": entities.n_records,
        "distinct_records": entities.size,
        "persons": len(np.unique(person)),
        "households": len(np.unique(household)),
        "threshold": round(threshold, 4),
        "pairs_for_review": _between(pairs, REVIEW, threshold),
        "trained": bool(learn and models["household"].trained_on),
        "set_aside": entities.set_aside,
        "rules": [str(rule) for rule in rules],
    }
    links, found = name_groups(entities, household, person, _sureness(household, pairs))
    return Linked(links, entities.records, found, pairs, models, rules, threshold, counts)


def _households(
    entities: Entities, models: dict[str, LinkageModel], precision: float
) -> tuple[Codes, list[CountedRule], pa.Table, float]:
    """Return the household of each entity, the rules, the pairs and the threshold."""
    rules = choose_rules(count_groups(entities.table, every_block()), records=entities.size)
    blocks = [rule.columns for rule in rules if rule.used]
    n = entities.size
    among = n * max(n - 1.0, POPULATION) / 2
    two = {name: models[name] for name in ("household", "person")}
    found = score_pairs(entities.table, two, blocks, entities, among=among, least=WORTH_KEEPING)
    pairs = _surer([two[name].calibrate(some, records=n, among=among) for name, some in found.items()])
    threshold = choose_threshold(probability(pairs["weight"].to_numpy()), precision=precision)
    component = connect(pairs, size=n, weight=float(np.log2(threshold / (1 - threshold))))
    inside = with_group(entities.table, "component", component)
    every = _surer(list(score_pairs(inside, two, [("component",)], entities, among=among).values()))
    return leave_torn(cut_bridges(component, every), every), rules, pairs, threshold


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


def _training(sample: pa.Table, rules: tuple[tuple[str, ...], ...]) -> list[tuple[str, ...]]:
    """Return columns to learn from: with enough pairs, and not so many that hardly one is a match."""
    most = MOST_TRAINING_PAIRS * sample.num_rows
    return [columns for columns in rules if FEWEST_PAIRS <= count_pairs(sample, columns) <= most]


def _persons(entities: Entities, household: Codes, model: LinkageModel, sample: pa.Table | None) -> Codes:
    """Return the person of each entity; persons never reach across households."""
    sizes = np.bincount(household, minlength=len(household)).astype(np.int64)
    pairs_in_all = int((sizes * (sizes - 1) // 2).sum())
    if sample is not None and pairs_in_all >= FEWEST_PAIRS:
        known = sample.append_column("household", pa.array(household[sample["unique_id"].to_numpy()]))
        model.fit(known, rules=[("household",)], engine=entities.table.engine)
    inside = with_group(entities.table, "household", household)
    pairs = score_pairs(inside, {"member": model}, [("household",)], entities, among=pairs_in_all)["member"]
    evidence = pairs["weight"].to_numpy() - log_odds(model.prior(entities.size, pairs_in_all))
    weight = evidence + house_mates(pairs, household, files_of(inside, entities.size))
    pairs = pairs.set_column(2, "weight", pa.array(weight))
    component = connect(pairs, size=entities.size, weight=0.0)
    same = component[pairs["left"].to_numpy()] == component[pairs["right"].to_numpy()]
    return cut_bridges(component, pairs.filter(pa.array(same)))


def house_mates(pairs: pa.Table, household: Codes, files: Codes) -> npt.NDArray[np.float64]:
    """Return the log2 odds that a pair of one household is one person, before it is looked at, of shape (n,).

    A file rarely lists a person twice. So of the pairs of two files no more can be one person than the smaller number
    of records that the household has in either; and as many are house-mates as the files list house-mates themselves.

    Examples
    --------
    >>> pairs = pa.table({"left": [0, 0], "right": [1, 2], "weight": [0.0, 0.0]})
    >>> house_mates(pairs, np.array([0, 0, 0]), np.array([0, 0, 1])).round(1).tolist()
    [-3.2, 0.0]
    """
    sizes = pd.DataFrame({"household": household, "file": files})[files >= 0]
    sizes = sizes.groupby(["household", "file"]).size().rename("n").reset_index()
    within = (sizes["n"] * (sizes["n"] - 1) / 2).groupby(sizes["file"]).sum()
    both = sizes.merge(sizes, on="household", suffixes=("", "_other"))
    both = both[both["file"] != both["file_other"]]
    both = both.assign(pairs=both["n"] * both["n_other"], persons=both[["n", "n_other"]].min(axis=1))
    rates = both.groupby(["file", "file_other"])[["pairs", "persons"]].sum()
    mates = [2 * np.sqrt(within[one] * within[other]) for one, other in rates.index]
    persons = np.maximum(np.minimum(rates["persons"], rates["pairs"] - mates), 0.0)
    share = (persons + UNSURE) / (rates["pairs"] + 2 * UNSURE)
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
