"""What is compared, in what steps of likeness, and what is expected of each before anything is learned.

Two models: one for households (does the record belong to the same household?), one for persons inside a household.
Steps stand from the most alike to the least; ``m`` is the share of true matches at a step, ``u`` that of others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from splink.internals.comparison_level_creator import ComparisonLevelCreator

    Test = Callable[[], ComparisonLevelCreator]


@dataclass(frozen=True)
class Step:
    """One step of likeness: how it is told, and how often it is met among matches and among others."""

    label: str
    m: float
    u: float
    test: "Test"
    frequency: str | None = None
    """The column whose rare values count for more than its common ones."""


@dataclass(frozen=True)
class Comparison:
    """One thing compared: its name, the columns that it needs, and its steps; the rest is "different"."""

    name: str
    columns: tuple[str, ...]
    missing: str
    steps: tuple[Step, ...]
    learned: bool = True
    """Whether ``m`` is learned; not where house-mates and persons could not be told apart by it."""

    most_different: float = 1.0
    """Share of matches that may be at no step: common names teach that records of strangers match, and they do not."""

    @property
    def different(self) -> tuple[float, float]:
        """Shares of matches and of others at no step."""
        return tuple(max(1 - sum(getattr(step, name) for step in self.steps), 1e-4) for name in ("m", "u"))


def _equal(*columns: str) -> "Test":
    def test() -> "ComparisonLevelCreator":
        import splink.comparison_level_library as levels

        tests = [levels.ExactMatchLevel(column) for column in columns]
        return tests[0] if len(tests) == 1 else levels.And(*tests)

    return test


def _sql(condition: str, *, dialect: str = "duckdb") -> "Test":
    def test() -> "ComparisonLevelCreator":
        import splink.comparison_level_library as levels

        return levels.CustomLevel(condition, base_dialect_str=dialect)

    return test


def _alike(column: str, least: float, *, edits: int = 0, equal: str | None = None) -> "Test":
    """Jaro-Winkler similarity of at least ``least``, or so many edits; perhaps with another column equal."""

    def test() -> "ComparisonLevelCreator":
        import splink.comparison_level_library as levels

        near: ComparisonLevelCreator = levels.JaroWinklerLevel(column, least)
        if edits:
            near = levels.Or(near, levels.DamerauLevenshteinLevel(column, edits))
        return levels.And(levels.ExactMatchLevel(equal), near) if equal else near

    return test


def _edits(column: str, most: int, *, equal: str | None = None) -> "Test":
    def test() -> "ComparisonLevelCreator":
        import splink.comparison_level_library as levels

        near = levels.DamerauLevenshteinLevel(column, most)
        return levels.And(levels.ExactMatchLevel(equal), near) if equal else near

    return test


_NEAR: Final = (
    "(zip_l = zip_r or zip_l is null or zip_r is null or city_l = city_r or damerau_levenshtein(zip_l, zip_r) <= 1)"
)
_SPOT: Final = "spot_l = spot_r"
_NO_UNIT: Final = "unit_l is null and unit_r is null"
_ONE_UNIT: Final = "(unit_l is null or unit_r is null)"
_ALIKE: Final = (
    "number_l = number_r"
    " and (jaro_winkler_similarity(street_l, street_r) >= 0.85 or damerau_levenshtein(street_l, street_r) <= 2)"
)
_NUMBER_ALIKE: Final = (
    "street_l = street_r and (number_l is null or number_r is null or damerau_levenshtein(number_l, number_r) <= 1)"
)
_LINE_ALIKE: Final = "jaro_winkler_similarity(line_l, line_r) >= 0.92"
_SAME_DOOR: Final = f"line_l is not null and line_r is not null and (({_ALIKE}) or ({_NUMBER_ALIKE}))"
_EXCHANGED: Final = "jaro_winkler_similarity(both_l, flip_r) >= 0.92"
_FORMS: Final = "size(array_intersect(forms_l, forms_r)) > 0"
_SLIP: Final = "size(array_intersect(ssn_near_l, ssn_near_r)) > 0"
_INITIAL: Final = "substr(first_l, 1, 1) = substr(first_r, 1, 1) and (length(first_l) = 1 or length(first_r) = 1)"

_HALF: Final = "number_l = number_r and (line_l is null or line_r is null)"
_ADDRESS: Final = Comparison(
    "address",
    ("line", "unit", "number", "street", "home", "spot", "zip", "city"),
    "(line_l is null or line_r is null) and (number_l is null or number_r is null or number_l <> number_r)",
    (
        Step("same street line, unit and ZIP", 0.20, 2e-5, _equal("home"), "home"),
        Step("same street line and ZIP, neither has a unit", 0.55, 3e-5, _sql(f"{_SPOT} and {_NO_UNIT}"), "spot"),
        Step("same street line and ZIP, unit on one side only", 0.06, 2e-5, _sql(f"{_SPOT} and {_ONE_UNIT}"), "spot"),
        Step("same street line and ZIP, other unit", 0.005, 2e-5, _equal("spot")),
        Step("same street line, nearby", 0.03, 1e-5, _sql(f"line_l = line_r and {_NEAR}"), "line"),
        Step("same house number, street alike, nearby", 0.07, 1e-5, _sql(f"{_ALIKE} and {_NEAR}")),
        Step("same street, house number alike, nearby", 0.01, 5e-5, _sql(f"{_NUMBER_ALIKE} and {_NEAR}")),
        Step("same house number, street not known", 0.01, 3e-4, _sql(_HALF)),
        Step("same street, other house number", 0.01, 5e-4, _sql("street_l = street_r")),
        Step("same or like street line elsewhere", 0.005, 2e-4, _sql(_LINE_ALIKE)),
    ),
    most_different=0.15,
)
_PLACE: Final = Comparison(
    "place",
    ("zip", "city", "line", "street", "number"),
    f"(zip_l is null or zip_r is null) and (city_l is null or city_r is null) or {_SAME_DOOR}",
    (
        Step("same ZIP", 0.90, 0.01, _equal("zip"), "zip"),
        Step("ZIP one slip apart", 0.03, 0.01, _edits("zip", 1)),
        Step("other ZIP, same city", 0.03, 0.02, _equal("city")),
    ),
    most_different=0.15,
)
_LAST: Final = Comparison(
    "last_name",
    ("last", "both", "flip"),
    "last_l is null or last_r is null",
    (
        Step("same last name", 0.72, 0.002, _equal("last"), "last"),
        Step("last name alike", 0.10, 0.004, _alike("last", 0.9, edits=1)),
        Step(
            "one last name within the other",
            0.02,
            0.001,
            _sql(
                "(' ' || last_l || ' ') like ('% ' || last_r || ' %')"
                " or (' ' || last_r || ' ') like ('% ' || last_l || ' %')"
            ),
        ),
        Step("first and last name exchanged", 0.01, 1e-5, _sql(_EXCHANGED)),
    ),
)
_FIRST: Final = Comparison(
    "first_name",
    ("first", "forms", "both", "flip"),
    f"first_l is null or first_r is null or ({_EXCHANGED} and first_l <> first_r)",
    (
        Step("same first name", 0.50, 0.005, _equal("first"), "first"),
        Step("one is short for the other", 0.03, 0.003, _sql(_FORMS, dialect="spark")),
        Step("first name alike", 0.06, 0.006, _alike("first", 0.88, edits=1)),
        Step("initial of the other", 0.02, 0.01, _sql(_INITIAL)),
    ),
)
_EMAIL: Final = Comparison(
    "email",
    ("email",),
    "email_l is null or email_r is null",
    (
        Step("same e-mail", 0.45, 1e-5, _equal("email"), "email"),
        Step("e-mail alike", 0.05, 1e-4, _alike("email", 0.95, edits=1)),
    ),
)
_PHONE: Final = Comparison(
    "phone",
    ("phone",),
    "phone_l is null or phone_r is null",
    (
        Step("same telephone", 0.50, 1e-5, _equal("phone"), "phone"),
        Step("telephone one slip apart", 0.03, 1e-5, _edits("phone", 1)),
    ),
)
_BORN: Final = Comparison(
    "born",
    ("born",),
    "born_l is null or born_r is null",
    (
        Step("same birthday", 0.50, 5e-5, _equal("born"), "born"),
        Step("birthday one slip apart", 0.05, 8e-4, _edits("born", 1)),
        Step(
            "day and month exchanged",
            0.01,
            5e-5,
            _sql(
                "substr(born_l, 1, 4) = substr(born_r, 1, 4) and substr(born_l, 6, 2) = substr(born_r, 9, 2)"
                " and substr(born_l, 9, 2) = substr(born_r, 6, 2)"
            ),
        ),
        Step("born in the same year", 0.02, 0.015, _sql("substr(born_l, 1, 4) = substr(born_r, 1, 4)")),
    ),
)


def _same_ssn(m: float) -> tuple[Step, Step]:
    return (
        Step("same number", m, 1e-6, _equal("ssn"), "ssn"),
        Step("number one slip apart", 0.05, 1e-6, _sql(_SLIP, dialect="spark")),
    )


_SSN: Final = Comparison("ssn", ("ssn", "ssn_near"), "ssn_l is null or ssn_r is null", _same_ssn(0.50))


def _as_person(comparison: Comparison, *shares: float) -> Comparison:
    """Return the comparison as one person meets it, not a household: with these shares of matches."""
    steps = tuple(replace(step, m=m) for step, m in zip(comparison.steps, shares, strict=True))
    return replace(comparison, steps=steps)


_OWN_FIRST: Final = replace(
    _FIRST,
    missing="first_l is null or first_r is null",
    steps=(
        *_as_person(_FIRST, 0.82, 0.04, 0.08, 0.03).steps,
        Step("first and last name exchanged", 0.01, 1e-5, _sql(_EXCHANGED)),
    ),
    learned=False,
)
_MIDDLE: Final = Comparison(
    "middle_name",
    ("middle",),
    "middle_l is null or middle_r is null",
    (Step("same initial of the middle name", 0.95, 0.1, _sql("substr(middle_l, 1, 1) = substr(middle_r, 1, 1)")),),
)
_SUFFIX: Final = Comparison(
    "suffix",
    ("suffix",),
    "suffix_l is null or suffix_r is null",
    (Step("same suffix", 0.98, 0.3, _equal("suffix")),),
)
_AGE: Final = Comparison(
    "age",
    ("age", "born"),
    "age_l is null or age_r is null or (born_l is not null and born_r is not null)",
    (
        Step("age within a year", 0.90, 0.05, _sql("abs(age_l - age_r) <= 1")),
        Step("age within five years", 0.05, 0.12, _sql("abs(age_l - age_r) <= 5")),
    ),
)
_OWN_BORN: Final = _as_person(_BORN, 0.88, 0.07, 0.01, 0.02)
_OWN_SSN: Final = _as_person(_SSN, 0.90, 0.06)

HOUSEHOLD: Final = (_ADDRESS, _PLACE, _LAST, _FIRST, _EMAIL, _PHONE, _BORN, _SSN)
"""Is it the same household? House-mates agree in the address and may differ in all else."""

PERSON: Final = (
    _OWN_FIRST,
    _as_person(_LAST, 0.86, 0.09, 0.02, 0.01),
    _MIDDLE,
    _SUFFIX,
    _OWN_BORN,
    _AGE,
    _OWN_SSN,
    _EMAIL,
    _PHONE,
    _as_person(_ADDRESS, 0.20, 0.45, 0.06, 0.005, 0.03, 0.07, 0.01, 0.01, 0.01, 0.005),
    _as_person(_PLACE, 0.85, 0.03, 0.05),
)
"""Is it the same person, wherever? One person belongs to one household, whatever address a file has."""

MEMBER: Final = (_OWN_FIRST, _MIDDLE, _SUFFIX, _OWN_BORN, _AGE, _OWN_SSN)
"""Is it the same person of a household? The address, and what house-mates share, says nothing."""

COMPARISONS: Final = {"household": HOUSEHOLD, "person": PERSON, "member": MEMBER}


def build_levels(comparison: Comparison, shares: Sequence[tuple[float, float]]) -> list[Any]:
    """Return the steps of a comparison as splink reads them, with their shares of matches and of others."""
    import splink.comparison_level_library as levels

    built: list[Any] = [levels.CustomLevel(comparison.missing, "not known").configure(is_null_level=True)]
    for step, (m, u) in zip(comparison.steps, shares, strict=False):
        built.append(_level(step, m, u))
    m, u = shares[-1]
    built.append(levels.ElseLevel().configure(m_probability=m, u_probability=u, label_for_charts="different"))
    if not comparison.learned:
        for level in built:
            level.configure(fix_m_probability=True)
    return built


def _level(step: Step, m: float, u: float) -> Any:
    level = step.test().configure(m_probability=m, u_probability=u, label_for_charts=step.label)
    if step.frequency:
        level.configure(tf_adjustment_column=step.frequency, disable_tf_exact_match_detection=True)
    return level
