"""Territories: cells shared out so that each part has about the same potential and hangs together."""

import heapq
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
SETTLING: Final = 15
MOVES: Final = 40
EVEN: Final = 0.02
"""Territories are even enough when none is farther than this from the mean."""


@dataclass(frozen=True)
class Territories:
    """Cells by territory.

    Attributes
    ----------
    part
        Territory of each cell, 0 to k - 1, shape (n,).
    potential
        Of each territory, shape (k,).
    bridges
        Pairs of cells that were taken for neighbors though they do not touch: islands, shape (b, 2).
    """

    part: Integers
    potential: Floats
    bridges: Integers

    @property
    def unevenness(self) -> float:
        """Largest difference from the mean potential, as a share of it."""
        mean = float(self.potential.mean())
        return float(np.abs(self.potential - mean).max() / mean)


def share_out(potential: Floats, at: Floats, neighbors: Any, *, count: int, seed: int = 0) -> Territories:
    """Share cells out into territories of about equal potential that hang together.

    Territories grow from well-spread seeds, the poorest always first; seeds then move to the middle of what they got,
    a few times. After that cells on a border go from the richer side to the poorer while both stay whole.

    Parameters
    ----------
    potential
        Of each cell, shape (n,), none negative.
    at
        Positions of the cells in kilometers, shape (n, 2).
    neighbors
        Which cells touch, sparse, shape (n, n). Parts that do not touch are joined by their shortest gap.
    count
        Number of territories.
    seed
        Of the first seeds.

    Raises
    ------
    InputError
        There are fewer cells with potential than territories.

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> line = np.column_stack([np.arange(12.0), np.zeros(12)])
    >>> chain = diags_array([np.ones(11), np.ones(11)], offsets=[-1, 1]).tocsr()
    >>> shared = share_out(np.ones(12), line, chain, count=3)
    >>> shared.potential.tolist(), shared.unevenness
    ([4.0, 4.0, 4.0], 0.0)
    """
    if not 1 <= count <= int((potential > 0).sum()):
        raise InputError(f"{count} territories of {int((potential > 0).sum()):,} cells with potential; ask for fewer")
    joined, bridges = join_pieces(neighbors, at)
    lists = [joined.indices[joined.indptr[i] : joined.indptr[i + 1]] for i in range(len(potential))]
    seeds = _spread_seeds(potential, at, count, seed)
    best: Integers | None = None
    least = np.inf
    for _ in range(SETTLING):
        part = _grow(potential, at, lists, seeds)
        part = _pass_on(_even_out(part, potential, lists, count), potential, lists, count)
        held = np.asarray(np.bincount(part, potential, count), dtype=np.float64)
        uneven = Territories(part, held, bridges).unevenness
        if uneven < least - 1e-12:
            best, least = part, uneven
        if least <= EVEN:
            break
        middle = np.array(
            [np.average(at[part == k], axis=0, weights=potential[part == k] + 1e-9) for k in range(count)]
        )
        moved = np.array([_closest(at, part, k, middle[k]) for k in range(count)])
        if (moved == seeds).all():
            break
        seeds = moved
    assert best is not None  # noqa: S101  there is at least one round
    # numbered from west to east, so that the same cells give the same numbers
    west = np.argsort([at[best == k, 0].mean() for k in range(count)], kind="stable")
    number = np.empty(count, dtype=np.int64)
    number[west] = np.arange(count)
    part = number[best]
    return Territories(part, np.bincount(part, potential, count).astype(np.float64), bridges)


def join_pieces(neighbors: Any, at: Floats) -> tuple[Any, Integers]:
    """Return neighbors in which all hangs together, and the pairs that were joined for it: the shortest gaps."""
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    graph = csr_array(neighbors)
    added: list[tuple[int, int]] = []
    while True:
        pieces, label = connected_components(graph, directed=False)
        if pieces <= 1:
            return graph, np.array(added, dtype=np.int64).reshape(-1, 2)
        size = np.bincount(label)
        main = int(size.argmax())
        inside, outside = np.flatnonzero(label == main), np.flatnonzero(label != main)
        gap, near = cKDTree(at[inside]).query(at[outside])
        pick = int(gap.argmin())
        one, other = int(inside[near[pick]]), int(outside[pick])
        added.append((one, other))
        link = coo_array((np.ones(2), ([one, other], [other, one])), shape=graph.shape)
        graph = csr_array(graph + link)


def _spread_seeds(potential: Floats, at: Floats, count: int, seed: int) -> Integers:
    """Return seeds that are likely far from each other, by potential times squared distance (k-means++)."""
    rng = np.random.default_rng(seed)
    seeds = [int(rng.choice(len(at), p=potential / potential.sum()))]
    while len(seeds) < count:
        away = ((at[:, None, :] - at[seeds][None, :, :]) ** 2).sum(axis=2).min(axis=1)
        weight = potential * away
        weight[seeds] = 0.0
        if weight.sum() <= 0:
            weight = np.where(potential > 0, 1.0, 0.0)
            weight[seeds] = 0.0
        seeds.append(int(rng.choice(len(at), p=weight / weight.sum())))
    return np.array(seeds, dtype=np.int64)


