"""The finest honest resolution: how many households lie in another cell than the one they were put into.

A cell is only as honest as the positions in it: where too many of them belong next door, a coarser one says more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import h3
import numpy as np
import numpy.typing as npt

HONEST: Final = 0.30
"""Largest expected share of households in a wrong cell (METHODS 5)."""
COARSEST: Final = 4
FINEST: Final = 9
POINTS: Final = 4096


@dataclass(frozen=True)
class Honesty:
    """The finest resolution at which positions may be shown, and the expected share in a wrong cell at each."""

    finest: int
    wrong_cell: dict[int, float]

    def warning(self, resolution: int) -> str | None:
        """Return what to say of a surface at ``resolution``; None where it is honest."""
        if resolution <= self.finest:
            return None
        return (
            f"positions are too uncertain for hexagons of resolution {resolution}: an expected"
            f" {self.wrong_cell[resolution]:.0%} of households lie in another one; {self.finest} is the finest honest"
            " one (published_resolution in the project file)"
        )


def wrong_cell_share(sigma_m: float, *, resolution: int) -> float:
    """Return the expected share of positions with a normal error that fall into another cell than their own.

    Parameters
    ----------
    sigma_m
        Standard deviation of the error, one axis, in meters.
    resolution
        H3 resolution, 0 to 15.

    Examples
    --------
    >>> round(wrong_cell_share(62.0, resolution=8), 2), round(wrong_cell_share(62.0, resolution=9), 2)
    (0.11, 0.27)
    """
    if sigma_m <= 0:
        return 0.0
    ratio = sigma_m / h3.average_hexagon_edge_length(resolution, unit="m")
    ratios, shares = _curve()
    return float(np.interp(np.log(ratio), ratios, shares, left=0.0, right=1.0))


@cache
def _curve() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the share that leaves a hexagon of edge 1, by the logarithm of sigma; by quasi-random integration."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    draws = qmc.Sobol(4, seed=0).random(POINTS)
    at = (2.0 * draws[:, :2] - 1.0) * np.array([1.0, np.sqrt(3.0) / 2.0])
    step = ndtri(np.clip(draws[:, 2:], 1e-9, 1.0 - 1e-9))
    inside = _in_hexagon(at)
    at, step = at[inside], step[inside]
    ratios = np.linspace(np.log(0.005), np.log(20.0), 60)
    shares = np.array([1.0 - _in_hexagon(at + np.exp(ratio) * step).mean() for ratio in ratios])
    return ratios, np.maximum.accumulate(shares)


def _in_hexagon(at: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    x, y = np.abs(at[:, 0]), np.abs(at[:, 1])
    inside: npt.NDArray[np.bool_] = (y <= np.sqrt(3.0) / 2.0) & (np.sqrt(3.0) * x + y <= np.sqrt(3.0))
    return inside


def judge_resolution(sigma_m: Mapping[float, int]) -> Honesty:
    """Return the finest honest resolution of households with these errors.

    Parameters
    ----------
    sigma_m
        Households by the standard deviation of their positions, in meters; of a ZIP, that of its households.

    Examples
    --------
    >>> judge_resolution({10.0: 70, 60.0: 30}).finest, judge_resolution({10.0: 50, 1500.0: 50}).finest
    (9, 6)
    """
    total = max(sum(sigma_m.values()), 1)
    wrong = {
        resolution: sum(count * wrong_cell_share(sigma, resolution=resolution) for sigma, count in sigma_m.items())
        / total
        for resolution in range(COARSEST, FINEST + 1)
    }
    honest = [resolution for resolution, share in wrong.items() if share <= HONEST]
    return Honesty(max(honest, default=COARSEST), wrong)
