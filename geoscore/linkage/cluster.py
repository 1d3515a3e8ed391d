"""Clusters: from pairs that match to groups of records, in which nobody is held by one weak bridge.

Connected components first; then each is cut where its records, taken together, speak against each other.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.linkage.keys import Codes

LARGEST: Final = 100
"""Components larger than this are cut by a higher threshold until they are not: no household is so large."""
MOST_FOR: Final = 20.0
MOST_AGAINST: Final = -6.0
"""Bits; one pair speaks for or against no louder than this: house-mates need not be alike."""

Floats = npt.NDArray[np.float64]
TORN: Final = 1.0
"""Bits by which a record must fit its own cluster better than any other."""
HALF: Final = 0.5
NEVER: Final = -1e9


def connect(pairs: pa.Table, *, size: int, weight: float) -> Codes:
    """Return the component of each record, of shape (size,), from pairs of at least ``weight`` bits.

    Components are numbered by their first record. One that is too large is cut by demanding more of its pairs.

    Examples
    --------
    >>> pairs = pa.table({"left": [0, 1], "right": [1, 2], "weight": [9.0, 1.0]})
    >>> connect(pairs, size=4, weight=4.0)
    array([0, 0, 2, 3])

    A chain that is too long is cut at its weakest pairs, and what hangs together elsewhere is left alone:

    >>> chain = {"left": [*range(150), 200], "right": [*range(1, 151), 201], "weight": [9.0] * 75 + [5.0] + [9.0] * 75}
    >>> sorted(set(np.bincount(connect(pa.table(chain), size=202, weight=4.0)).tolist()))
    [0, 1, 2, 75, 76]
    """
    left, right, weights = (pairs[name].to_numpy() for name in ("left", "right", "weight"))
    component = np.arange(size, dtype=np.int64)
    least = weight
    held = weights >= least
    while held.any():
        found = _components(left[held], right[held], size)
        sizes = np.bincount(found, minlength=size)
        fits = sizes[found] <= LARGEST
        touched = np.zeros(size, dtype=bool)
        touched[left[held]] = touched[right[held]] = True
        component = np.where(fits & touched, found, component)
        least += 1.0
        held &= ~fits[left] & (weights >= least)
    return component


def cut_bridges(component: Codes, pairs: pa.Table) -> Codes:
    """Cut components whose records speak against each other: average linkage over all their pairs.

    Parameters
    ----------
    component
        The component of each record, of shape (n,).
    pairs
        Every pair inside a component: ``left``, ``right``, ``weight`` in bits.

    Returns
    -------
    Codes
        The cluster of each record, of shape (n,), numbered by its first record.

    Examples
    --------
    >>> pairs = pa.table({"left": [0, 0, 1], "right": [1, 2, 2], "weight": [9.0, -15.0, 1.0]})
    >>> cut_bridges(np.array([0, 0, 0]), pairs)
    array([0, 0, 2])
    """
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    weight = np.clip(pairs["weight"].to_numpy(), MOST_AGAINST, MOST_FOR)
    inside = component[left]
    doubted = np.unique(inside[weight < 0])
    kept = np.isin(inside, doubted)
    order = np.argsort(inside[kept], kind="stable")
    left, right, weight, inside = left[kept][order], right[kept][order], weight[kept][order], inside[kept][order]
    cluster = component.copy()
    starts = np.flatnonzero(np.diff(inside, prepend=-1)) if len(inside) else inside
    for start, end in zip(starts, np.append(starts[1:], len(inside))[: len(starts)], strict=True):
        nodes, groups = _average_linkage(left[start:end], right[start:end], weight[start:end])
        for group in np.unique(groups):
            members = nodes[groups == group]
            cluster[members] = members.min()
    return cluster


def leave_torn(cluster: Codes, pairs: pa.Table) -> Codes:
    """Take records out of their cluster that fit another as well: nobody can say where they belong.

    Parameters
    ----------
    cluster
        The cluster of each record, of shape (n,).
    pairs
        Pairs of records: ``left``, ``right``, ``weight`` in bits.

    Examples
    --------
    >>> pairs = pa.table({"left": [0, 1, 0], "right": [2, 2, 1], "weight": [4.0, 3.5, -9.0]})
    >>> leave_torn(np.array([0, 1, 0]), pairs)
    array([0, 1, 2])
    """
    left, right, weight = (pairs[name].to_numpy() for name in ("left", "right", "weight"))
    inside = cluster[left] == cluster[right]
    best = np.full((2, len(cluster)), NEVER)
    for side in (left, right):
        for row, chosen in enumerate((inside, ~inside)):
            np.maximum.at(best[row], side[chosen], weight[chosen])
    torn = (best[1] > 0) & (best[0] - best[1] < TORN) & (best[0] > NEVER)
    # one record holds two clusters together; in a group that is torn as a whole nobody is taken out
    share = np.bincount(cluster, weights=torn, minlength=len(cluster)) / np.maximum(
        np.bincount(cluster, minlength=len(cluster)), 1
    )
    alone = torn & (share[cluster] <= HALF)
    split = np.where(alone, np.arange(len(cluster)) + len(cluster), cluster)
    _, first, inverse = np.unique(split, return_index=True, return_inverse=True)
    return first[inverse.reshape(-1)].astype(np.int64)


def _components(left: Codes, right: Codes, size: int) -> Codes:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    return first[inverse.reshape(-1)].astype(np.int64)


def _average_linkage(left: Codes, right: Codes, weight: Floats) -> tuple[Codes, Codes]:
    """Return the records of one component, and the group of each; groups whose pairs are for it on average merge."""
    from scipy.cluster.hierarchy import fcluster, linkage

    nodes = np.unique(np.concatenate([left, right]))
    distance = np.full((len(nodes), len(nodes)), MOST_FOR)
    row, column = np.searchsorted(nodes, left), np.searchsorted(nodes, right)
    distance[row, column] = distance[column, row] = MOST_FOR - weight
    tree = linkage(distance[np.triu_indices(len(nodes), 1)], method="average")
    return nodes, fcluster(tree, MOST_FOR, criterion="distance").astype(np.int64)
