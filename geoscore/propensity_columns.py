"""Columns of a file as a propensity model may see them: in their own types, the refused ones with the reason; places.

What says who or where a household is, or speaks of what people may not be sorted by, is no feature.
"""

import re
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.errors import InputError, missing_column, without_rows
from geoscore.ingest.cards import describe_feature
from geoscore.ingest.columns import ColumnGuess
from geoscore.ingest.files import read_file
from geoscore.propensity.features import days_before, kind_of, numbers_of, texts_of
from geoscore.propensity.outcome import amounts_of
from geoscore.spatial.cells import cell_text, cells_from_points

BLOCK_RESOLUTION, REGION_RESOLUTION = 4, 2
WHO: Final = ("full_name", "first_name", "middle_name", "last_name", "name_suffix", "email", "phone", "ssn", "street",
              "unit", "street_name", "street_type", "street_direction", "house_number", "date_of_birth")  # fmt: skip
WHERE: Final = ("zip", "zip4", "city", "state", "longitude", "latitude")
PLACE_NAME: Final = re.compile(
    r"(^|[ _])(fips|geoid|geo_?id|tract|census_?block|block_?group|h3(_?cell)?|cell_?id|county|cbsa|msa|dma|precinct|"
    r"zip3|plus4|lat|lon|lng|latitude|longitude)([ _]|$|\d)",
    re.IGNORECASE,
)
CELL: Final = re.compile(r"8[0-9a-f]{14}", re.IGNORECASE)
ASKING: Final = re.compile(
    r"asked|mailed|solicit|appeal|contacted|(?<![a-z])sent(?![a-z])|"
    r"(ask|mail|drop|send)[ _-]?(date|day|on|dt)(?![a-z])",
    re.IGNORECASE,
)
NEARLY_ALL: Final = 0.9
SURE: Final = 0.6
ALL_APART: Final = 0.5
DENSE: Final = 20


def read_table(path: Path, *, sheet: str | None = None) -> tuple[pa.Table, int]:
    """Return the whole of a file as a table in its own types, and how many rows could not be read.

    Raises
    ------
    InputError
        It cannot be read, or has no row.
    PolicyError
        It has the shape of FEC individual-contributor data.
    """
    raw = read_file(path, sheet=sheet)
    batches = [batch for batch, _ in raw.batches]
    if not sum(batch.num_rows for batch in batches):
        raise without_rows(path.name)
    tables = [_plain(pa.Table.from_batches([batch])) for batch in batches]
    return pa.concat_tables(tables, promote_options="permissive").combine_chunks(), len(raw.rejected)


def _plain(table: pa.Table) -> pa.Table:
    """Return a table without dictionaries: categories are texts."""
    fields = [
        pa.field(item.name, item.type.value_type if pa.types.is_dictionary(item.type) else item.type)
        for item in table.schema
    ]
    return table.cast(pa.schema(fields))


def why_refused(guess: ColumnGuess, typed: pa.ChunkedArray) -> str | None:
    """Return why a column may not be a feature, None where it may.

    Parameters
    ----------
    guess
        What the column seems to hold.
    typed
        Its values in their own type.
    """
    if guess.sensitive:
        return f"sensitive: {guess.sensitive}"
    if pa.types.is_nested(typed.type):
        return "holds lists or records"
    if guess.kind in WHERE and guess.confidence >= SURE:
        return "a place: it says where, and would not hold elsewhere; places make the folds"
    if PLACE_NAME.search(guess.name) or _holds_cells(typed):
        return "a place: it says where, and would not hold elsewhere"
    if guess.kind in WHO and guess.confidence >= SURE:
        return f"says who: {guess.kind.replace('_', ' ')}"
    return _why_identifier(guess, typed)


def _why_identifier(guess: ColumnGuess, typed: pa.ChunkedArray) -> str | None:
    known = typed.drop_null()
    n = len(known)
    if n < DENSE:
        return None
    distinct = len(known.unique())
    if pa.types.is_integer(typed.type):
        dense = pc.max(known).as_py() - pc.min(known).as_py() < DENSE * n
        if distinct == n and (dense or guess.kind == "id"):
            return "an identifier: every row has another number"
        return "an identifier" if guess.kind == "id" and distinct > ALL_APART * n else None
    if pa.types.is_string(typed.type) or pa.types.is_large_string(typed.type):
        if distinct > max(ALL_APART * n, DENSE):
            return "an identifier or free text: hardly two rows have the same"
        if distinct > DENSE and guess.kind in ("id", "text") and distinct > n / 10:
            return "an identifier or free text"
    return None


