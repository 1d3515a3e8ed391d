"""Several gifts with dates: a list of gifts becomes households as they stood on a day, and what they gave after it.

A row of the list is a gift. What came before the day is what a model may look at; what came in the time after it is the
outcome, and nothing of it is looked at.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from geoscore.errors import InputError

WINDOW_DAYS: Final = 365
"""How long after the day gifts count as the outcome."""
STANDINGS: Final = 4
FEWEST: Final = 25
"""Households that gave, and that did not, in a year that is learned from."""
OWN: Final = ("household", "gave", "amount", "standing")
"""Columns of a standing that are no features."""


@dataclass(frozen=True)
class Standing:
    """Households as they stood on a day.

    Attributes
    ----------
    rows
        One for each household that had given by then: ``household``, what is known of its gifts, ``gave`` and
        ``amount`` of the time after.
    notes
        What was left out, in words.
    """

    rows: pa.Table
    notes: tuple[str, ...]


def households_as_of(
    household: pa.Array,
    days: pa.Array,
    usd: pa.Array,
    *,
    as_of: date,
    outcome: bool = True,
) -> Standing:
    """Sum up a list of gifts by household, before a day and after it.

    Parameters
    ----------
    household
        Who gave each gift, shape (n,).
    days
        When: days from 1970, null where not known.
    usd
        How much; refunds are negative and lessen what was given.
    as_of
        The last day that is known.
    outcome
        Whether to say what came in the year after it; later gifts are not looked at.

    Raises
    ------
    InputError
        No gift lies before the day, or an outcome is wanted and none lies after it.

    Examples
    --------
    >>> day = (date(2024, 1, 1) - date(1970, 1, 1)).days
    >>> found = households_as_of(pa.array(["a", "a", "b"]), pa.array([day - 10, day + 5, day - 400]),
    ...                          pa.array([20.0, 30.0, 5.0]), as_of=date(2024, 1, 1))
    >>> found.rows.select(["household", "gifts", "days_since_last", "gave", "amount"]).to_pylist()[0]
    {'household': 'a', 'gifts': 1, 'days_since_last': 10.0, 'gave': 1, 'amount': 30.0}
    """
    frame = pd.DataFrame({"household": household.to_pandas(), "day": days.to_pandas(), "usd": usd.to_pandas()})
    known = frame.dropna(subset=["household", "day"])
    notes = [] if len(known) == len(frame) else [f"{len(frame) - len(known):,} gifts have no donor or no date"]
    today = (as_of - date(1970, 1, 1)).days
    before = known[known["day"] <= today]
    after = known[(known["day"] > today) & (known["day"] <= today + WINDOW_DAYS)]
    if not len(before) or (outcome and not len(after)):
        side = "after" if len(before) else "on or before"
        raise InputError(
            f"no gift lies {side} {as_of}; give the day up to which gifts are known with --as-of, so that some lie"
            " before and some after it"
        )
    beyond = len(known) - len(before) - len(after)
    if beyond:
        notes.append(f"{beyond:,} gifts after {as_of + timedelta(days=WINDOW_DAYS)} are not looked at")
    groups = before.groupby("household", sort=True)
    rows = pd.DataFrame(
        {
            "gifts": groups.size(),
            "usd_total": groups["usd"].sum(),
            "usd_mean": groups["usd"].mean(),
            "usd_largest": groups["usd"].max(),
            "usd_last": before.sort_values(["day", "usd"]).groupby("household")["usd"].last(),
            "days_since_last": (today - groups["day"].max()).astype(float),
            "days_since_first": (today - groups["day"].min()).astype(float),
            "gifts_last_year": before[before["day"] > today - WINDOW_DAYS].groupby("household").size(),
        }
    )
    rows["gifts_last_year"] = rows["gifts_last_year"].fillna(0.0)
    between = (rows["days_since_first"] - rows["days_since_last"]) / (rows["gifts"] - 1)
    rows["days_between_gifts"] = between.where(rows["gifts"] > 1)
    if not outcome:
        return Standing(_table(rows), tuple(notes))
    came = after.groupby("household")["usd"].sum().reindex(rows.index).fillna(0.0)
    rows["gave"] = (came > 0).astype(int)
    rows["amount"] = np.where(came > 0, came, 0.0)
    new = after["household"].nunique() - int(rows["gave"].sum())
    if new > 0:
        notes.append(f"{new:,} households gave for the first time after {as_of}: nothing was known of them")
    return Standing(_table(rows), tuple(notes))


def _table(rows: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rows.reset_index(), preserve_index=False).replace_schema_metadata()


def stack_standings(household: pa.Array, days: pa.Array, usd: pa.Array, *, as_of: date) -> tuple[pa.Table, Standing]:
    """Return households as they stood a year before the day, two years, three, and what came in the year after each.

    Parameters
    ----------
    household, days, usd, as_of
        As for ``households_as_of``; years without enough gifts are left out.

    Returns
    -------
    Table
        Rows of every standing, the earliest first, with ``standing`` counting them from 0.
    Standing
        That of the day itself.
    """
    last = households_as_of(household, days, usd, as_of=as_of)
    found = [last.rows]
    for years in range(1, STANDINGS):
        try:
            earlier = households_as_of(household, days, usd, as_of=as_of - timedelta(days=WINDOW_DAYS * years))
        except InputError:
            break
        gave = np.asarray(earlier.rows["gave"].to_numpy())
        if min(gave.sum(), (1 - gave).sum()) < FEWEST:
            break
        found.insert(0, earlier.rows)
    counted = [
        rows.append_column("standing", pa.array(np.full(rows.num_rows, float(number))))
        for number, rows in enumerate(found)
    ]
    return pa.concat_tables(counted, promote_options="permissive"), last
