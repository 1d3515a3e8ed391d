"""The pipeline: the one place that knows the order of the stages.

Everything is made in a hidden folder beside the output and moved into place at the end, the surface last.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore import disclosure, enrichment, geocoding, ingest, linkage, noise, propensity_stage, surfaces
from geoscore.capacity import AreaPrior, find_contradictions, learn_evidence, rung_shares, score_households
from geoscore.engines import Engine, Frame, open_engine
from geoscore.errors import GeoscoreError, InputError
from geoscore.formulas import Formula, open_formula
from geoscore.gazetteer_files import build_gazetteer
from geoscore.ledger import Ledger, hash_file
from geoscore.outputs import HEADLINE, save_report
from geoscore.project import Project, is_address, open_project
from geoscore.query import Surface
from geoscore.reference.samples import sample_path
from geoscore.regions import Region, census_files, open_region, sensitivity
from geoscore.schemas import LADDER, RECORD, REJECTED, SourceNote, SurfaceNote
from geoscore.spatial.interpolation import coarser_ground
from geoscore.staging import move_into_place, staged
from geoscore.surface_format import write_surface
from geoscore.tables import Table, to_pandas

SATURATED: Final = 0.60
RARE: Final = 0.01
OUTPUTS: Final = ("surface.parquet", "map.html", "report.html", "summary.json")


@dataclass(frozen=True)
class Run:
    """A finished run: its summary, its surface and where its files are."""

    out: Path
    summary: dict[str, Any]
    surface: Surface


@dataclass
class _Work:
    """What the stages of one run share."""

    project: Project
    formula: Formula
    engine: Engine
    stage: Path
    private: Path
    report: Callable[[str, int, int | None], None]
    suppression: ingest.Suppression | None = None
    honesty: geocoding.Honesty | None = None
    region: Region | None = None
    asked: propensity_stage.Asked | None = None
    counts: dict[str, Any] = field(default_factory=dict)


def run(
    project: str | Path,
    *,
    out: str | Path | None = None,
    engine: str = "duckdb",
    memory: str | None = None,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Run:
    """Run a project: household files in, a published surface with map, report and ledger out.

    Parameters
    ----------
    project
        The project file, ``geoscore.toml``.
    out
        Folder to write to; ``out`` beside the project file by default. Files of an earlier run are replaced.
    engine
        ``duckdb`` or ``spark``.
    memory
        Most memory the engine may take before it spills to disk, such as ``4GB``.
    progress
        Called with a stage's name, the steps done, and all steps where known.

    Raises
    ------
    GeoscoreError
        Something in the project or its files cannot be; the message says how to mend it.
    PolicyError
        The run is refused for law or policy; nothing is written.
    """
    plan = open_project(project)
    formula_path = plan.resolve(Path(plan.capacity.formula))
    formula = open_formula(formula_path if formula_path.suffix == ".toml" else plan.capacity.formula)
    folder = Path(out) if out is not None else plan.folder / "out"
    report = progress or (lambda _stage, _done, _all: None)
    today = datetime.now(tz=UTC).date()
    suppression = ingest.open_suppression(plan.suppression, today=today, resolve=plan.resolve)
    opened = ingest.open_sources(plan.sources, resolve=plan.resolve) if plan.sources else []
    with staged(folder) as stage, open_engine(engine, memory=memory) as tables:
        private = stage / "private"
        private.mkdir(mode=0o700)
        work = _Work(plan, formula, tables, stage, private, report, suppression)
        surface = _publish(work, _build(work, opened))
        ledger = _begin_ledger(work, Path(project), folder)
        # what is published names the ledger as it stood when the figures were made
        surface = Surface(surface.table, replace(surface.note, ledger=ledger.head))
        _write_outputs(work, surface)
        _end_ledger(work, ledger)
        move_into_place(stage, folder, OUTPUTS)
    return Run(folder, work.counts, surface)


# --- the stages, in their order -------------------------------------------------------------------------------


def _build(work: _Work, opened: list[ingest.OpenSource]) -> pa.Table:
    """Return the unpublished surface at the working resolution."""
    plan = work.project
    work.report("census", 0, None)
    work.region = region = open_region(plan)
    work.counts["census"] = list(region.notes)
    work.counts["sensitivity"] = sensitivity(region, used=work.formula, capacity=HEADLINE)
    if not plan.sources:
        return _census_alone(work, region)
    homes, links = _locate(work, opened, region)
    work.report("score", 0, None)
    evidence = learn_evidence(homes)
    work.counts["evidence"] = evidence.learned
    work.counts["contradictions"] = find_contradictions(homes, work.formula)
    (work.private / "evidence.json").write_text(json.dumps(evidence.to_dict(), indent=2) + "\n", encoding="utf-8")
    scored = score_households(homes, work.formula, evidence).save(work.private / "scored.parquet")
    groups = surfaces.count_groups(scored)
    if groups.num_rows == 0:
        raise InputError("no household could be located; see the reasons with `geoscore run` on fewer sources")
    kernel = geocoding.spread_positions(groups, region.ground)
    prior = AreaPrior(region.distribution, enrichment.mix_areas(kernel, region.ground), region.errors, evidence)
    surface = surfaces.build_surface(
        groups, kernel, prior, progress=lambda done, all_: work.report("surface", done, all_)
    )
    if plan.propensity.model is not None:
        work.report("propensity", 0, None)
        asked, found = propensity_stage.ask_model(
            plan.resolve(plan.propensity.model), _described(work, homes, links), homes, kernel,
            private=work.private, resolution=plan.surface.published_resolution,
        )  # fmt: skip
        tilt = propensity_stage.capacity_tilt(
            scored, found, surface, lambda likely: surfaces.build_surface(likely, kernel, prior)
        )
        work.asked = replace(asked, note={**asked.note, "capacity_tilt": tilt})
        totals = found.scores.sum(axis=0)
        work.counts["propensity"] = {"expected_givers": round(totals[0], 1), "expected_usd": round(totals[2])}
    return surface


def _locate(work: _Work, opened: list[ingest.OpenSource], region: Region) -> tuple[Table, Table]:
    """Return the located households of all files, and which records are theirs."""
    records = _ingest(work, opened, region.ground)
    work.report("link", 0, None)
    records, links = _link(work, records)
    records = _place(work, records)
    households = _merge(work, records, links)
    work.report("locate", 0, None)
    located = geocoding.locate_households(
        households, region.ground, resolution=work.project.surface.resolution, without_homes=region.without_homes()
    )
    homes = located.households.save(work.private / "located.parquet")
    _count_places(work, homes, located.unlocated, links)
    return homes, links


def _described(work: _Work, homes: Table, links: Table) -> pa.Table:
    """Return households with all that a propensity model may look at."""
    region = work.region
    if region is None:
        raise InputError("there is no region to describe households by")
    distribution = region.distribution
    return propensity_stage.describe_households(
        homes, links, work.private, ground=region.ground, area_ids=distribution.area_ids_,
        shares=distribution.exceedance(np.array(enrichment.INCOMES)), resolution=work.project.surface.resolution,
    )  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """Households of a project, located and described, as a propensity model sees them.

    Attributes
    ----------
    rows
        As ``propensity_stage.describe_households`` gives them.
    homes
        Table of schema ``LOCATED``, a row for each of them.
    """

    rows: pa.Table
    homes: pa.Table


def prepare_households(
    project: str | Path, *, memory: str | None = None, progress: Callable[[str, int, int | None], None] | None = None
) -> Prepared:
    """Run a project as far as its households are located and described; nothing is published or kept on disk.

    Parameters
    ----------
    project
        The project file.
    memory, progress
        As for ``run``.

    Raises
    ------
    GeoscoreError
        Something in the project or its files cannot be.
    """
    plan = open_project(project)
    today = datetime.now(tz=UTC).date()
    suppression = ingest.open_suppression(plan.suppression, today=today, resolve=plan.resolve)
    opened = ingest.open_sources(plan.sources, resolve=plan.resolve)
    report = progress or (lambda _stage, _done, _all: None)
    with TemporaryDirectory(prefix="geoscore-fit-") as folder, open_engine("duckdb", memory=memory) as tables:
        private = Path(folder)
        work = _Work(plan, open_formula("income-2pct-1y"), tables, private, private, report, suppression)
        report("census", 0, None)
        work.region = open_region(plan)
        homes, links = _locate(work, opened, work.region)
        return Prepared(_described(work, homes, links), homes.collect().sort_by("household_id"))


def _merge(work: _Work, records: Table, links: Table) -> Table:
    """Return the golden records of households, with where each value came from and what contradicts."""
    path, precedence = work.private / "households.parquet", work.project.ranked_sources()
    if not work.project.links():
        households = linkage.rows_as_households(records).save(path)
        work.counts["conflicts"] = {}
    else:
        households = linkage.merge_households(records, links, precedence=precedence).save(path)
        linkage.trace_values(records, links, precedence=precedence).save(work.private / "provenance.parquet")
        work.counts["conflicts"] = linkage.count_conflicts(records, links)
    work.counts["households"] = households.count()
    return households


def _census_alone(work: _Work, region: Region) -> pa.Table:
    """Return the surface of all households of the census, where there are no files."""
    income = work.formula.income()
    if income is None:
        raise InputError(
            f"formula {work.formula.name} looks at no income, and the census knows nothing else; add files"
        )
    multiplier = float(income.factor(np.array([np.nan]))[0])
    shares = rung_shares(region.distribution, multiplier)
    work.report("surface", 0, None)
    ids = region.distribution.area_ids_
    surface, parts = surfaces.census_surface(region.ground, ids, shares, region.errors, region.allocation)
    total = float(np.sum(region.census.areas["households"]))
    work.counts |= {"households": round(total), "files": [], "located": {}, "rows_read": 0, "rows_used": 0}
    work.counts |= {"rows_rejected": 0, "errors": surfaces.describe_parts(parts, 1 + LADDER.index(int(HEADLINE)))}
    return surface


def _resolve(plan: Project, path: Path | None) -> Path | None:
    return None if path is None else plan.resolve(path)


def _ingest(work: _Work, opened: list[ingest.OpenSource], ground: pa.Table) -> Table:
    reports = ingest.ingest_sources(
        opened,
        as_of=work.project.as_of,
        out=work.private,
        suppression=work.suppression,
        inside=geocoding.inside_region(ground, resolution=work.project.surface.resolution),
        progress=lambda name, rows: work.report(f"read {name}", rows, None),
    )
    work.counts["suppression"] = {"synced": str(work.suppression.synced)} if work.suppression else "none"
    work.counts["files"] = [{**asdict(source), "rows_used": source.rows_used} for source in reports]
    records = Table.scan(work.private / "records.parquet", RECORD, engine=work.engine)
    if records.count() == 0:
        raise InputError("every row of every file was rejected; the reasons are: " + _reasons(work.counts["files"]))
    return records


def _link(work: _Work, records: Table) -> tuple[Table, Table]:
    """Return records and links, without the households of those who opted out."""
    linked = None
    if work.project.links():
        linked = linkage.link_records(records, progress=lambda what: work.report(f"link: {what}", 0, None))
        links = linked.links.save(work.private / "links.parquet")
    else:
        links = linkage.leave_alone(records, path=work.private / "links.parquet")
    left_out = None
    if work.suppression is not None:
        path = work.private / "suppressed.parquet"
        withdrawn = ingest.drop_households(records, links, Table.scan(path, ingest.SUPPRESSED, engine=work.engine))
        # nothing of them stays behind, not even what found their household
        records = withdrawn.records.save(work.private / "records.parquet")
        links = withdrawn.links.save(work.private / "links.parquet")
        left_out = withdrawn.rejected
        _reject(work, left_out)
        if links.count() == 0:
            raise InputError("every household opted out; there is nothing to count")
        linked = linked.keep(links.collect()) if linked else None
    work.counts["features"] = ingest.write_cards(work.private, work.project.sources, left_out=left_out)
    if linked:
        linked.save(work.private / "linkage")
    rows = links.count()
    alone = {"records": rows, "persons": rows, "households": rows}
    work.counts["linkage"] = linked.counts if linked else alone
    return records, links


def _place(work: _Work, records: Table) -> Table:
    """Return records with the positions of their addresses."""
    settings = work.project.geocoding
    path = _resolve(work.project, settings.gazetteer)
    positions, out = work.private / "positions.parquet", work.private / "placed.parquet"
    if settings.addresses:
        path = work.private / "gazetteer"
        files = [work.project.resolve(file) for file in settings.addresses]
        built = build_gazetteer(files, out=path, progress=lambda what, *_: work.report(f"gazetteer: {what}", 0, None))
        work.counts["gazetteer"] = built.counts()
    if path is None:
        return geocoding.place_records(records, None, path=positions).save(out)
    work.report("geocode", 0, None)
    with geocoding.open_matcher(path, services=settings.services, consent=settings.addresses_may_leave) as matcher:
        placed = geocoding.place_records(records, matcher, path=positions).save(out)
        work.counts["addresses_sent"] = geocoding.describe_sent(matcher)
    return placed


def _reject(work: _Work, rows: pa.Table) -> None:
    """Move rows from used to rejected, with their reasons."""
    path = work.private / "rejected.parquet"
    both = pa.concat_tables([pq.read_table(path, schema=REJECTED), rows])
    pq.write_table(both.sort_by([("source", "ascending"), ("row", "ascending")]), path, compression="zstd")
    by_source = rows.group_by(["source", "reason"]).aggregate([([], "count_all")]).to_pylist()
    for file in work.counts["files"]:
        for item in (item for item in by_source if item["source"] == file["name"]):
            reasons = file["rows_rejected"]
            reasons[item["reason"]] = reasons.get(item["reason"], 0) + item["count_all"]
            file["rows_used"] -= item["count_all"]


def _reasons(files: list[dict[str, Any]]) -> str:
    return "; ".join(sorted({reason for file in files for reason in file["rows_rejected"]}))


def _count_places(work: _Work, homes: Table, unlocated: Table, links: Table) -> None:
    """Count households by precision, and reject the rows of those without a place, with the reason."""
    counted = homes.engine.collect(homes.frame.group_by("precision").agg(nw.len().alias("n")))
    work.counts["located"] = dict(sorted(zip(*(counted[name].to_pylist() for name in ("precision", "n")), strict=True)))
    errors = homes.frame.with_columns(sigma_m=nw.col("sigma_m").round()).group_by("sigma_m").agg(nw.len().alias("n"))
    by_error = homes.engine.collect(errors)
    honesty = geocoding.judge_resolution(dict(zip(*(by_error[n].to_pylist() for n in ("sigma_m", "n")), strict=True)))
    wrong = {str(resolution): round(share, 4) for resolution, share in honesty.wrong_cell.items()}
    work.counts["finest_honest"] = {"resolution": honesty.finest, "wrong_cell": wrong}
    work.honesty = honesty

    def lost(frame: Frame) -> Frame:
        joined = frame.join(links.frame, on="household_id", how="inner")
        return joined.with_columns(nw.lit("the household has no place").alias("detail"))

    rows = unlocated.derive(REJECTED, lost).collect()
    _reject(work, rows)
    used = sum(file["rows_used"] for file in work.counts["files"])
    read = sum(file["rows_read"] for file in work.counts["files"])
    rejected = sum(sum(file["rows_rejected"].values()) for file in work.counts["files"])
    if read != used + rejected or rejected != pq.read_metadata(work.private / "rejected.parquet").num_rows:
        raise GeoscoreError(f"{read} rows read are not {used} used + {rejected} rejected; please report this")
    work.counts |= {"rows_read": read, "rows_used": used, "rows_rejected": rejected}


def _publish(work: _Work, raw: pa.Table) -> Surface:
    """Protect the surface, and say of it what it is."""
    work.report("publish", 0, None)
    plan = work.project
    note = _note(work)
    warning = work.honesty.warning(plan.surface.published_resolution) if work.honesty else None
    if warning:
        note = replace(note, warnings=(*note.warnings, warning))
    write_surface(raw, note, work.private / "surface.parquet")
    coarser = surfaces.roll_up(raw, resolution=plan.surface.published_resolution)
    if not plan.sources:
        protected = coarser  # the census's own figures are public: there is nobody to protect
    elif plan.universe() == "census":
        protected = _raked(work, coarser)
    elif plan.surface.epsilon is not None and work.region is not None:
        domain = to_pandas(coarser_ground(work.region.ground, resolution=plan.surface.published_resolution))
        noisy = noise.add_noise(coarser, domain, epsilon=plan.surface.epsilon)
        protected = noise.settle(disclosure.protect_surface(noisy, k=plan.surface.k))
    else:
        measures = work.asked.measures if work.asked else None
        protected = disclosure.protect_surface(coarser, k=plan.fewest(), beside=measures)
    published = replace(note, resolution=plan.surface.published_resolution, published=True)
    surface = Surface(protected, published)
    answer = surface.query(capacity=HEADLINE)
    share = (answer.estimate or 0.0) / (answer.households or 1.0)
    if not RARE <= share <= SATURATED:
        text = (
            f"{share:.0%} of households lie above ${HEADLINE:,.0f} by {work.formula.name}: "
            "the map will be nearly one color; ask for another threshold"
        )
        surface = Surface(protected, replace(published, warnings=(*published.warnings, text)))
    work.counts |= {"cells": len(raw["cell"].unique()), "headline": answer.to_dict(), "warnings": surface.note.warnings}
    return surface


def _raked(work: _Work, files: pa.Table) -> pa.Table:
    """Return the surface of all households, from the files' groups of k or more and the census."""
    plan, region = work.project, work.region
    income = work.formula.income()
    if region is None or income is None:
        raise InputError(f"formula {work.formula.name} looks at no income, and the census knows nothing else")
    told = disclosure.large_groups(files, k=plan.surface.k)
    work.counts["households_told"] = round(float(np.sum(told["households"].to_numpy())))
    ground = coarser_ground(region.ground, resolution=plan.surface.published_resolution)
    shares = rung_shares(region.distribution, float(income.factor(np.array([np.nan]))[0]))
    surface, parts = surfaces.rake_surface(
        told, enrichment.mix_areas(told, ground), ground, region.distribution.area_ids_, shares, region.errors,
        region.allocation, anchored=work.formula.income_alone(),
    )  # fmt: skip
    work.counts["errors"] = surfaces.describe_parts(parts, 1 + LADDER.index(int(HEADLINE)))
    return surface


