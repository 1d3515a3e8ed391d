"""The propensity stage of a run: households as a model sees them, their scores, and what these add to a surface."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from geoscore import enrichment, surfaces
from geoscore.engines import Frame
from geoscore.ledger import hash_file
from geoscore.propensity.households import MEASURES, ScoredHouseholds, assemble_households, score_households
from geoscore.propensity.model import Model
from geoscore.propensity.store import open_model
from geoscore.schemas import GROUP, LADDER
from geoscore.surface_format import figures
from geoscore.tables import Table

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """What a model says of a run.

    Attributes
    ----------
    measures
        ``cell``, ``zip``, ``county`` and those of ``MEASURES``, at the published resolution.
    note
        What the surface says of the model.
    """

    measures: pa.Table
    note: dict[str, Any]


def describe_households(
    homes: Table, links: Table, private: Path, *, ground: pa.Table, area_ids: list[str], shares: Floats, resolution: int
) -> pa.Table:
    """Return every located household with its evidence, its features and its neighborhood.

    Parameters
    ----------
    homes
        Table of schema ``LOCATED``.
    links
        Table of schema ``LINK``.
    private
        The run's private folder, with the features of every source.
    ground, area_ids, shares, resolution
        As for ``enrichment.describe_places``.
    """
    located = homes.collect().sort_by("household_id")
    features = {path.stem: pq.read_table(path) for path in sorted((private / "features").glob("*.parquet"))}
    areas = enrichment.describe_places(located, ground, area_ids, shares, resolution=resolution)
    return assemble_households(located, links.collect(), features, areas)


def ask_model(
    folder: Path, rows: pa.Table, homes: Table, kernel: pa.Table, *, private: Path, resolution: int
) -> tuple[Asked, ScoredHouseholds]:
    """Score the households of a run, keep the scores for the holder of the files, and spread them over places.

    Parameters
    ----------
    folder
        Of the model.
    rows
        Households of ``describe_households``.
    homes
        Table of schema ``LOCATED``.
    kernel
        Table of schema ``KERNEL`` with a row for every position.
    private
        Where ``propensity.parquet`` is written to.
    resolution
        The published one.
    """
    model = open_model(folder)
    scored = score_households(model, rows)
    pq.write_table(scored.table, private / "propensity.parquet", compression="zstd")
    positions = scored.at_positions(homes.collect())
    measures = surfaces.spread_measures(positions, kernel, MEASURES, resolution=resolution)
    return Asked(measures, _note(model, folder)), scored


def _note(model: Model, folder: Path) -> dict[str, Any]:
    card = model.card
    return {
        "model_sha256": hash_file(folder / "model.json"),
        "model": model.kind,
        "as_of": card["as_of"],
        "fitted_on": card["households"],
        "dollars_error": card.get("dollars_error"),
        "givers_error": round(1.0 / np.sqrt(max(card["givers"], 1)), 5),
    }


def capacity_tilt(scored: Table, households: ScoredHouseholds, surface: pa.Table, build: Any) -> list[float]:
    """Return how much likelier households above each rung are to give than all are: of the whole region, 25 factors.

    Parameters
    ----------
    scored
        Table of schema ``SCORED``.
    households
        Their scores.
    surface
        The surface of all of them.
    build
        Makes a surface of groups of schema ``GROUP``.
    """
    chances = pa.table({"household_id": households.ids, "chance": households.scores[:, 0]})
    likely = Table.from_arrow(chances, engine=scored.engine)
    keys = [name for name in GROUP.names if name != "households"]

    def weigh(frame: Frame) -> Frame:
        joined = frame.join(likely.frame, on="household_id", how="inner")
        return joined.group_by(*keys).agg(nw.col("chance").sum().alias("households"))

    schema = pa.schema([*(GROUP.field(name) for name in keys), ("households", pa.float64())])
    groups = scored.derive(schema, weigh).collect().sort_by([(name, "ascending") for name in keys])
    able, every = figures(build(groups)), figures(surface)
    rate = able.households.sum() / max(every.households.sum(), 1e-12)
    above, all_above = able.at_least.sum(axis=0), every.at_least.sum(axis=0)
    own = np.divide(above, all_above, out=np.full(len(LADDER), rate), where=all_above > 0)
    return [round(float(value), 4) for value in own / max(rate, 1e-12)]
