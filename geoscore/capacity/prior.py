"""The neighborhood's word: how many of a place's households lie above each rung, where their income is unknown.

Areas are computed once; a place is a mixture of them, and a band of income narrows the mixture.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.capacity.distribution import IncomeDistribution
from geoscore.capacity.evidence import INCOME_EDGES, NOTHING, Evidence
from geoscore.schemas import LADDER, MIX
from geoscore.tables import to_pandas

Floats = npt.NDArray[np.float64]
EMPTY: Final = 1e-12
HIGHEST_USD: Final = 1e12


class AreaPrior:
    """Exceedance over the ladder of households whose income is unknown, at every (cell, ZIP) pair in use.

    Parameters
    ----------
    distribution
        Fitted income distributions of the census areas.
    mix
        Table of schema ``MIX``.
    errors
        How far the areas' shares may be off, carried along for the surface.
    evidence
        What other figures say of income.

    Attributes
    ----------
    pairs
        The (cell, ZIP, county) pairs, sorted; p of them.
    mix
        Shares of the areas in each pair, sparse, shape (p, areas).
    """

    def __init__(
        self, distribution: IncomeDistribution, mix: pa.Table, errors: Any, evidence: Evidence = NOTHING
    ) -> None:
        from scipy.sparse import csr_array

        frame = to_pandas(mix.select(MIX.names))
        keys = ["cell", "zip", "county"]
        codes = frame.groupby(keys, dropna=False, sort=True).ngroup().to_numpy()
        self.pairs = frame[keys].assign(code=codes).drop_duplicates("code").sort_values("code")[keys]
        place = {area: i for i, area in enumerate(distribution.area_ids_)}
        columns = np.array([place[area] for area in frame["area_id"]], dtype=np.int64)
        shape = (len(self.pairs), len(place))
        self.mix = csr_array((frame["share"].to_numpy(), (codes, columns)), shape=shape)
        self._distribution = distribution
        self.errors = errors
        self._evidence = evidence
        self._kept: dict[bytes, Floats] = {}

    def exceedance(
        self,
        *,
        multiplier: float,
        low: float | None = None,
        high: float | None = None,
        evidence: int | None = None,
        rows: npt.NDArray[np.int64] | None = None,
    ) -> Floats:
        """Return the share of households with capacity of at least each rung, shape (rows, 25).

        Parameters
        ----------
        multiplier
            Capacity in dollars per dollar of income.
        low, high
            Band of incomes in US dollars, [low, high); None where it is open.
        evidence
            Code of what else is known.
        rows
            Pairs that are asked for; all by default.
        """
        mix = self.mix if rows is None else self.mix[rows]
        if multiplier <= 0.0:
            return np.zeros((mix.shape[0], len(LADDER)))
        incomes = np.array(LADDER, dtype=np.float64) / multiplier
        weights = self._evidence.weights(evidence)
        if low is not None or high is not None:
            bottom, top = (0.0 if low is None else low), (np.inf if high is None else high)
            return _narrowed(incomes, *self._shares(mix, incomes, bottom, top), bottom=bottom)
        if weights is None:
            return np.asarray(mix @ self._at(incomes))
        return _weighed(incomes, mix @ self._at(incomes), mix @ self._at(INCOME_EDGES), weights)

    def _at(self, incomes: Floats) -> Floats:
        """Return the shares of all areas at some incomes, kept from one level of evidence to the next."""
        key = incomes.tobytes()
        if key not in self._kept:
            self._kept[key] = self._distribution.exceedance(incomes)
        return self._kept[key]

    def _shares(self, mix: Any, incomes: Floats, bottom: float, top: float) -> tuple[Floats, Floats, Floats]:
        highest = min(top, HIGHEST_USD)
        at = np.asarray(mix @ self._at(np.concatenate([np.clip(incomes, bottom, highest), [bottom, highest]])))
        above_bottom = at[:, -2:-1] if bottom > 0 else np.ones((len(at), 1))
        above_top = at[:, -1:] if np.isfinite(top) else np.zeros((len(at), 1))
        return at[:, :-2], above_bottom, above_top


def _narrowed(incomes: Floats, above: Floats, above_bottom: Floats, above_top: Floats, *, bottom: float) -> Floats:
    """Return shares above incomes of households inside a band."""
    mass = above_bottom - above_top
    share = (np.where(incomes <= bottom, above_bottom, above) - above_top) / np.maximum(mass, EMPTY)
    certain = np.where(incomes <= bottom, 1.0, 0.0)
    return np.where(mass > EMPTY, np.clip(share, 0.0, 1.0), certain)  # nobody earns that here


def _weighed(incomes: Floats, above: Floats, at_edges: Floats, weights: Floats) -> Floats:
    """Return shares above incomes, each stretch between the edges weighed by how likely the evidence is there.

    Parameters
    ----------
    incomes, above
        Incomes of shape (t,), and the shares above them before the evidence, shape (p, t).
    at_edges
        Shares above ``INCOME_EDGES``, shape (p, e); all are above the first.
    weights
        Likelihoods between the edges, shape (e,); the last holds from the last edge on.
    """
    edges = at_edges.copy()
    edges[:, 0] = 1.0
    mass = edges - np.hstack([edges[:, 1:], np.zeros((len(edges), 1))])
    weighed = mass * weights
    beyond = np.cumsum(weighed[:, ::-1], axis=1)[:, ::-1]  # in this stretch and all further ones
    stretch = np.clip(np.searchsorted(INCOME_EDGES, incomes, side="right") - 1, 0, len(weights) - 1)
    after = np.hstack([beyond[:, 1:], np.zeros((len(beyond), 1))])[:, stretch]
    end = np.hstack([edges[:, 1:], np.zeros((len(edges), 1))])[:, stretch]
    found = (after + weights[stretch] * np.maximum(above - end, 0.0)) / np.maximum(beyond[:, :1], EMPTY)
    return np.asarray(np.clip(found, 0.0, 1.0))


def rung_shares(distribution: IncomeDistribution, multiplier: float) -> Floats:
    """Return the share of each area's households with capacity of at least each rung, shape (areas, 25).

    Parameters
    ----------
    distribution
        Incomes of the areas.
    multiplier
        Capacity in dollars per dollar of income.
    """
    if multiplier <= 0.0:
        return np.zeros((len(distribution.area_ids_), len(LADDER)))
    return distribution.exceedance(np.array(LADDER, dtype=np.float64) / multiplier)
