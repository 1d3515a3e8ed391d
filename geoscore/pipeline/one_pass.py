"""Files whose rows are households, counted in one pass: what a nation's file is run by.

Nothing is linked and nothing looked up, so that no household need be written; finished stages are kept and found again.
"""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore import geocoding, ingest, surfaces
from geoscore.capacity import FIELDS, NOTHING, Evidence, learn_evidence
from geoscore.engines import Frame
from geoscore.errors import GeoscoreError, InputError
from geoscore.pipeline.work import Work
from geoscore.project import Project, is_address
from geoscore.regions import Region, census_files
from geoscore.schemas import GROUP, REJECTED, TALLY
from geoscore.tables import Table
from geoscore.tally import KEYS, LABELLED, Labels, Tally

PARQUET: Final = (".parquet", ".pq")
BATCH_ROWS: Final = 262_144
PLACELESS: Final = (geocoding.NO_PLACE, geocoding.OUTSIDE, geocoding.PO_BOX)
"""Why a household is left out whose row could be read."""


def counts_in_one_pass(plan: Project, opened: list[ingest.OpenSource]) -> bool:
    """Return whether nothing of a project needs its households one by one: all is Parquet, and each row a household."""
    looked_up = plan.geocoding.gazetteer is not None or plan.geocoding.addresses
    one_by_one = plan.links() or looked_up or plan.propensity.model is not None
    return bool(opened) and not one_by_one and all(_streams(item) for item in opened)


def _streams(item: ingest.OpenSource) -> bool:
    path = item.source.path
    return path.suffix.lower() in PARQUET and not is_address(path) and not item.keeps_features()


def wake_workers(work: Work, opened: list[ingest.OpenSource]) -> None:
    """Let the engine get ready for the largest file, while the region is opened."""
    paths = [work.project.resolve(item.source.path) for item in opened]
    work.engine.get_ready(max(paths, key=lambda path: path.stat().st_size), imports=Tally.__module__)


def count_in_one_pass(work: Work, opened: list[ingest.OpenSource], region: Region) -> surfaces.GroupCounts:
    """Return the households by position and level of evidence; what was learned of evidence is kept in the work."""
    shared = _inputs(work)
    zips = geocoding.zip_sigma_m(region.ground)
    readers = [_reader(work, item, region, zips) for item in opened]
    work.evidence = evidence = _learn(work, opened, readers, shared)
    work.made_from = {**shared, "evidence": evidence.to_dict(exact=True), "sources": []}
    tallies: list[tuple[str, Frame]] = []
    for item, reader in zip(opened, readers, strict=True):
        inputs = {**work.made_from, **_of_source(work, item), "date_order": item.date_order}
        folder = _map_source(work, item, "count", inputs, replace(reader, evidence=evidence), TALLY)
        tallies.append((item.source.name, work.engine.scan(folder)))
        work.made_from["sources"].append(_of_source(work, item))
    _account(work, opened, tallies)
    counts = _merge(work, [frame for _, frame in tallies])
    _count_places(work, counts, zips)
    if counts.positions.num_rows == 0:
        raise InputError(work.nobody_located())
    work.count_incomes(counts.levels, counts.level, counts.households)
    return counts


def _reader(work: Work, item: ingest.OpenSource, region: Region, zips: dict[str, float]) -> Tally:
    """Return what reads and counts the rows of a source, with no evidence learned yet."""
    return Tally(
        source=item.source,
        as_of=work.project.as_of,
        cells=np.unique(region.ground["cell"].to_numpy()),
        zips=zips,
        without_homes=region.without_homes(),
        resolution=work.project.surface.resolution,
        formula=work.formula,
        suppression=work.suppression,
        date_order=item.date_order,
    )


def _inputs(work: Work) -> dict[str, Any]:
    """Return what every stage of a run depends on: settings, census and opt-outs, files by their contents."""
    plan = work.project
    files = [path for path in census_files(plan).paths().values() if path.is_file()]
    if plan.suppression is not None:
        files += [plan.resolve(plan.suppression.path), plan.resolve(plan.suppression.key)]
    if plan.census.curve is not None:
        files.append(plan.resolve(plan.census.curve))
    return {
        "as_of": str(plan.as_of),
        "resolution": plan.surface.resolution,
        "formula": work.formula.model_dump(mode="json"),
        "files": [work.hash_of(path) for path in files],
        "census": plan.census.model_dump(mode="json"),
    }


def _of_source(work: Work, item: ingest.OpenSource) -> dict[str, Any]:
    path = work.project.resolve(item.source.path)
    work.report(f"hash {item.source.name}", 0, None)
    return {"source": item.source.model_dump(mode="json", exclude={"path"}), "sha256": work.hash_of(path)}


def _map_source(
    work: Work, item: ingest.OpenSource, stage: str, inputs: dict[str, Any], function: Any, schema: pa.Schema
) -> Path:
    """Return the folder with what a function made of all rows of a source."""
    if work.store is None:
        raise GeoscoreError("a run in one pass keeps its stages; please report this")

    def make(folder: Path) -> None:
        _map_rows(work, item, stage, function, schema, folder / "parts")

    # engines name their parts differently: one does not go on where another stopped
    inputs = {**inputs, "engine": work.engine.name}
    return work.store.make(f"{stage} {item.source.name}", inputs, make) / "parts"


def _map_rows(work: Work, item: ingest.OpenSource, stage: str, function: Any, schema: pa.Schema, out: Path) -> None:
    """Write what a function makes of all rows of a source, in parts."""
    work.engine.map_file(
        work.project.resolve(item.source.path),
        ingest.mapped_columns(item.source),
        function,
        schema,
        out=out,
        progress=lambda done, all_: work.report(f"{stage} {item.source.name}", done, all_),
    )


