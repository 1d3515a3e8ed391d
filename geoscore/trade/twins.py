"""Twin areas: areas like this one, with the reasons, and whether they would be the same if figures fell otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError

Floats = npt.NDArray[np.float64]
Distance = Literal["mahalanobis", "hellinger"]
DRAWS: Final = 50
STABLE: Final = 0.7
"""Twins are stable when this share of the best stays among the best over draws of the figures."""
REASONS: Final = 3
FEWEST: Final = 10


@dataclass(frozen=True)
class Twin:
    """An area that is like another.

    Attributes
    ----------
    at
        Its number.
    distance
        How unlike it is; 0 is the same.
    alike, unlike
        Features in which it is most and least like it, with its value and the other's.
    """

    at: int
    distance: float
    alike: tuple[tuple[str, float, float], ...]
    unlike: tuple[str, float, float]


@dataclass(frozen=True)
class Twins:
    """The areas that are most like one.

    Attributes
    ----------
    twins
        The nearest first.
    overlap
        Mean share of them that stays among the best over draws.
    """

    twins: tuple[Twin, ...]
    overlap: float

    @property
    def stable(self) -> bool:
        """Whether at least 70% of them stay among the best over draws."""
        return self.overlap >= STABLE


def find_twins(
    features: Floats,
    names: Sequence[str],
    target: Floats,
    *,
    count: int = 10,
    errors: Floats | None = None,
    distance: Distance = "mahalanobis",
    seed: int = 0,
) -> Twins:
    """Find the areas whose features are most like a target's.

    Parameters
    ----------
    features
        Of the areas, shape (n, m). For ``hellinger`` shares of bands that sum to 1.
    names
        Of the features, shape (m,).
    target
        Features of the area to match, shape (m,).
    count
        How many to return.
    errors
        Standard errors of the features, shape (n, m), from which stability is told; none is taken for exact.
    distance
        ``mahalanobis``: features standardized, and those that go together counted once (covariance shrunk after
        O. Ledoit and M. Wolf, Journal of Multivariate Analysis 88 (2004), 365-411); ``hellinger``: between shares.
    seed
        Of the draws.

    Raises
    ------
    InputError
        There are too few areas to standardize by.

    Examples
    --------
    >>> features = np.random.default_rng(0).normal(size=(30, 2))
    >>> find_twins(features, ("a", "b"), features[7], count=3).twins[0].at
    7
    """
    if len(features) < FEWEST:
        raise InputError(f"{len(features)} areas are too few to look for twins among; at least {FEWEST} are needed")
    root = _root(features, distance)
    count = min(count, len(features))
    away = _away(features, target, root, distance)
    best = np.argsort(away, kind="stable")[:count]
    scale = np.maximum(features.std(axis=0), 1e-12)
    twins = []
    for at in best:
        gap = np.abs(features[at] - target) / scale
        order = np.argsort(gap, kind="stable")
        told = [(names[i], float(features[at, i]), float(target[i])) for i in order]
        twins.append(Twin(int(at), float(away[at]), tuple(told[:REASONS]), told[-1]))
    return Twins(tuple(twins), _stability(features, target, root, distance, best, errors, seed))


def _root(features: Floats, distance: Distance) -> Floats:
    """Return the matrix that makes a difference of features a distance."""
    if distance == "hellinger":
        return np.eye(features.shape[1]) / np.sqrt(2.0)
    from sklearn.covariance import ledoit_wolf

    scale = np.maximum(features.std(axis=0), 1e-12)
    covariance, _ = ledoit_wolf((features - features.mean(axis=0)) / scale)
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(np.diag(1.0 / scale) @ vectors @ np.diag(np.maximum(values, 1e-9) ** -0.5))


def _away(features: Floats, target: Floats, root: Floats, distance: Distance) -> Floats:
    if distance == "hellinger":
        features, target = np.sqrt(np.maximum(features, 0.0)), np.sqrt(np.maximum(target, 0.0))
    return np.asarray(np.linalg.norm((features - target) @ root, axis=1), dtype=np.float64)


def _stability(
    features: Floats, target: Floats, root: Floats, distance: Distance, best: npt.NDArray[np.intp],
    errors: Floats | None, seed: int,
) -> float:  # fmt: skip
    if errors is None:
        return 1.0
    rng = np.random.default_rng(seed)
    kept = []
    for _ in range(DRAWS):
        drawn = features + errors * rng.standard_normal(features.shape)
        again = np.argsort(_away(drawn, target, root, distance), kind="stable")[: len(best)]
        kept.append(len(np.intersect1d(again, best)) / len(best))
    return float(np.mean(kept))