def _note(work: _Work) -> SurfaceNote:
    plan, formula = work.project, work.formula
    rows = {file["name"]: file["rows_used"] for file in work.counts["files"]}
    return SurfaceNote(
        title=plan.name,
        region=plan.region,
        universe=plan.universe(),
        formula=formula.name,
        formula_text=formula.title,
        recipients=formula.recipients,
        citation=formula.citation,
        horizon=formula.horizon,
        purpose=plan.purpose,
        vintage=str(plan.as_of) if plan.sources else plan.census.vintage,
        resolution=plan.surface.resolution,
        k=plan.fewest(),
        epsilon=plan.surface.epsilon,
        propensity=work.asked.note if work.asked else None,
        published=False,
        counties=work.region.county_names() if work.region else {},
        finest_honest=work.honesty.finest if work.honesty else None,
        wrong_cell=work.honesty.wrong_cell[plan.surface.published_resolution] if work.honesty else None,
        optouts=str(plan.suppression.synced) if plan.suppression else "none",
        sources=tuple(
            SourceNote(
                name=source.name,
                sha256=hash_file(ingest.local_copy(plan.resolve(source.path))),
                rows=rows[source.name],
                vintage=str(source.vintage),
                licence=source.licence,
            )
            for source in plan.sources
        ),
    )


