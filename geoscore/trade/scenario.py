"""What a choice model foretells: shares of cells by site, flows, and who moves when a site opens, closes or grows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError, did_you_mean

Floats = npt.NDArray[np.float64]
DRAWS: Final = 200
FEWEST_DRAWS: Final = 40
MOST_DRAWN: Final = 20_000_000
"""Shares that are kept at once for intervals of single cells: fewer draws for more cells and sites."""


@dataclass(frozen=True)
class Sites:
    """Sites with what they offer.

    Attributes
    ----------
    names
        Shape (s,).
    longitude, latitude
        Degrees, shape (s,).
    attributes
        By name, each of shape (s,).
    """

    names: tuple[str, ...]
    longitude: Floats
    latitude: Floats
    attributes: Mapping[str, Floats]

    def close(self, name: str) -> "Sites":
        """Return the sites without one."""
        at = self._find(name)
        kept = np.arange(len(self.names)) != at
        return self._take(kept)

    def resize(self, name: str, attribute: str, value: float) -> "Sites":
        """Return the sites with one attribute of one changed."""
        at = self._find(name)
        if attribute not in self.attributes:
            known = list(self.attributes)
            raise InputError(f"sites have no {attribute!r}{did_you_mean(attribute, known)}; they have {known}")
        if not value > 0:
            raise InputError(f"{attribute} of {name} cannot be {value:g}; close the site instead")
        changed = np.array(self.attributes[attribute])
        changed[at] = value
        return replace(self, attributes={**self.attributes, attribute: changed})

    def open(self, name: str, point: tuple[float, float], attributes: Mapping[str, float]) -> "Sites":
        """Return the sites and one more; attributes that are not given are the median of the others'."""
        if name in self.names:
            raise InputError(f"there is a site {name!r} already; give the new one another name")
        unknown = [other for other in attributes if other not in self.attributes]
        if unknown:
            raise InputError(f"sites have no {unknown[0]!r}{did_you_mean(unknown[0], self.attributes)}")
        grown = {
            key: np.append(values, attributes.get(key, float(np.median(values))))
            for key, values in self.attributes.items()
        }
        return Sites(
            (*self.names, name), np.append(self.longitude, point[0]), np.append(self.latitude, point[1]), grown
        )

    def _take(self, kept: npt.NDArray[np.bool_]) -> "Sites":
        return Sites(
            tuple(name for name, keep in zip(self.names, kept, strict=True) if keep),
            self.longitude[kept],
            self.latitude[kept],
            {key: values[kept] for key, values in self.attributes.items()},
        )

    def _find(self, name: str) -> int:
        if name not in self.names:
            raise InputError(f"there is no site {name!r}{did_you_mean(name, self.names)}")
        return self.names.index(name)


