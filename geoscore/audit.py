"""Proxy audit: how far a surface stands in for groups of people that nobody meant to select by.

Race and Hispanic origin are never features. But neighborhoods differ, and so whoever picks the best of them picks
groups: this says how strongly, for every group of a census table.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.errors import InputError
from geoscore.ladder import Capacity, counts_at
from geoscore.ledger import find_entry
from geoscore.project import open_project
from geoscore.query import Surface
from geoscore.reference.census_areas import areas_of, read_centers, read_polygons
from geoscore.reference.census_tables import CensusTable, mend_ids, read_table
from geoscore.regions import open_region
from geoscore.schemas import GROUND
from geoscore.spatial.cells import cells_from_points, cells_from_polygons, parent_cells
from geoscore.spatial.interpolation import coarser_ground, spread_variables
from geoscore.surface_format import suppressed_rows
from geoscore.tables import from_pandas, to_pandas

Floats = npt.NDArray[np.float64]
GROUPS: Final = {
    "B03002_003": "White, not Hispanic", "B03002_004": "Black, not Hispanic",
    "B03002_005": "American Indian, not Hispanic", "B03002_006": "Asian, not Hispanic",
    "B03002_007": "Pacific Islander, not Hispanic", "B03002_009": "two or more races, not Hispanic",
    "B03002_012": "Hispanic",
}  # fmt: skip
ALL: Final = ("B03002_001", "B03002_002", "B03002_012")
SELECTED: Final = 0.2
"""Share of the households that a selection takes, from the best hexagons down."""
FOUR_FIFTHS: Final = 0.8
"""A group selected at less than this times the rate of the most selected one is said (29 CFR 1607.4 D)."""
EXPLAINED: Final = 0.3
TIED: Final = 0.6
BLOCK_RESOLUTION: Final = 5
FOLDS: Final = 5
FEWEST_CELLS: Final = 30
FINER: Final = 2


@dataclass(frozen=True)
class GroupAudit:
    """What a surface says of one group.

    Attributes
    ----------
    group
        Its name.
    share
        Of all people in the hexagons.
    correlation
        Spearman's, between its share of a hexagon's people and the share of its households above the threshold.
    explained
        Share of the variance of the group's share that the surface explains in hexagons it was not fitted on (blocks of
        H3 resolution 5 held out in turn); below 0 where it explains nothing.
    selected, ratio
        Share of the group that lives in the selected hexagons, and that share against the most selected group's.
    flags
        What to look at.
    """

    group: str
    share: float
    correlation: float
    explained: float
    selected: float
    ratio: float
    flags: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return asdict(self)


def read_groups(table: Path) -> tuple[CensusTable, list[str]]:
    """Return census table B03002, and which groups it counts.

    Raises
    ------
    InputError
        It cannot be read, or counts no group.
    """
    counts = read_table(table)
    groups = [name for name in GROUPS if name in counts.estimates]
    if not groups:
        raise InputError(
            f"{table} has no column of B03002 such as B03002_003E; the audit needs race and Hispanic origin"
        )
    return counts, groups


def audit_surface(surface: Surface, table: Path, *, ground: pa.Table, capacity: Capacity = 2500.0) -> list[GroupAudit]:
    """Audit a surface against the groups of census table B03002.

    Parameters
    ----------
    surface
        The published surface.
    table
        B03002 by census areas.
    ground
        Table of schema ``GROUND`` of these areas: a region's own, or from ``lay_out_areas``.
    capacity
        The threshold by which hexagons would be selected.

    Raises
    ------
    InputError
        The table has no groups, or lacks areas of the ground.
    """
    counts, groups = read_groups(table)
    ground = coarser_ground(ground, resolution=surface.note.resolution)
    areas = pd.Index(sorted(set(ground.filter(ground["households"].to_numpy() > 0)["area_id"].to_pylist())))
    ids, _ = mend_ids(counts.estimates.index, areas, name=table.name)
    people = counts.estimates.set_axis(ids)
    missing = areas.difference(ids)
    if len(missing):
        raise InputError(
            f"{len(missing):,} areas, {missing[0]} first, are not in {table}: if it has others than the project, name"
            " their polygons or centers (--areas)"
        )
    people = people.assign(people=_everybody(people, groups))
    wanted = people.loc[people.index.isin(areas), [*groups, "people"]].fillna(0.0)
    spread = spread_variables(ground, wanted, extensive=[*groups, "people"])
    cells = _cells(surface, capacity).merge(spread.groupby("cell")[[*groups, "people"]].sum(), on="cell")
    cells = cells[(cells["people"] > 0) & (cells["households"] > 0)].reset_index(drop=True)
    if len(cells) < FEWEST_CELLS:
        raise InputError(f"{len(cells)} hexagons of the surface have people in {table}; an audit needs {FEWEST_CELLS}")
    chosen = _chosen(cells)
    rates = {name: float(cells.loc[chosen, name].sum() / max(cells[name].sum(), 1e-9)) for name in groups}
    highest = max(rates.values())
    return [_audit(cells, name, rates[name], highest) for name in groups if cells[name].sum() > 0]


def ground_of_run(surface: Path) -> pa.Table:
    """Return the ground of the run that wrote a surface, whose ledger lies beside it.

    Raises
    ------
    InputError
        There is no ledger, or the project file is no longer where it was.
    """
    folder = surface if surface.is_dir() else surface.parent
    entry = find_entry(folder, "project")
    if entry is None:
        raise InputError(f"{folder} has no ledger that names a project: give one with --project, or areas with --areas")
    path = folder / str(entry["path"])
    if not path.exists():
        raise InputError(
            f"the run's project file {path} is no longer there: name it with --project, or areas with --areas"
        )
    return open_region(open_project(path)).ground


def lay_out_areas(path: Path, *, resolution: int) -> pa.Table:
    """Return the ground of census areas from their polygons, or from their centers of population.

    Parameters
    ----------
    path
        Polygons with a GEOID, over which people are spread evenly, or a table of ``GEOID``, ``longitude`` and
        ``latitude``.
    resolution
        H3 resolution of the surface.

    Returns
    -------
    Table of schema ``GROUND``
        A hundred households an area: shares alone matter here.
    """
    if path.suffix.lower() in (".csv", ".txt") or _is_table(path):
        centers = read_centers(path)
        cells = cells_from_points(
            centers["longitude"].to_numpy(float), centers["latitude"].to_numpy(float), resolution=resolution
        )
        pieces = pd.DataFrame({"area_id": centers["area_id"].to_numpy(), "cell": cells, "households": 100.0})
    else:
        areas = areas_of(read_polygons(path, kind="areas"), path)
        index, fine = cells_from_polygons(list(areas.geometry), resolution=resolution + FINER)
        pieces = pd.DataFrame({"area_id": areas["area_id"].to_numpy()[index]})
        pieces["cell"] = parent_cells(fine, resolution=resolution)
        pieces["households"] = 100.0 / pieces.groupby("area_id")["area_id"].transform("size")
        pieces = pieces.groupby(["area_id", "cell"], sort=True)["households"].sum().reset_index()
    return from_pandas(pieces.assign(zip=None, county=None)[GROUND.names], GROUND)


def _is_table(path: Path) -> bool:
    """Return whether a Parquet file has no shapes in it."""
    import pyarrow.parquet as pq

    return path.suffix.lower() == ".parquet" and path.exists() and "geometry" not in pq.read_schema(path).names


def _everybody(people: pd.DataFrame, groups: list[str]) -> pd.Series:
    if ALL[0] in people:
        return people[ALL[0]]
    if ALL[1] in people and ALL[2] in people:
        return people[ALL[1]] + people[ALL[2]]
    return people[groups].sum(axis=1)


def _cells(surface: Surface, capacity: Capacity) -> pd.DataFrame:
    """Return shown hexagons with their households and the share of them above the threshold."""
    values = surface.figures
    above, _ = counts_at(values.at_least, values.variance, values.households, capacity)
    frame = to_pandas(surface.table.select(["cell"])).assign(households=values.households, above=above)
    frame = frame[frame["cell"].notna() & ~suppressed_rows(surface.table)]
    summed = frame.groupby("cell")[["households", "above"]].sum().reset_index()
    return summed.assign(score=summed["above"] / summed["households"].where(summed["households"] > 0))


def _chosen(cells: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which hexagons a selection takes: the best by share, until they hold a fifth of the households."""
    order = np.argsort(-cells["score"].to_numpy(), kind="stable")
    before = np.cumsum(cells["households"].to_numpy()[order]) - cells["households"].to_numpy()[order]
    chosen = np.zeros(len(cells), dtype=bool)
    chosen[order[before < SELECTED * cells["households"].sum()]] = True
    return chosen


