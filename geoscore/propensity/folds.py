"""Folds: which households are held out together, so that figures say how a model does on households it never saw.

Households of one place are held out together wherever there are places, and later ones wherever there are dates.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Integers = npt.NDArray[np.int64]
Way = Literal["space", "time", "chance"]
FEW_ROWS: Final = 10_000
MANY, USUAL = 10, 5
FEWEST_BLOCKS: Final = 8
FEWEST_GIVERS: Final = 5
FEWEST_APART: Final = 200
"""Rows of a region that is left out by itself, at least."""
HEAVIEST: Final = 0.4
"""Share of the rows that one block may hold; a file of hardly more than one place has no spatial folds."""


@dataclass(frozen=True)
class Folds:
    """Folds of n rows.

    Attributes
    ----------
    number
        Fold of each row, shape (n,); -1 for rows that are never tested.
    way
        How rows were put together.
    text
        The same in words.
    """

    number: Integers
    way: Way
    text: str

    @property
    def count(self) -> int:
        """Number of folds."""
        return int(self.number.max()) + 1

    @property
    def tested(self) -> npt.NDArray[np.bool_]:
        """Rows that some fold tests."""
        return np.asarray(self.number >= 0)

    def parts(self) -> "list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]":
        """Return for every fold the rows to learn from and those to test."""
        if self.way == "time":
            return [(self.number < k, self.number == k) for k in range(self.count)]
        return [(self.number != k, self.number == k) for k in range(self.count)]


def make_folds(y: Any, *, keys: Any, blocks: Any = None, times: Any = None, seed: int = 0) -> Folds:
    """Divide rows into folds, the same whatever their order.

    Parameters
    ----------
    y
        0 and 1, shape (n,).
    keys
        What names each row: rows of one key are of one household and stay together.
    blocks
        Place of each row, None where it has none; rows of one place stay together.
    times
        When each row was asked, NaN where not known; then each fold is tested by models of what came before it.
    seed
        Other folds for another number.

    Examples
    --------
    >>> folds = make_folds(np.array([0, 1] * 50), keys=[f"h{i}" for i in range(100)])
    >>> folds.count, folds.way, sorted(set(np.bincount(folds.number).tolist()))
    (10, 'chance', [10])
    """
    count = MANY if len(y) < FEW_ROWS else USUAL
    labels = pd.Series(np.asarray(keys, dtype=object)).astype(str)
    if times is not None:
        made = _by_time(np.asarray(times, dtype=np.float64), np.asarray(y))
        if made is not None:
            return made
    if blocks is not None:
        made = _by_place(pd.Series(np.asarray(blocks, dtype=object)), labels, np.asarray(y), count, seed)
        if made is not None:
            return made
    number = _spread(labels, np.asarray(y, dtype=np.float64), count, seed)
    text = f"{count} folds by chance, a household's rows in one fold"
    return Folds(number, "chance", text)


def hashed(labels: "pd.Series[str]", seed: int) -> npt.NDArray[np.uint64]:
    """Return a number for each label that looks drawn by chance and does not depend on the rows around it."""
    key = f"geoscore-fold-{seed:03d}"[:16].ljust(16, "0")
    return np.asarray(pd.util.hash_array(labels.to_numpy(dtype=object), hash_key=key, categorize=True), dtype=np.uint64)


def _spread(labels: "pd.Series[str]", y: npt.NDArray[np.float64], count: int, seed: int) -> Integers:
    """Deal households out by chance, givers and others apart, so that folds have about as many of each."""
    codes, firsts = pd.factorize(labels)
    gave = np.zeros(len(firsts))
    np.maximum.at(gave, codes, y)
    order = np.lexsort((hashed(pd.Series(firsts), seed), gave))
    number = np.empty(len(firsts), dtype=np.int64)
    number[order] = np.arange(len(firsts)) % count
    return number[codes]


def _by_place(
    blocks: "pd.Series[Any]", labels: "pd.Series[str]", y: npt.NDArray[Any], count: int, seed: int
) -> Folds | None:
    """Deal places out, the largest first, each to the fold that has the fewest; None where there are too few."""
    # one household that stands in two places is held out with the first of them
    where = blocks.groupby(labels.to_numpy()).transform("first")
    placed = where.notna()
    where = where.astype(str).where(placed, "household " + labels)
    sizes = where[placed].value_counts()
    if placed.mean() < 0.5 or len(sizes) < FEWEST_BLOCKS or sizes.iloc[0] > HEAVIEST * len(y):  # noqa: PLR2004
        return None
    every = where.value_counts()
    order = np.lexsort((hashed(pd.Series(every.index.astype(str)), seed), -every.to_numpy()))
    held, of = np.zeros(count), {}
    for place in every.index[order]:
        k = int(np.argmin(held))
        of[place] = k
        held[k] += float(every[place])
    number = where.map(of).to_numpy(np.int64)
    if (np.bincount(number, np.asarray(y, float), count) < FEWEST_GIVERS).any():
        return None
    return Folds(number, "space", f"{count} folds of whole places, {len(sizes)} places in all")


def _by_time(times: npt.NDArray[np.float64], y: npt.NDArray[Any]) -> Folds | None:
    """Cut rows into six stretches of time; every one but the first is tested. None where time does not tell."""
    known = ~np.isnan(times)
    distinct = np.unique(times[known])
    if known.mean() < 0.9 or len(distinct) < 2:  # noqa: PLR2004
        return None
    cuts = np.unique(np.quantile(times[known], np.arange(1, USUAL + 1) / (USUAL + 1), method="higher"))
    number = np.where(known, np.searchsorted(cuts, times, side="right") - 1, -1)
    _, number = np.unique(number, return_inverse=True)
    number = number.reshape(-1) - 1
    givers = np.bincount(number + 1, np.asarray(y, dtype=np.float64))
    if len(givers) < 2 or (givers < FEWEST_GIVERS).any():  # noqa: PLR2004
        return None
    text = f"{len(givers) - 1} stretches of time, each tested by a model of what came before it"
    return Folds(number.astype(np.int64), "time", text)


def regions_apart(regions: Any, y: Any) -> list[Any]:
    """Return the regions that are large enough to be left out by themselves, the largest first; at most ten."""
    frame = pd.DataFrame({"region": np.asarray(regions, dtype=object), "y": np.asarray(y, dtype=np.float64)})
    found = frame.dropna().groupby("region")["y"].agg(["size", "sum"])
    found = found[(found["size"] >= FEWEST_APART) & (found["sum"] >= FEWEST_GIVERS)]
    return list(found.sort_values("size", ascending=False).index[:10]) if len(found) > 1 else []
