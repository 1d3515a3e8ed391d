"""What does a column hold? Header words and values together say it, and how sure that is.

A header alone may be wrong and values alone may mean many things; where the two agree the guess is sure, where they
contradict each other the values win and the guess is not.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import pyarrow as pa

from geoscore.ingest.kinds import HEADERS, SENSITIVE_HEADER, SENSITIVE_VALUES, SETS, VALUES
from geoscore.ingest.vocabulary import header_words
from geoscore.standardize import find_date_order, parse_state

MISSING: Final = frozenset(("", "na", "n/a", "null", "none", "nan", "unknown", "-", ".", "<na>", "#n/a"))
ENOUGH: Final = 0.8
"""Share of values that must look like a kind for header and values to agree."""
FEW: Final = 0.3
SURE, LIKELY, HEADER_ALONE, VALUES_ALONE, GUESS = 0.97, 0.85, 0.65, 0.6, 0.5
VAGUE: Final = frozenset(("gift_usd", "home_value_usd", "gift_date", "date", "text", "id", "full_name", "age"))
"""Kinds whose header words mean other things as well: never quite sure."""
VAGUE_MOST: Final = 0.78
DATES: Final = ("date", "date_of_birth", "gift_date")
LOOKED_AT: Final = 400
SAMPLE_ROWS: Final = 20_000
"""Rows of a file that tell what its columns hold."""
SEVERAL: Final = 3
NEARLY_ALL: Final = 0.9
NUMBER_LETTERS: Final = 9


@dataclass(frozen=True)
class ColumnGuess:
    """What a column seems to hold."""

    name: str
    kind: str
    confidence: float
    evidence: str
    missing: float
    distinct: int
    type: str
    examples: tuple[str, ...] = ()
    sensitive: str | None = None
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return the guess ready for JSON."""
        return asdict(self)


def infer_columns(sample: pa.Table) -> list[ColumnGuess]:
    """Say of each column what it seems to be, how sure that is, and on what evidence.

    Parameters
    ----------
    sample
        Rows of a file; a few hundred tell enough.

    Examples
    --------
    >>> guesses = infer_columns(pa.table({"Zip Code": ["94301", "02138"], "x": ["Ann Lee", "Bo Diaz"]}))
    >>> [(guess.name, guess.kind) for guess in guesses]
    [('Zip Code', 'zip'), ('x', 'full_name')]
    """
    columns = [_Column(name, sample.column(name)) for name in sample.column_names]
    guesses = [_guess(column) for column in columns]
    return _by_neighbors(columns, guesses)


class _Column:
    """A column of the sample: its texts, and what share of them looks like each kind."""

    def __init__(self, name: str, values: pa.ChunkedArray) -> None:
        self.name = name
        self.words = header_words(name)
        self.arrow = values.combine_chunks()
        if pa.types.is_floating(self.arrow.type) or pa.types.is_integer(self.arrow.type):
            texts = [_number_text(value) for value in self.arrow.to_pylist()]
        elif pa.types.is_nested(self.arrow.type):
            texts = ["" for _ in self.arrow]
        else:
            texts = self.arrow.cast(pa.string()).to_pylist()
        present = [text.strip() for text in texts if text is not None and text.strip().lower() not in MISSING]
        self.missing = 1 - len(present) / max(len(texts), 1)
        self.distinct = len(set(present))
        self.values = list(dict.fromkeys(present))[:LOOKED_AT]

    def share(self, kind: str) -> float:  # noqa: PLR0911  one for each way of telling
        """Return the share of distinct values that look like the kind."""
        if not self.values:
            return 0.0
        if kind == "state":
            codes = parse_state(pa.array(self.values)).values.to_pylist()
            return sum(code in SETS[kind] or code in _FIPS for code in codes) / len(codes)
        if kind in SETS:
            plain = [value.upper().replace(".", "") for value in self.values]
            return sum(value in SETS[kind] for value in plain) / len(plain)
        if kind in ("longitude", "latitude"):
            return _between(self.values, *((-180.0, -60.0) if kind == "longitude" else (15.0, 72.0)))
        if kind == "age":
            return _between(self.values, 0.0, 115.0)
        if kind == "birth_year":
            return _between(self.values, 1900.0, 2015.0)
        pattern = VALUES.get(kind)
        return sum(bool(pattern.fullmatch(value)) for value in self.values) / len(self.values) if pattern else 0.0


_FIPS: Final = frozenset(f"{i}" for i in range(1, 57)) | frozenset(f"{i:02}" for i in range(1, 57))


def _number_text(value: float | None) -> str | None:
    if value is None or value != value:  # noqa: PLR0124  NaN
        return None
    return str(int(value)) if float(value).is_integer() else str(value)


def _between(values: Sequence[str], low: float, high: float) -> float:
    numbers = [float(value) for value in values if re.fullmatch(r"-?\d+(\.\d+)?", value)]
    return sum(low <= number <= high for number in numbers) / len(values)


