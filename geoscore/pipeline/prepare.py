"""A run as far as its households are located and described: what a propensity model is fitted on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from geoscore import ingest
from geoscore.engines import open_engine
from geoscore.formulas import open_formula
from geoscore.pipeline.stages import describe, locate
from geoscore.pipeline.work import Work
from geoscore.project import open_project
from geoscore.regions import open_region


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
        work = Work(plan, open_formula("income-2pct-1y"), tables, private, private, report, suppression)
        report("census", 0, None)
        work.region = open_region(plan)
        homes, links = locate(work, opened, work.region)
        return Prepared(describe(work, homes, links), homes.collect().sort_by("household_id"))