def _holds_cells(typed: pa.ChunkedArray) -> bool:
    if not (pa.types.is_string(typed.type) or pa.types.is_large_string(typed.type)):
        return False
    values = typed.drop_null().slice(0, DENSE).to_pylist()
    return bool(values) and all(CELL.fullmatch(value.strip()) for value in values)


def places_of(table: pa.Table, guesses: dict[str, ColumnGuess]) -> tuple[Any, Any]:
    """Return the small and the large place of every row, as texts; None where a file has no places."""
    by_kind: dict[str, str] = {}
    for guess in guesses.values():
        if guess.kind in WHERE and guess.confidence >= SURE:
            by_kind.setdefault(guess.kind, guess.name)
    states = texts_of(table[by_kind["state"]]).to_pandas() if "state" in by_kind else None
    if "longitude" in by_kind and "latitude" in by_kind:
        lon, lat = (numbers_of(table[by_kind[name]]) for name in ("longitude", "latitude"))
        known = (np.abs(lon) <= 180) & (np.abs(lat) <= 90) & ((lon != 0) | (lat != 0))  # noqa: PLR2004  degrees
        if known.mean() > ALL_APART:
            blocks, regions = (_cells(lon, lat, known, resolution=r) for r in (BLOCK_RESOLUTION, REGION_RESOLUTION))
            return blocks, regions if states is None else states
    if "zip" in by_kind:
        zips = texts_of(table[by_kind["zip"]]).to_pandas()
        # five digits, whose leading zeros spreadsheets lose; the first three are a sorting center's
        code = zips.str.extract(r"^(\d{3,5})")[0].str.zfill(5)
        return code.str[:3], code.str[:2] if states is None else states
    return None, states


def _cells(lon: Any, lat: Any, known: Any, *, resolution: int) -> Any:
    found = np.full(len(lon), None, dtype=object)
    found[known] = [cell_text(int(cell)) for cell in cells_from_points(lon[known], lat[known], resolution=resolution)]
    return found


def days_of_asking(table: pa.Table, *, leave: Collection[str] = ()) -> list[str]:
    """Return a note on every column that looks like the day on which each row was asked, to be named with ``--date``.

    Parameters
    ----------
    table
        All columns.
    leave
        Columns that are named as something else.

    Examples
    --------
    >>> asked = ["2024-03-01", "2024-09-01", "2025-03-01"]
    >>> len(days_of_asking(pa.table({"mailed_on": asked, "birthday": asked, "sent": [1, 2, 3]})))
    1
    """
    notes = []
    for name in table.column_names:
        if name in leave or not ASKING.search(name) or kind_of(describe_feature(table[name])[0].type) != "date":
            continue
        days, _ = days_before(table[name], date(9999, 12, 31))
        known = days[~np.isnan(days)]
        if len(known) >= NEARLY_ALL * len(days) and len(np.unique(known)) > 1:
            notes.append(
                f"column {name} looks like the day on which each household was asked: with --date {name} the model is"
                " judged on later rows than it learned from, as it will be used"
            )
    return notes


def gifts_of(table: pa.Table, id_: str | None, when: str | None, amount: str | None) -> tuple[Any, Any, Any]:
    """Return who gave each gift, on which day from 1970, and how much."""
    if not (id_ and when and amount):
        raise InputError("a list of gifts needs --id (who gave), --date (when) and --amount (how much)")
    for name in (id_, when, amount):
        if name not in table.column_names:
            raise missing_column(name, "the list of gifts", table.column_names)
    days, _ = days_before(table[when], date(9999, 12, 31))
    if np.isnan(days).all():
        raise InputError(f"column {when!r} holds no date that can be read")
    since = (date(9999, 12, 31) - date(1970, 1, 1)).days - days
    usd = amounts_of(table, amount)
    return texts_of(table[id_]), pa.array(since, from_pandas=True), pa.array(usd, from_pandas=True)