def _audit(cells: pd.DataFrame, name: str, rate: float, highest: float) -> GroupAudit:
    from scipy.stats import spearmanr

    share = (cells[name] / cells["people"]).to_numpy()
    correlation = float(spearmanr(cells["score"], share).statistic)
    explained = _explained(cells, share)
    ratio = rate / highest if highest > 0 else 1.0
    flags = [
        *(["the surface tells much of where this group lives"] if explained > EXPLAINED else []),
        *(["strongly tied to this group"] if abs(correlation) > TIED else []),
        *(["selected at under four fifths of the highest rate"] if ratio < FOUR_FIFTHS else []),
    ]
    whole = float(cells[name].sum() / cells["people"].sum())
    return GroupAudit(GROUPS[name], whole, correlation, explained, rate, ratio, tuple(flags))


def _explained(cells: pd.DataFrame, share: Floats) -> float:
    """Return the share of variance explained by a cubic of the score, in blocks held out in turn."""
    block = parent_cells(cells["cell"].to_numpy(np.uint64), resolution=BLOCK_RESOLUTION)
    fold = pd.factorize(block)[0] % FOLDS
    weight = cells["people"].to_numpy(float)
    score = cells["score"].to_numpy(float)
    terms = np.column_stack([score**power for power in range(4)])
    guess = np.empty(len(share))
    if len(np.unique(fold)) == 1:
        return 0.0  # one block: nothing can be held out
    for held in np.unique(fold):
        use = fold != held
        root = np.sqrt(weight[use])[:, None]
        fitted, *_ = np.linalg.lstsq(terms[use] * root, share[use] * root[:, 0], rcond=None)
        guess[~use] = terms[~use] @ fitted
    mean = np.average(share, weights=weight)
    spread = float(np.average((share - mean) ** 2, weights=weight))
    return 1.0 - float(np.average((share - guess) ** 2, weights=weight)) / spread if spread > 0 else 0.0
