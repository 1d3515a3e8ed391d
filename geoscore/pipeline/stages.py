"""The stages in their order: census, records, links, places, households, levels of evidence, surface."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore import enrichment, geocoding, ingest, linkage, propensity_stage, surfaces
from geoscore.capacity import AreaPrior, find_contradictions, learn_evidence, rung_shares, score_households
from geoscore.engines import Frame
from geoscore.errors import GeoscoreError, InputError
from geoscore.gazetteer_files import build_gazetteer
from geoscore.outputs import HEADLINE
from geoscore.pipeline.one_pass import count_in_one_pass
from geoscore.pipeline.work import Block, Work
from geoscore.project import Project
from geoscore.regions import Region, open_region, sensitivity
from geoscore.schemas import LADDER, RECORD, REJECTED
from geoscore.tables import Table, to_pandas


def build(work: Work, opened: list[ingest.OpenSource]) -> Iterable[Block]:
    """Return the unpublished surface at the working resolution, in blocks of counties."""
    plan = work.project
    work.report("census", 0, None)
    work.region = region = open_region(plan)
    work.counts["census"] = list(region.notes)
    work.counts["sensitivity"] = sensitivity(region, used=work.formula, capacity=HEADLINE)
    if not plan.sources:
        return [(_census_alone(work, region), None)]
    if work.store is not None:
        return _build_blocks(work, region, count_in_one_pass(work, opened, region))
    return [_build_by_stages(work, opened, region)]


def _build_blocks(work: Work, region: Region, counts: surfaces.GroupCounts) -> Iterator[Block]:
    """Yield the surface of a run in one pass, in blocks of counties."""
    work.report("places", 0, None)
    kernel = geocoding.spread_positions(counts.positions, region.ground)
    mix = enrichment.mix_areas(kernel, ground=region.ground)

    def prior_of(some: pa.Table) -> AreaPrior:
        return AreaPrior(region.distribution, some, region.errors, work.evidence)

    yield from surfaces.build_blocks(
        counts,
        kernel,
        mix,
        prior_of,
        multiplier=work.formula.usual_factor(),
        progress=lambda done, all_: work.report("surface", done, all_),
    )


def _build_by_stages(work: Work, opened: list[ingest.OpenSource], region: Region) -> Block:
    """Return the surface of all files, every stage's table kept in the private folder."""
    plan = work.project
    homes, links = locate(work, opened, region)
    work.report("score", 0, None)
    work.evidence = evidence = learn_evidence(homes)
    work.counts["evidence"] = evidence.learned
    work.counts["contradictions"] = find_contradictions(homes, work.formula)
    (work.private / "evidence.json").write_text(json.dumps(evidence.to_dict(), indent=2) + "\n", encoding="utf-8")
    scored = score_households(homes, formula=work.formula, evidence=evidence).save(work.private / "scored.parquet")
    groups = surfaces.count_groups(scored)
    if groups.num_rows == 0:
        raise InputError(work.nobody_located())
    work.count_incomes(to_pandas(groups), slice(None), groups["households"].to_numpy())
    kernel = geocoding.spread_positions(groups, region.ground)
    prior = AreaPrior(region.distribution, enrichment.mix_areas(kernel, ground=region.ground), region.errors, evidence)
    told = surfaces.count_told(groups, kernel, prior, multiplier=work.formula.usual_factor())
    surface = surfaces.build_surface(
        groups, kernel=kernel, prior=prior, progress=lambda done, all_: work.report("surface", done, all_)
    )
    if plan.propensity.model is not None:
        work.report("propensity", 0, None)
        asked, found = propensity_stage.ask_model(
            plan.resolve(plan.propensity.model), describe(work, homes, links), homes, kernel,
            private=work.private, resolution=plan.surface.published_resolution,
        )  # fmt: skip
        tilt = propensity_stage.capacity_tilt(
            scored, found, surface, lambda likely: surfaces.build_surface(likely, kernel=kernel, prior=prior)
        )
        work.asked = replace(asked, note={**asked.note, "capacity_tilt": tilt})
        totals = found.scores.sum(axis=0)
        work.counts["propensity"] = {"expected_givers": round(totals[0], 1), "expected_usd": round(totals[2])}
    return surface, told


def locate(work: Work, opened: list[ingest.OpenSource], region: Region) -> tuple[Table, Table]:
    """Return the located households of all files, and which records are theirs."""
    records = _ingest(work, opened, region.ground)
    work.report("link", 0, None)
    records, links = _link(work, records)
    records = _place(work, records)
    households = _merge(work, records, links)
    work.report("locate", 0, None)
    located = geocoding.locate_households(
        households,
        ground=region.ground,
        resolution=work.project.surface.resolution,
        without_homes=region.without_homes(),
    )
    homes = located.households.save(work.private / "located.parquet")
    _count_places(work, homes, located.unlocated, links)
    return homes, links


def describe(work: Work, homes: Table, links: Table) -> pa.Table:
    """Return households with all that a propensity model may look at."""
    region = work.region
    if region is None:
        raise InputError("there is no region to describe households by")
    distribution = region.distribution
    return propensity_stage.describe_households(
        homes, links, work.private, ground=region.ground, area_ids=distribution.area_ids_,
        shares=distribution.exceedance(np.array(enrichment.INCOMES)), resolution=work.project.surface.resolution,
    )  # fmt: skip


def _merge(work: Work, records: Table, links: Table) -> Table:
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


def _census_alone(work: Work, region: Region) -> pa.Table:
    """Return the surface of all households of the census, where there are no files."""
    multiplier = work.formula.usual_factor()
    if multiplier is None:
        raise InputError(
            f"formula {work.formula.name} looks at no income, and the census knows nothing else; add files"
        )
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


def _ingest(work: Work, opened: list[ingest.OpenSource], ground: pa.Table) -> Table:
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


def _link(work: Work, records: Table) -> tuple[Table, Table]:
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
        linked = linked.keep(links) if linked else None
    work.counts["features"] = ingest.write_cards(work.private, work.project.sources, left_out=left_out)
    if linked:
        linked.save(work.private / "linkage")
    rows = links.count()
    alone = {"records": rows, "persons": rows, "households": rows}
    work.counts["linkage"] = linked.counts if linked else alone
    return records, links


def _place(work: Work, records: Table) -> Table:
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


def _reject(work: Work, rows: pa.Table) -> None:
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


def _count_places(work: Work, homes: Table, unlocated: Table, links: Table) -> None:
    """Count households by precision, and reject the rows of those without a place, with the reason."""
    counted = homes.engine.collect(homes.frame.group_by("precision").agg(nw.len().alias("n")))
    work.counts["located"] = dict(sorted(zip(*(counted[name].to_pylist() for name in ("precision", "n")), strict=True)))
    errors = homes.frame.with_columns(sigma_m=nw.col("sigma_m").round()).group_by("sigma_m").agg(nw.len().alias("n"))
    by_error = homes.engine.collect(errors)
    by_sigma = dict(zip(*(by_error[name].to_pylist() for name in ("sigma_m", "n")), strict=True))
    work.judge(geocoding.judge_resolution(by_sigma))

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