# --- what people see ------------------------------------------------------------------------------------------


def _write_outputs(work: _Work, surface: Surface) -> None:
    write_surface(surface.table, surface.note, work.stage / "surface.parquet")
    work.report("map", 0, None)
    surface.save_map(
        work.stage / "map.html", capacity=HEADLINE, outlines=work.region.outlines() if work.region else None
    )
    work.report("report", 0, None)
    save_report(surface, work.stage / "report.html", summary=work.counts)
    text = json.dumps(summary_of(work.counts), indent=2, ensure_ascii=False, default=str)
    (work.stage / "summary.json").write_text(text + "\n", encoding="utf-8")


def summary_of(counts: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a run's counts that is written to ``summary.json``."""
    return dict(counts)


def _begin_ledger(work: _Work, project: Path, folder: Path) -> Ledger:
    """Write what went into a run to the ledger in its stage, with paths as they will be seen from ``folder``."""
    plan = work.project
    ledger = Ledger(work.stage / "ledger.jsonl", folder=folder)
    ledger.append("run", {"geoscore": version("geoscore"), "purpose": plan.purpose, "as_of": str(plan.as_of)})
    ledger.append_file("project", project)
    if plan.political is not None:
        ledger.append("political", plan.political.model_dump())
    if plan.suppression is not None:
        gone = sum(
            count
            for file in work.counts["files"]
            for reason, count in file["rows_rejected"].items()
            if reason in ingest.OPT_OUT_REASONS
        )
        told = {"synced": str(plan.suppression.synced), "rows_left_out": gone}
        ledger.append_file("suppression", plan.resolve(plan.suppression.path), told)
    else:
        ledger.append("suppression", {"list": "none"})
    if Path(plan.capacity.formula).suffix == ".toml":
        ledger.append_file("formula", plan.resolve(Path(plan.capacity.formula)))
    if plan.geocoding.gazetteer is not None:
        note = plan.resolve(plan.geocoding.gazetteer) / "gazetteer.json"
        ledger.append_file("gazetteer", note, {"addresses_sent": work.counts["addresses_sent"]})
    for file in plan.geocoding.addresses:
        ledger.append_file("addresses", plan.resolve(file))
    files = {file["name"]: file for file in work.counts["files"]}
    for source in plan.sources:
        told = {name: files[source.name][name] for name in _TOLD}
        stated = {"name": source.name, "vintage": str(source.vintage), "licence": source.licence}
        stated |= {"own_list": source.own_list} if source.own_list else {}
        path = plan.resolve(source.path)
        place = ingest.show_path(path) if is_address(path) else None
        ledger.append_file("source", ingest.local_copy(path), {**stated, **told}, place=place)
    if plan.propensity.model is not None:
        ledger.append_file("propensity model", plan.resolve(plan.propensity.model) / "model.json")
    curve = plan.resolve(plan.census.curve) if plan.census.curve else sample_path("income_curve.parquet")
    for name, path in {**census_files(plan).paths(), "curve": curve}.items():
        ledger.append_file("census", path, {"name": name})
    told = {"households": work.counts["households"], "located": work.counts["located"], "k": plan.fewest()}
    if plan.surface.epsilon is not None:
        spent = {"epsilon": plan.surface.epsilon, "of": "one household", "mechanism": "Laplace, by OpenDP"}
        ledger.append("privacy budget", spent)
    ledger.append("publish", {**told, "formula": work.formula.name, "resolution": plan.surface.published_resolution})
    return ledger


def _end_ledger(work: _Work, ledger: Ledger) -> None:
    """Write what a run made to its ledger, and close it."""
    for name in OUTPUTS:
        ledger.append_file("output", work.stage / name, place=name)
    ledger.append("end", {})


_TOLD: Final = ("rows_read", "rows_used", "rows_rejected", "refused_features", "sensitive_features")
