"""Bands of capacity: what files tell of them is published for groups of at least k households, and nothing finer.

Households of a row that the files tell nothing of lie on the ladder as the census says, which is public. Those that
they tell of are counted by block (a row, or what is left of a ZIP, a county, the region) and group of bands, each of at
least k, or none. How the groups of one range split, in all blocks together, is counted once more, by k or more (a
stretch). All that is published is worked out from these counts, the rows' households and the census.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from geoscore.disclosure.protection import Block, Protection, Stretch
from geoscore.disclosure.rows import COUNTED_IN, DECIMALS, PLACE, Floats, Ints, count_levels, places_at
from geoscore.schemas import LADDER

BLOCKS: Final = ("row", *COUNTED_IN[1:])
BANDS: Final = 1 + len(LADDER)
ALONE: Final = 5.0
"""A row speaks for itself where it has this many groups of k that the files tell of: fewer say less than its ZIP's."""
LEAST_SHARE: Final = 1e-6
"""Of a row's households that the census is taken to have in every band: files may find some where it has none."""
NOBODY: Final = 1e-9
ROUNDS: Final = 30
FITS: Final = 12


@dataclass(frozen=True)
class Told:
    """What may be published of the households that the files tell of, in n rows.

    Attributes
    ----------
    level
        Where each row's are counted: 0 by itself, 1 with its ZIP, 2 with its county, 3 with the region.
    households
        Their expected number, shape (n,): of a block's, as many as the row has of its households.
    bands
        The same by band of capacity, shape (n, 26): below the first rung, between two, above the last.
    split
        Variance of how a block's group of bands is split at each rung, laid on its rows: shape (n, 25); none where a
        group begins there.
    protection
        The counts that are published.
    """

    level: Ints
    households: Floats
    bands: Floats
    split: Floats
    protection: Protection


def tell_bands(keys: pd.DataFrame, households: Floats, told: Floats, curves: Floats, *, k: int) -> Told:
    """Count the households that files tell of by block and group of bands, and lay these counts on the rows.

    Parameters
    ----------
    keys
        Columns ``cell``, ``zip`` and ``county`` of the rows that are shown, n of them.
    households
        Households of the rows, as they are published: shape (n,).
    told
        Households that the files tell of, and those of them above each rung: shape (n, 26).
    curves
        Shares above each rung that the census says, shape (n, 25).
    k
        Fewest households in a group.
    """
    level = np.zeros(len(keys), dtype=np.int64)
    some = told[:, 0] > 0
    level[some] = count_levels(keys[some], told[some, 0], k, alone=ALONE, enough=lambda here, k: here.sum() >= k)
    block = places_at(keys, level).assign(level=level).groupby(["level", *PLACE], dropna=False, sort=True).ngroup()
    at = np.asarray(block, dtype=np.int64)
    counts = np.maximum(_sums(told - np.hstack([told[:, 1:], np.zeros((len(told), 1))]), at), 0.0)
    counts[counts < NOBODY] = 0.0  # but for the rounding of sums
    counts[counts.sum(axis=1) < k] = 0.0  # all of the region together are too few
    plan = _plan(counts, k)
    all_of_it = _sums(households[:, None], at)[:, 0]
    share = np.divide(plan.masses.sum(axis=1), all_of_it, out=np.zeros(len(counts)), where=all_of_it > 0)
    mass = np.minimum(share, 1.0)[at] * households
    bands = _lay_out(mass, _bands_of(curves), plan, at)
    blocks = _describe(keys, level, at, all_of_it, plan)
    protection = Protection(k, blocks, _describe_stretches(plan))
    return Told(level, mass, bands, _split(mass, bands, plan.group, at), protection)


@dataclass(frozen=True)
class _Plan:
    """What is counted: for every block and band the group of the block, and the part of a stretch, that it is in.

    ``masses`` and ``parts`` are the households by number of them, shape (b, 26) and (stretches, 26); ``part`` is of
    shape (b, 26), numbered over all stretches; ``ranges`` are the stretches' lowest and highest bands.
    """

    group: Ints
    masses: Floats
    part: Ints
    parts: Floats
    ranges: Ints


