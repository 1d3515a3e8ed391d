"""A file looked at: what its columns seem to be, and how geoscore would read them.

The proposal maps what is sure enough; the rest is left to the person who knows the file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from geoscore.errors import without_rows
from geoscore.ingest.columns import SAMPLE_ROWS, ColumnGuess, infer_columns
from geoscore.ingest.fec import is_fec
from geoscore.ingest.files import read_file
from geoscore.ingest.vocabulary import header_words
from geoscore.project import Column, Source
from geoscore.standardize import parse_money_band

SURE_ENOUGH: Final = 0.5
"""A guess below this is shown, and not used."""
SECOND_HAND: Final = re.compile(
    r"\b(mail|mailing|mailed|m|work|business|office|alt|alternate|previous|old|spouse|birth|employer|company|owner2|fax|"
    r"seasonal|second|secondary|2)\b"
)
"""Words of headers whose columns say where else somebody is to be found."""
ONE_COLUMN: Final = {
    "first_name": "first_name",
    "middle_name": "middle_name",
    "last_name": "last_name",
    "name_suffix": "name_suffix",
    "full_name": "full_name",
    "city": "city",
    "state": "state",
    "zip": "zip",
    "date_of_birth": "date_of_birth",
    "birth_year": "birth_year",
    "age": "age",
    "ssn": "ssn",
    "email": "email",
    "phone": "phone",
    "longitude": "longitude",
    "latitude": "latitude",
    "income_usd": "income_usd",
    "income_band": "income_band",
    "home_value_usd": "home_value_usd",
    "assets_usd": "assets_usd",
    "net_worth_usd": "net_worth_usd",
    "largest_gift_usd": "largest_gift_usd",
    "gift_usd": "largest_gift_usd",
}
"""Kinds of columns, and the field that a column of the kind is mapped to."""
STREET_PARTS: Final = ("house_number", "street_direction", "street_name", "street_type")
REFUSED: Final = "individual contributions of the FEC: geoscore does not use them (52 U.S.C. 30111(a)(4))"
READABLE_BANDS: Final = 0.8


@dataclass(frozen=True)
class FileProfile:
    """What a file seems to hold, from its first rows."""

    path: Path
    columns: tuple[ColumnGuess, ...]
    rows_sampled: int
    notes: tuple[str, ...] = ()
    unreadable_bands: frozenset[str] = field(default=frozenset())

    def to_dict(self) -> dict[str, Any]:
        """Return the profile ready for JSON."""
        columns = [guess.to_dict() for guess in self.columns]
        return {
            "path": str(self.path),
            "rows_sampled": self.rows_sampled,
            "notes": list(self.notes),
            "columns": columns,
        }


def inspect_file(path: Path, *, sheet: str | None = None, to_use: bool = False) -> FileProfile:
    r"""Look at the first rows of a file.

    Parameters
    ----------
    path
        A file as ``read_file`` takes it.
    sheet
        Sheet of a spreadsheet, or table of a database.
    to_use
        What the file holds is going to be used.

    Raises
    ------
    InputError
        It cannot be read.
    PolicyError
        It is going to be used, and may not be.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("Full Name,Zip\nAnn Lee,94301\n")
    >>> [guess.kind for guess in inspect_file(path).columns]
    ['full_name', 'zip']
    """
    raw = read_file(path, sheet=sheet, to_look=not to_use)
    batches, rows = [], 0
    for batch, _ in raw.batches:
        batches.append(batch)
        rows += batch.num_rows
        if rows >= SAMPLE_ROWS:
            break
    if not rows:
        raise without_rows(path)
    sample = pa.Table.from_batches(batches).slice(0, SAMPLE_ROWS)
    guesses = infer_columns(sample)
    coded = {
        guess.name
        for guess in guesses
        if guess.kind == "income_band" and not _bands_can_be_read(sample.column(guess.name))
    }
    notes = [*raw.notes, *([REFUSED] if is_fec(raw.names) else [])]
    return FileProfile(path, tuple(guesses), sample.num_rows, tuple(notes), frozenset(coded))


def _bands_can_be_read(values: pa.ChunkedArray) -> bool:
    parsed = parse_money_band(values.combine_chunks())
    known = len(values) - values.null_count
    return known == 0 or sum(parsed.bad.to_pylist()) <= (1 - READABLE_BANDS) * known


def propose_source(profile: FileProfile, *, name: str, leave: Sequence[str] = ()) -> Source | None:
    """Return how geoscore would read a file, or None where nothing in it can be used.

    Parameters
    ----------
    profile
        What ``inspect_file`` found.
    name
        What the source is to be called.
    leave
        Columns that are not to be mapped.

    Examples
    --------
    >>> from geoscore.ingest.columns import infer_columns
    >>> guesses = infer_columns(pa.table({"No": ["12"], "Street Name": ["Oak St"], "ZIP": ["94301"]}))
    >>> source = propose_source(FileProfile(Path("a.csv"), tuple(guesses), 1), name="a")
    >>> source.columns["zip"]
    'ZIP'
    """
    usable = [guess for guess in profile.columns if guess.confidence >= SURE_ENOUGH and guess.name not in leave]
    usable = [guess for guess in usable if guess.missing < 1 and guess.sensitive is None]
    columns: dict[str, Column] = {}
    for kind, target in ONE_COLUMN.items():
        found = _best([guess for guess in usable if guess.kind == kind])
        if found and target not in columns and found.name not in profile.unreadable_bands:
            columns[target] = found.name
    columns |= _street(usable)
    columns = _consistent(columns)
    if not columns:
        return None
    ids = [guess for guess in usable if guess.kind == "id"]
    unique = [guess for guess in ids if guess.missing == 0 and guess.distinct == profile.rows_sampled]
    return Source(name=name, path=profile.path, columns=columns, id=unique[0].name if unique else None)


def _best(guesses: Sequence[ColumnGuess]) -> ColumnGuess | None:
    """Return the first of the surest columns; those about another address or person only where there is no other."""
    first_hand = [guess for guess in guesses if not SECOND_HAND.search(header_words(guess.name))] or list(guesses)
    return max(first_hand, key=lambda guess: (guess.confidence, -guess.missing > -ENOUGH_FILLED), default=None)


ENOUGH_FILLED: Final = 0.9


def _street(usable: Sequence[ColumnGuess]) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    whole = _best([guess for guess in usable if guess.kind == "street"])
    parts = [
        guess for guess in usable if guess.kind in STREET_PARTS and not SECOND_HAND.search(header_words(guess.name))
    ]
    if whole and not (
        SECOND_HAND.search(header_words(whole.name)) and any(part.kind == "street_name" for part in parts)
    ):
        columns["street"] = whole.name
    elif any(part.kind == "street_name" for part in parts):
        columns["street"] = [part.name for part in parts] if len(parts) > 1 else parts[0].name
    units = [
        guess.name for guess in usable if guess.kind == "unit" and not SECOND_HAND.search(header_words(guess.name))
    ]
    if units:
        columns["unit"] = units[:2] if len(units) > 1 else units[0]
    return columns


def _consistent(columns: dict[str, Column]) -> dict[str, Column]:
    """Leave out what another column says better, and halves of a pair."""
    if "first_name" in columns and "last_name" in columns:
        columns.pop("full_name", None)
    if ("longitude" in columns) != ("latitude" in columns):
        columns.pop("longitude", None)
        columns.pop("latitude", None)
    if "date_of_birth" in columns or "age" in columns:
        columns.pop("birth_year", None)
    if "income_usd" in columns:
        columns.pop("income_band", None)
    return columns


def source_names(paths: Sequence[Path]) -> list[str]:
    """Return a name for each file, from its own name, no two alike.

    Examples
    --------
    >>> source_names([Path("my list.csv"), Path("b/my list.csv"), Path("x.csv.gz")])
    ['my_list', 'my_list-2', 'x']
    """
    names: list[str] = []
    for path in paths:
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", path.name.split(".")[0]).strip("_.-")[:50] or "file"
        number = 1
        while (name := stem if number == 1 else f"{stem}-{number}") in names:
            number += 1
        names.append(name)
    return names
