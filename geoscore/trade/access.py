"""Accessibility: what people can reach of what is offered, with and without the others who want it.

Equal to PySAL's `access` on the same costs.
"""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError

Floats = npt.NDArray[np.float64]
Falloff = Literal["step", "gaussian", "linear"]
EDGE: Final = 0.01
"""Weight that a Gaussian falloff has left at the catchment's edge."""


def catchment_weights(cost: Floats, catchment: float, *, falloff: Falloff = "step") -> Floats:
    """Return how much a site counts at a cost: 1 at the door, 0 beyond the catchment.

    Examples
    --------
    >>> catchment_weights(np.array([0.0, 10, 20]), 15).tolist()
    [1.0, 1.0, 0.0]
    >>> catchment_weights(np.array([0.0, 10, 20]), 20, falloff="linear").tolist()
    [1.0, 0.5, 0.0]
    """
    if not catchment > 0:
        raise InputError(f"a catchment of {catchment:g}; give one above 0")
    inside = cost <= catchment
    if falloff == "step":
        return inside.astype(np.float64)
    part = np.where(inside, cost, 0.0) / catchment
    weights = 1.0 - part if falloff == "linear" else np.exp(np.log(EDGE) * part**2)
    return np.where(inside, weights, 0.0)


def floating_catchment(demand: Floats, supply: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the two-step floating catchment area measure: supply per head that people of each place can reach.

    First each site's supply is divided by all who can reach it, then each place adds up what its sites have to give.

    Parameters
    ----------
    demand
        People or households of each place, shape (n,).
    supply
        Of each site, shape (s,).
    weights
        How much each site counts at each place, shape (s, n).

    Returns
    -------
    access
        Shape (n,). Summed with demand it is the supply of all sites that somebody can reach.
    ratio
        Supply per head at each site, shape (s,); 0 where nobody can reach it.

    References
    ----------
    W. Luo and F. Wang, Environment and Planning B 30 (2003), 865-884.

    Examples
    --------
    >>> access, ratio = floating_catchment(np.array([100.0, 50]), np.array([3.0]), np.array([[1.0, 1.0]]))
    >>> access.tolist(), ratio.tolist()
    ([0.02, 0.02], [0.02])
    """
    wanted = weights @ demand
    ratio = np.divide(supply, wanted, out=np.zeros(len(supply)), where=wanted > 0)
    return np.asarray(ratio @ weights, dtype=np.float64), ratio


def hansen(supply: Floats, cost: Floats, *, beta: float = 1.0, least_cost: float = 1.0) -> Floats:
    """Return Hansen's accessibility: supply over cost ** beta, summed over the sites; shape (n,).

    Parameters
    ----------
    supply
        Shape (s,).
    cost
        Shape (s, n), infinite out of reach.
    beta
        How steeply it falls.
    least_cost
        Costs below this are taken for it.

    References
    ----------
    W. G. Hansen, Journal of the American Institute of Planners 25 (1959), 73-76.

    Examples
    --------
    >>> hansen(np.array([10.0, 20]), np.array([[1.0, 2], [4, 2]])).tolist()
    [15.0, 15.0]
    """
    return np.asarray(supply @ np.maximum(cost, least_cost) ** -beta, dtype=np.float64)