def _guess(column: _Column) -> ColumnGuess:
    told = _from_header(column)
    kind, confidence, evidence = _weigh(column, told)
    if kind in VAGUE or not told:
        confidence = min(confidence, VAGUE_MOST)
    return ColumnGuess(
        name=column.name,
        kind=kind,
        confidence=round(confidence, 2),
        evidence=evidence,
        missing=round(column.missing, 4),
        distinct=column.distinct,
        type=_type_of(column),
        examples=tuple(mask(value) for value in column.values[:3]),
        sensitive=_sensitive(column),
        notes=_notes(column, kind),
    )


def _weigh(column: _Column, told: Sequence[tuple[str, str]]) -> tuple[str, float, str]:
    """Return kind, confidence and evidence: the first thing that the header says and the values bear out."""
    if told and not column.values:
        return told[0][0], HEADER_ALONE, f"header says {told[0][1]}; there is no value"
    for place, (kind, said) in enumerate(told):
        if kind == "other":
            return kind, VAGUE_MOST if place else LIKELY, f"header says {said}, which is not used"
        share = 1.0 if _coded_band(column, kind) else column.share(kind)
        if share >= ENOUGH:
            return kind, SURE if place == 0 else LIKELY - 0.1, f"header says {said}; {share:.0%} of values fit"
        if share >= FEW and place == 0:
            return kind, min(LIKELY, 0.4 + 0.5 * share), f"header says {said}; only {share:.0%} of values fit"
    kind, confidence, evidence = _from_values(column)
    if told:
        return kind, min(confidence, GUESS), f"header says {told[0][1]}, but the values do not fit; {evidence}"
    return kind, confidence, evidence


def _coded_band(column: _Column, kind: str) -> bool:
    return kind == "income_band" and _is_coded(column)


def _from_header(column: _Column) -> list[tuple[str, str]]:
    """Return the kinds that the header's words may mean, the likeliest first, and the words."""
    told = []
    for kind, pattern in HEADERS:
        if found := re.search(pattern, column.words):
            said = found.group().strip() or column.words
            told.append((_settle(column, kind), said))
    return told


def _settle(column: _Column, kind: str) -> str:
    """Return the kind among those of one word that the values speak for."""
    if kind in ("suffix", "prefix"):
        return _affix(column, kind)
    if kind == "income_usd" and column.values:
        banded = column.share("income_usd") < ENOUGH and column.share("income_band") >= FEW
        return "income_band" if banded or _is_coded(column) else kind
    if kind == "unit" and column.share("unit") < FEW and column.share("street") > ENOUGH:
        return "street"
    return kind


def _affix(column: _Column, word: str) -> str:
    """Return which suffix or prefix it is: of a name, or of a street."""
    kinds = (
        ("name_suffix", "street_direction", "street_type") if word == "suffix" else ("name_prefix", "street_direction")
    )
    best = max(kinds, key=column.share)
    if column.share(best) >= FEW:
        return best
    return "street_type" if "street" in column.words and word == "suffix" else kinds[0]


def _is_coded(column: _Column) -> bool:
    """Return whether the values are codes of bands: single letters, or few small numbers."""
    if not column.values:
        return False
    letters = sum(bool(re.fullmatch(r"[A-Za-z0-9]{1,2}", value)) for value in column.values) / len(column.values)
    return letters >= ENOUGH and column.distinct <= 40  # noqa: PLR2004


_BY_VALUES: Final = ("email", "state", "street_direction", "name_suffix", "name_prefix", "street_type", "date")


def _from_values(column: _Column) -> tuple[str, float, str]:  # noqa: PLR0911  the first that fits
    """Return the kind that the values alone look like."""
    if not column.values:
        return "other", GUESS, "there is no value"
    letters = sum(bool(re.search("[A-Za-z]", value)) for value in column.values) / len(column.values)
    several = len(column.values) >= SEVERAL
    for kind in _BY_VALUES:
        share = column.share(kind)
        if share >= NEARLY_ALL and (kind in ("email", "date") or (letters > ENOUGH and several)):
            return kind, VAGUE_MOST if kind == "email" else VALUES_ALONE, _look_like(column, kind)
    written = sum(bool(re.search(r"[-() .]", value)) for value in column.values) / len(column.values)
    for kind in ("ssn", "phone"):
        if (
            column.share(kind) >= NEARLY_ALL
            and written >= ENOUGH
            and len(column.values[0]) > NUMBER_LETTERS
            and not re.search(r"\.\d*$", column.values[0])
        ):
            return kind, VALUES_ALONE, _look_like(column, kind)
    if not _is_generic(column.name) and not column.share("street") >= ENOUGH:
        return "other", VAGUE_MOST, "neither header nor values are of a kind that is used"
    texts = " ".join(column.values[:50])
    pieces = sum(len(value.split()) for value in column.values) / len(column.values)
    found = [
        ("longitude", column.share("longitude") >= 0.95 and "." in texts),  # noqa: PLR2004
        ("latitude", column.share("latitude") >= 0.95 and "." in texts),  # noqa: PLR2004
        ("income_band", column.share("income_band") >= ENOUGH and column.distinct <= 40),  # noqa: PLR2004
        ("street", column.share("street") >= ENOUGH and pieces >= 2.2),  # noqa: PLR2004
        ("zip", column.share("zip") >= 0.95 and all(len(value) >= 5 for value in column.values)),  # noqa: PLR2004
        ("full_name", column.share("full_name") >= 0.9 and 1.8 <= pieces <= 4.2 and column.distinct > 1),  # noqa: PLR2004
    ]
    for kind, fits in found:
        if fits:
            return kind, VALUES_ALONE, _look_like(column, kind)
    if column.distinct == len(column.values) > 20 and pieces < 1.5:  # noqa: PLR2004
        return "other", GUESS, "every value is another one, but nothing says what they are"
    return "other", VAGUE_MOST, "neither header nor values are of a kind that is used"


