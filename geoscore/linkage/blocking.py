"""Blocking: which pairs of records are worth looking at.

Rules are counted before they run; one that would explode is refused with its count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.linkage.keys import codes_of

PAIRS_PER_RECORD: Final = 15
"""A rule may give so many pairs a record; one that gives more does not tell records apart."""
PAIRS_IN_ALL: Final = 5_000_000
"""So many may be looked at for a few records, ``PAIRS_PER_RECORD`` times the records for many."""


@dataclass(frozen=True)
class Rule:
    """Two records are looked at where they agree in these columns; ``narrower`` ones stand in where it explodes."""

    columns: tuple[str, ...]
    narrower: tuple[tuple[str, ...], ...] = ()


RULES: Final = (
    Rule(("spot",), narrower=(("spot", "last"), ("home",))),
    Rule(("ssn",)),
    Rule(("email",)),
    Rule(("phone",)),
    Rule(("names", "zip"), narrower=(("names", "zip", "number"),)),
    Rule(("names", "born")),
    Rule(("line", "last")),
    Rule(("number", "zip", "last")),
    Rule(("names", "number")),
    Rule(("stem", "zip")),
    Rule(("born", "zip")),
    Rule(("number", "zip", "first")),
    Rule(("line", "first")),
    Rule(("stem", "initials")),
    Rule(("street", "zip", "initials")),
    Rule(("born", "last")),
    Rule(("born", "first")),
    Rule(("names", "city")),
    Rule(("names",)),
    Rule(("line",)),
    Rule(("born",)),
    Rule(("number", "zip")),
    Rule(("last", "zip")),
    Rule(("first", "zip")),
    Rule(("last", "street")),
    Rule(("first", "street")),
    Rule(("last", "city")),
    Rule(("first", "city")),
    Rule(("number", "last")),
    Rule(("number", "first")),
    Rule(("number", "city")),
    Rule(("street", "zip")),
    Rule(("street", "city")),
)
"""From the surest to the widest; all whose columns are there and that do not explode are used."""


def condition(columns: Sequence[str]) -> str:
    """Return the rule that two records agree in these columns, as splink reads it.

    Examples
    --------
    >>> condition(["names", "zip"])
    'l.names = r.names and l.zip = r.zip'
    """
    return " and ".join(f"l.{name} = r.{name}" for name in columns)


class Verdict(StrEnum):
    """What became of a rule."""

    USED = "used"
    ENOUGH = "not used, surer rules give enough"
    REFUSED = "refused, it does not tell records apart"


@dataclass(frozen=True)
class CountedRule:
    """A rule with the pairs that it gives, and what became of it."""

    columns: tuple[str, ...]
    pairs: int
    verdict: Verdict

    @property
    def used(self) -> bool:
        """Whether its pairs are looked at."""
        return self.verdict is Verdict.USED

    def __str__(self) -> str:
        """Say it in one line."""
        return f"same {' and '.join(self.columns)}: {self.pairs:,} pairs, {self.verdict.value}"


def every_block(rules: Sequence[Rule] = RULES) -> list[tuple[str, ...]]:
    """Return the columns of every rule, and of those that may stand in for it, each once.

    Examples
    --------
    >>> every_block([Rule(("spot",), narrower=(("spot", "last"),)), Rule(("ssn",))])
    [('spot',), ('spot', 'last'), ('ssn',)]
    """
    return list(dict.fromkeys(columns for rule in rules for columns in (rule.columns, *rule.narrower)))


def choose_rules(
    pairs: Mapping[tuple[str, ...], int], *, records: int, rules: Sequence[Rule] = RULES
) -> list[CountedRule]:
    """Say which rules are used, by the pairs that each of them gives.

    Parameters
    ----------
    pairs
        How many pairs of records agree in the columns of each rule, as ``every_block`` lists them.
    records
        How many records there are.
    rules
        From the surest to the widest.

    Returns
    -------
    list of CountedRule
        Rules with at least one pair, in their order; an exploding one is followed by the narrower that stand in for it.

    Examples
    --------
    >>> for rule in choose_rules({("email",): 12_497_501}, records=5002, rules=[Rule(("email",))]):
    ...     print(rule)
    same email: 12,497,501 pairs, refused, it does not tell records apart
    """
    most = max(PAIRS_IN_ALL, PAIRS_PER_RECORD * records)
    counted: list[CountedRule] = []
    for rule in rules:
        for columns in (rule.columns, *(rule.narrower if pairs[rule.columns] > most else ())):
            left = most - sum(item.pairs for item in counted if item.used)
            exploded = pairs[columns] > most
            verdict = Verdict.REFUSED if exploded else Verdict.USED if pairs[columns] <= left else Verdict.ENOUGH
            counted.append(CountedRule(columns, pairs[columns], verdict))
    return [rule for rule in counted if rule.pairs]


def count_pairs(entities: pa.Table, columns: Sequence[str]) -> int:
    """Return how many pairs of records agree in all of ``columns``, without making them.

    Examples
    --------
    >>> count_pairs(pa.table({"zip": ["94301", "94301", "94301", None, None]}), ["zip"])
    3
    """
    columns_ = [entities[name].cast(pa.string()) for name in columns]
    joined = columns_[0] if len(columns_) == 1 else pc.binary_join_element_wise(*columns_, "\x1f")
    joined = joined if isinstance(joined, pa.ChunkedArray) else pa.chunked_array([joined])
    codes = codes_of(joined)
    sizes = np.bincount(codes[codes >= 0]).astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())