def _plan(counts: Floats, k: int) -> _Plan:
    group = group_bands(counts, k)
    bands = np.broadcast_to(np.arange(BANDS), group.shape)
    block = np.broadcast_to(np.arange(len(group))[:, None], group.shape)
    flat = (block * BANDS + group).reshape(-1)
    low, high = np.full(group.size, BANDS), np.full(group.size, -1)
    np.minimum.at(low, flat, bands.reshape(-1))
    np.maximum.at(high, flat, bands.reshape(-1))
    ranges, stretch = np.unique(np.column_stack([low[flat], high[flat]]), axis=0, return_inverse=True)
    stretch = stretch.reshape(group.shape)
    together = _sums_by(counts, bands, stretch, len(ranges))
    inside = group_bands(together, k)
    parts = np.round(_by_group(together, inside), DECIMALS)
    return _Plan(
        group, np.round(_by_group(counts, group), DECIMALS), stretch * BANDS + inside[stretch, bands], parts, ranges
    )


def group_bands(counts: Floats, k: int) -> Ints:
    """Return groups of neighboring bands that hold at least k households each, from the top of the ladder down.

    Parameters
    ----------
    counts
        Households by band, shape (b, 26).
    k
        Fewest households in a group.

    Returns
    -------
    ndarray of shape (b, 26)
        Number of each band's group, 0 for the highest. Bands with nobody in them that stand between two groups are a
        group as well; what is left over at the bottom belongs to the one above it.

    Examples
    --------
    >>> counts = np.zeros((1, 26))
    >>> counts[0, [3, 10, 12, 20]] = 4, 11, 6, 5
    >>> group_bands(counts, 10)[0, [0, 3, 9, 10, 11, 12, 20, 21, 25]].tolist()
    [3, 3, 3, 3, 2, 1, 1, 0, 0]
    """
    size = len(counts)
    group, held = np.zeros(counts.shape, dtype=np.int64), np.zeros(size)
    current, before = np.zeros(size, dtype=np.int64), np.zeros(size)  # the group at hand, what the one above it holds
    for band in range(counts.shape[1] - 1, -1, -1):
        ends = (held >= k) | ((held == 0.0) & (counts[:, band] > 0) & (band < counts.shape[1] - 1))
        before = np.where(ends, held, before)
        current, held = current + ends, np.where(ends, 0.0, held) + counts[:, band]
        group[:, band] = current
    left_over = (held > 0) & (held < k)
    last = np.where(left_over, current - np.where(before > 0, 1, 2), current)
    return np.minimum(group, np.maximum(last, 0)[:, None])


def _bands_of(curves: Floats) -> Floats:
    """Return shares between the rungs from shares above them, none of them nothing; shape (n, 26)."""
    whole = np.hstack([np.ones((len(curves), 1)), curves, np.zeros((len(curves), 1))])
    share = np.maximum(whole[:, :-1] - whole[:, 1:], LEAST_SHARE)
    bands: Floats = share / share.sum(axis=1, keepdims=True)
    return bands


def _lay_out(mass: Floats, public: Floats, plan: _Plan, at: Ints) -> Floats:
    """Return households by row and band: groups and stretches as counted, inside of them as the census says.

    The files' households are no fair sample of the census's. By how much more of them lie in each band is learned from
    all blocks' groups together, whose ends differ, by the fixed point of expected counts; nothing but the counts goes
    into it.
    """
    size = len(plan.masses)
    of_block = _sums(mass[:, None] * public, at, size)
    expected = of_block.sum(axis=0)
    tilt = np.ones(BANDS)
    for _ in range(ROUNDS):
        found = _fit(of_block * tilt, plan.masses.sum(axis=1), plan, np.arange(size), rounds=1)
        tilt = np.divide(found.sum(axis=0), expected, out=np.ones(BANDS), where=expected > 0)
    return _fit(mass[:, None] * public * tilt, mass, plan, at, rounds=FITS)