def _is_generic(name: str) -> bool:
    """Return whether a header says nothing, such as ``col_3``, ``Unnamed: 4`` or ``V7``."""
    return bool(
        re.fullmatch(r"(unnamed|col(umn)?|field|var(iable)?|attr(ibute)?|[a-z])[ :_.-]*\d*|\d+|", name.strip().lower())
    )


def _look_like(column: _Column, kind: str) -> str:
    return f"{column.share(kind):.0%} of values look like {kind.removesuffix('_usd').replace('_', ' ')}"


def _by_neighbors(columns: Sequence[_Column], guesses: list[ColumnGuess]) -> list[ColumnGuess]:
    """Mend guesses by the columns beside them: a street beside its number is a street name, and so on."""
    kinds = [guess.kind for guess in guesses]
    for i, (column, guess) in enumerate(zip(columns, guesses, strict=True)):
        near = kinds[max(0, i - 3) : i + 4]
        if guess.kind == "street" and "house_number" in near and _without_number(column):
            guesses[i] = _changed(guess, "street_name", "its house number stands in a column beside it")
        if (
            guess.kind == "full_name"
            and "first_name" in near
            and guess.confidence < SURE
            and column.words in ("name", "last")
        ):
            guesses[i] = _changed(guess, "last_name", "the first name stands beside it")
        if guess.kind == "date" and column.words == "date" and "gift_usd" in kinds:
            guesses[i] = _changed(guess, "gift_date", "an amount given stands in the file")
        if guess.kind == "street_name" and "house_number" not in kinds and column.share("street") >= ENOUGH:
            guesses[i] = _changed(guess, "street", "there is no house number beside it")
    return guesses


def _without_number(column: _Column) -> bool:
    return sum(value[0].isdigit() for value in column.values) < FEW * len(column.values)


def _changed(guess: ColumnGuess, kind: str, why: str) -> ColumnGuess:
    return ColumnGuess(**{**asdict(guess), "kind": kind, "evidence": f"{guess.evidence}; {why}"})


def mask(value: str) -> str:
    """Return a value with all but the first letter of each of its words hidden.

    Examples
    --------
    >>> mask("12 Oak Street"), mask("ann@example.org")
    ('1* O** S*****', 'a**@*******.***')
    """
    shown = value[:24]
    return re.sub(r"(?<!^)(?<! )[A-Za-z0-9]|(?<=.)[^\x00-\x7f]", "*", shown) + (
        "..." if len(value) > len(shown) else ""
    )


def _type_of(column: _Column) -> str:
    kind = column.arrow.type
    if pa.types.is_nested(kind):
        return "nested"
    if pa.types.is_temporal(kind):
        return "date"
    if not column.values:
        return "empty"
    if all(re.fullmatch(r"-?(0|[1-9]\d*)", value) for value in column.values):
        return "integer"
    if all(re.fullmatch(r"-?\d*\.?\d+", value) and not re.match(r"-?0\d", value) for value in column.values):
        return "number"
    return "date" if column.share("date") > ENOUGH else "text"


def _sensitive(column: _Column) -> str | None:
    """Return why a column is sensitive, if it is."""
    if found := SENSITIVE_HEADER.search(column.name) or SENSITIVE_HEADER.search(column.words):
        return f"its header speaks of {found.group().strip('_').lower()}"
    plain = {value.upper() for value in column.values}
    for what, values in SENSITIVE_VALUES.items():
        if len(plain & values) >= 2 and len(plain) <= 40:  # noqa: PLR2004
            return f"its values are of {what}"
    return None


def _notes(column: _Column, kind: str) -> tuple[str, ...]:
    if kind not in DATES or not pa.types.is_string(column.arrow.type):
        return ()
    month_first, day_first = find_date_order(column.arrow)
    if month_first and day_first:
        return (f"two conventions: {month_first} dates only month first, {day_first} only day first",)
    return ("day first",) if day_first else ()


def sensitive_columns(sample: pa.Table) -> list[str]:
    """Return the columns that speak of what people may not be sorted by, by their headers or their values.

    Examples
    --------
    >>> sensitive_columns(pa.table({"PartyCode": ["1"], "x": ["Catholic"], "zip": ["94301"]}))
    ['PartyCode']
    >>> sensitive_columns(pa.table({"x": ["Catholic", "Jewish"]}))
    ['x']
    """
    return [name for name in sample.column_names if _sensitive(_Column(name, sample.column(name)))]
