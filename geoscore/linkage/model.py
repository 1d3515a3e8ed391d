"""The linkage model: Fellegi-Sunter with term frequencies, learned and applied by splink.

What is learned is kept in a small JSON file and can be applied to other files. Sources: Fellegi and Sunter, "A Theory
for Record Linkage" (1969); Linacre and others, "Splink" (2022).
"""

import json
import logging
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.engines import Engine
from geoscore.errors import InputError
from geoscore.linkage.blocking import condition
from geoscore.linkage.comparisons import COMPARISONS, Comparison, build_levels

if TYPE_CHECKING:
    from splink import Linker

MODEL_VERSION: Final = 1
PAIRS_FOR_U: Final = 2_000_000
PAIRS_FOR_EM: Final = 500_000
FEWEST_RECORDS: Final = 2_000
"""Fewer records than this teach nothing; the model keeps what is expected of files in general."""
EXPECTED: Final = 0.02
"""Weight of what is expected in general beside what was learned of matches: a sample never shows all."""
LEAST: Final = 1e-6
"""No share is taken to be smaller: what was not met in a sample may still happen."""
OFTEN: Final = 0.2
STRANGERS: Final = 0.05
"""At least this share of the random pairs at a step are taken to be no matches."""
LEAST_U: Final = 1e-8
ROUNDS: Final = 100
SETTLED: Final = 1e-6


