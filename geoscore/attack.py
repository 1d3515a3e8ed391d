"""The attacker: what can be worked out of hidden households from everything that was published together.

Every published figure is an equation on the households of the finest (cell, ZIP) pairs; linear programs find the least
and the most that each hidden pair can hold. Bands of capacity follow from the counts that a surface was made of; one
that names none is taken at its figures. A surface is safe if nobody learns of a group of fewer than k.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.disclosure import read_protection
from geoscore.errors import InputError, SurfaceError
from geoscore.schemas import LADDER, SurfaceNote
from geoscore.spatial.cells import cell_resolution, cell_text, parent_cells
from geoscore.surface_format import figures, read_surface, suppressed_rows
from geoscore.tables import to_pandas

ROUNDING: Final = 0.05
"""A published figure of a decimal stands for all that round to it."""
EXACT: Final = 1.0
"""Bounds closer than this tell how many households there are."""
FAINT: Final = 0.5
"""A pair that is marked as hidden holds at least this many expected households; one that is not marked, fewer."""
PLACE: Final = ["cell", "zip", "county"]
LARGEST: Final = 20_000


@dataclass(frozen=True)
class Fact:
    """A published figure: the sum of some pairs lies between two numbers."""

    pairs: npt.NDArray[np.int64]
    low: float
    high: float


@dataclass
class Attacked:
    """What the attacker found.

    Attributes
    ----------
    hidden
        Pairs that were hidden.
    bands
        Groups of bands of capacity whose households are known.
    exact
        Pairs, and groups of bands, of fewer than k households whose number is known to less than one.
    below
        Those that are known to hold somebody and fewer than k.
    found
        The first of them, in words.
    """

    k: int
    surfaces: int
    facts: int
    hidden: int = 0
    bands: int = 0
    exact: int = 0
    below: int = 0
    found: list[str] = field(default_factory=list)

    def safe(self) -> bool:
        """Return whether nothing was found."""
        return self.exact == 0 and self.below == 0


def attack_folder(folder: Path) -> Attacked:
    """Attack all surfaces of a folder together, as somebody would who got hold of all of them.

    Raises
    ------
    InputError
        There is no surface in the folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name the one that was published")
    surfaces = []
    for path in sorted(folder.rglob("*.parquet")):
        if "private" in path.relative_to(folder).parts:
            continue
        try:
            surfaces.append(read_surface(path))
        except SurfaceError:
            continue  # another table that lies there too
    if not surfaces:
        raise InputError(f"there is no surface in {folder}; `geoscore run` writes one")
    return attack_surfaces(surfaces)


def attack_surfaces(surfaces: Sequence[tuple[pa.Table, SurfaceNote]]) -> Attacked:
    """Attack surfaces together: their rows, and their bands of capacity.

    Parameters
    ----------
    surfaces
        Tables of schema ``SURFACE``, and what they say of themselves. Where all households are counted, a row holds the
        census's as well, and no group of the files stands alone in it; what files tell of bands is looked at there too.
    """
    k = max(note.k for _, note in surfaces)
    found = attack([table for table, note in surfaces if note.universe == "file"], k=k)
    found.surfaces = len(surfaces)
    exact = [note for note in (note for _, note in surfaces) if note.epsilon is None]
    for number, note in enumerate(exact):
        if any(_apart(note, other) for other in exact[:number]):
            found.below += 1
            found.found.append("surfaces of the same files whose bands of capacity were protected apart")
    for table, note in surfaces:
        if note.epsilon is None:
            _attack_bands(table, note, found)
    return found


def _apart(one: SurfaceNote, other: SurfaceNote) -> bool:
    """Return whether what two surfaces tell of bands could be subtracted: same files, other counts."""
    hashes = [{source.sha256 for source in note.sources} for note in (one, other)]
    same = bool(hashes[0] & hashes[1]) or hashes[0] == hashes[1]
    return same and bool(one.protection) and bool(other.protection) and one.protection != other.protection


def _attack_bands(table: pa.Table, note: SurfaceNote, found: Attacked) -> None:
    """Look for counted bands of fewer than k.

    Blocks by groups of bands, and groups by stretches, are tables of two margins: the most that a cell of one can hold
    is the smaller of its margins. So nothing below k can be bounded where no count is (tests/test_attack.py asks linear
    programs too).
    """
    if note.protection:
        protection = read_protection(note.protection)
        groups = [(f"{block.counted_in} {block.place}", block.told) for block in protection.blocks]
        groups += [(f"groups from band {part.low} to {part.high}", part.told) for part in protection.stretches]
        counts = [(name, band, held) for name, told in groups for band, held in told]
    elif note.universe == "file":
        counts = _bare_bands(table)
    else:
        return  # the census's own
    found.bands += len(counts)
    for name, band, held in counts:
        if 2 * ROUNDING < held < found.k - 2 * ROUNDING:
            found.exact += 1
            found.below += 1
            above = f"above ${LADDER[band - 1]:,}" if band else f"below ${LADDER[0]:,}"
            found.found.append(f"{name}: {held:.1f} households in a band {above}")


