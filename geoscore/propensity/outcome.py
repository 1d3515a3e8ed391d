"""Outcomes: who gave and how much, read from columns as people keep them, and refused where they contradict."""

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.errors import InputError
from geoscore.propensity.features import kind_of, numbers_of, texts_of
from geoscore.standardize import parse_money

Floats = npt.NDArray[np.float64]
YES: Final = frozenset(
    ("yes", "y", "true", "t", "1", "1.0", "gave", "give", "donated", "donor", "responded", "responder", "x", "gift")
)
NO: Final = frozenset(
    """no;n;false;f;0;0.0;not;none given;did not give;didn't give;not donated;non-donor;nondonor;non donor;no gift;
    did not respond;no response;non-responder""".replace("\n", "")
    .replace("    ", "")
    .split(";")
)
FEWEST_GIVERS: Final = 25
"""Households that gave, and that did not, from which anything can be learned."""
CONTRADICTIONS: Final = 0.02
MOST_COUNTED: Final = 12
"""Whole numbers up to this are counts of gifts, not dollars."""
SYMBOLS: Final = {"$": "US dollars", "€": "euros", "£": "pounds", "¥": "yen", "₹": "rupees", "USD": "US dollars",
                  "EUR": "euros", "GBP": "pounds", "CAD": "Canadian dollars", "AUD": "Australian dollars"}  # fmt: skip
_SYMBOL: Final = re.compile(r"[$€£¥₹]|(?<![A-Z])(?:USD|EUR|GBP|CAD|AUD)(?![A-Z])")


@dataclass(frozen=True)
class Outcome:
    """What became of each household.

    Attributes
    ----------
    gave
        1 gave, 0 did not, NaN not known; shape (n,).
    amount_usd
        Of those who gave, NaN where not known; None where no amounts are kept.
    notes
        What was found and how it was taken, for the model's card.
    unlabelled
        Only givers are known: whoever is not one may be one all the same.
    """

    gave: Floats
    amount_usd: Floats | None
    notes: tuple[str, ...] = ()
    unlabelled: bool = False


def read_outcome(rows: pa.Table, *, gave: str | None, amount: str | None, unlabelled: bool = False) -> Outcome:
    """Read who gave, and how much.

    Parameters
    ----------
    rows
        The columns named.
    gave
        Column of yes and no, of 1 and 0, or of amounts, where nothing or zero means no gift. Without it whoever has an
        amount gave.
    amount
        Column of amounts in US dollars.
    unlabelled
        Only gifts are known: everybody else may or may not be a giver.

    Raises
    ------
    InputError
        The column is of no kind that says who gave, all or nobody gave, too few did, the amounts are of another gift,
        or in several currencies.

    Examples
    --------
    >>> table = pa.table({"gave": ["yes", "no", None] * 30, "gift": ["$25.50", "0", ""] * 30})
    >>> found = read_outcome(table, gave="gave", amount="gift")
    >>> found.gave[:3].tolist(), found.amount_usd[:1].tolist()
    ([1.0, 0.0, nan], [25.5])
    """
    if gave is None and amount is None:
        raise InputError("nothing says who gave; name a column with --gave, or --amount")
    notes: list[str] = []
    amounts = amounts_of(rows, amount, notes) if amount is not None else None
    if gave is None or gave == amount:
        known = _flags_from(np.asarray(amounts), notes)
    else:
        known, own = _flags(rows[gave], gave, notes)
        amounts = own if amounts is None else amounts
    if amounts is not None:
        known, amounts = _agreed(known, amounts, str(amount or gave), notes)
    if not unlabelled and gave is not None and not (known == 0.0).any() and int(np.isnan(known).sum()) >= FEWEST_GIVERS:
        unlabelled = True
        notes.append(f"column {gave} says only who gave: households without a value may be givers too")
    if unlabelled:
        known = np.where(known == 1.0, 1.0, 0.0)
    _check(known, str(gave or amount), unlabelled=unlabelled)
    unknown = int(np.isnan(known).sum())
    if unknown:
        notes.append(f"{unknown:,} rows say not whether they gave and are left out of the fit")
    return Outcome(known, amounts, tuple(notes), unlabelled)


def _flags(column: pa.ChunkedArray, name: str, notes: list[str]) -> tuple[Floats, Floats | None]:
    """Return who gave, and the amounts where the column holds these."""
    text = pc.utf8_lower(texts_of(column))
    words = set(text.unique().drop_null().to_pylist())
    if words and words <= YES | NO:
        flags = pc.cast(pc.is_in(text, value_set=pa.array(sorted(YES))), pa.float64())
        return np.array(pc.if_else(pc.is_null(text), None, flags).to_numpy(zero_copy_only=False), float), None
    parsed = parse_money(text)
    if pc.any(parsed.bad).as_py() or not words:
        seen = ", ".join(sorted(words)[:4]) or "nothing"
        raise InputError(
            f"column {name!r} does not say who gave: it holds {seen}; it needs yes and no, 1 and 0, or amounts"
        )
    values = numbers_of(parsed.values)
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) == 2 and distinct[0] > 0:  # noqa: PLR2004  such as 1 and 2
        raise InputError(
            f"column {name!r} holds {distinct[0]:g} and {distinct[1]:g}: which of them gave? write 1 and 0"
        )
    if (distinct % 1 == 0).all() and distinct.max(initial=0) <= MOST_COUNTED:
        notes.append(f"column {name} counts gifts: one or more is a gift")
        return _flags_from(values, notes), None
    notes.append(f"column {name} holds amounts: more than zero is a gift")
    return _flags_from(values, notes), values


