"""Why are two records linked, or not? Every comparison's say, in bits, from what a run has kept."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geoscore.engines import open_engine
from geoscore.errors import InputError, missing_file
from geoscore.linkage.frequencies import POPULATION
from geoscore.linkage.keys import COMPARED
from geoscore.linkage.model import open_models, probability


@dataclass(frozen=True)
class Evidence:
    """What one comparison says: its step of likeness, and the bits for (+) or against (-) a match."""

    comparison: str
    step: str
    bits: float


@dataclass(frozen=True)
class Explanation:
    """Two records, how alike they are, and what was decided."""

    left: dict[str, Any]
    right: dict[str, Any]
    model: str
    evidence: tuple[Evidence, ...]
    match_probability: float
    threshold: float
    same_household: bool
    same_person: bool
    same_entity: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return asdict(self)


def explain_link(folder: str | Path, one: str, other: str) -> Explanation:
    """Explain the link between two records, or why there is none.

    Parameters
    ----------
    folder
        What `geoscore link` or a run has kept: the output's ``.linkage`` folder, or a run's ``private/linkage``.
    one, other
        Record ids, as ``source:record_id`` or, where only one file has it, ``record_id`` alone.

    Raises
    ------
    InputError
        There is nothing kept, or no such record.
    """
    place = Path(folder)
    for name in ("model.json", "entities.parquet", "records.parquet", "linkage.json"):
        if not (place / name).exists():
            raise missing_file(place / name, "linkage", mend="name a folder that `geoscore link` or a run has written")
    models = open_models(place / "model.json")
    entities = pq.read_table(place / "entities.parquet")
    records = pq.read_table(place / "records.parquet")
    left, right = (_find(records, text) for text in (one, other))
    n = entities.num_rows
    sayings: list[tuple[str, pa.Table]] = []
    if left != right:
        with open_engine() as engine:
            among = n * max(n - 1.0, POPULATION) / 2
            for name in ("household", "person"):
                told = models[name].explain(left, right, entities, engine=engine, among=among)
                sayings.append((name, told))
    rows = [entities.filter(pc.equal(entities["unique_id"], number)).to_pylist()[0] for number in (left, right)]
    model, table = max(sayings, key=lambda item: item[1]["weight"][-1].as_py()) if sayings else ("entity", None)
    evidence = tuple(Evidence(*row.values()) for row in table.to_pylist()[:-1]) if table is not None else ()
    bits = table["weight"][-1].as_py() if table is not None else np.inf
    return Explanation(
        left=_shown(rows[0]),
        right=_shown(rows[1]),
        model=model,
        evidence=evidence,
        match_probability=round(float(probability(np.array(bits))), 6),
        threshold=float(json.loads((place / "linkage.json").read_text(encoding="utf-8"))["threshold"]),
        same_household=rows[0]["household"] == rows[1]["household"],
        same_person=rows[0]["person"] == rows[1]["person"],
        same_entity=left == right,
    )


def _find(records: pa.Table, text: str) -> int:
    """Return the entity of a record that somebody named."""
    source, colon, record_id = text.partition(":")
    by_id = records.filter(pc.equal(records["record_id"], text))
    if colon:
        exact = pc.and_(pc.equal(records["source"], source), pc.equal(records["record_id"], record_id))
        by_id = records.filter(exact) if pc.any(exact).as_py() else by_id
    if by_id.num_rows == 0:
        raise InputError(f"there is no record {text!r}; write it as source:record_id, such as {_example(records)}")
    sources = sorted(set(by_id["source"].to_pylist()))
    if len(sources) > 1:
        raise InputError(f"several files have a record {text!r}; write {sources[0]}:{text} or {sources[1]}:{text}")
    return int(by_id["unique_id"][0].as_py())


def _example(records: pa.Table) -> str:
    return f"{records['source'][0].as_py()}:{records['record_id'][0].as_py()}"


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("source", "record_id", *COMPARED) if row[name] is not None and name != "ssn"}