def _bare_bands(table: pa.Table) -> list[tuple[str, int, float]]:
    """Return the households of every row and band as the figures give them."""
    shown = ~suppressed_rows(table)
    values = figures(table).take(shown)
    whole = np.hstack([values.households[:, None], values.at_least, np.zeros((len(values.households), 1))])
    bands = whole[:, :-1] - whole[:, 1:]
    cells = table.filter(pa.array(shown))["cell"].to_pylist()
    names = ["no cell" if cell is None else f"cell {cell_text(cell)}" for cell in cells]
    return [(names[row], int(band), float(bands[row, band])) for row, band in np.argwhere(np.abs(bands) > 0)]


def attack(tables: Sequence[pa.Table], *, k: int) -> Attacked:
    """Bound every hidden pair by all that the tables say.

    Parameters
    ----------
    tables
        Published tables of schema ``SURFACE`` of the same households, at any resolutions.
    k
        The fewest households that may be told of.
    """
    frames = [_rows(table) for table in tables]
    pairs = _pairs(frames)
    facts = [fact for frame in frames for fact in _facts(frame, pairs)]
    return bound(pairs, facts, k=k, surfaces=len(tables))


def bound(pairs: pd.DataFrame, facts: Sequence[Fact], *, k: int, surfaces: int = 1, floor: float = FAINT) -> Attacked:
    """Bound every pair by linear programs, one for each set of pairs that share facts.

    Parameters
    ----------
    pairs
        Columns ``cell``, ``zip``, ``county`` and ``marked`` (somebody is known to be here); their order is that of
        the facts' numbers.
    facts
        What is known of their sums.
    k
        The fewest households that may be told of.
    floor
        Households that every marked pair is known to hold at least.
    """
    found = Attacked(k, surfaces, len(facts))
    known = {int(fact.pairs[0]) for fact in facts if len(fact.pairs) == 1 and fact.low >= k - 2 * ROUNDING}
    hidden = [i for i in range(len(pairs)) if i not in known]
    found.hidden = int(pairs["marked"].to_numpy()[hidden].sum()) if hidden else 0
    for members, inside in _components(len(pairs), facts):
        low, high = _bounds(members, inside, np.where(pairs["marked"].to_numpy(), floor, np.nan))
        for pair, least, most in zip(members, low, high, strict=True):
            if pair in known or not pairs["marked"].iloc[pair]:
                continue
            small = bool(most < k - 2 * ROUNDING)
            found.exact += int(small and most - least < EXACT)
            found.below += int(small)
            if small:
                row = pairs.iloc[pair]
                cell = "no cell" if pd.isna(row["cell"]) else cell_text(int(row["cell"]))
                found.found.append(f"{cell} in ZIP {row['zip']}: {abs(least):.1f} to {most:.1f} households")
    return found


def _rows(table: pa.Table) -> pd.DataFrame:
    return to_pandas(table.select([*PLACE, "households", "suppressed", "counted_in"]))


