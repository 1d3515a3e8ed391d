"""Where in an area people live, when only their center is known: the most even shares that have this center."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
ROUNDS = 40
STEEPEST = 30.0
CLOSE = 1e-6


def lean_shares(index: Integers, longitude: Floats, latitude: Floats, centers: Floats) -> tuple[Floats, int]:
    """Return shares of areas over their cells that are as even as can be and have the areas' centers of population.

    The distribution of largest entropy with a given mean: shares proportional to exp(t . x), with t for each area by
    Newton's method. An area whose center no such shares reach (it lies outside of its cells) stays even.

    Parameters
    ----------
    index
        Area of every cell, 0 to n - 1, shape (m,).
    longitude, latitude
        Of the cells' centers in degrees, shape (m,).
    centers
        Longitude and latitude of the areas' centers, shape (n, 2); NaN where unknown.

    Returns
    -------
    shares
        Shape (m,); they sum to 1 over an area.
    leaning
        Number of areas that are not even any more.

    Examples
    --------
    >>> shares, leaning = lean_shares(np.zeros(3, int), np.array([0.0, 1.0, 2.0]), np.zeros(3), np.array([[0.5, 0.0]]))
    >>> round(float(shares @ [0.0, 1.0, 2.0]), 6), leaning, bool(shares[0] > shares[1] > shares[2])
    (0.5, 1, True)
    """
    n = len(centers)
    count = np.bincount(index, minlength=n)
    even = 1.0 / count[index]
    narrow = np.cos(np.radians(centers[index, 1]))
    at = np.column_stack([(longitude - centers[index, 0]) * narrow, latitude - centers[index, 1]])
    far = np.sqrt(np.bincount(index, np.nan_to_num((at**2).sum(axis=1)), n) / np.maximum(count, 1))
    known = np.isfinite(centers).all(axis=1) & (far > 0) & (count > 1)
    at = np.where(known[index][:, None], at / np.where(far > 0, far, 1.0)[index][:, None], 0.0)
    shares = np.array(even)
    left = np.flatnonzero(known)
    tilt = np.zeros((n, 2))
    cells = np.flatnonzero(known[index])
    for _ in range(ROUNDS):
        here = _numbered(index[cells], left, n)
        tilted = _tilted(here, at[cells], tilt[left], len(left))
        mean, spread = _moments(here, at[cells], tilted, len(left))
        met = np.abs(mean).max(axis=1, initial=0.0) < CLOSE
        shares[cells[met[here]]] = tilted[met[here]]
        step = np.linalg.solve(spread + 1e-9 * np.eye(2), mean[:, :, None])[:, :, 0]
        length = np.linalg.norm(step, axis=1, keepdims=True)
        tilt[left] -= step * np.minimum(1.0, 2.0 / np.maximum(length, 1e-12))
        # those that are met are done; those that grow too steep cannot be met
        going = ~met & (np.abs(tilt[left]).max(axis=1) < STEEPEST)
        cells, left = cells[going[here]], left[going]
        if not len(left):
            break
    leaning = np.bincount(index, np.abs(shares - even), n) > 0
    return shares, int(leaning.sum())


def _numbered(index: Integers, kept: Integers, n: int) -> Integers:
    """Return areas numbered anew, 0 to the number of those that are kept."""
    number = np.full(n, -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    renumbered: Integers = number[index]
    return renumbered


def _tilted(index: Integers, at: Floats, tilt: Floats, n: int) -> Floats:
    height = (at * tilt[index]).sum(axis=1)
    top = np.full(n, -np.inf)
    np.maximum.at(top, index, height)
    weight = np.exp(height - top[index])
    return np.asarray(weight / np.bincount(index, weight, n)[index])


def _moments(index: Integers, at: Floats, shares: Floats, n: int) -> tuple[Floats, Floats]:
    """Return means (n, 2) and covariances (n, 2, 2) of positions under shares."""
    mean = np.empty((n, 2))
    for i in range(2):
        mean[:, i] = np.bincount(index, shares * at[:, i], n)
    spread = np.empty((n, 2, 2))
    for i in range(2):
        for j in range(2):
            spread[:, i, j] = np.bincount(index, shares * at[:, i] * at[:, j], n) - mean[:, i] * mean[:, j]
    return mean, spread
