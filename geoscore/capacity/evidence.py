"""What else is known of a household narrows its area's incomes: home value, age, the largest gift, by Bayes' rule.

How likely each value is at each income is learned from the run's own households whose income is known. That holds even
where these are no fair sample: a donor list has too many rich households, but what a rich household's home is worth
does not depend on who is on the list. A figure that is missing tells something too: a property roll lists owners.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.engines import Frame
from geoscore.formulas import Formula
from geoscore.schemas import EVIDENCE
from geoscore.tables import Table

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
FIELDS: Final = ("home_value_usd", "age", "largest_gift_usd")
"""Figures that are looked at, each by itself; each stands in a digit of the evidence's code."""
CLASSES: Final = 5
BASE: Final = CLASSES + 1
FEWEST: Final = 300
"""Households with a known income and the figure from which its likelihoods are learned, at least."""
MOST: Final = 200_000
INCOME_EDGES: Final = np.array([0, 25, 40, 60, 80, 100, 125, 150, 200, 300, 500], dtype=np.float64) * 1000.0
"""Incomes at which likelihoods change, in US dollars."""
PRIOR_COUNT: Final = 20.0
"""Households' worth of "this figure tells nothing" that is added at every income."""


@dataclass(frozen=True)
class Evidence:
    """Likelihoods of what is known of households, by income.

    Attributes
    ----------
    cuts
        For each field that tells something: the values at which its classes part.
    likelihood
        For each field: how likely each class is at each income against anywhere, shape (classes, incomes); the first
        class is that the figure is missing.
    learned
        Households that each was learned from; also of fields that are not used, for there were too few.
    """

    cuts: dict[str, Floats]
    likelihood: dict[str, Floats]
    learned: dict[str, int]

    def codes(self, figures: dict[str, Floats]) -> Integers:
        """Return a number for what is known of each household; shape (n,).

        Parameters
        ----------
        figures
            Fields by name, shape (n,), NaN where unknown.
        """
        code = np.zeros(len(next(iter(figures.values()))), dtype=np.int64)
        for place, name in enumerate(FIELDS):
            if name in self.cuts:
                known = ~np.isnan(figures[name])
                digit = np.where(known, 1 + np.searchsorted(self.cuts[name], figures[name], side="right"), 0)
                code += digit * BASE**place
        return code

    def weights(self, code: int | None) -> Floats | None:
        """Return how much more likely the evidence is at each income, shape (incomes,); None where none was learned."""
        if code is None or not self.likelihood:
            return None
        found = np.ones(len(INCOME_EDGES))
        for place, name in enumerate(FIELDS):
            if name in self.likelihood:
                found *= self.likelihood[name][code // BASE**place % BASE]
        return found

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> "Evidence":
        """Return what ``to_dict(exact=True)`` told.

        Examples
        --------
        >>> Evidence.from_dict(NOTHING.to_dict(exact=True)).learned
        {}
        """
        cuts, likelihood = (
            {name: np.array(values) for name, values in told[key].items()} for key in ("cuts", "likelihood")
        )
        return cls(cuts, likelihood, told["learned"])

    def to_dict(self, *, exact: bool = False) -> dict[str, Any]:
        """Return it ready for JSON, likelihoods rounded for people unless ``exact``."""
        return {
            "income_edges_usd": INCOME_EDGES.tolist(),
            "cuts": {name: values.tolist() for name, values in self.cuts.items()},
            "likelihood": {
                name: (values if exact else np.round(values, 4)).tolist() for name, values in self.likelihood.items()
            },
            "learned": self.learned,
        }


NOTHING: Final = Evidence({}, {}, {})


def learn_evidence(homes: Table) -> Evidence:
    """Learn what figures say of income, from the households that know both.

    Parameters
    ----------
    homes
        Table with ``income_usd`` and the columns of ``FIELDS``.
    """
    wanted = ["household_id", "income_usd", *FIELDS]
    schema = pa.schema([homes.schema.field(name) for name in wanted])

    def labelled(frame: Frame) -> Frame:
        return frame.filter(~nw.col("income_usd").is_null()).sort("household_id").head(MOST)

    return likelihoods(homes.derive(schema, labelled).collect().to_pandas())


def likelihoods(labelled: pd.DataFrame) -> Evidence:
    """Learn likelihoods from labelled households.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> income = np.exp(rng.normal(11.5, 0.7, 5000))
    >>> home = 6 * income * np.exp(rng.normal(0, 0.3, 5000))
    >>> known = pd.DataFrame({"income_usd": income, "home_value_usd": home, "age": np.nan, "largest_gift_usd": np.nan})
    >>> found = likelihoods(known)
    >>> costly = found.codes({name: np.array([3e6 if name == "home_value_usd" else np.nan]) for name in FIELDS})
    >>> weights = found.weights(int(costly[0]))
    >>> bool(weights[-1] > 10 * weights[2]), sorted(found.cuts)
    (True, ['home_value_usd'])
    """
    at = np.searchsorted(INCOME_EDGES, labelled["income_usd"].to_numpy(float), side="right") - 1
    cuts, likelihood, learned = {}, {}, {}
    for name in FIELDS:
        values = labelled[name].to_numpy(float)
        known = ~np.isnan(values)
        learned[name] = int(known.sum())
        if learned[name] < FEWEST:
            continue
        edges = np.unique(np.quantile(values[known], np.arange(1, CLASSES) / CLASSES))
        kind = np.where(known, 1 + np.searchsorted(edges, values, side="right"), 0)
        counts = np.zeros((len(edges) + 2, len(INCOME_EDGES)))
        np.add.at(counts, (kind[at >= 0], at[at >= 0]), 1.0)
        share = counts.sum(axis=1, keepdims=True) / counts.sum()
        smooth = (counts + PRIOR_COUNT * share) / (counts.sum(axis=0, keepdims=True) + PRIOR_COUNT)
        cuts[name], likelihood[name] = edges, np.where(share > 0, smooth / np.maximum(share, 1e-9), 1.0)
    return Evidence(cuts, likelihood, learned)


def find_contradictions(homes: Table, formula: Formula) -> dict[str, int]:
    """Count households whose figures speak against each other.

    Parameters
    ----------
    homes
        Table with the columns of ``EVIDENCE``.
    formula
        What capacity means.

    Returns
    -------
    dict
        Households by what is contradictory; kinds that do not occur are left out.

    Examples
    --------
    >>> from geoscore.engines import open_engine
    >>> from geoscore.formulas import open_formula
    >>> from geoscore.schemas import LOCATED
    >>> row = {"household_id": "h", "income_usd": 50_000.0, "largest_gift_usd": 9_000.0, "income_low_usd": 60_000.0}
    >>> with open_engine() as engine:
    ...     homes = Table.from_arrow(pa.Table.from_pylist([row], schema=LOCATED), engine=engine)
    ...     find_contradictions(homes, open_formula("income-2pct-1y"))
    {'a gift above the capacity by income': 1, 'an income outside its band': 1}
    """
    named = list(_KINDS)
    limit = gift_limit(formula)
    tests = {kind: test({name: nw.col(name) for name in EVIDENCE}, limit) for kind, test in _KINDS.items()}
    counts = [
        tests[kind].fill_null(value=False).cast(nw.Int64).sum().alias(f"kind_{i}") for i, kind in enumerate(named)
    ]
    found = homes.engine.collect(homes.frame.select(*counts)).to_pylist()[0]
    told = {kind: int(found[f"kind_{i}"] or 0) for i, kind in enumerate(named)}
    return {kind: count for kind, count in told.items() if count}


def contradiction_kinds(formula: Formula, figures: dict[str, Floats]) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which of n households have figures that contradict each other, by what is contradictory.

    Parameters
    ----------
    formula
        What capacity means.
    figures
        The columns of ``EVIDENCE``, shape (n,), NaN where unknown.
    """
    limit = gift_limit(formula)
    return {kind: np.asarray(test(figures, limit)) for kind, test in _KINDS.items()}


def gift_limit(formula: Formula) -> float:
    """Return the most that may be given over the formula's horizon for a dollar of income."""
    factor = formula.usual_factor(band="high")
    rate = np.inf if factor is None else factor
    years = max(1.0, float(formula.horizon.split()[0])) if formula.horizon[:1].isdigit() else 1.0
    return rate * years


_KINDS: Final[dict[str, Callable[[Any, float], Any]]] = {
    "a gift above the capacity by income": lambda of, limit: of["largest_gift_usd"] > of["income_usd"] * limit,
    "an income outside its band": lambda of, _limit: (
        (of["income_usd"] < of["income_low_usd"]) | (of["income_usd"] > of["income_high_usd"])
    ),
    "assets above net worth": lambda of, _limit: of["assets_usd"] > of["net_worth_usd"],
}
"""Comparisons that read the same on columns of a table and on arrays."""
