"""From the raw surface to what people see: protection, what the surface says of itself, map, report and summary."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geoscore import disclosure, enrichment, ingest, noise, surfaces
from geoscore.audit import audit_surface, lay_out_areas
from geoscore.capacity import rung_shares
from geoscore.errors import InputError
from geoscore.outputs import HEADLINE, drawable, save_report
from geoscore.pipeline.work import Block, Work
from geoscore.purposes import read_purposes
from geoscore.query import Surface
from geoscore.release import CensusCurves
from geoscore.schemas import LADDER, SourceNote, SurfaceNote
from geoscore.spatial.interpolation import coarser_ground
from geoscore.stage_store import link_file
from geoscore.surface_format import read_surface, write_surface
from geoscore.tables import to_pandas

SATURATED: Final = 0.60
RARE: Final = 0.01


def publish(work: Work, blocks: Iterable[Block]) -> Surface:
    """Protect the surface, which comes in blocks of counties, and say of it what it is."""
    plan = work.project
    note = _note(work)
    warning = work.honesty.warning(plan.surface.published_resolution) if work.honesty else None
    if warning:
        note = replace(note, warnings=(*note.warnings, warning))
    coarser = _keep_raw(work, blocks, note)
    work.report("publish", 0, None)
    protected = _protect(work, coarser)
    note = replace(note, protection=protected.protection)
    published = replace(note, resolution=plan.surface.published_resolution, published=True)
    surface = Surface(protected.table, published)
    answer = surface.query(capacity=HEADLINE)
    share = (answer.estimate or 0.0) / (answer.households or 1.0)
    if not RARE <= share <= SATURATED:
        text = (
            f"{share:.0%} of households lie above ${HEADLINE:,.0f} by {work.formula.name}: "
            "the map will be nearly one color; ask for another threshold"
        )
        surface = Surface(protected.table, replace(published, warnings=(*published.warnings, text)))
    work.counts |= {"cells": _count_cells(work), "headline": answer.to_dict(), "warnings": surface.note.warnings}
    return surface


def _keep_raw(work: Work, blocks: Iterable[Block], note: SurfaceNote) -> pa.Table:
    """Write the surface at the working resolution to the private folder, and return it at the published one.

    What files tell something of is kept in the work, at the published resolution too.
    """
    resolution = work.project.surface.published_resolution
    if work.store is None:
        coarser, told = _lay_down(blocks, note, work.private / "surface.parquet", resolution=resolution)
        work.told = told
        return coarser

    def make(folder: Path) -> None:
        coarser, told = _lay_down(blocks, note, folder / "surface.parquet", resolution=resolution)
        write_surface(coarser, note, folder / "coarser.parquet")
        write_surface(coarser.slice(0, 0) if told is None else told, note, folder / "told.parquet")

    folder = work.store.make("surface", {**work.made_from, "note": note.to_dict(), "to": resolution}, make)
    link_file(folder / "surface.parquet", work.private / "surface.parquet")
    work.told = read_surface(folder / "told.parquet")[0]
    return read_surface(folder / "coarser.parquet")[0]


def _lay_down(
    blocks: Iterable[Block], note: SurfaceNote, path: Path, *, resolution: int
) -> tuple[pa.Table, pa.Table | None]:
    """Write blocks to one file, and return them rolled up: the surface, and what files tell something of."""
    coarser: list[pa.Table] = []
    told: list[pa.Table] = []

    def passed() -> Iterator[pa.Table]:
        for block, known in blocks:
            coarser.append(surfaces.roll_up(block, resolution=resolution))
            if known is not None:
                told.append(surfaces.roll_up(known, resolution=resolution))
            yield block

    write_surface(passed(), note, path)
    return pa.concat_tables(coarser), pa.concat_tables(told) if told else None


def _count_cells(work: Work) -> int:
    cells = pq.read_table(work.private / "surface.parquet", columns=["cell"])["cell"]
    return int(pc.count_distinct(cells, mode="all").as_py())


def _protect(work: Work, coarser: pa.Table) -> disclosure.Protected:
    plan, region = work.project, work.region
    if work.told is None or region is None:
        return disclosure.Protected(coarser, "")  # the census's own figures are public: there is nobody to protect
    resolution, k = plan.surface.published_resolution, plan.fewest()
    if plan.surface.epsilon is not None:
        domain = to_pandas(coarser_ground(region.ground, resolution=resolution))
        noisy = noise.add_noise(coarser, domain, epsilon=plan.surface.epsilon)
        return disclosure.Protected(noise.settle(disclosure.protect_rows(noisy, k=k)), "")
    multiplier = work.formula.usual_factor() or 0.0
    public = CensusCurves(region, resolution=resolution, evidence=work.evidence, multiplier=multiplier)
    if plan.universe() == "census":
        groups = disclosure.protect_groups(coarser, k=k, told=work.told, public=public)
        return replace(groups, table=_raked(work, groups.table))
    beside = work.asked.measures if work.asked else None
    return disclosure.protect_surface(coarser, k=k, told=work.told, public=public, beside=beside)


def audit(work: Work, surface: Surface) -> dict[str, Any] | None:
    """Return whom a selection by the surface leaves out; None where nobody asks for it."""
    plan = work.project
    asked = read_purposes()[0][plan.purpose].audit
    if plan.audit is None or work.region is None:
        return {"table": None, "groups": []} if asked else None
    work.report("audit", 0, None)
    table, ground = plan.resolve(plan.audit.table), work.region.ground
    if plan.audit.areas is not None:
        ground = lay_out_areas(plan.resolve(plan.audit.areas), resolution=surface.note.resolution)
    groups = audit_surface(surface, table, ground=ground, capacity=HEADLINE)
    told = {"table": table.name, "capacity_usd": HEADLINE, "acknowledged": plan.audit.acknowledged}
    return {**told, "groups": [group.to_dict() for group in groups]}


def _raked(work: Work, told: pa.Table) -> pa.Table:
    """Return the surface of all households, from the files' groups of k or more and the census."""
    plan, region = work.project, work.region
    multiplier = work.formula.usual_factor()
    if region is None or multiplier is None:
        raise InputError(f"formula {work.formula.name} looks at no income, and the census knows nothing else")
    work.counts["households_told"] = round(float(np.sum(told["households"].to_numpy())))
    ground = coarser_ground(region.ground, resolution=plan.surface.published_resolution)
    shares = rung_shares(region.distribution, multiplier)
    surface, parts = surfaces.rake_surface(
        told, enrichment.mix_areas(told, ground=ground), ground, region.distribution.area_ids_, shares, region.errors,
        region.allocation, anchored=work.formula.income_alone(),
    )  # fmt: skip
    work.counts["errors"] = surfaces.describe_parts(parts, 1 + LADDER.index(int(HEADLINE)))
    return surface


def _note(work: Work) -> SurfaceNote:
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
        vintage=str(plan.as_of) if plan.sources else plan.census.dated(),
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
                sha256=work.hash_of(ingest.local_copy(plan.resolve(source.path))),
                rows=rows[source.name],
                vintage=str(source.vintage),
                licence=source.licence,
            )
            for source in plan.sources
        ),
    )


def write_outputs(work: Work, surface: Surface) -> None:
    """Write the files that a run publishes to its stage."""
    write_surface(surface.table, surface.note, work.stage / "surface.parquet")
    work.report("map", 0, None)
    basemap = work.region.basemap() if work.region else None
    drawn = drawable(surface)
    drawn.save_map(work.stage / "map.html", capacity=HEADLINE, basemap=basemap)
    work.report("report", 0, None)
    save_report(surface, work.stage / "report.html", summary=work.counts, basemap=basemap, drawn=drawn)
    text = json.dumps(summary_of(work.counts), indent=2, ensure_ascii=False, default=str)
    (work.stage / "summary.json").write_text(text + "\n", encoding="utf-8")


def summary_of(counts: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a run's counts that is written to ``summary.json``."""
    return dict(counts)
