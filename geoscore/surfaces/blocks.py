"""A surface made county by county, so that a nation's takes no more memory than a few counties at a time."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.errors import SurfaceError
from geoscore.surfaces.build import Prior, build_surface, count_told
from geoscore.surfaces.groups import AT, GroupCounts
from geoscore.tables import to_pandas

BLOCK_LINKS: Final = 60_000
"""Links from positions to pairs that are worked on together, unless one county alone has more."""


def build_blocks(
    counts: GroupCounts,
    kernel: pa.Table,
    mix: pa.Table,
    prior_of: Callable[[pa.Table], Prior],
    *,
    multiplier: float | None,
    links: int = BLOCK_LINKS,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield the surface in blocks of whole counties: what rows have in common ends at their county.

    Parameters
    ----------
    counts
        Households by position and level.
    kernel
        Table of schema ``KERNEL`` with a row for every position.
    mix
        Table of schema ``MIX`` with the areas of every pair of the kernel.
    prior_of
        Makes what places say of unknown incomes from some rows of ``mix``.
    multiplier
        Capacity for a dollar of income where nothing is known of a household; None where none counts.
    links
        Most rows of the kernel in a block, unless a county alone has more.
    progress
        Called with the kernel's rows done and all of them.

    Yields
    ------
    surface
        Table of schema ``SURFACE``.
    told
        The households in it that files tell something of, as ``count_told`` gives them.

    Raises
    ------
    SurfaceError
        A position is not in the kernel, so that its households would be lost.
    """
    position = _positions_of(counts, kernel)
    block_of, blocks = _blocks(kernel["county"], links)
    counties = pd.Series(block_of, index=_texts(kernel["county"])).groupby(level=0, dropna=False).first()
    mix_block = counties.reindex(_texts(mix["county"])).to_numpy()
    done = 0
    for number in range(blocks):
        rows = block_of == number
        here = np.zeros(counts.positions.num_rows, dtype=bool)
        here[position[rows]] = True
        prior = prior_of(mix.filter(pa.array(mix_block == number)))
        some, weights = counts.at_positions(here), kernel.filter(pa.array(rows))
        yield build_surface(some, kernel=weights, prior=prior), count_told(some, weights, prior, multiplier=multiplier)
        done += int(rows.sum())
        if progress:
            progress(done, len(block_of))


def _positions_of(counts: GroupCounts, kernel: pa.Table) -> npt.NDArray[np.int64]:
    """Return the position that every row of a kernel belongs to."""
    numbered = to_pandas(counts.positions).set_axis(AT, axis=1).assign(position=np.arange(counts.positions.num_rows))
    found = to_pandas(kernel.select(AT)).merge(numbered, on=AT, how="left")["position"]
    missing = counts.positions.num_rows - found.nunique()
    if missing:
        raise SurfaceError(f"{missing} positions have no cells; the kernel was made for other households")
    return found.to_numpy(np.int64)


def _blocks(county: pa.ChunkedArray, links: int) -> tuple[npt.NDArray[np.int64], int]:
    """Return the block of every row, counties in the order of their codes, and how many blocks there are."""
    encoded = county.combine_chunks().dictionary_encode(null_encoding="encode")
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    names, at = encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)
    sizes = np.bincount(at, minlength=len(names))
    block_of = np.zeros(len(names), dtype=np.int64)
    held = block = 0
    for place in sorted(range(len(names)), key=lambda i: (names[i] is None, names[i] or "")):
        if held and held + sizes[place] > links:
            block, held = block + 1, 0
        block_of[place], held = block, held + int(sizes[place])
    return block_of[at], block + 1


def _texts(column: pa.ChunkedArray) -> pd.Index:
    return pd.Index(column.combine_chunks().fill_null("").to_pandas())
