"""Linkage alone: any files in, one row per record out, with its person, its household and how sure that is.

The way beside the pipeline for those who want links and no surface; it knows the order of ingest and linkage.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow.parquet as pq

from geoscore import ingest, linkage
from geoscore.engines import open_engine
from geoscore.errors import InputError, missing_column
from geoscore.ingest.inspect import FileProfile, inspect_file, propose_source, source_names
from geoscore.linkage.evaluate import PairScores, correct_union, score_pairs
from geoscore.linkage.model import open_models
from geoscore.project import Source
from geoscore.schemas import RECORD
from geoscore.staging import staged
from geoscore.tables import Table

MEMORY: Final = "3GB"
PRIVATE: Final = ".linkage"
"""Ending of the folder beside the output: the model, and what `geoscore explain-link` reads. It holds names."""


@dataclass(frozen=True)
class LinkedFiles:
    """What linking did: counts, and scores where a truth was given."""

    out: Path
    private: Path
    counts: dict[str, Any]
    files: list[ingest.SourceReport]
    sources: list[Source]
    scores: dict[str, PairScores]
    corrected: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        files = [
            {"name": file.name, "rows_read": file.rows_read, "rows_used": file.rows_used, "mended": file.mended}
            for file in self.files
        ]
        told = {name: scores.to_dict() for name, scores in self.scores.items()}
        corrected = self.corrected and {"households": self.corrected[0], "standard_error": self.corrected[1]}
        return {"out": str(self.out), "files": files, **self.counts, "scores": told, "corrected_union": corrected}


def link_files(
    paths: Sequence[Path],
    *,
    out: Path,
    truth: str | None = None,
    model: Path | None = None,
    precision: float = linkage.PRECISION,
    memory: str | None = MEMORY,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> LinkedFiles:
    """Link the records of files into persons and households.

    Parameters
    ----------
    paths
        Files as ``read_file`` takes them; their columns are inferred as `geoscore inspect` shows.
    out
        Parquet file to write: ``source``, ``row``, ``record_id``, ``person_id``, ``household_id``,
        ``match_probability``, one row per record. A folder beside it holds the model and what explains it.
    truth
        A column that holds each record's true household or person, perhaps of a sample alone; it is not linked by.
    model
        ``model.json`` of an earlier run, applied without training.
    precision
        Expected share of right ones among linked pairs.
    memory
        Most memory the engine may take before it spills to disk, such as ``4GB``.
    progress
        Called with a stage's name, the steps done, and all steps where known.

    Raises
    ------
    InputError
        A file cannot be read, or has nothing to link by; there is no column of that truth.
    """
    tell = progress or (lambda _stage, _done, _all: None)
    models = open_models(model) if model else None
    profiles = [inspect_file(path, to_use=True) for path in paths]
    known = [guess.name for profile in profiles for guess in profile.columns]
    if truth is not None and truth not in known:
        raise missing_column(truth, "every file", known, needed="the truth to compare with")
    sources = [_source(profile, name, truth) for profile, name in zip(profiles, source_names(paths), strict=True)]
    with staged(out.resolve().parent) as folder:  # what holds names lies beside the output, and goes with the next run
        opened = ingest.open_sources(sources, resolve=lambda path: path)
        files = ingest.ingest_sources(
            opened,
            as_of=datetime.now(tz=UTC).date(),
            out=folder,
            lenient=True,
            progress=lambda name, rows: tell(f"read {name}", rows, None),
        )
        with open_engine(memory=memory or MEMORY, scratch=folder) as engine:
            records = Table.scan(folder / "records.parquet", RECORD, engine=engine)
            linked = linkage.link_records(
                records, models=models, precision=precision, progress=lambda what: tell(what, 0, None)
            )
            out.parent.mkdir(parents=True, exist_ok=True)
            links = linked.links.save(out).collect().to_pandas()
            private = out.with_name(out.stem + PRIVATE)
            linked.save(private)
        scores, corrected = _score(links, folder, sources, truth) if truth else ({}, None)
    return LinkedFiles(out, private, linked.counts, files, sources, scores, corrected)


def _source(profile: FileProfile, name: str, truth: str | None) -> Source:
    source = propose_source(profile, name=name, leave=[truth] if truth else [])
    identity = {"full_name", "last_name", "street", "email", "phone", "ssn"}
    if source is None or not identity & set(source.columns):
        file = profile.path.name
        raise InputError(f"{file} has no name, address or contact to link by; see `geoscore inspect {file}`")
    return source.model_copy(update={"features": truth is not None})


def _score(
    links: pd.DataFrame, folder: Path, sources: Sequence[Source], truth: str
) -> tuple[dict[str, PairScores], tuple[float, float]]:
    """Return the scores of persons and households against a column, and the corrected number of households."""
    known = []
    for source in sources:
        path = folder / "features" / f"{source.name}.parquet"
        if truth in pq.read_schema(path).names:
            column = pq.read_table(path, columns=["row", truth]).to_pandas().rename(columns={truth: "truth"})
            known.append(column.assign(source=source.name, truth=column["truth"].replace("", None)))
    links = links.merge(pd.concat(known), on=["source", "row"], how="left")
    scores = {name: score_pairs(links[f"{name}_id"], links["truth"]) for name in ("household", "person")}
    return scores, correct_union(links["household_id"], links["truth"])
