"""From the raw surface to what people see: protection, what the surface says of itself, map, report and summary."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geoscore import disclosure, enrichment, ingest, noise, surfaces
from geoscore.capacity import rung_shares
from geoscore.errors import InputError
from geoscore.outputs import HEADLINE, drawable, save_report
from geoscore.pipeline.work import Work
from geoscore.query import Surface
from geoscore.schemas import LADDER, SourceNote, SurfaceNote
from geoscore.spatial.interpolation import coarser_ground
from geoscore.surface_format import read_surface, write_surface
from geoscore.tables import to_pandas

SATURATED: Final = 0.60
RARE: Final = 0.01


def publish(work: Work, blocks: Iterable[pa.Table]) -> Surface:
    """Protect the surface, which comes in blocks of counties, and say of it what it is."""
    plan = work.project
    note = _note(work)
    warning = work.honesty.warning(plan.surface.published_resolution) if work.honesty else None
    if warning:
        note = replace(note, warnings=(*note.warnings, warning))
    coarser = _keep_raw(work, blocks, note)
    work.report("publish", 0, None)
    if not plan.sources:
        protected = coarser  # the census's own figures are public: there is nobody to protect
    elif plan.universe() == "census":
        protected = _raked(work, coarser)
    elif plan.surface.epsilon is not None and work.region is not None:
        domain = to_pandas(coarser_ground(work.region.ground, resolution=plan.surface.published_resolution))
        noisy = noise.add_noise(coarser, domain, epsilon=plan.surface.epsilon)
        protected = noise.settle(disclosure.protect_surface(noisy, k=plan.surface.k))
    else:
        protected = disclosure.protect_surface(coarser, k=plan.surface.k)
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
    work.counts |= {"cells": _count_cells(work), "headline": answer.to_dict(), "warnings": surface.note.warnings}
    return surface


def _keep_raw(work: Work, blocks: Iterable[pa.Table], note: SurfaceNote) -> pa.Table:
    """Write the surface at the working resolution to the private folder, and return it at the published one."""
    resolution = work.project.surface.published_resolution

    def make(folder: Path) -> None:
        coarser: list[pa.Table] = []

        def passed() -> Iterator[pa.Table]:
            for block in blocks:
                coarser.append(surfaces.roll_up(block, resolution=resolution))
                yield block

        write_surface(passed(), note, folder / "surface.parquet")
        write_surface(pa.concat_tables(coarser), note, folder / "coarser.parquet")

    if work.store is None:
        make(work.private)
        folder = work.private
    else:
        folder = work.store.make("surface", {**work.made_from, "note": note.to_dict(), "to": resolution}, make)
        os.link(folder / "surface.parquet", work.private / "surface.parquet")
    coarser, _ = read_surface(folder / "coarser.parquet")
    if work.store is None:
        (folder / "coarser.parquet").unlink()
    return coarser


def _count_cells(work: Work) -> int:
    cells = pq.read_table(work.private / "surface.parquet", columns=["cell"])["cell"]
    return int(pc.count_distinct(cells, mode="all").as_py())


def _raked(work: Work, files: pa.Table) -> pa.Table:
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
        k=plan.surface.k,
        epsilon=plan.surface.epsilon,
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
    drawn = drawable(surface)
    drawn.save_map(work.stage / "map.html", capacity=HEADLINE, outlines=work.region.outlines() if work.region else None)
    work.report("report", 0, None)
    save_report(surface, work.stage / "report.html", summary=work.counts, drawn=drawn)
    text = json.dumps(summary_of(work.counts), indent=2, ensure_ascii=False, default=str)
    (work.stage / "summary.json").write_text(text + "\n", encoding="utf-8")


def summary_of(counts: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a run's counts that is written to ``summary.json``."""
    return dict(counts)