def _pairs(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the finest pairs that any table names, and one for what each ZIP hides without a mark."""
    finest = max(frames, key=_resolution) if frames else pd.DataFrame()
    if finest.empty:
        return pd.DataFrame({**{name: [] for name in PLACE}, "marked": []})
    placed = finest[finest["cell"].notna()]
    marked = placed[PLACE].assign(marked=True)
    rest = finest[["zip", "county"]].drop_duplicates()
    rest = rest.assign(cell=pd.array([None] * len(rest), dtype="UInt64"), marked=False)
    return pd.concat([marked, rest[[*PLACE, "marked"]]], ignore_index=True).astype({"cell": "UInt64"})


def _resolution(frame: pd.DataFrame) -> int:
    cells = frame["cell"].dropna()
    return cell_resolution(int(cells.iloc[0])) if len(cells) else -1


def _facts(frame: pd.DataFrame, pairs: pd.DataFrame) -> list[Fact]:
    """Return what a table says of the finest pairs: every shown row is the sum of some of them."""
    resolution = _resolution(frame)
    cells = np.zeros(len(pairs), dtype=np.uint64)
    known = pairs["cell"].notna().to_numpy()
    cells[known] = parent_cells(pairs.loc[known, "cell"].to_numpy(np.uint64), resolution=resolution)
    at = pairs.assign(at=cells).reset_index(names="pair")
    hidden = frame[frame["suppressed"] & frame["cell"].notna()].assign(at=lambda rows: rows["cell"])
    away = at.merge(
        hidden[["at", "zip", "county", "counted_in"]].astype({"at": "uint64"}), on=["at", "zip", "county"], how="left"
    )
    away["counted_in"] = away["counted_in"].where(away["at"] > 0, None)
    groups = _groups(away)
    facts = []
    for row in frame[~frame["suppressed"]].to_dict("records"):
        members = groups.get(_where(row), np.empty(0, dtype=np.int64))
        if len(members):
            facts.append(Fact(members, row["households"] - ROUNDING, row["households"] + ROUNDING))
    return facts


Where = tuple[str, Any, Any, Any]


def _groups(away: pd.DataFrame) -> dict[Where, npt.NDArray[np.int64]]:
    """Return the pairs that every shown row is the sum of: of its place, or what is left of a ZIP, county, region."""
    placed = away["at"] > 0
    by_place = away[away["counted_in"].isna() & placed].groupby(["at", "zip", "county"], dropna=False)["pair"]
    groups = {("cell", *_named(key)): part.to_numpy(np.int64) for key, part in by_place}
    for counted_in, column in (("zip", "zip"), ("county", "county"), ("region", None)):
        rest = away[(away["counted_in"] == counted_in) | ~placed]  # also what a ZIP hides without a mark
        if column is None:
            groups["region", None, None, None] = rest["pair"].to_numpy(np.int64)
            continue
        for name, part in rest.groupby(column)["pair"]:
            groups[counted_in, name, None, None] = part.to_numpy(np.int64)
    return groups


def _where(row: dict[Any, Any]) -> Where:
    """Return the key of a shown row among the groups."""
    if not pd.isna(row["cell"]):
        return ("cell", *_named((row["cell"], row["zip"], row["county"])))
    counted_in = str(row["counted_in"])
    return counted_in, (None if counted_in == "region" else row[counted_in]), None, None


def _named(key: Any) -> tuple[Any, Any, Any]:
    code, county = (None if pd.isna(part) else part for part in key[1:])
    return int(key[0]), code, county


def _components(n: int, facts: Sequence[Fact]) -> list[tuple[list[int], list[Fact]]]:
    """Return sets of pairs that are tied to each other by facts, with these facts."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = np.concatenate([fact.pairs for fact in facts]) if facts else np.empty(0, dtype=np.int64)
    columns = np.repeat(np.arange(len(facts)), [len(fact.pairs) for fact in facts]) + n
    size = n + len(facts)
    _, label = connected_components(
        coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size)), directed=False
    )
    found: dict[int, tuple[list[int], list[Fact]]] = {}
    for i in range(n):
        found.setdefault(int(label[i]), ([], []))[0].append(i)
    for j, fact in enumerate(facts):
        found.setdefault(int(label[n + j]), ([], []))[1].append(fact)
    return [part for part in found.values() if part[0] and part[1]]


def _bounds(
    members: list[int], facts: Sequence[Fact], floors: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the least and the most households of every member; of those without a floor, what all may be."""
    from scipy.optimize import linprog
    from scipy.sparse import lil_array

    place = {pair: i for i, pair in enumerate(members)}
    m = len(members)
    if len(facts) == 1:
        # one sum: each may be all of it but for what the others hold at least
        floor = np.nan_to_num(floors[members])
        high = np.maximum(facts[0].high - (floor.sum() - floor), floor)
        low = floor if m > 1 else np.array([facts[0].low])
        return low, high
    if m > LARGEST:
        raise InputError(f"{m:,} hidden pairs hang together; attack a coarser surface")
    matrix = lil_array((2 * len(facts), m))
    limits = np.empty(2 * len(facts))
    for j, fact in enumerate(facts):
        columns = [place[int(pair)] for pair in fact.pairs]
        matrix[2 * j, columns], limits[2 * j] = 1.0, fact.high
        matrix[2 * j + 1, columns], limits[2 * j + 1] = -1.0, -fact.low
    limits_of = [(least, None) for least in np.nan_to_num(floors[members])]
    matrix = matrix.tocsr()
    low, high = np.zeros(m), np.full(m, np.inf)
    for alike in _alike(m, place, facts, floors[members]):
        if np.isnan(floors[members[alike[0]]]):
            continue
        goal = np.zeros(m)
        goal[alike[0]] = 1.0
        least = linprog(goal, A_ub=matrix, b_ub=limits, bounds=limits_of, method="highs")
        most = linprog(-goal, A_ub=matrix, b_ub=limits, bounds=limits_of, method="highs")
        if least.status == 0:
            low[alike] = least.fun
        if most.status == 0:
            high[alike] = -most.fun
    return low, high


def _alike(
    m: int, place: dict[int, int], facts: Sequence[Fact], floors: npt.NDArray[np.float64]
) -> list[npt.NDArray[np.int64]]:
    """Return sets of members that stand in the same facts with the same floor, and so have the same bounds."""
    stands_in: list[list[int]] = [[] for _ in range(m)]
    for number, fact in enumerate(facts):
        for pair in fact.pairs:
            stands_in[place[int(pair)]].append(number)
    found: dict[tuple[Any, ...], list[int]] = {}
    for member, numbers in enumerate(stands_in):
        found.setdefault((*numbers, str(floors[member])), []).append(member)
    return [np.array(members, dtype=np.int64) for members in found.values()]
