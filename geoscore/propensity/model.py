"""A fitted propensity model: who gives, how much, and at least how much, for any households with its columns."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from geoscore.propensity.amounts import Amounts
from geoscore.propensity.calibration import Blend, probability
from geoscore.propensity.features import CHUNK, Codes, Recipe
from geoscore.propensity.forest import Forest
from geoscore.propensity.learners import Terms, predict_sums
from geoscore.schemas import LADDER

Floats = npt.NDArray[np.float64]
Kind = Literal["scorecard", "boosting"]
SUREST: Final = 0.999
LARGE: Final = 30_000
"""Rows of a half batch that are worth a thread of their own."""
GRID: Final = 1_024
"""Steps, even in the logarithm of the expected gift, at which chances of rungs are looked up when many are scored."""


@dataclass(frozen=True)
class Prevalence:
    """What is known of how many give, where only givers are known; from outside.

    Attributes
    ----------
    low, mid, high
        Share of the households compared with that would give, and its interval; None where nobody knows.
    ratio
        Unlabelled households for each known giver in the fit.
    shift
        Factors that bring the mean probability of the unlabelled to low, mid and high.
    quantiles
        The index of the unlabelled households of the fit at 0%, 1%, ... 100%.
    """

    low: float | None
    mid: float | None
    high: float | None
    ratio: float
    shift: tuple[float, ...]
    quantiles: tuple[float, ...]


@dataclass(frozen=True)
class Scores:
    """Scores of n households.

    Attributes
    ----------
    p_gives
        Probability of a gift, shape (n,); None where only ranks can be given.
    expected_gift_usd
        Expected dollars, gift or none: ``p_gives`` times what is expected of a giver; None without amounts.
    gift_if_gives_usd
        Expected dollars of a giver.
    at_least
        Probability of a gift of at least each rung, shape (n, 25).
    index
        Of a model of givers alone: 100 is the average household; and its ``low`` and ``high`` probabilities.
    """

    p_gives: Floats | None
    expected_gift_usd: Floats | None = None
    gift_if_gives_usd: Floats | None = None
    at_least: Floats | None = None
    index: Floats | None = None
    low: Floats | None = None
    high: Floats | None = None


@dataclass(frozen=True)
class Model:
    """A propensity model.

    Attributes
    ----------
    kind
        ``scorecard``, a sum over features, or ``boosting``.
    recipe
        How columns become features.
    terms
        The sum over features, weighed and calibrated: log odds of giving.
    forest, forest_weight
        Boosted trees added to it, where there are any.
    blend
        Holds the monotone curve behind the sum.
    amounts, amount_terms, amount_forest, amount_weight
        From features to dollars; None without amounts.
    prevalence
        Where only givers were known.
    effects
        What each bin adds to the log odds, on average, shape (bins,).
    card
        What the model says of itself.
    """

    kind: Kind
    recipe: Recipe
    terms: Terms
    blend: Blend
    forest: Forest | None = None
    forest_weight: float = 0.0
    amounts: Amounts | None = None
    amount_terms: Terms | None = None
    amount_forest: Forest | None = None
    amount_weight: float = 0.0
    prevalence: Prevalence | None = None
    effects: Floats = field(default_factory=lambda: np.empty(0))
    card: dict[str, Any] = field(default_factory=dict)

    def log_odds(self, codes: Codes, values: Floats) -> Floats:
        """Return calibrated log odds of giving, shape (n,)."""
        return self._calibrated(self.terms.predict(self.recipe, codes, values), values)

    def _calibrated(self, eta: Floats, values: Floats) -> Floats:
        if self.forest is not None:
            eta = eta + self.forest_weight * self.forest.predict(values)
        return self.blend.bent(eta)

    def predict(self, rows: pa.Table | pa.RecordBatch, *, ladder: bool = True) -> Scores:
        """Score households.

        Parameters
        ----------
        rows
            Has the model's columns; others are passed over.
        ladder
            Also the chances of every rung.

        Raises
        ------
        InputError
            A column is missing.
        """
        codes, values = self.recipe.encode(rows)
        return self.predict_encoded(codes, values, ladder=ladder)

    def predict_encoded(self, codes: Codes, values: Floats, *, ladder: bool = True) -> Scores:
        """Score households whose features are encoded already."""
        if self.amounts is None or self.amount_terms is None:
            p, extra = self._probabilities(self.log_odds(codes, values))
            return Scores(p, **extra)
        eta, log_usd = predict_sums([self.terms, self.amount_terms], self.recipe, codes, values)
        eta = self._calibrated(eta, values)
        p, extra = self._probabilities(eta)
        if self.amount_forest is not None:
            w = self.amount_weight
            log_usd = (1 - w) * log_usd + w * self.amount_forest.predict(values)
        gift = self.amounts.expected(log_usd, eta)
        if p is None:
            return Scores(None, gift_if_gives_usd=gift, **extra)
        rungs = self._rungs(gift, p) if ladder else None
        return Scores(p, p * gift, gift, rungs, **extra)

    def _probabilities(self, eta: Floats) -> tuple[Floats | None, dict[str, Floats]]:
        if self.prevalence is None:
            return probability(eta), {}
        index = np.exp(np.minimum(eta, 50.0)) * self.prevalence.ratio
        if not self.prevalence.shift:
            return None, {"index": 100.0 * index}
        low, mid, high = (np.minimum(shift * index, SUREST) for shift in self.prevalence.shift)
        return mid, {"index": 100.0 * index, "low": low, "high": high}

    def _rungs(self, gift: Floats, p: Floats) -> Floats:
        """Return P(gives and gift >= rung); of many households between the two nearest points of a fine grid."""
        amounts = self.amounts
        if amounts is None:
            raise ValueError("a model without amounts has no rungs")
        if len(gift) < 2 * GRID or amounts.lowest >= amounts.highest:
            return p[:, None] * amounts.at_least(gift)
        grid = np.linspace(np.log(amounts.lowest), np.log(amounts.highest), GRID)
        table = amounts.at_least(np.exp(grid))
        found = np.empty((len(gift), len(LADDER)), order="F")
        for first in range(0, len(gift), CHUNK):
            rows = slice(first, first + CHUNK)
            at = (np.log(gift[rows]) - grid[0]) / (grid[1] - grid[0])
            left = np.clip(at.astype(np.intp), 0, GRID - 2)
            share = np.clip(at - left, 0.0, 1.0)
            for k in range(len(LADDER)):
                column = table[:, k]
                low = column.take(left)
                low += share * np.diff(column).take(left)
                np.multiply(low, p[rows], out=found[rows, k])
        return found

    def schema(self, *, ladder: bool = True) -> pa.Schema:
        """Return the columns that ``score_batch`` gives."""
        names: list[str] = []
        if self.prevalence is None or self.prevalence.shift:
            names.append("p_gives")
        if self.prevalence is not None:
            names += ["propensity_index", "propensity_rank"]
            names += ["p_gives_low", "p_gives_high"] if self.prevalence.shift else []
        if self.amounts is not None:
            names += ["expected_gift_usd"] if "p_gives" in names else []
            names.append("gift_if_gives_usd")
            if ladder and "p_gives" in names:
                names += [f"p_at_least_{rung}" for rung in LADDER]
        return pa.schema([(name, pa.float64()) for name in names])

    def score_batch(self, batch: pa.RecordBatch, *, ladder: bool = True) -> pa.RecordBatch:
        """Return the scores of a batch as columns: a pure function, as an engine's ``map_batches`` wants it.

        Large batches are scored in two halves at the same time.
        """
        if batch.num_rows < 2 * LARGE:
            return self._score_part(batch, ladder=ladder)
        half = batch.num_rows // 2
        with ThreadPoolExecutor(2) as pool:
            parts = pool.map(
                lambda part: self._score_part(part, ladder=ladder), (batch.slice(0, half), batch.slice(half))
            )
            return pa.concat_batches(list(parts))

    def _score_part(self, batch: pa.RecordBatch, *, ladder: bool) -> pa.RecordBatch:
        found = self.predict(batch, ladder=ladder)
        columns: dict[str, Any] = {
            "p_gives": found.p_gives,
            "expected_gift_usd": found.expected_gift_usd,
            "gift_if_gives_usd": found.gift_if_gives_usd,
            "propensity_index": found.index,
            "p_gives_low": found.low,
            "p_gives_high": found.high,
        }
        if self.prevalence is not None and found.index is not None:
            grid = np.asarray(self.prevalence.quantiles)
            columns["propensity_rank"] = np.interp(found.index, grid, np.linspace(0, 100, len(grid)))
        if found.at_least is not None:
            columns |= {f"p_at_least_{rung}": found.at_least[:, k] for k, rung in enumerate(LADDER)}
        schema = self.schema(ladder=ladder)
        return pa.RecordBatch.from_arrays([pa.array(columns[name]) for name in schema.names], schema=schema)
