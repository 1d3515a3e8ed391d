"""Propensity on projects: the households of a project's files, with the outcome in one of them, in; a model out.

It stands above the pipeline, whose first half reads, links and locates the households.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from geoscore import pipeline, propensity
from geoscore.errors import InputError, missing_column
from geoscore.ingest.columns import SAMPLE_ROWS, infer_columns
from geoscore.project import Project, open_project
from geoscore.propensity_columns import BLOCK_RESOLUTION, REGION_RESOLUTION, why_refused
from geoscore.propensity_files import Asked
from geoscore.schemas import EVIDENCE
from geoscore.spatial.cells import cell_text, parent_cells


def fit_project(
    path: Path, *, asked: Asked, progress: Callable[[str, int, int | None], None] | None = None
) -> propensity.Model:
    """Fit a propensity model on the households of a project.

    Parameters
    ----------
    path
        A project file whose ``[propensity]`` names the source with the outcome, and its columns.
    asked
        Columns named here go before those of the project; dates are looked at on the project's ``as_of``.
    progress
        Called with a stage's name, the steps done and all steps.

    Raises
    ------
    GeoscoreError
        Something in the project or its files cannot be, or nothing can be learned from them.
    """
    plan = open_project(path)
    source, gave, amount = _outcome_of(plan, asked)
    found = pipeline.prepare_households(path, progress=progress)
    rows = found.rows
    columns = {name: f"{source}.{name}" for name in (gave, amount) if name}
    for name, column in columns.items():
        if column not in rows.column_names:
            own = [text.removeprefix(f"{source}.") for text in rows.column_names if text.startswith(f"{source}.")]
            raise missing_column(name, f"source {source}", own, needed="kept beside the households")
    asked_rows = np.asarray(rows[f"rows_in_{source}"].to_numpy()) > 0
    rows, homes = rows.filter(pa.array(asked_rows)), found.homes.filter(pa.array(asked_rows))
    outcome = propensity.read_outcome(
        rows,
        gave=columns.get(gave or ""),
        amount=columns.get(amount or ""),
        unlabelled=asked.unlabelled,
    )
    kept, refused = _columns(rows, plan, source, tuple(columns.values()), asked)
    blocks, regions = _places(homes)
    given = propensity.Households(
        rows=rows.select(kept),
        outcome=outcome,
        keys=rows["household_id"].to_pylist(),
        blocks=blocks,
        regions=regions,
        refused=refused,
        names=tuple(name for name in (gave, amount) if name),
    )
    options = propensity.Options(
        as_of=plan.as_of,
        kind=asked.kind,
        prevalence=asked.prevalence,
        unlabelled=asked.unlabelled or outcome.unlabelled,
        seed=asked.seed,
    )
    model = propensity.fit_model(given, options=options, progress=progress)
    model.card["data"] = {
        "project": plan.name,
        "source": source,
        "gave": gave,
        "amount": amount,
        "households_of_all_files": found.rows.num_rows,
        "purpose": plan.purpose,
    }
    others = found.rows.num_rows - rows.num_rows
    if others:
        model.card["notes"].append(
            f"{others:,} households of the project are not in source {source}: a run scores them as if they were alike"
        )
    return model


def _outcome_of(plan: Project, asked: Asked) -> tuple[str, str | None, str | None]:
    """Return the source with the outcome, and its columns of who gave and of how much."""
    settings = plan.propensity
    gave, amount = asked.gave or settings.gave, asked.amount or settings.amount
    if not plan.sources:
        raise InputError("the project has no [[sources]]; a model is learned from households")
    source = settings.source or (plan.sources[0].name if len(plan.sources) == 1 else None)
    if source is None or not (gave or amount):
        raise InputError(
            "nothing says who gave: name the source and its columns under [propensity], "
            'such as source = "appeal", gave = "GAVE", amount = "GIFT"'
        )
    if asked.when is not None:
        raise InputError("--date goes with a plain file; of a project's households places make the folds")
    return source, gave, amount


def _columns(
    rows: pa.Table, plan: Project, source: str, outcome: tuple[str, ...], asked: Asked
) -> tuple[list[str], dict[str, str]]:
    """Return the columns that may be features, and why the others may not."""
    kept, refused = [], {}
    sensitive = {f"{item.name}.{column}" for item in plan.sources for column in item.sensitive}
    own = {"household_id", *outcome, f"rows_in_{source}"}
    guesses = {guess.name: guess for guess in infer_columns(rows.slice(0, SAMPLE_ROWS))}
    for name in rows.column_names:
        if name in own:
            continue
        plain = name in EVIDENCE or name.startswith(("area_", "rows_in_"))
        why = None if plain or name in sensitive else why_refused(guesses[name], rows[name])
        if name in asked.leave:
            why = "left out as asked"
        if why:
            refused[name] = why
        else:
            kept.append(name)
    return kept, refused


def _places(homes: pa.Table) -> tuple[Any, Any]:
    """Return the small and the large place of every household: its cell, coarser, else the ZIP's sorting center."""
    frame = homes.select(["cell", "zip"]).to_pandas(types_mapper={pa.uint64(): pd.UInt64Dtype()}.get)
    known = frame["cell"].notna().to_numpy()
    zips = frame["zip"].str[:3]
    found = []
    for resolution in (BLOCK_RESOLUTION, REGION_RESOLUTION):
        place = np.full(len(frame), None, dtype=object)
        cells = parent_cells(frame.loc[known, "cell"].to_numpy(np.uint64), resolution=resolution)
        place[known] = [cell_text(int(cell)) for cell in cells]
        # a ZIP alone goes where most of its households are
        counts = pd.DataFrame({"zip": frame["zip"], "place": place}).dropna().value_counts().reset_index()
        usual = counts.drop_duplicates("zip").set_index("zip")["place"]
        place = np.where(known, place, frame["zip"].map(usual).fillna(zips).to_numpy(dtype=object))
        found.append(place)
    return found[0], found[1]
