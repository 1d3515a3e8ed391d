"""The first rows of a file: which is the header, whether it is already a household, and the names in it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from geoscore.errors import InputError
from geoscore.ingest.vocabulary import WORDS

KINDS: Final = (
    ("e-mail", re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")),
    ("date", re.compile(r"\d{4}-\d\d?-\d\d?([ T][\d:.Z+-]+)?|\d\d?([/.])\d\d?\2(\d{4}|\d\d)")),
    ("telephone", re.compile(r"(\+?1[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}")),
    ("ZIP code", re.compile(r"\d{5}(-\d{4})?")),
    ("amount", re.compile(r"-?\$ ?\d[\d,]*(\.\d+)?|-?\d{1,3}(,\d{3})+(\.\d+)?|-?\d+\.\d+")),
)
PLAIN: Final = ("e-mail", "date", "telephone")
"""Kinds that no column is ever called by, even beside a word such as Email."""
SOME_ROWS: Final = 20


def find_header(rows: Sequence[Sequence[str]]) -> int:
    """Return the place of the header among a sheet's first rows: 0, or below titles that somebody set above it.

    Titles fill one or two cells; the header fills at least half of the widest row, three cells or more, holds no number,
    date or e-mail, and some of its cells are words that columns are called by.

    Parameters
    ----------
    rows
        Cells of the first rows, from the first.

    Examples
    --------
    >>> find_header([["Donors FY26", "", ""], ["", "", ""], ["Name", "Zip", "Gift"], ["Ann Lee", "94301", "25"]])
    2
    >>> find_header([["Name", "Zip", "Gift"], ["Ann Lee", "94301", "25"]])
    0
    """
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    widest = max(filled, default=0)
    place = next((i for i, count in enumerate(filled) if count >= MOST_OF_A_TITLE + 1 and 2 * count >= widest), 0)
    names = [cell for cell in rows[place] if cell.strip()] if place else []
    data = any(kind_of(cell) or re.fullmatch(r"[\d.,%$ -]+", cell.strip()) for cell in names)
    is_header = not data and sum(map(_is_name, names)) >= SOME_NAMES and max(filled[:place]) <= MOST_OF_A_TITLE
    return place if place and is_header else 0


MOST_OF_A_TITLE: Final = 2
SOME_NAMES: Final = 2


def check_header(path: Path, first: Sequence[str], below: Sequence[Sequence[str]]) -> None:
    """Refuse a file whose first row looks like the rows below it, for that household would be lost.

    Parameters
    ----------
    path
        The file, for the error.
    first
        Cells of its first row.
    below
        Cells of some rows that follow.

    Raises
    ------
    InputError
        Most telling cells (e-mails, dates, ZIP codes, amounts) of the first row stand above cells of the same kind,
        and no other cell is a word that columns are called by.

    Examples
    --------
    >>> check_header(Path("a.csv"), ["zip", "2019", "2020"], [["94301", "1.5", "2.5"]])
    >>> check_header(Path("a.csv"), ["Pat", "94301"], [["Kim", "94110"]])
    Traceback (most recent call last):
    geoscore.errors.InputError: a.csv: the first row looks like data (ZIP code '94301'); add a header line above it
    """
    telling = [(i, kind) for i, cell in enumerate(first) if (kind := kind_of(cell))]
    same = [(i, kind) for i, kind in telling if _mostly(kind, i, below)]
    if not same or 2 * len(same) < len(telling):
        return
    if any(map(_is_name, first)) and not any(kind in PLAIN for _, kind in same):
        return
    i, kind = same[0]
    # the kind and the place, for what stands there may be someone's address
    shown = repr(first[i]) if kind == "ZIP code" else f"in column {i + 1}"
    raise InputError(f"{path}: the first row looks like data ({kind} {shown}); add a header line above it")


def name_columns(cells: Sequence[str]) -> list[str]:
    """Return the names in a header, with one made up for every cell without.

    Examples
    --------
    >>> name_columns(["zip ", "", "income"])
    ['zip', 'column_2', 'income']
    """
    return [cell.strip() or f"column_{i}" for i, cell in enumerate(cells, 1)]


def kind_of(cell: str) -> str | None:
    """Return what a cell holds if that tells data from names of columns.

    Examples
    --------
    >>> kind_of("94301-1234"), kind_of("$1,200"), kind_of("2019")
    ('ZIP code', 'amount', None)
    """
    return next((kind for kind, pattern in KINDS if pattern.fullmatch(cell.strip())), None)


def _mostly(kind: str, i: int, below: Sequence[Sequence[str]]) -> bool:
    cells = [row[i] for row in below[:SOME_ROWS] if i < len(row) and row[i].strip()]
    return 2 * sum(kind_of(cell) == kind for cell in cells) >= len(cells)


def _is_name(cell: str) -> bool:
    """Say whether it is made of words that columns are called by, such as Street_Address or zipCode."""
    words = re.findall(r"[A-Z]?[a-z]+\d*|[A-Z]+\d*(?![a-z])", cell)
    return bool(words) and not cell.strip()[0].isdigit() and all(word.lower() in WORDS for word in words)
