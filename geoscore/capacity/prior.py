"""The neighborhood's word: how many of a place's households lie above each rung, where their income is unknown.

Areas are computed once; a place is a mixture of them, and a band of income narrows the mixture.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.capacity.distribution import IncomeDistribution
from geoscore.schemas import LADDER, MIX
from geoscore.tables import to_pandas

Floats = npt.NDArray[np.float64]
SAMPLED: Final = 0.12
"""Share of households that the American Community Survey's five-year files have asked (METHODS 3)."""
DESIGN_EFFECT: Final = 1.5


class AreaPrior:
    """Exceedance over the ladder of households whose income is unknown, at every (cell, ZIP) pair in use.

    Parameters
    ----------
    distribution
        Fitted income distributions of the census areas.
    mix
        Table of schema ``MIX``.

    Attributes
    ----------
    pairs
        The (cell, ZIP, county) pairs, sorted; p of them.
    n_eff
        Effective number of sampled households behind each pair's distribution, modelled; shape (p,).
    """

    def __init__(self, distribution: IncomeDistribution, mix: pa.Table) -> None:
        from scipy.sparse import csr_array

        frame = to_pandas(mix.select(MIX.names))
        keys = ["cell", "zip", "county"]
        codes = frame.groupby(keys, dropna=False, sort=True).ngroup().to_numpy()
        self.pairs = frame[keys].assign(code=codes).drop_duplicates("code").sort_values("code")[keys]
        place = {area: i for i, area in enumerate(distribution.area_ids_)}
        columns = np.array([place[area] for area in frame["area_id"]], dtype=np.int64)
        shape = (len(self.pairs), len(place))
        self._mix = csr_array((frame["share"].to_numpy(), (codes, columns)), shape=shape)
        self._distribution = distribution
        self.n_eff: Floats = self._mix @ (distribution.households_ * SAMPLED / DESIGN_EFFECT)

    def exceedance(self, *, multiplier: float, low: float | None, high: float | None) -> Floats:
        """Return the share of households with capacity of at least each rung, shape (p, 25).

        Parameters
        ----------
        multiplier
            Capacity in dollars per dollar of income.
        low, high
            Band of incomes in US dollars, [low, high); None where it is open.
        """
        if multiplier <= 0.0:
            return np.zeros((len(self.pairs), len(LADDER)))
        incomes = np.array(LADDER, dtype=np.float64) / multiplier
        if low is None and high is None:
            return np.asarray(self._mix @ self._distribution.exceedance(incomes))
        bottom, top = (0.0 if low is None else low), (np.inf if high is None else high)
        inside = np.clip(incomes, bottom, min(top, 1e12))
        ends = np.array([bottom, min(top, 1e12)])
        at = np.asarray(self._mix @ self._distribution.exceedance(np.concatenate([inside, ends])))
        above_bottom = at[:, -2:-1] if bottom > 0 else np.ones((len(at), 1))
        above_top = at[:, -1:] if np.isfinite(top) else np.zeros((len(at), 1))
        mass = above_bottom - above_top
        share = (np.where(incomes <= bottom, above_bottom, at[:, :-2]) - above_top) / np.maximum(mass, 1e-12)
        certain = np.where(incomes <= bottom, 1.0, 0.0)
        return np.where(mass > 1e-12, np.clip(share, 0.0, 1.0), certain)  # noqa: PLR2004  nobody earns that here
