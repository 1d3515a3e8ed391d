"""Dates as people write them: ISO, American, European, with names of months, in one column hopefully one way.

``3/4/1970`` alone says not whether March or April is meant; the other dates of its column do, or nobody does.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from geoscore.standardize.values import Parsed, UnreadableError, parse_each

DateOrder = Literal["mdy", "dmy", "mixed"]
"""Month first, day first, or both in one column: then a date that reads both ways is not read at all."""

_SLASHED: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?:[ T].*)?")
_ISO: Final = re.compile(r"(\d{4})[/.-]?(\d{2})[/.-]?(\d{2})(?:[ T].*|\.0)?")
_NAMED: Final = re.compile(r"(?:(\d{1,2})[ -])?([A-Za-z]{3,9})\.?[ -](?:(\d{1,2})(?:st|nd|rd|th)?,? )?(\d{4}|\d{2})")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CENTURY: Final = 100
"""A year of two digits is the last such year that is not ahead of us."""


def parse_date(values: pa.Array, *, order: DateOrder = "mdy") -> Parsed:
    """Return dates as ISO texts, ``YYYY-MM-DD``, of shape (n,).

    Parameters
    ----------
    values
        Texts or Arrow dates, of shape (n,).
    order
        What ``3/4/1970`` means in this column; see ``find_date_order``.

    Examples
    --------
    >>> parse_date(pa.array(["3/4/1970", "1970-04-03", "Apr 3, 1970", "19700403", "31/4/70"])).values.to_pylist()
    ['1970-03-04', '1970-04-03', '1970-04-03', '1970-04-03', None]
    >>> parse_date(pa.array(["3/4/1970", "25/4/1970"]), order="mixed").values.to_pylist()
    [None, '1970-04-25']
    """
    if pa.types.is_temporal(values.type):
        values = pc.strftime(values.cast(pa.timestamp("s")), format="%Y-%m-%d")
    return parse_each(values.cast(pa.string()), lambda text: _date(text, order), pa.string())


def find_date_order(values: pa.Array) -> tuple[int, int]:
    """Count the dates that can only be read month first, and those that can only be read day first.

    Examples
    --------
    >>> find_date_order(pa.array(["3/25/1970", "3/4/1970", "25/3/1970", "1970-03-25"]))
    (1, 1)
    """
    if pa.types.is_temporal(values.type):
        return 0, 0
    counts = pc.value_counts(values.cast(pa.string()))
    month_first = day_first = 0
    for text, count in zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True):
        if text and (found := _SLASHED.fullmatch(text.strip())):
            one, two = int(found.group(1)), int(found.group(2))
            month_first += count * (one <= 12 < two <= 31)  # noqa: PLR2004  months and days
            day_first += count * (two <= 12 < one <= 31)  # noqa: PLR2004
    return month_first, day_first


def choose_date_order(counts: Sequence[tuple[int, int]]) -> DateOrder:
    """Return how a column writes its dates, from the counts of its parts; month first where nothing tells.

    Examples
    --------
    >>> choose_date_order([(3, 0), (2, 0)]), choose_date_order([(0, 3)]), choose_date_order([(3, 1)])
    ('mdy', 'dmy', 'mixed')
    """
    month_first, day_first = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    if month_first and day_first:
        return "mixed"
    return "dmy" if day_first else "mdy"


def _date(text: str, order: DateOrder) -> str:
    try:
        return _read(text, order).isoformat()
    except ValueError as error:
        raise UnreadableError from error


def _read(text: str, order: DateOrder) -> date:
    if found := _ISO.fullmatch(text):
        return date(*(int(part) for part in found.groups()))
    if found := _SLASHED.fullmatch(text):
        one, two, year = int(found.group(1)), int(found.group(2)), _year(found.group(3))
        if order == "mixed":
            if one != two and max(one, two) <= 12:  # noqa: PLR2004
                raise UnreadableError
            order = "dmy" if one > 12 else "mdy"  # noqa: PLR2004
        return date(year, two, one) if order == "dmy" else date(year, one, two)
    if found := _NAMED.fullmatch(text):
        before, month, after, year_text = found.groups()
        if (before is None) == (after is None) or month[:3].lower() not in _MONTHS:
            raise UnreadableError
        return date(_year(year_text), _MONTHS.index(month[:3].lower()) + 1, int(before or after))
    raise UnreadableError


def _year(text: str) -> int:
    year = int(text)
    if len(text) > 2:  # noqa: PLR2004
        return year
    this = datetime.now(tz=UTC).year
    return year + this // _CENTURY * _CENTURY - (_CENTURY if year > this % _CENTURY else 0)
