"""Values as people write them: ZIPs, amounts, bands, numbers, e-mail addresses and telephones, in one form each.

Pure functions on Arrow arrays; each distinct value is parsed once, however often it stands in a file.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

MISSING: Final = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "unknown", "unk", "-", "--", "?"})
LONGEST: Final = 10_000


@dataclass(frozen=True)
class Parsed:
    """Values in standard form; which could not be read, and which were repaired (all of length n)."""

    values: pa.Array
    bad: pa.Array
    mended: pa.Array


@dataclass(frozen=True)
class Band:
    """Bands [low, high); ``high`` is null where the band is open; ``bad`` where none could be read."""

    low: pa.Array
    high: pa.Array
    bad: pa.Array


class UnreadableError(ValueError):
    """A value that stands for nothing we know."""


def parse_text(values: pa.Array) -> Parsed:
    """Return text without control characters and needless spaces; words for "missing" become null.

    Examples
    --------
    >>> parse_text(pa.array(["  Palo   Alto ", "n/a"])).values.to_pylist()
    ['Palo Alto', None]
    """
    return parse_each(values, _text, pa.string())


def parse_zip(values: pa.Array) -> Parsed:
    """Return five-digit ZIP codes; a ZIP that lost its leading zeros gets them back and counts as mended.

    Examples
    --------
    >>> parsed = parse_zip(pa.array(["94301-1234", "2138", "ABCDE"]))
    >>> parsed.values.to_pylist(), parsed.mended.to_pylist(), parsed.bad.to_pylist()
    (['94301', '02138', None], [False, True, False], [False, False, True])
    """
    return parse_each(_as_text(values), _zip, pa.string())


def parse_state(values: pa.Array) -> Parsed:
    """Return states by their postal codes; what is no state of the US stays as it is written.

    Examples
    --------
    >>> parse_state(pa.array(["california", "N.Y.", "New  York", "NSW"])).values.to_pylist()
    ['CA', 'NY', 'NY', 'NSW']
    """
    return parse_each(values, _state, pa.string())


def parse_number(values: pa.Array) -> Parsed:
    """Return numbers; a trailing N, E, S or W of a coordinate becomes a sign.

    Examples
    --------
    >>> parse_number(pa.array(["37.44", "122.16 W", "here"])).values.to_pylist()
    [37.44, -122.16, None]
    """
    return _numbers(values, _number)


def parse_age(values: pa.Array) -> Parsed:
    """Return ages in years, 0 to 120.

    Examples
    --------
    >>> parse_age(pa.array(["42", "430"])).bad.to_pylist()
    [False, True]
    """
    parsed = _numbers(values, _number)
    wrong = pc.fill_null(pc.or_(pc.less(parsed.values, 0.0), pc.greater(parsed.values, 120.0)), fill_value=False)
    return Parsed(pc.if_else(wrong, None, parsed.values), pc.or_(parsed.bad, wrong), parsed.mended)


def parse_money(values: pa.Array) -> Parsed:
    """Return amounts in US dollars from the forms in which people write them.

    Examples
    --------
    >>> parse_money(pa.array(["$1,234.50", "12k", "(500)", "1.5M", "a lot"])).values.to_pylist()
    [1234.5, 12000.0, -500.0, 1500000.0, None]
    >>> parse_money(pa.array(["85.000", "85.00"])).values.to_pylist()  # to some, the first is 85 thousand
    [None, 85.0]
    """
    return _numbers(values, _money)


def parse_money_band(values: pa.Array) -> Band:
    """Return bands of amounts, [low, high) in US dollars.

    An upper bound that ends in 9, such as 124,999, is read as the next dollar.

    Examples
    --------
    >>> band = parse_money_band(pa.array(["$100,000-$124,999", "200k+", "under $25,000", "rich"]))
    >>> band.low.to_pylist(), band.high.to_pylist(), band.bad.to_pylist()
    ([100000.0, 200000.0, 0.0, None], [125000.0, None, 25000.0, None], [False, False, False, True])
    """
    parsed = parse_each(_as_text(values), _band, pa.list_(pa.float64(), 2))
    found = parsed.values.is_valid()
    low, high = (pc.if_else(found, pc.list_element(parsed.values, i), None) for i in (0, 1))
    return Band(low, pc.if_else(pc.is_finite(high), high, None), parsed.bad)


def parse_email(values: pa.Array) -> Parsed:
    """Return e-mail addresses in lower case.

    Examples
    --------
    >>> parse_email(pa.array([" Ann@Example.org", "ann"])).values.to_pylist()
    ['ann@example.org', None]
    """
    return parse_each(_as_text(values), _email, pa.string())


def parse_phone(values: pa.Array) -> Parsed:
    """Return the ten digits of a US telephone number.

    Examples
    --------
    >>> parse_phone(pa.array(["+1 (650) 555-0142 ext. 7", "555-0142"])).values.to_pylist()
    ['6505550142', None]
    """
    return parse_each(_as_text(values), _phone, pa.string())


def parse_each(values: pa.Array, parse: Callable[[str], Any], kind: pa.DataType) -> Parsed:
    """Parse each distinct text once.

    Parameters
    ----------
    values
        Texts, of shape (n,).
    parse
        Returns the value, or (value, True) where it repaired something; raises ``UnreadableError``.
    kind
        Type of the values returned.

    Examples
    --------
    >>> parse_each(pa.array(["a", "N/A"]), str.upper, pa.string()).values.to_pylist()
    ['A', None]
    """
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    encoded = pc.dictionary_encode(values.cast(pa.string()))
    results, bad, mended = [], [], []
    for text in encoded.dictionary.to_pylist():
        value, wrong, repaired = None, False, False
        if len(text) > LONGEST:
            wrong = True
        elif (plain := _clean(text)).lower() not in MISSING:
            try:
                value = parse(plain)
            except UnreadableError:
                wrong = True
        if isinstance(value, tuple):
            value, repaired = value
        results.append(value)
        bad.append(wrong)
        mended.append(repaired)
    taken = [pa.array(column, type_).take(encoded.indices) for column, type_ in _columns(results, bad, mended, kind)]
    return Parsed(taken[0], pc.fill_null(taken[1], fill_value=False), pc.fill_null(taken[2], fill_value=False))


def _columns(
    results: list[Any], bad: list[bool], mended: list[bool], kind: pa.DataType
) -> tuple[tuple[list[Any], pa.DataType], ...]:
    return (results, kind), (bad, pa.bool_()), (mended, pa.bool_())


def _numbers(values: pa.Array, parse: Callable[[str], float]) -> Parsed:
    """Parse text, or take numbers as they are; NaN is missing, infinity is bad."""
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        return parse_each(_as_text(values), parse, pa.float64())
    numbers = values.cast(pa.float64())
    none = pa.repeat(pa.scalar(False), len(numbers))
    finite = pc.is_finite(numbers)
    if pc.all(finite, min_count=0).as_py():  # nulls aside
        return Parsed(numbers, none, none)
    infinite = pc.fill_null(pc.is_inf(numbers), fill_value=False)
    return Parsed(pc.if_else(pc.fill_null(finite, fill_value=False), numbers, None), infinite, none)


def _as_text(values: pa.Array) -> pa.Array:
    """Return numbers as a person would have typed them: 94301.0 is 94301."""
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_floating(values.type):
        whole = pc.fill_null(pc.equal(pc.floor(values), values), fill_value=False)
        safe = pc.if_else(pc.and_(whole, pc.less(pc.abs(values), 1e15)), values, None)
        return pc.coalesce(safe.cast(pa.int64()).cast(pa.string()), values.cast(pa.string()))
    return values.cast(pa.string())


def _clean(text: str) -> str:
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(text.split())


def _text(text: str) -> str:
    return text


_STATES: Final = {
    name: code
    for code, names in {
        "AL": "alabama ala", "AK": "alaska", "AZ": "arizona ariz", "AR": "arkansas ark", "CA": "california calif cal",
        "CO": "colorado colo", "CT": "connecticut conn", "DE": "delaware del", "DC": "district+of+columbia",
        "FL": "florida fla", "GA": "georgia", "HI": "hawaii", "ID": "idaho", "IL": "illinois ill", "IN": "indiana ind",
        "IA": "iowa", "KS": "kansas kans", "KY": "kentucky", "LA": "louisiana", "ME": "maine", "MD": "maryland",
        "MA": "massachusetts mass", "MI": "michigan mich", "MN": "minnesota minn", "MS": "mississippi miss",
        "MO": "missouri", "MT": "montana mont", "NE": "nebraska nebr neb", "NV": "nevada nev", "NH": "new+hampshire",
        "NJ": "new+jersey", "NM": "new+mexico", "NY": "new+york", "NC": "north+carolina", "ND": "north+dakota",
        "OH": "ohio", "OK": "oklahoma okla", "OR": "oregon ore oreg", "PA": "pennsylvania penn penna",
        "RI": "rhode+island", "SC": "south+carolina", "SD": "south+dakota", "TN": "tennessee tenn", "TX": "texas tex",
        "UT": "utah", "VT": "vermont", "VA": "virginia", "WA": "washington wash", "WV": "west+virginia",
        "WI": "wisconsin wis wisc", "WY": "wyoming wyo", "PR": "puerto+rico", "VI": "virgin+islands", "GU": "guam",
        "AS": "american+samoa", "MP": "northern+mariana+islands",
    }.items()
    for name in (code.lower(), *names.replace("+", "\0").split())
}  # fmt: skip


STATE_CODES: Final = frozenset(_STATES.values())
"""The two letters of states and territories."""


def _state(text: str) -> str:
    plain = text.replace(".", "").lower()
    return _STATES.get(plain.replace(" ", "\0"), _STATES.get(plain.replace(" ", ""), text))


_ZIP: Final = re.compile(r"(?:[A-Za-z]{2}\s+)?(\d{3,5})(?:\.0+|[-\s]\d{4}|-)?|(\d{5})(\d{4})")


def _zip(text: str) -> tuple[str, bool]:
    found = _ZIP.fullmatch(text)
    digits = (found.group(1) or found.group(2)) if found else ""
    if len(text) == 8 and text.isdigit():  # noqa: PLR2004  a ZIP+4 without its zero
        digits = text[:4]
    code = digits.zfill(5)
    if not digits or code == "00000":
        raise UnreadableError
    return code, len(digits) < 5  # noqa: PLR2004


_NUMBER: Final = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*°?\s*([NSEWnsew]?)")


def _number(text: str) -> float:
    found = _NUMBER.fullmatch(text)
    if not found:
        raise UnreadableError
    value = float(found.group(1))
    if not math.isfinite(value):
        raise UnreadableError
    return -abs(value) if found.group(2).upper() in ("S", "W") and found.group(2) else value


_MONEY: Final = re.compile(
    r"(?P<minus>-)?\s*(?:USD|US\$|\$)?\s*(?P<minus2>-)?\s*"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>k|m|mm|thousand|million)?\s*(?:USD|dollars)?",
    re.IGNORECASE,
)
_UNITS: Final = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mm": 1e6, "million": 1e6}


def _money(text: str) -> float:
    inner = text[1:-1].strip() if text.startswith("(") and text.endswith(")") else text
    found = _MONEY.fullmatch(inner)
    if not found or _THOUSANDS.fullmatch(inner):  # 85.000 is 85,000 to some and 85 to others
        raise UnreadableError
    value = float(found["digits"].replace(",", "")) * _UNITS.get((found["unit"] or "").lower(), 1.0)
    if not math.isfinite(value):
        raise UnreadableError
    return -value if found["minus"] or found["minus2"] or inner is not text else value


_THOUSANDS: Final = re.compile(r"\$?\s*[1-9]\d{0,2}(\.000)+")
_BETWEEN: Final = re.compile(r"(.+?)\s*(?:-|–|—|\bto\b|\bthrough\b)\s*(.+)", re.IGNORECASE)  # noqa: RUF001
_ABOVE: Final = re.compile(
    r"(?:over|above|more than|at least|>=?)\s*(.+)|(.+?)\s*(?:\+|and (?:over|above|up)|or (?:more|over))", re.IGNORECASE
)
_BELOW: Final = re.compile(r"(?:under|below|less than|up to|<=?)\s*(.+)|(.+?)\s*or less", re.IGNORECASE)


def _band(text: str) -> list[float]:
    if found := _ABOVE.fullmatch(text):
        return [_money(found.group(1) or found.group(2)), math.inf]
    if found := _BELOW.fullmatch(text):
        return [0.0, _upper(_money(found.group(1) or found.group(2)))]
    if not (found := _BETWEEN.fullmatch(text)):
        raise UnreadableError
    first, last = found.groups()
    unit = re.search(r"[a-zA-Z]+$", last)
    low = _money(first + unit.group() if unit and first[-1].isdigit() and "," not in first else first)
    high = _upper(_money(last))
    if not 0 <= low < high:
        raise UnreadableError
    return [low, high]


def _upper(value: float) -> float:
    return value + 1.0 if value % 10 == 9 else value  # noqa: PLR2004  124,999 means below 125,000


_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise UnreadableError
    return text.lower()


def _phone(text: str) -> str:
    digits = re.sub(r"\D", "", re.split(r"(?i)x|ext", text)[0])
    digits = digits[1:] if len(digits) == 11 and digits.startswith("1") else digits  # noqa: PLR2004
    if len(digits) != 10:  # noqa: PLR2004
        raise UnreadableError
    return digits
