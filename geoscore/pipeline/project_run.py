"""A run from project file to finished folder.

Everything is made in a hidden folder beside the output and moved into place at the end, the surface last.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from geoscore import ingest
from geoscore.audit import read_groups
from geoscore.engines import open_engine
from geoscore.formulas import open_formula
from geoscore.pipeline.account import OUTPUTS, begin_ledger, end_ledger
from geoscore.pipeline.one_pass import counts_in_one_pass, wake_workers
from geoscore.pipeline.publish import audit, publish, write_outputs
from geoscore.pipeline.stages import build
from geoscore.pipeline.work import Work
from geoscore.project import open_project
from geoscore.query import Surface
from geoscore.stage_store import StageStore
from geoscore.staging import move_into_place, staged


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    out
        The folder of its files.
    summary
        What was read, used, rejected and found: what ``summary.json`` holds.
    surface
        The published surface.

    Examples
    --------
    >>> done = run("geoscore.toml")
    >>> done.summary["rows_read"] == done.summary["rows_used"] + done.summary["rows_rejected"]
    True
    """

    out: Path
    summary: dict[str, Any]
    surface: Surface


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

    Examples
    --------
    >>> done = run("geoscore.toml")
    >>> done.out.name, round(done.surface.query(capacity=2500).estimate)
    ('out', 204)
    """
    plan = open_project(project)
    formula_path = plan.resolve(Path(plan.capacity.formula))
    formula = open_formula(formula_path if formula_path.suffix == ".toml" else plan.capacity.formula)
    folder = Path(out) if out is not None else plan.folder / "out"
    report = progress or (lambda _stage, _done, _all: None)
    today = datetime.now(tz=UTC).date()
    suppression = ingest.open_suppression(plan.suppression, today=today, resolve=plan.resolve)
    opened = ingest.open_sources(plan.sources, resolve=plan.resolve) if plan.sources else []
    if plan.audit is not None:
        read_groups(plan.resolve(plan.audit.table))  # a table that cannot serve is said now, not after the work
    with staged(folder) as stage, open_engine(engine, memory=memory, scratch=stage) as tables:
        private = stage / "private"
        private.mkdir(mode=0o700)
        work = Work(plan, formula, tables, stage, private, report, suppression)
        if counts_in_one_pass(plan, opened):
            kept = folder.resolve().parent / f".{folder.resolve().name}.stages"
            work.store = StageStore(kept, earlier=folder / "private" / "stages")
            wake_workers(work, opened)
        surface = publish(work, build(work, opened))
        work.counts["audit"] = audit(work, surface)
        ledger = begin_ledger(work, Path(project), folder)
        # what is published names the ledger as it stood when the figures were made
        surface = Surface(surface.table, replace(surface.note, ledger=ledger.head))
        write_outputs(work, surface)
        end_ledger(work, ledger)
        if work.store is not None:
            work.store.close(private / "stages")
        move_into_place(stage, folder, OUTPUTS)
    return Run(folder, work.counts, surface)