def _fit(start: Floats, mass: Floats, plan: _Plan, at: Ints, *, rounds: int) -> Floats:
    """Return the table nearest to ``start`` with these sums of rows, of stretches' parts, and of blocks' groups.

    Iterative proportional fitting (Deming and Stephan, Annals of Mathematical Statistics 11 (1940), 427-444).
    """
    group, part, found = plan.group[at], plan.part[at], start
    blocks = np.broadcast_to(at[:, None], group.shape)
    for _ in range(rounds):
        for wanted, column in ((plan.parts, part), (plan.masses, blocks * BANDS + group)):
            have = np.bincount(column.reshape(-1), found.reshape(-1), wanted.size)
            flat = wanted.reshape(-1)
            found = found * np.divide(flat, have, out=np.zeros_like(flat), where=have > 0)[column]
        total = found.sum(axis=1)
        found = found * np.divide(mass, total, out=np.zeros_like(total), where=total > 0)[:, None]
    return found


def _split(mass: Floats, bands: Floats, group: Ints, at: Ints) -> Floats:
    """Return the variance of how the groups of blocks are split at the rungs, laid on rows by their households."""
    laid = _sums(bands, at, len(group))
    whole = np.take_along_axis(_by_group(laid, group), group, axis=1)
    above = np.zeros_like(laid)
    for band in range(BANDS - 2, -1, -1):  # in the same group, above the lower end of the band
        same = group[:, band] == group[:, band + 1]
        above[:, band] = np.where(same, above[:, band + 1] + laid[:, band + 1], 0.0)
    higher = above[:, :-1]  # at rung j, the upper end of band j
    share = np.divide(higher, whole[:, :-1], out=np.zeros_like(higher), where=whole[:, :-1] > 0)
    variance = whole[:, :-1] * share * (1.0 - share)
    total = _sums(mass[:, None], at, len(group))[:, 0]
    part = np.divide(mass, total[at], out=np.zeros_like(mass), where=total[at] > 0)
    split: Floats = variance[at] * part[:, None]
    return split


def _describe(keys: pd.DataFrame, level: Ints, at: Ints, households: Floats, plan: _Plan) -> tuple[Block, ...]:
    """Return the blocks of which anything is told, with the lowest band of every group and its households."""
    first = pd.Series(np.arange(len(at))).groupby(at).first().to_numpy()
    found = []
    for number in np.flatnonzero(plan.masses.sum(axis=1) > 0):
        row = keys.iloc[first[number]]
        kind = BLOCKS[level[first[number]]]
        names = PLACE if kind == "row" else [kind] if kind in PLACE else []
        place = " ".join("-" if pd.isna(row[name]) else str(row[name]) for name in names)
        counts = _counts_of(plan.group[number], plan.masses[number], 0, BANDS - 1)
        found.append(Block(kind, place, round(float(households[number]), DECIMALS), counts))
    return tuple(found)


def _describe_stretches(plan: _Plan) -> tuple[Stretch, ...]:
    """Return the stretches that are counted in more than one part."""
    found = []
    for number, (low, high) in enumerate(plan.ranges):
        inside = np.flatnonzero(plan.part.reshape(-1) // BANDS == number)
        bands = inside % BANDS
        part = np.full(BANDS, -1)
        part[bands] = plan.part.reshape(-1)[inside] % BANDS
        counts = _counts_of(part, plan.parts[number], int(low), int(high))
        if len(counts) > 1:
            found.append(Stretch(int(low), int(high), counts))
    return tuple(found)


def _counts_of(group: Ints, masses: Floats, low: int, high: int) -> tuple[tuple[int, float], ...]:
    """Return the lowest band of every group between two bands and its households, rising."""
    begins = [low, *(band for band in range(low + 1, high + 1) if group[band] != group[band - 1])]
    return tuple((band, float(masses[group[band]])) for band in begins)


def _sums(values: Floats, at: Ints, size: int | None = None) -> Floats:
    size = int(at.max(initial=-1)) + 1 if size is None else size
    return np.column_stack([np.bincount(at, column, size) for column in values.T])


def _by_group(counts: Floats, group: npt.NDArray[np.int64]) -> Floats:
    """Return sums of bands over the groups of each block, shape (b, 26)."""
    block = np.broadcast_to(np.arange(len(counts))[:, None], counts.shape)
    return _sums_by(counts, group, block, len(counts))


def _sums_by(values: Floats, column: Ints, at: Ints, size: int) -> Floats:
    """Return sums of the values that share a number ``at`` and a column, shape (size, 26)."""
    flat = np.bincount((at * BANDS + column).reshape(-1), values.reshape(-1), size * BANDS)
    return np.asarray(flat, dtype=np.float64).reshape(size, BANDS)
