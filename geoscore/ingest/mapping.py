"""Mapping: a batch of a file's own columns becomes a batch of records, as the project file says.

Pure functions; a value that cannot be right rejects its row with a reason that can be counted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from secrets import token_bytes
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.errors import InputError, missing_column
from geoscore.ingest.suppression import OPTED_OUT, Suppression, blank_records
from geoscore.project import Column, Source
from geoscore.schemas import EVIDENCE, RECORD, REJECTED
from geoscore.standardize import (
    DateOrder,
    Parsed,
    UnreadableError,
    parse_age,
    parse_date,
    parse_each,
    parse_email,
    parse_money,
    parse_money_band,
    parse_number,
    parse_phone,
    parse_state,
    parse_text,
    parse_zip,
)

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
InsideRegion = Callable[[Floats, Floats], Bools]
"""Whether points (longitude, latitude in degrees, NaN where unknown) lie where somebody could live."""

LONGEST_FIELD: Final = 10_000
SHOWN: Final = 40
MONEY: Final = tuple(name for name in EVIDENCE if name.endswith("_usd"))
US_LATITUDE: Final = (17.0, 72.0)
US_LONGITUDE: Final = (-180.0, -64.0)
SWAPPED: Final = "longitude and latitude seem swapped"
OUTSIDE: Final = "coordinates outside the region or in the sea"


@dataclass
class MappedBatch:
    """What became of a batch: records, rejected rows, the columns left over, values mended, and who opted out."""

    records: pa.RecordBatch
    rejected: pa.RecordBatch
    features: pa.RecordBatch
    mended: dict[str, int]
    opted_out: pa.RecordBatch
    """Among the rejected; of schema ``RECORD``."""


@dataclass
class _Marks:
    """Reasons gathered for the rows of one batch; the first reason of a row counts."""

    reason: npt.NDArray[np.object_]
    detail: npt.NDArray[np.object_]
    refused: Bools
    lenient: bool = False
    mended: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: int, *, lenient: bool) -> Self:
        """Return no marks for so many rows."""
        reason, detail = (np.full(rows, None, dtype=object) for _ in range(2))
        return cls(reason, detail, np.zeros(rows, dtype=bool), lenient)

    def reject(self, bad: Bools, reason: str, column: str, shown_at: Callable[[int], str]) -> None:
        """Give rows where ``bad`` holds their reason, with what stood in ``column``; a lenient reader only counts."""
        if self.lenient:
            self.mend(bad, f"left out: {reason}")
            return
        for i in np.flatnonzero(bad & ~self.refused):
            shown = shown_at(int(i))
            self.refused[i] = True
            self.reason[i] = reason
            self.detail[i] = f"{column}: {shown[:SHOWN]}{'...' if len(shown) > SHOWN else ''}"

    def mend(self, mended: Bools, what: str) -> None:
        """Count values that were repaired."""
        if count := int(mended.sum()):
            self.mended[what] = self.mended.get(what, 0) + count


def check_columns(source: Source, names: Sequence[str]) -> None:
    """Check that every column that a source maps is there.

    Raises
    ------
    InputError
        One is not; the message suggests the one that was perhaps meant.

    Examples
    --------
    >>> from geoscore.project import Source
    >>> source = Source(name="donors", path="donors.csv", columns={"zip": "zip"})
    >>> check_columns(source, ["zip_code"])
    Traceback (most recent call last):
    ...
    geoscore.errors.InputError: column 'zip' missing in donors.csv (mapped to zip); did you mean 'zip_code'?
    """
    wanted: list[tuple[str, str]] = [(f, c) for f, columns in source.columns.items() for c in _as_list(columns)]
    if source.id is not None:
        wanted.append(("id", source.id))
    for target, column in wanted:
        if column not in names:
            raise missing_column(column, source.path.name, names, needed=f"mapped to {target}")


def map_batch(
    batch: pa.RecordBatch,
    rows: npt.NDArray[np.int64],
    *,
    source: Source,
    as_of: date,
    inside: InsideRegion | None = None,
    features: Sequence[str] = (),
    suppression: Suppression | None = None,
    date_order: DateOrder = "mdy",
    lenient: bool = False,
) -> MappedBatch:
    """Turn a batch of raw rows into records and rejected rows; every row becomes one or the other.

    Parameters
    ----------
    batch
        Raw columns of a file.
    rows
        Row numbers, 1-based, int64 of shape (n,).
    source
        The source of the project file, whose columns are all in ``batch``.
    as_of
        Day on which ages are counted.
    inside
        Says whether points lie in the region; not asked where None.
    features
        Unmapped columns to keep beside the records.
    suppression
        Says who opted out; nothing of what stood in their rows is among the rejected or the features.
    date_order
        What ``3/4/1970`` means in the file.
    lenient
        Leave a value out that cannot be right, and count it, where otherwise its row would be rejected.
    """
    marks = _Marks.of(len(rows), lenient=lenient)
    _refuse_long(batch, marks)
    record_id = _record_id(batch, rows, source)
    columns = {name: pa.nulls(len(rows), RECORD.field(name).type) for name in RECORD.names}
    for target, names in source.columns.items():
        values = _joined(batch, names)
        if target == "date_of_birth":
            columns |= _parse_birth(values, marks, as_of, date_order, age_wanted="age" not in source.columns)
        elif target == "income_usd" and not BANDS & source.columns.keys():
            columns |= _parse_income(values, ", ".join(_as_list(names)), marks)
        else:
            columns |= _parse(target, values, ", ".join(_as_list(names)), marks, as_of)
    if "longitude" in source.columns:
        wrong = pa.array(_check_coordinates(columns, marks, inside))
        columns |= {name: pc.if_else(wrong, None, columns[name]) for name in ("longitude", "latitude")}
    columns |= {"source": pa.repeat(pa.scalar(source.name), len(rows)), "row": pa.array(rows), "record_id": record_id}
    records = pa.RecordBatch.from_arrays([columns[name] for name in RECORD.names], schema=RECORD)
    gone = np.zeros(len(rows), dtype=bool) if suppression is None else suppression.mark(records)
    if gone.any():
        marks.reason[gone], marks.detail[gone] = OPTED_OUT, None
        marks.refused |= gone
        columns["record_id"] = pc.if_else(pa.array(gone), columns["row"].cast(pa.string()), record_id)
    used, refused = pa.array(~marks.refused), pa.array(marks.refused)
    rejected = pa.RecordBatch.from_arrays(
        [
            *(columns[name].filter(refused) for name in ("source", "row", "record_id")),
            pa.array(marks.reason[marks.refused], pa.string()),
            pa.array(marks.detail[marks.refused], pa.string()),
        ],
        schema=REJECTED,
    )
    kept = pa.RecordBatch.from_arrays(
        [columns["row"], record_id, *(batch.column(name) for name in features)], names=["row", "record_id", *features]
    )
    gone_records = blank_records(records.filter(pa.array(gone)))
    if marks.refused.any():
        records, kept = records.filter(used), kept.filter(used)
    return MappedBatch(records, rejected, kept, marks.mended, gone_records)


def _as_list(columns: Column) -> list[str]:
    return [columns] if isinstance(columns, str) else columns


def _joined(batch: pa.RecordBatch, columns: Column) -> pa.Array:
    names = _as_list(columns)
    for name in names:
        if pa.types.is_nested(batch.schema.field(name).type):
            raise InputError(f"column {name!r} holds lists or records in every row; map a plain column")
    if len(names) == 1:
        return batch.column(names[0])
    parts = [pc.fill_null(batch.column(name).cast(pa.string()), "") for name in names]
    return pc.utf8_trim_whitespace(pc.binary_join_element_wise(*parts, " "))


def _record_id(batch: pa.RecordBatch, rows: npt.NDArray[np.int64], source: Source) -> pa.Array:
    numbers = pa.array(rows).cast(pa.string())
    if source.id is None:
        return numbers
    given = parse_text(batch.column(source.id)).values
    return pc.coalesce(given, numbers)


def _refuse_long(batch: pa.RecordBatch, marks: _Marks) -> None:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            long = pc.fill_null(pc.greater(pc.binary_length(column), LONGEST_FIELD), fill_value=False)
            marks.reject(long.to_numpy(zero_copy_only=False), "field too long", name, _texts(column))


def _parse(target: str, values: pa.Array, column: str, marks: _Marks, as_of: date) -> dict[str, pa.Array]:
    """Return the record columns that one mapped column becomes."""
    if target == "income_band":
        band = parse_money_band(values)
        marks.reject(_mask(band.bad), "not an income band", column, _texts(values))
        return {"income_low_usd": band.low, "income_high_usd": band.high}
    if target == "birth_year":
        year = parse_number(values)
        age = pc.subtract(float(as_of.year), year.values)
        impossible = pc.fill_null(pc.or_(pc.less(age, 0.0), pc.greater(age, 120.0)), fill_value=False)
        marks.reject(_mask(year.bad) | _mask(impossible), "birth year cannot be", column, _texts(values))
        return {"age": pc.if_else(impossible, None, age)}
    parse, reason = _PARSERS.get(target, (parse_text, "not text"))
    parsed: Parsed = parse(values)
    # what only serves linking costs a link, not the row
    if target in ("email", "phone", "ssn"):
        marks.mend(_mask(parsed.bad), f"{target} left out, not readable")
    else:
        marks.reject(_mask(parsed.bad), reason, column, _texts(values))
    if target == "zip":
        marks.mend(_mask(parsed.mended), "ZIP given back its leading zero")
    if target in MONEY:
        negative = pc.fill_null(pc.less(parsed.values, 0.0), fill_value=False)
        marks.reject(_mask(negative), f"negative {target}", column, _texts(values))
        return {target: pc.if_else(negative, None, parsed.values)}
    return {target: parsed.values}


def _parse_income(values: pa.Array, column: str, marks: _Marks) -> dict[str, pa.Array]:
    """Return incomes; where the file has a band in place of an amount, its ends."""
    parsed = parse_money(values)
    bad, negative = _mask(parsed.bad), _mask(pc.fill_null(pc.less(parsed.values, 0.0), fill_value=False))
    incomes: dict[str, pa.Array] = {}
    if bad.any():
        text = pc.if_else(pa.array(bad), values.cast(pa.string()), None)
        text = pc.if_else(pc.match_substring_regex(text, LIKE_MONEY), text, None)
        band = parse_money_band(text)
        banded = bad & ~_mask(band.bad) & _mask(text.is_valid())
        marks.mend(banded, "income_usd taken as a band")
        incomes = {"income_low_usd": band.low, "income_high_usd": band.high} if banded.any() else {}
        bad &= ~banded
    marks.reject(bad, "income_usd is not an amount", column, _texts(values))
    marks.reject(negative, "negative income_usd", column, _texts(values))
    return {"income_usd": pc.if_else(pa.array(negative), None, parsed.values), **incomes}


def _parse_birth(
    values: pa.Array, marks: _Marks, as_of: date, order: DateOrder, *, age_wanted: bool
) -> dict[str, pa.Array]:
    """Return dates of birth, and ages from them; a date that cannot be is left out and counted, not its row."""
    parsed = parse_date(values, order=order)
    born = parsed.values.cast(pa.date32())
    days = pc.subtract(pa.scalar(as_of, pa.date32()).cast(pa.int32()), born.cast(pa.int32()))
    age = pc.floor(pc.divide(days.cast(pa.float64()), DAYS_OF_A_YEAR))
    possible = pc.and_(pc.greater_equal(days, 0), pc.less_equal(age, OLDEST))
    bad = _mask(parsed.bad) | ~_mask(pc.fill_null(possible, fill_value=True))
    marks.mend(bad, "date_of_birth left out, not readable or not possible")
    columns = {"date_of_birth": pc.if_else(pc.fill_null(possible, fill_value=False), parsed.values, None)}
    return columns | ({"age": pc.if_else(possible, age, None)} if age_wanted else {})


def _parse_ssn(values: pa.Array) -> Parsed:
    """Return one-way codes of each number, comparable within this process alone; the number is never kept.

    The first code is the number's own; the others are shared by numbers one slip apart (a digit wrong, two exchanged).
    """
    parsed = parse_each(values, _digits, pa.string())
    encoded = pc.dictionary_encode(parsed.values)
    codes = [" ".join(map(_code, _one_slip(text))) for text in encoded.dictionary.to_pylist()]
    return Parsed(pa.array(codes, pa.string()).take(encoded.indices), parsed.bad, parsed.mended)


def _one_slip(number: str) -> list[str]:
    wrong = [f"{number[:i]}?{number[i + 1 :]}" for i in range(len(number))]
    pairs = [(number[:i], sorted(number[i : i + 2]), number[i + 2 :]) for i in range(len(number) - 1)]
    exchanged = [f"{before}{{{''.join(pair)}}}{after}" for before, pair, after in pairs if pair[0] != pair[1]]
    return [number, *wrong, *exchanged]


def _code(text: str) -> str:
    return blake2b(text.encode(), key=_KEY, digest_size=8).hexdigest()


def _digits(text: str) -> str:
    digits = "".join(letter for letter in text if letter.isdigit())
    if len(digits) < FEWEST_DIGITS or len(set(digits)) == 1:
        raise UnreadableError
    return digits


_KEY: Final = token_bytes(32)
FEWEST_DIGITS: Final = 4
LIKE_MONEY: Final = r"[$,kK]|\d{5}"
"""What tells a band of incomes from a year or a day, which spreadsheets make of bands: 2020-2021, 11-26."""
BANDS: Final = frozenset(("income_band", "income_low_usd", "income_high_usd"))
"""Fields of a file that has its bands in columns of their own."""
DAYS_OF_A_YEAR: Final = 365.2425
OLDEST: Final = 120.0

_PARSERS: Final[Mapping[str, tuple[Callable[[pa.Array], Parsed], str]]] = {
    "zip": (parse_zip, "not a ZIP code"),
    "longitude": (parse_number, "longitude is not a number"),
    "latitude": (parse_number, "latitude is not a number"),
    "age": (parse_age, "age cannot be"),
    "state": (parse_state, ""),
    "email": (parse_email, ""),
    "phone": (parse_phone, ""),
    "ssn": (_parse_ssn, ""),
    **{name: (parse_money, f"{name} is not an amount") for name in MONEY},
}


def _check_coordinates(columns: dict[str, pa.Array], marks: _Marks, inside: InsideRegion | None) -> Bools:
    """Reject rows whose points cannot be, and return which they are."""
    longitude, latitude = (_floats(columns[name]) for name in ("longitude", "latitude"))
    one_alone = np.isnan(longitude) != np.isnan(latitude)

    def shown(i: int) -> str:
        return f"{longitude[i]}, {latitude[i]}"

    marks.reject(one_alone, "longitude or latitude alone", "longitude, latitude", shown)
    swapped = _within(latitude, US_LONGITUDE) & _within(longitude, US_LATITUDE)
    marks.reject(swapped, SWAPPED, "longitude, latitude", shown)
    with np.errstate(invalid="ignore"):
        beyond = (np.abs(latitude) > 90) | (np.abs(longitude) > 180)  # noqa: PLR2004  degrees
    marks.reject(beyond, "coordinates are no degrees", "longitude, latitude", shown)
    given = ~np.isnan(longitude) & ~np.isnan(latitude) & ~beyond
    if inside is not None and given.any():
        outside = given.copy()
        outside[given] = ~inside(longitude[given], latitude[given])
        marks.reject(outside, OUTSIDE, "longitude, latitude", shown)
        beyond = beyond | outside
    return one_alone | swapped | beyond


def _texts(values: pa.Array) -> Callable[[int], str]:
    return lambda i: str(values[i].as_py())


def _within(values: Floats, limits: tuple[float, float]) -> Bools:
    with np.errstate(invalid="ignore"):
        return (values >= limits[0]) & (values <= limits[1])


def _floats(values: pa.Array) -> Floats:
    return values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)


def _mask(values: pa.Array) -> Bools:
    return values.to_numpy(zero_copy_only=False).astype(bool, copy=False)