def _learn(work: Work, opened: list[ingest.OpenSource], readers: list[Tally], shared: dict[str, Any]) -> Evidence:
    """Return what figures say of incomes, from rows that know both; nothing where no file has any."""
    telling = [
        (item, reader)
        for item, reader in zip(opened, readers, strict=True)
        if "income_usd" in item.source.columns and _fields(item)
    ]
    work.counts["evidence"] = dict.fromkeys(FIELDS, 0)
    if not telling:
        return NOTHING
    if work.store is None:
        raise GeoscoreError("a run in one pass keeps its stages; please report this")

    def make(folder: Path) -> None:
        parts = [folder / f"parts-{number}" for number in range(len(telling))]
        for part, (item, reader) in zip(parts, telling, strict=True):
            _map_rows(work, item, "learn", Labels(reader), LABELLED, part)
        frame = nw.concat([work.engine.scan(part) for part in parts])
        found = learn_evidence(Table(frame, LABELLED, work.engine))
        (folder / "evidence.json").write_text(json.dumps(found.to_dict(exact=True)) + "\n", encoding="utf-8")
        for part in parts:
            shutil.rmtree(part)  # rows of households: what they taught is kept, they are not

    inputs = {**shared, "sources": [{**_of_source(work, item), "date_order": item.date_order} for item, _ in telling]}
    folder = work.store.make("learn", inputs, make)
    evidence = Evidence.from_dict(json.loads((folder / "evidence.json").read_text(encoding="utf-8")))
    work.counts["evidence"] = evidence.learned
    return evidence


def _fields(item: ingest.OpenSource) -> bool:
    mapped = set(item.source.columns)
    return bool(mapped & {*FIELDS, "birth_year", "date_of_birth"})


def _merge(work: Work, frames: list[Frame]) -> surfaces.GroupCounts:
    """Return the groups of all sources, counted together and packed."""
    if work.store is None:
        raise GeoscoreError("a run in one pass keeps its stages; please report this")
    work.report("group", 0, None)

    def make(folder: Path) -> None:
        groups = nw.concat([frame.filter(nw.col("kind") == "group").select(*GROUP.names) for frame in frames])
        summed = groups.group_by(*KEYS).agg(nw.col("households").sum().cast(nw.Int64))
        work.engine.write(summed, folder / "groups.parquet")

    folder = work.store.make("group", work.made_from, make)
    dataset = pq.ParquetDataset(folder / "groups.parquet")
    return surfaces.pack_groups(
        batch.select(GROUP.names).cast(GROUP)
        for fragment in dataset.fragments
        for batch in fragment.to_batches(batch_size=BATCH_ROWS)
    )


def _account(work: Work, opened: list[ingest.OpenSource], tallies: list[tuple[str, Frame]]) -> None:
    """Count the rows of every file: read, used, rejected and why, mended; keep the rejected ones with their reasons."""
    files: list[dict[str, Any]] = []
    contradictions: Counter[str] = Counter()
    rejected: list[Frame] = []
    for item, (name, frame) in zip(opened, tallies, strict=True):
        told: dict[str, Counter[str]] = {kind: Counter() for kind in ("rejected", "mended", "contradiction", "group")}
        counted = frame.group_by("kind", "reason").agg(nw.col("households").sum().cast(nw.Int64))
        for row in work.engine.collect(counted).to_pylist():
            told[row["kind"]][row["reason"] or ""] += row["households"]
        contradictions.update(told["contradiction"])
        read = pq.read_metadata(work.project.resolve(item.source.path)).num_rows
        used = told["group"].total()
        ingest.check_counts(item.source, read, used, told["rejected"])
        files.append(ingest.report_source(item, read, told["rejected"], told["mended"]))
        marked = frame.filter(nw.col("kind") == "rejected").with_columns(nw.lit(name).alias("source"))
        rejected.append(marked.select(*REJECTED.names))
    table = Table(nw.concat(rejected).sort("source", "row"), REJECTED, work.engine)
    table.save(work.private / "rejected.parquet")
    rows = {key: sum(file[key] for file in files) for key in ("rows_read", "rows_used")}
    if rows["rows_used"] == 0:
        reasons = sorted({reason for file in files for reason in file["rows_rejected"]})
        raise InputError("every row of every file was rejected; the reasons are: " + "; ".join(reasons))
    # a household is one with a place or without; rows that were never records are none
    placeless = sum(sum(file["rows_rejected"].get(reason, 0) for reason in PLACELESS) for file in files)
    alone = rows["rows_used"] + placeless
    work.counts["suppression"] = {"synced": str(work.suppression.synced)} if work.suppression else "none"
    work.counts |= {
        "files": files,
        "contradictions": dict(sorted(contradictions.items())),
        "conflicts": {},
        "features": {},
    }
    work.counts["linkage"] = {"records": alone, "persons": alone, "households": alone}
    work.counts |= {**rows, "rows_rejected": rows["rows_read"] - rows["rows_used"], "households": alone}


def _count_places(work: Work, counts: surfaces.GroupCounts, zips: dict[str, float]) -> None:
    """Count households by precision, and judge how fine a resolution their positions bear."""
    households = counts.by_position()
    by_zip = np.flatnonzero(counts.positions["cell"].is_null().to_numpy())
    sigma: Counter[float] = Counter()
    for place, code in zip(by_zip, counts.positions["zip"].take(pa.array(by_zip)).to_pylist(), strict=True):
        sigma[round(zips[code])] += int(households[place])
    total, zip_only = int(households.sum()), sigma.total()
    located = {"given": total - zip_only, "zip": zip_only}
    work.counts["located"] = {precision: count for precision, count in located.items() if count}
    sigma[geocoding.SIGMA_GIVEN_M] += total - zip_only
    work.judge(geocoding.judge_resolution(sigma))
