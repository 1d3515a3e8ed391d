"""Errors that rows share: what the survey did not see of an area, and how an area's households lie on its cells.

Every part comes three times: the variance of a row, its covariance with all of its ZIP, and with all of its county.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer[Any]]
Parts = tuple[Floats, Floats, Floats]
"""Variances of p rows, covariances with their ZIPs, and with their counties: each of shape (p, 26).

The first column is of the households themselves, the others of those above each rung."""


@dataclass(frozen=True)
class Errors:
    """How much the survey can be off, area by area.

    Attributes
    ----------
    trials
        Households that an area's shares are worth: its effective sample and what is borrowed from areas around it,
        shape (areas,); a share p has the variance p (1 - p) / (trials + 1).
    common
        Variance over p (1 - p) of the error that all areas of a county have in common, by county.
    """

    trials: Floats
    common: dict[str, float]

    @cached_property
    def spread(self) -> Floats:
        """Variance over p (1 - p) of the error of each area alone."""
        spread: Floats = 1.0 / (self.trials + 1.0)
        return spread

    def common_of(self, counties: pd.Series) -> Floats:
        """Return the common variance of each row's county."""
        return np.asarray(counties.map(self.common).fillna(0.0), dtype=np.float64)


class Links:
    """Which areas the rows of a surface lie in: l pairs of a row and an area, with the ZIPs and counties of the rows.

    Parameters
    ----------
    rows
        Columns ``zip`` and ``county``, p rows.
    row, area
        Numbers of row and area of every link, shape (l,).
    """

    def __init__(self, rows: pd.DataFrame, row: Integers, area: Integers) -> None:
        self.row, self.area, self.size = row, area, len(rows)
        self.county_at = rows.groupby("county", dropna=False, sort=True).ngroup().to_numpy(np.int64)
        self.zip_at = rows.groupby(["zip", "county"], dropna=False, sort=True).ngroup().to_numpy(np.int64)
        self._zips = self._numbered(self.zip_at)
        self._counties = self._numbered(self.county_at)

    def _numbered(self, place: Integers) -> Integers:
        most = int(self.area.max(initial=0)) + 1
        _, at = np.unique(place[self.row] * most + self.area, return_inverse=True)
        return np.asarray(at.reshape(-1), dtype=np.int64)

    def covariances(self, value: Floats, spread: Floats) -> Parts:
        """Return what errors of areas, independent of each other, do to rows.

        Parameters
        ----------
        value
            Change of a row for one unit of its area's error, shape (l, 26).
        spread
            Variance of that unit, shape (l,).
        """
        weighted = value * spread[:, None]
        return (
            self.by_row(weighted * value),
            self.by_row(weighted * self.sums(value, self._zips)[self._zips]),
            self.by_row(weighted * self.sums(value, self._counties)[self._counties]),
        )

    def allocations(self, share: Floats, scale: Floats) -> Parts:
        """Return what a Dirichlet's errors of shares do to rows: ``scale`` times share (1 - share), and so on.

        Parameters
        ----------
        share
            Share of the area's households in the row, shape (l,).
        scale
            Shape (l, 26).
        """

        def part(whole: Floats) -> Floats:
            return self.by_row(scale * (share * np.maximum(1.0 - whole, 0.0))[:, None])

        in_zip, in_county = (self.sums(share[:, None], at)[at, 0] for at in (self._zips, self._counties))
        # a row varies against the rest of its area, a ZIP only against what lies outside of it
        return part(share), part(in_zip), part(in_county)

    def together(self, scale: Floats, common: Floats) -> Parts:
        """Return what one error for all of a county does to rows: ``scale`` (p, 26) a unit of variance ``common``."""

        def part(place: Integers) -> Floats:
            return scale * self.sums(scale, place)[place] * common[:, None]

        return scale**2 * common[:, None], part(self.zip_at), part(self.county_at)

    def by_row(self, values: Floats) -> Floats:
        """Return the sums of the links' values over rows, shape (p, 26)."""
        return self.sums(values, self.row, self.size)

    @staticmethod
    def sums(values: Floats, at: Integers, size: int | None = None) -> Floats:
        """Return sums of rows of values that share a number."""
        size = int(at.max(initial=-1)) + 1 if size is None else size
        return np.column_stack([np.bincount(at, column, size) for column in values.T])


def add_parts(parts: "list[Parts]") -> Parts:
    """Return the sums of parts, for errors that have nothing to do with each other."""
    own, by_zip, by_county = (sum(part[i] for part in parts) for i in range(3))
    return np.asarray(own), np.asarray(by_zip), np.asarray(by_county)


def alike(variance: Floats) -> Parts:
    """Return a variance that no two rows share."""
    return variance, variance, variance


@dataclass(frozen=True)
class Allocation:
    """How surely an area's households are known to lie on its cells as the shares say.

    Attributes
    ----------
    trials
        Concentration of the Dirichlet distribution of each area's shares, shape (areas,).
    how
        What the shares were made from, and how the concentration was found.
    """

    trials: Floats
    how: str

    def scale(self, households: Floats) -> Floats:
        """Return the factor of share (1 - share) in the variance of how many of an area's households lie in a cell."""
        scale: Floats = households**2 / (self.trials + 1.0) + households
        return scale


Summary = dict[str, Any]
"""Of each part of the variance: its share at cells, ZIPs, counties and the region."""


def describe_parts(named: dict[str, Parts], rung: int) -> Summary:
    """Return the standard errors of the region at one rung, part by part, and of a typical cell, ZIP and county."""
    told: Summary = {}
    for name, (own, _, by_county) in named.items():
        cells = own[:, rung]
        told[name] = {
            "cell": round(float(np.sqrt(np.mean(cells))) if len(cells) else 0.0, 3),
            "region": round(float(np.sqrt(max(by_county[:, rung].sum(), 0.0))), 3),
        }
    return told