def _flags_from(amounts: Floats, notes: list[str]) -> Floats:
    """Return who gave where only amounts are known: a missing amount is no gift."""
    _note_refunds(amounts, notes)
    return (np.nan_to_num(amounts, nan=0.0) > 0).astype(np.float64)


def _note_refunds(amounts: Floats, notes: list[str]) -> None:
    """Note all negative amounts, once."""
    refunds = int((amounts < 0).sum())
    told = f"{refunds:,} amounts are negative (refunds): they count as no gift"
    if refunds and told not in notes:
        notes.append(told)


def amounts_of(rows: pa.Table, name: str, notes: list[str] | None = None) -> Floats:
    """Return a column of amounts in US dollars, NaN where none is known.

    Raises
    ------
    InputError
        It holds something else, or several currencies.
    """
    notes = [] if notes is None else notes
    column = rows[name]
    if kind_of(column.type) == "number":
        return numbers_of(column)
    text = texts_of(column)
    _one_currency(text, name)
    parsed = parse_money(text)
    bad = int(pc.sum(parsed.bad.cast(pa.int64())).as_py() or 0)
    if bad > CONTRADICTIONS * len(text):
        shown = text.filter(parsed.bad)[0].as_py()
        raise InputError(f"column {name!r} does not hold amounts in US dollars: {bad:,} rows such as {shown[:20]!r}")
    if bad:
        notes.append(f"{bad:,} amounts cannot be read and count as not known")
    return numbers_of(parsed.values)


def _one_currency(text: pa.Array, name: str) -> None:
    marks: set[str] = set()
    for value in text.unique().drop_null().to_pylist():
        marks.update(SYMBOLS[mark] for mark in _SYMBOL.findall(value.upper()))
    if len(marks) > 1 or marks - {"US dollars"}:
        raise InputError(
            f"column {name!r} holds amounts in {' and '.join(sorted(marks))}; bring them to US dollars in one column"
        )


def _agreed(gave: Floats, amounts: Floats, name: str, notes: list[str]) -> tuple[Floats, Floats]:
    """Return flags and amounts that agree with each other."""
    amounts = amounts.copy()
    odd = (gave == 0.0) & (amounts > 0)
    if odd.sum() > max(CONTRADICTIONS * (gave == 0.0).sum(), 5):
        raise InputError(
            f"column {name!r} has amounts in {int(odd.sum()):,} rows that did not give: it is of another gift; "
            "name the amount of this one"
        )
    if odd.any():
        notes.append(f"{int(odd.sum()):,} rows have an amount and did not give: they are left out as contradictions")
        gave = np.where(odd, np.nan, gave)
    _note_refunds(amounts, notes)
    gave = np.where((gave == 1.0) & (amounts < 0), 0.0, gave)
    amounts[~((gave == 1.0) & (amounts > 0))] = np.nan
    nothing = int(((gave == 1.0) & np.isnan(amounts)).sum())
    if nothing:
        notes.append(f"{nothing:,} households gave and their amount is not known: they teach who gives, not how much")
    return gave, amounts


def _check(gave: Floats, name: str, *, unlabelled: bool) -> None:
    givers, others = int((gave == 1.0).sum()), int((gave == 0.0).sum())
    if not givers or not others:
        who = "everybody" if givers else "nobody"
        mend = (
            "add households that did not give; or households of whom nothing is known, with an empty value, and state "
            "with --prevalence LOW:MID:HIGH what share of them would give"
        )
        raise InputError(f"column {name!r} has one class only: {who} gave, so there is nothing to compare; {mend}")
    if min(givers, others) < FEWEST_GIVERS:
        few, what = (givers, "gave") if givers <= others else (others, "did not give")
        what = what if not unlabelled or few == givers else "are left to compare with"
        raise InputError(
            f"only {few} households {what} by column {name!r}; at least {FEWEST_GIVERS} are needed to learn from"
        )


def check_currencies(rows: pa.Table, outcome: Any) -> None:
    """Refuse a file whose column of currencies names several among the households that gave.

    Raises
    ------
    InputError
        It does.
    """
    for name in rows.column_names:
        if re.fullmatch(r"(gift|amount|payment)?[ _-]?(currency|currency[ _-]?(iso)?[ _-]?code|curr)", name.lower()):
            found = sorted(
                set(texts_of(rows[name]).filter(pa.array(outcome.gave == 1.0)).unique().to_pylist()) - {None}
            )
            if len(found) > 1 and outcome.amount_usd is not None:
                raise InputError(
                    f"column {name!r} says that gifts are in {', '.join(found[:4])}; bring all to US dollars first"
                )