def _closest(at: Floats, part: Integers, k: int, middle: Floats) -> int:
    mine = np.flatnonzero(part == k)
    return int(mine[((at[mine] - middle) ** 2).sum(axis=1).argmin()])


def _grow(potential: Floats, at: Floats, lists: list[Integers], seeds: Integers) -> Integers:
    """Grow territories from seeds: the poorest takes the free cell on its border that is nearest to its seed."""
    part = np.full(len(at), -1, dtype=np.int64)
    borders: list[list[tuple[float, int]]] = [[] for _ in seeds]
    held = [(0.0, k) for k in range(len(seeds))]

    def take(k: int, cell: int) -> None:
        part[cell] = k
        for near in lists[cell]:
            if part[near] < 0:
                heapq.heappush(borders[k], (float(((at[near] - at[seeds[k]]) ** 2).sum()), int(near)))

    for k, cell in enumerate(seeds):
        take(k, int(cell))
        held[k] = (float(potential[cell]), k)
    heapq.heapify(held)
    while held:
        amount, k = heapq.heappop(held)
        while borders[k] and part[borders[k][0][1]] >= 0:
            heapq.heappop(borders[k])
        if not borders[k]:
            continue  # closed in by others
        cell = heapq.heappop(borders[k])[1]
        take(k, cell)
        heapq.heappush(held, (amount + float(potential[cell]), k))
    return part


def _even_out(part: Integers, potential: Floats, lists: list[Integers], count: int) -> Integers:
    """Move cells on borders from the richer side to the poorer while both sides stay whole and come closer."""
    part = part.copy()
    held = np.bincount(part, potential, count)
    mean = held.mean()
    size = np.bincount(part, minlength=count)
    for _ in range(MOVES):
        moved = False
        border = [i for i in range(len(part)) if (part[lists[i]] != part[i]).any()]
        border.sort(key=lambda i: (-held[part[i]], potential[i], i))
        for cell in border:
            own = int(part[cell])
            others = sorted({int(k) for k in part[lists[cell]]} - {own}, key=lambda k: (held[k], k))
            if not others or size[own] == 1:
                continue
            to = others[0]
            amount = potential[cell]
            before = (held[own] - mean) ** 2 + (held[to] - mean) ** 2
            after = (held[own] - amount - mean) ** 2 + (held[to] + amount - mean) ** 2
            if after < before * (1 - 1e-9) and _stays_whole(cell, part, lists):
                part[cell] = to
                held[own] -= amount
                held[to] += amount
                size[own] -= 1
                size[to] += 1
                moved = True
        if not moved or np.abs(held - mean).max() <= EVEN / 2 * mean:
            break
    return part


def _pass_on(part: Integers, potential: Floats, lists: list[Integers], count: int) -> Integers:
    """Hand cells on from the richest territory to the poorest through those that lie between."""
    for _ in range(MOVES * count):
        held = np.bincount(part, potential, count)
        rich, poor = int(held.argmax()), int(held.argmin())
        wanted = (held[rich] - held[poor]) / 2.0
        if held.max() - held.min() <= EVEN / 2 * held.mean():
            break
        trial = part.copy()
        way = _way_between(part, lists, rich, poor)
        done = bool(way)
        for one, other in pairwise(way):
            border = [i for i in np.flatnonzero(trial == one) if (trial[lists[i]] == other).any()]
            border.sort(key=lambda i: (abs(float(potential[i]) - wanted), i))
            cell = next((i for i in border if _stays_whole(int(i), trial, lists)), None)
            if cell is None or (trial == one).sum() == 1:
                done = False
                break
            trial[cell] = other
        after = np.bincount(trial, potential, count)
        if not done or ((after - after.mean()) ** 2).sum() >= ((held - held.mean()) ** 2).sum() * (1 - 1e-9):
            break
        part = trial
    return part


def _way_between(part: Integers, lists: list[Integers], one: int, other: int) -> list[int]:
    """Return the territories on the shortest way from one to another, both among them; empty where there is none."""
    touching: dict[int, set[int]] = {}
    for i, cells in enumerate(lists):
        touching.setdefault(int(part[i]), set()).update(int(k) for k in part[cells] if k != part[i])
    before = {one: one}
    queue = [one]
    for k in queue:
        for near in sorted(touching.get(k, ())):
            if near not in before:
                before[near] = k
                queue.append(near)
    if other not in before:
        return []
    way = [other]
    while way[-1] != one:
        way.append(before[way[-1]])
    return way[::-1]


def _stays_whole(cell: int, part: Integers, lists: list[Integers]) -> bool:
    """Return whether a territory still hangs together without one of its cells."""
    own = part[cell]
    near = [int(other) for other in lists[cell] if part[other] == own]
    if len(near) <= 1:
        return True
    wanted, seen, stack = set(near[1:]), {cell, near[0]}, [near[0]]
    while stack and wanted:
        for other in lists[stack.pop()]:
            if part[other] == own and int(other) not in seen:
                seen.add(int(other))
                wanted.discard(int(other))
                stack.append(int(other))
    return not wanted