@dataclass(frozen=True)
class ChoiceModel:
    """Coefficients that are ready to foretell.

    Attributes
    ----------
    names
        Of the coefficients, the cost's first.
    values
        Shape (k,).
    covariance
        Shape (k, k).
    plain
        Whether a column enters as it is and not by its logarithm, shape (k,).
    least_cost
        Costs below this are taken for it: nobody is nearer to a site than its door, and a power of zero is infinite.
    """

    names: tuple[str, ...]
    values: Floats
    covariance: Floats
    plain: tuple[bool, ...]
    least_cost: float = 1.0

    def heights(self, cost: Floats, attributes: Mapping[str, Floats], values: Floats | None = None) -> Floats:
        """Return ln(attraction) of every site in every place, shape (n, s); minus infinity where it is out of reach.

        Parameters
        ----------
        cost
            Shape (n, s), infinite where there is no way.
        attributes
            Of the sites, each of shape (s,).
        """
        b = self.values if values is None else values
        missing = [name for name in self.names[1:] if name not in attributes]
        if missing:
            raise InputError(f"the model needs {missing[0]!r} of every site; the sites have {', '.join(attributes)}")
        near = np.maximum(cost, self.least_cost)
        height = b[0] * (near if self.plain[0] else np.log(near))
        height = np.where(np.isfinite(cost), height, -np.inf)
        for i, name in enumerate(self.names[1:], start=1):
            column = np.asarray(attributes[name], dtype=np.float64)
            if not self.plain[i] and (column <= 0).any():
                raise InputError(f"{name} of a site is zero or negative, and the model takes its logarithm")
            height = height + b[i] * (column if self.plain[i] else np.log(column))[None, :]
        return np.asarray(height, dtype=np.float64)

    def shares(self, cost: Floats, attributes: Mapping[str, Floats], values: Floats | None = None) -> Floats:
        """Return the share of each place that goes to each site, shape (n, s).

        Rows sum to 1, or to 0 where no site is in reach. Scaling an attribute of all sites changes nothing; without a
        site the others share what it had in proportion to what they have.

        Examples
        --------
        >>> model = ChoiceModel(("cost", "size"), np.array([-2.0, 1.0]), np.zeros((2, 2)), (False, False))
        >>> model.shares(np.array([[1.0, 2.0]]), {"size": np.array([1.0, 4.0])}).tolist()
        [[0.5, 0.5]]
        """
        height = self.heights(cost, attributes, values)
        top = height.max(axis=1, keepdims=True)
        attraction = np.exp(height - np.where(np.isfinite(top), top, 0.0))
        whole = attraction.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(attraction, whole, out=np.zeros_like(attraction), where=whole > 0))

    def drawn(self, *, draws: int = DRAWS, seed: int = 0) -> Floats:
        """Return coefficients as they may be, shape (draws, k): normal with the fit's covariance."""
        values, vectors = np.linalg.eigh((self.covariance + self.covariance.T) / 2)
        noise = np.random.default_rng(seed).standard_normal((draws, len(self.values)))
        return np.asarray(self.values + noise * np.sqrt(np.maximum(values, 0.0)) @ vectors.T)


def spread_of_sums(
    model: ChoiceModel, cost: Floats, attributes: Mapping[str, Floats], weights: Sequence[Floats], *, seed: int = 0
) -> list[Floats]:
    """Return variances that unsure coefficients give to each site's sum over places, one array (s,) for each weight."""
    drawn = [model.shares(cost, attributes, values) for values in model.drawn(seed=seed)]
    return [np.var([weight @ shares for shares in drawn], axis=0) for weight in weights]


def share_intervals(
    model: ChoiceModel, cost: Floats, attributes: Mapping[str, Floats], *, seed: int = 0
) -> tuple[Floats, Floats]:
    """Return the 90% interval that unsure coefficients give to each share, both of shape (n, s).

    Examples
    --------
    >>> model = ChoiceModel(("cost",), np.array([-1.0]), np.array([[0.01]]), (False,))
    >>> low, high = share_intervals(model, np.array([[1.0, 3.0]]), {})
    >>> bool(low[0, 0] < 0.75 < high[0, 0])
    True
    """
    draws = int(np.clip(MOST_DRAWN // max(cost.size, 1), FEWEST_DRAWS, DRAWS))
    drawn = np.array([model.shares(cost, attributes, values) for values in model.drawn(draws=draws, seed=seed)])
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def competition(longitude: Floats, latitude: Floats, *, power: float = 1.0) -> Floats:
    """Return how near each site is to its rivals: the sum of 1 / distance ** power in km over the others, shape (s,).

    As an attribute of a choice model this tells competition (a coefficient below 0) from the pull of clusters (above).
    Source: A. S. Fotheringham, Environment and Planning A 15 (1983), 15-36.

    Raises
    ------
    InputError
        Two sites stand at one point.

    Examples
    --------
    >>> near = competition(np.array([0.0, 0.01, 1.0]), np.zeros(3))
    >>> bool(near[0] > near[2])
    True
    """
    from geoscore.spatial.cells import distance_m

    near = np.empty(len(longitude))
    for i in range(len(longitude)):
        apart = distance_m(longitude, latitude, to=(float(longitude[i]), float(latitude[i]))) / 1000.0
        apart[i] = np.inf
        if apart.min() <= 0:
            raise InputError("two sites stand at one point, and competition between them is infinite; merge them")
        near[i] = (1.0 / apart**power).sum()
    return near
