"""Incomes of census areas: brackets steadied, and bent to a curve that answers any threshold."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.capacity.distribution import IncomeDistribution, bracket_matrix
from geoscore.capacity.shrinkage import modelled_trials, steady, trials_from_margins
from geoscore.schemas import BRACKETS

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FittedAreas:
    """Income distributions of areas, and what they are worth.

    Attributes
    ----------
    distribution
        Fitted, n areas.
    trials
        Effective number of households behind each area's shares, shape (n,).
    common
        Variance over p (1 - p) of what is in common to an area's county, shape (n,).
    notes
        How it was done.
    """

    distribution: IncomeDistribution
    trials: Floats
    common: Floats
    notes: tuple[str, ...]


def fit_areas(
    brackets: pa.Table,
    margins: Floats,
    curve: tuple[Floats, Floats],
    *,
    county_of: Mapping[str, str],
    sampled: bool,
) -> FittedAreas:
    """Fit the income distributions of areas.

    Parameters
    ----------
    brackets
        Table of schema ``BRACKETS``.
    margins
        Margins of error of its rows, NaN where they are not known.
    curve
        Regional curve: incomes in US dollars, and the share of households below each.
    county_of
        County of each area.
    sampled
        The brackets are a survey's, so that small areas are steadied by their neighbors; else they are taken as they
        stand.
    """
    ids, edges, counts = bracket_matrix(brackets)
    trials = modelled_trials(counts.sum(axis=1))
    if not sampled:
        notes = ("incomes are taken as they stand; their error is modelled",)
        return FittedAreas(IncomeDistribution(curve).fit(brackets), trials, np.zeros(len(ids)), notes)
    _, _, errors = bracket_matrix(brackets.set_column(3, "households", pa.array(margins)), missing=True)
    told = trials_from_margins(counts, errors)
    known = np.isfinite(told)
    found = steady(
        np.where(known, told, trials), counts, tracts=ids, counties=[county_of.get(area, "") for area in ids]
    )
    low, high = np.append(0.0, edges), np.append(edges, np.nan)
    steadied = pa.table(
        {
            "area_id": pa.array(np.repeat(np.array(ids, dtype=object), len(low)), pa.string()),
            "low_usd": np.tile(low, len(ids)),
            "high_usd": pa.array(np.tile(high, len(ids)), pa.float64(), from_pandas=True),
            "households": found.counts.reshape(-1),
        },
        schema=BRACKETS,
    )
    how = "from their margins of error" if known.mean() > 0.5 else "modelled"  # noqa: PLR2004
    from_tract, from_county = found.strength
    borrowed = [
        *([f"{from_tract:.0f} households' worth from their tracts"] if from_tract else []),
        *([f"{from_county:.0f} from their counties"] if from_county else []),
    ]
    own = np.median(np.where(known, told, trials))
    note = f"incomes of areas borrow {' and '.join(borrowed) or 'nothing'}; own samples are worth {own:.0f} ({how})"
    return FittedAreas(IncomeDistribution(curve).fit(steadied), found.trials, found.common, (note,))