@dataclass
class LinkageModel:
    """What is compared, and how much each step of likeness says.

    Parameters
    ----------
    comparisons
        What is compared.
    matches_per_record
        Expected true matches of a record among the others; sets how likely two records match before they are looked at.
    shares
        Learned ``(m, u)`` by comparison and step; what is expected in general where there is none.
    trained_on
        Records that it was trained on; 0 where it was not.
    """

    comparisons: tuple[Comparison, ...]
    matches_per_record: float = 1.0
    shares: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    trained_on: int = 0

    def fit(self, entities: pa.Table, *, rules: Sequence[Sequence[str]], engine: Engine) -> "LinkageModel":
        """Learn the shares from records: ``u`` from random pairs, ``m`` by expectation maximization.

        Parameters
        ----------
        entities
            Columns that are compared, with a whole number ``unique_id`` and ``tf_...`` for columns whose rare values
            count for more.
        rules
            Columns; pairs that agree in all of one are learned from.
        engine
            What runs it.

        Returns
        -------
        LinkageModel
            Itself, with ``shares`` filled; unchanged where the records are too few.
        """
        self.trained_on = 0
        if entities.num_rows < FEWEST_RECORDS:
            return self
        compared = self.filled(known_columns(entities))
        with _quiet():
            linker = self._linker(entities, compared, engine, columns=[name for rule in rules for name in rule])
            linker.training.estimate_u_using_random_sampling(max_pairs=PAIRS_FOR_U, seed=1, min_count_per_level=None)
            for rule in (rule for rule in rules if _leaves_something(rule, compared)):
                linker.training.estimate_parameters_using_expectation_maximisation(
                    condition(rule), max_pairs=PAIRS_FOR_EM
                )
        self.shares |= _learned(linker, compared)
        self.trained_on = entities.num_rows
        return self

    def score(
        self,
        entities: pa.Table,
        *,
        rules: Sequence[Sequence[str]],
        compared: Sequence[Comparison],
        engine: Engine,
        prior: float,
        least: float = 0.0,
    ) -> pa.Table:
        """Return the pairs that meet a rule and match with a probability of at least ``least``.

        Parameters
        ----------
        entities
            As for ``fit``; some of all, in which one may stand more than once.
        rules
            Columns; only pairs that agree in all of one are looked at.
        compared
            What ``filled`` gave for all entities.
        engine
            What runs it.
        prior
            Probability of a match before looking.
        least
            Probability under which a pair is not worth keeping.

        Returns
        -------
        pa.Table
            ``left`` < ``right`` (int64), ``weight`` (log2 of the odds, rounded so that every run gives the same).
        """
        if entities.num_rows < 2 or not compared or not rules:  # noqa: PLR2004
            return PAIRS.empty_table()
        # likeness is not the same from either side: the smaller number is always on the left
        entities = entities.sort_by("unique_id")
        numbers = entities["unique_id"].to_numpy()
        place = entities.schema.get_field_index("unique_id")
        entities = entities.set_column(place, "unique_id", pa.array(np.arange(len(numbers))))
        with _quiet():
            columns = [name for rule in rules for name in rule]
            linker = self._linker(entities, compared, engine, rules=rules, columns=columns, prior=prior)
            weight = float(np.log2(least / (1 - least))) if least else None
            found = linker.inference.predict(threshold_match_weight=weight, warning_mode="never").as_pyarrow_table()  # type: ignore[no-untyped-call]
        left, right = (numbers[found[f"unique_id_{side}"].to_numpy()] for side in "lr")
        weights = np.round(found["match_weight"].to_numpy(), 6)
        pairs = pa.table({"left": np.minimum(left, right), "right": np.maximum(left, right), "weight": weights})
        return pairs.cast(PAIRS)

    def filled(self, known: Collection[str]) -> list[Comparison]:
        """Return the comparisons whose main column is among those that are not empty everywhere."""
        return [item for item in self.comparisons if item.columns[0] in known]

    def prior(self, records: int, among: float) -> float:
        """Return the probability that two of so many records, of so many pairs, match before they are looked at."""
        return float(np.clip(self.matches_per_record * records / 2 / max(among, 1.0), 1e-12, 0.5))

    def calibrate(self, pairs: pa.Table, *, records: int, among: float) -> pa.Table:
        """Set ``matches_per_record`` so that the pairs' probabilities add up to the matches, and weigh the pairs anew.

        Parameters
        ----------
        pairs
            What ``score`` gave.
        records, among
            As they were scored with.
        """
        old = log_odds(self.prior(records, among))
        evidence = pairs["weight"].to_numpy() - old
        for _ in range(ROUNDS):
            weight = evidence + log_odds(self.prior(records, among))
            matches = 2 * float(probability(weight).sum()) / max(records, 1)
            settled = abs(matches - self.matches_per_record) < SETTLED
            self.matches_per_record = round(max(matches, LEAST), 6)
            if settled:
                break
        weight = np.round(evidence + log_odds(self.prior(records, among)), 6)
        return pairs.set_column(2, "weight", pa.array(weight))

    def explain(self, left: int, right: int, entities: pa.Table, *, engine: Engine, among: float) -> pa.Table:
        """Return how each comparison of two records speaks for or against a match.

        Parameters
        ----------
        left, right
            Their ``unique_id``.
        entities, engine, among
            As for ``score``.

        Returns
        -------
        pa.Table
            ``comparison``, ``step``, ``weight`` (bits); the first row is the prior, the last the sum.
        """
        compared = self.filled(known_columns(entities))
        prior = self.prior(entities.num_rows, among)
        both = entities.filter(pc.is_in(entities["unique_id"], pa.array([left, right])))
        both = both.append_column("block", pa.array([0, 0]))
        with _quiet():
            linker = self._linker(
                both, compared, engine, rules=[("block",)], columns=["block"], prior=prior, in_parts=True
            )
            scored = linker.inference.predict(warning_mode="never").as_record_list()[0]
        rows = [("before looking", "", log_odds(prior))]
        for comparison in compared:
            step = int(scored[f"gamma_{comparison.name}"])
            labels = ["different", *(step.label for step in reversed(comparison.steps))]
            weight = scored[f"mw_{comparison.name}"] + scored.get(f"mw_tf_adj_{comparison.name}", 0.0)
            rows.append((comparison.name, labels[step] if step >= 0 else "not known", float(weight)))
        rows.append(("all together", "", float(scored["match_weight"])))
        return pa.table(dict(zip(("comparison", "step", "weight"), zip(*rows, strict=True), strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """Return what was learned, ready for JSON."""
        return {
            "trained_on_records": self.trained_on,
            "matches_per_record": self.matches_per_record,
            "comparisons": {
                comparison.name: [
                    {"step": label, "m": m, "u": u}
                    for label, (m, u) in zip(
                        (*(step.label for step in comparison.steps), "different"), self._shares(comparison), strict=True
                    )
                ]
                for comparison in self.comparisons
            },
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any], comparisons: tuple[Comparison, ...]) -> "LinkageModel":
        """Return the model that ``to_dict`` described; a comparison of other steps than ours is not taken over."""
        shares = {}
        for comparison in comparisons:
            told = data["comparisons"].get(comparison.name, [])
            if [step["step"] for step in told] == [*(step.label for step in comparison.steps), "different"]:
                shares[comparison.name] = [(float(step["m"]), float(step["u"])) for step in told]
        return cls(comparisons, float(data["matches_per_record"]), shares, int(data["trained_on_records"]))

    # --- how splink is told ---------------------------------------------------------------------------------------

    def _shares(self, comparison: Comparison) -> list[tuple[float, float]]:
        return self.shares.get(comparison.name) or [
            *((step.m, step.u) for step in comparison.steps),
            comparison.different,
        ]

    def _linker(
        self,
        entities: pa.Table,
        compared: Sequence[Comparison],
        engine: Engine,
        *,
        rules: Sequence[Sequence[str]] = (),
        columns: Sequence[str] = (),
        prior: float = 1e-4,
        in_parts: bool = False,
    ) -> "Linker":
        from splink import Linker, SettingsCreator
        from splink.comparison_library import CustomComparison

        needed = [column for comparison in compared for column in comparison.columns]
        wanted = list(dict.fromkeys(("unique_id", *needed, *columns)))
        api = engine.splink_api()
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=[
                CustomComparison(
                    output_column_name=comparison.name,
                    comparison_levels=build_levels(comparison, self._shares(comparison)),
                )
                for comparison in compared
            ],
            blocking_rules_to_generate_predictions=[condition(rule) for rule in rules],  # type: ignore[misc]
            probability_two_random_records_match=prior,
            retain_matching_columns=in_parts,
            retain_intermediate_calculation_columns=in_parts,
            max_iterations=50,
        )
        linker = Linker(api.register(entities.select(wanted)), settings, log_level=None)
        for name in dict.fromkeys(step.frequency for item in compared for step in item.steps if step.frequency):
            shares = entities.select([name, f"tf_{name}"]).group_by([name, f"tf_{name}"]).aggregate([])
            known = api.register(shares.filter(shares[name].is_valid()))
            linker.table_management.register_term_frequency_lookup(known, name)
        return linker


PAIRS: Final = pa.schema([("left", pa.int64()), ("right", pa.int64()), ("weight", pa.float64())])


def known_columns(entities: pa.Table) -> frozenset[str]:
    """Return the columns that are not empty everywhere."""
    return frozenset(name for name in entities.column_names if entities[name].null_count < entities.num_rows)


def probability(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the probability of a match whose log2 odds are ``weight``, of the same shape.

    Examples
    --------
    >>> probability(np.array([0.0, 2.0])).tolist()
    [0.5, 0.8]
    """
    return 1.0 / (1.0 + np.exp2(-np.clip(weight, -500.0, 500.0)))


def save_models(models: Mapping[str, LinkageModel], path: Path) -> None:
    """Write the models of households and of persons as one JSON file."""
    data = {"geoscore_linkage_model": MODEL_VERSION, **{name: model.to_dict() for name, model in models.items()}}
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def open_models(path: str | Path) -> dict[str, LinkageModel]:
    """Read the models that ``save_models`` wrote.

    Raises
    ------
    InputError
        There are none, the file is something else, or it is of a newer version.
    """
    place = Path(path)
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        newer = data["geoscore_linkage_model"] > MODEL_VERSION
        models = {} if newer else {name: LinkageModel.from_dict(data[name], item) for name, item in COMPARISONS.items()}
    except OSError as error:
        raise InputError(f"{place} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{place} is no linkage model; `geoscore link` writes one beside its output") from error
    if newer:
        raise InputError(f"{place} was written by a newer geoscore; upgrade, or train a new model")
    return models


def log_odds(share: float) -> float:
    """Return the log2 odds of a probability.

    Examples
    --------
    >>> log_odds(0.8)
    2.0
    """
    return round(float(np.log2(share / (1 - share))), 9)


def _leaves_something(rule: Sequence[str], compared: Sequence[Comparison]) -> bool:
    """Return whether some comparison does not look at the columns of the rule, so that it can be learned about."""
    return any(not set(item.columns) & set(rule) for item in compared)


def _bounded(steps: list[tuple[float, float, float]], most: float) -> list[tuple[float, float, float]]:
    """Return the steps with no more than ``most`` of the matches at the last; what is too much goes to the others."""
    last = steps[-1][0]
    if last <= most:
        return steps
    stretch = (1 - most) / max(1 - last, LEAST)
    return [*((min(m * stretch, 1.0), u, expected) for m, u, expected in steps[:-1]), (most, *steps[-1][1:])]


def _learned(linker: "Linker", compared: Sequence[Comparison]) -> dict[str, list[tuple[float, float]]]:
    """Return the learned shares; what was never met keeps what is expected in general.

    Random pairs hold some matches, and in a small file these are most of the pairs that agree: they are taken out of
    ``u`` by the largest rate of matches that every step allows.
    """
    raw = {}
    for comparison, learned in zip(compared, linker._settings_obj.comparisons, strict=True):  # noqa: SLF001  no public way
        expected = [*((step.m, step.u) for step in comparison.steps), comparison.different]
        raw[comparison.name] = [
            (
                float(level.m_probability if level._m_is_trained else m),  # noqa: SLF001
                float(level.u_probability if level._u_is_trained else u),  # noqa: SLF001
                m,
            )
            for level, (m, u) in zip(learned._comparison_levels_excluding_null, expected, strict=True)  # noqa: SLF001
        ]
    raw = {item.name: _bounded(raw[item.name], item.most_different) for item in compared}
    rate = min((u / m for steps in raw.values() for m, u, _ in steps if m >= OFTEN), default=0.0)
    return {
        name: [
            (
                round(max((1 - EXPECTED) * m + EXPECTED * expected, LEAST), 9),
                round(max(u - rate * m, u * STRANGERS, LEAST_U), 9),
            )
            for m, u, expected in steps
        ]
        for name, steps in raw.items()
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep splink's talk off the terminal."""
    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
