"""From the raw surface to what people see: protection, what the surface says of itself, map, report and summary."""

import json
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from geoscore import disclosure, enrichment, ingest, noise, surfaces
from geoscore.audit import audit_surface, lay_out_areas
from geoscore.capacity import rung_shares
from geoscore.errors import InputError
from geoscore.ledger import hash_file
from geoscore.outputs import HEADLINE, save_report
from geoscore.pipeline.work import Work
from geoscore.purposes import read_purposes
from geoscore.query import Surface
from geoscore.release import CensusCurves
from geoscore.schemas import LADDER, SourceNote, SurfaceNote
from geoscore.spatial.interpolation import coarser_ground
from geoscore.surface_format import write_surface
from geoscore.tables import to_pandas

SATURATED: Final = 0.60
RARE: Final = 0.01


def publish(work: Work, raw: pa.Table) -> Surface:
    """Protect the surface, and say of it what it is."""
    work.report("publish", 0, None)
    plan = work.project
    note = _note(work)
    warning = work.honesty.warning(plan.surface.published_resolution) if work.honesty else None
    if warning:
        note = replace(note, warnings=(*note.warnings, warning))
    write_surface(raw, note, work.private / "surface.parquet")
    protected = _protect(work, surfaces.roll_up(raw, resolution=plan.surface.published_resolution))
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
    work.counts |= {"cells": len(raw["cell"].unique()), "headline": answer.to_dict(), "warnings": surface.note.warnings}
    return surface


def _protect(work: Work, coarser: pa.Table) -> disclosure.Protected:
    plan, region = work.project, work.region
    if work.told is None or region is None:
        return disclosure.Protected(coarser, "")  # the census's own figures are public: there is nobody to protect
    resolution, k = plan.surface.published_resolution, plan.fewest()
    if plan.surface.epsilon is not None:
        domain = to_pandas(coarser_ground(region.ground, resolution=resolution))
        noisy = noise.add_noise(coarser, domain, epsilon=plan.surface.epsilon)
        return disclosure.Protected(noise.settle(disclosure.protect_rows(noisy, k=k)), "")
    told = surfaces.roll_up(work.told, resolution=resolution)
    multiplier = work.formula.usual_factor() or 0.0
    public = CensusCurves(region, resolution=resolution, evidence=work.evidence, multiplier=multiplier)
    if plan.universe() == "census":
        groups = disclosure.protect_groups(coarser, k=k, told=told, public=public)
        return replace(groups, table=_raked(work, groups.table))
    beside = work.asked.measures if work.asked else None
    return disclosure.protect_surface(coarser, k=k, told=told, public=public, beside=beside)


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
        told, enrichment.mix_areas(told, ground), ground, region.distribution.area_ids_, shares, region.errors,
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


def write_outputs(work: Work, surface: Surface) -> None:
    """Write the files that a run publishes to its stage."""
    write_surface(surface.table, surface.note, work.stage / "surface.parquet")
    work.report("map", 0, None)
    basemap = work.region.basemap() if work.region else None
    surface.save_map(work.stage / "map.html", capacity=HEADLINE, basemap=basemap)
    work.report("report", 0, None)
    save_report(surface, work.stage / "report.html", summary=work.counts, basemap=basemap)
    text = json.dumps(summary_of(work.counts), indent=2, ensure_ascii=False, default=str)
    (work.stage / "summary.json").write_text(text + "\n", encoding="utf-8")


def summary_of(counts: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a run's counts that is written to ``summary.json``."""
    return dict(counts)
