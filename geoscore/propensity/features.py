"""Features: typed columns of any file, cut into bins that are learned once and kept as data.

A missing value is a bin of its own, for it tells something too; places, names and identifiers are no features.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from geoscore.errors import missing_column
from geoscore.standardize import choose_date_order, find_date_order, parse_date, parse_money

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int16]
Kind = Literal["number", "category", "date"]
BINS: Final = 12
"""Bins of a number, at most, beside the one of missing values."""
CHUNK: Final = 16_384
"""Values that are worked on while they are near the processor."""
FINEST: Final = 2_000
LEVELS: Final = 30
"""Levels of a category that are kept by name; the others are one level together."""
FEWEST: Final = 20
"""Rows of a level that is kept by name."""
SKEWED: Final = 3.0
MISSING: Final = frozenset(("", "na", "n/a", "null", "none", "nan", "unknown", "-", ".", "<na>", "#n/a"))


@dataclass(frozen=True)
class Feature:
    """How one column becomes a bin and a number.

    Attributes
    ----------
    name, kind
        The column, and what it holds.
    low, high
        Values beyond are taken as these: the 0.1% and 99.9% quantiles of the households it was learned from.
    logarithmic
        The number is taken as ``asinh(value / scale)``: amounts spread over powers of ten.
    scale, center, width
        Numbers are centered and divided by the width, after the logarithm where there is one.
    edges
        Values at which bins part, rising; of a number or date.
    levels
        Of a category, the most frequent first.
    """

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    logarithmic: bool = False
    scale: float = 1.0
    center: float = 0.0
    width: float = 1.0
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of bins, the one of missing values among them, which is bin 0."""
        return 2 + len(self.levels) if self.kind == "category" else 2 + len(self.edges)

    def label(self, code: int) -> str:
        """Return what people read of a bin.

        Examples
        --------
        >>> age = Feature("age", "number", edges=(30.0, 60.0))
        >>> [age.label(code) for code in range(age.size)]
        ['not known', 'below 30', '30 to 60', '60 or more']
        """
        if code == 0:
            return "not known"
        if self.kind == "category":
            return ("any other", *self.levels)[code - 1]
        if not self.edges:
            return "known"
        unit = " days" if self.kind == "date" else ""
        if all(edge % 1 == 0.5 for edge in self.edges):  # noqa: PLR2004  half-way between whole numbers
            return f"{self._whole_label(code)}{unit}"
        texts = [f"{edge:,.4g}" if abs(edge) < 1e4 else f"{edge:,.0f}" for edge in self.edges]  # noqa: PLR2004
        ends = [f"below {texts[0]}{unit}", f"{texts[-1]}{unit} or more"]
        inner = [f"{low} to {high}{unit}" for low, high in pairwise(texts)]
        return [ends[0], *inner, ends[1]][code - 1]

    def _whole_label(self, code: int) -> str:
        """Return a bin of whole numbers by the numbers in it."""
        first = None if code == 1 else int(self.edges[code - 2] + 0.5)
        last = None if code == len(self.edges) + 1 else int(self.edges[code - 1] - 0.5)
        if first is None:
            return f"{last:,}" if last == self.low else f"up to {last:,}"
        if last is None:
            return f"{first:,}" if first == self.high else f"{first:,} or more"
        return f"{first:,}" if first == last else f"{first:,} to {last:,}"


@dataclass(frozen=True)
class Recipe:
    """The features of a model, in order, and the day on which dates are looked at.

    Examples
    --------
    >>> table = pa.table({"age": [30.0, None, 50.0, 70.0] * 20, "kind": ["a", "b", "a", None] * 20})
    >>> recipe = learn_recipe(table, as_of=date(2026, 1, 1))
    >>> codes, numbers = recipe.encode(table.slice(0, 4))
    >>> codes.tolist()
    [[1, 2], [0, 3], [2, 2], [3, 0]]
    """

    features: tuple[Feature, ...]
    as_of: date
    after: dict[str, int] = field(default_factory=dict)
    """Dates after ``as_of`` that were left out, by column."""

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [feature.name for feature in self.features]

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Where each feature's bins begin among those of all; one longer than the features."""
        return np.concatenate([[0], np.cumsum([feature.size for feature in self.features])]).astype(np.int64)

    def encode(self, rows: pa.Table | pa.RecordBatch) -> tuple[Codes, Floats]:
        """Return bins and values of households.

        Parameters
        ----------
        rows
            Holds every column of the recipe; others are passed over.

        Returns
        -------
        codes, values
            Shape (n, p). Values are clipped to what was seen, days before ``as_of`` for dates, NaN where missing, and
            the code for categories.

        Raises
        ------
        InputError
            A column is missing.
        """
        codes = np.empty((rows.num_rows, len(self.features)), dtype=np.int16, order="F")
        values = np.empty((rows.num_rows, len(self.features)), order="F")
        for j, item in enumerate(self.features):
            if item.name not in rows.schema.names:
                needed = "the model looks at it"
                if any(name.endswith(f".{item.name}") for name in rows.schema.names):  # a run's columns name their file
                    needed += "; a model for a run is fitted on its project: geoscore fit geoscore.toml --out model"
                raise missing_column(item.name, "these rows", rows.schema.names, needed=needed)
            column = rows.column(item.name)
            if item.kind == "category":
                codes[:, j] = level_codes(column, item.levels)
                values[:, j] = codes[:, j]
            else:
                found = numbers_of(column) if item.kind == "number" else days_before(column, self.as_of)[0]
                np.clip(found, item.low, item.high, out=values[:, j])
                _find_bins(values[:, j], item.edges, codes[:, j])
        return codes, values

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {"features": [asdict(item) for item in self.features], "as_of": str(self.as_of), "after": self.after}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Recipe":
        """Return a recipe from what ``to_dict`` gave."""
        items = []
        for item in data["features"]:
            parts = {**item, "edges": tuple(item["edges"]), "levels": tuple(item["levels"])}
            items.append(Feature(**parts))
        return cls(tuple(items), date.fromisoformat(data["as_of"]), dict(data["after"]))


def _find_bins(values: Floats, edges: Sequence[float], out: Codes) -> None:
    """Count the edges at or below each value, one more for being known: a missing value is below all and gets 0.

    A dozen comparisons of whole columns take a fifth of the time of searching each value's place.
    """
    for first in range(0, len(values), CHUNK):
        own = values[first : first + CHUNK]
        count, above = (own == own).view(np.int8), np.empty(len(own), dtype=np.bool_)  # noqa: PLR0124  false for NaN
        for edge in edges:
            np.greater_equal(own, edge, out=above)
            np.add(count, above.view(np.int8), out=count)
        out[first : first + CHUNK] = count


def straight(feature: Feature, values: Floats) -> Floats:
    """Return values on the scale on which a straight line is drawn through them: centered, of width one, 0 if missing.

    Parameters
    ----------
    feature
        A number or date; of a category all is zero.
    values
        As ``Recipe.encode`` gives them, shape (n,).
    """
    if feature.kind == "category":
        return np.zeros(len(values))
    bent = np.arcsinh(values / feature.scale) if feature.logarithmic else values
    found: Floats = (bent - feature.center) / feature.width
    found[found != found] = 0.0  # noqa: PLR0124  missing ones stand at the center
    return found


def learn_recipe(rows: pa.Table, *, as_of: date) -> Recipe:
    """Learn how the columns of a table become features: their kinds, bins and levels. Outcomes are not looked at.

    Parameters
    ----------
    rows
        Columns of numbers, truth values, dates or text; constant ones are left out.
    as_of
        Dates after this day are not known yet: they count as missing.
    """
    features, after = [], {}
    for name in rows.column_names:
        column = rows[name]
        kind = kind_of(column.type)
        if kind == "category":
            made: Feature | None = _category(name, column)
        elif kind == "date":
            days, late = days_before(column, as_of)
            if late:
                after[name] = late
            made = _number(name, days, "date")
        else:
            made = _number(name, numbers_of(column), "number")
        if made is not None:
            features.append(made)
    return Recipe(tuple(features), as_of, after)


def kind_of(type_: pa.DataType) -> Kind:
    """Return what kind of feature a column of this type is."""
    if pa.types.is_temporal(type_):
        return "date"
    plain = pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_)
    return "number" if plain or pa.types.is_boolean(type_) else "category"


def numbers_of(column: Any) -> Floats:
    """Return a column as numbers, NaN where it is missing or no number; text is read as amounts are written."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if kind_of(column.type) != "number":
        text = _whole(column).cast(pa.string())
        for word, digit in (("true", "1"), ("false", "0")):
            text = pc.if_else(pc.equal(pc.utf8_lower(text), word), digit, text)
        column = parse_money(text).values
    found: Floats = _whole(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
    if np.isinf(found.max(initial=0.0)) or np.isinf(found.min(initial=0.0)):
        found = np.where(np.isinf(found), np.nan, found)
    return found


def days_before(column: Any, as_of: date) -> tuple[Floats, int]:
    """Return the days from each date to ``as_of``, NaN where missing or after it, and how many are after it."""
    whole = _whole(column)
    if not pa.types.is_temporal(whole.type):
        text = whole.cast(pa.string())
        whole = parse_date(text, order=choose_date_order([find_date_order(text)])).values
    days = whole.cast(pa.timestamp("s")).cast(pa.date32()).cast(pa.int32()).cast(pa.float64())
    found: Floats = (as_of - date(1970, 1, 1)).days - np.array(days.to_numpy(zero_copy_only=False), dtype=np.float64)
    late = found < 0
    found[late] = np.nan
    return found, int(late.sum())


def texts_of(column: Any) -> pa.Array:
    """Return a column as trimmed text, null where it says that nothing is known."""
    whole = _whole(column)
    if pa.types.is_dictionary(whole.type):
        whole = whole.cast(whole.type.value_type)
    if pa.types.is_floating(whole.type):
        rounded = pc.round(whole)
        if pc.all(pc.equal(rounded, whole)).as_py():
            whole = rounded.cast(pa.int64())
    text = pc.utf8_trim_whitespace(whole.cast(pa.string()))
    return pc.if_else(pc.is_in(pc.utf8_lower(text), value_set=pa.array(sorted(MISSING))), None, text)


def level_codes(column: Any, levels: Sequence[str]) -> Codes:
    """Return 0 where missing, 1 for any other level, and 2 on for those that are kept by name."""
    whole = _whole(column)
    encoded = whole if pa.types.is_dictionary(whole.type) else pc.dictionary_encode(whole)
    # every distinct text is looked at once
    text = texts_of(encoded.dictionary)
    at = pc.add(pc.fill_null(pc.index_in(text, value_set=pa.array(levels, pa.string())), -1), 2)
    own = np.asarray(pc.if_else(pc.is_null(text), 0, at).to_numpy(zero_copy_only=False), dtype=np.int16)
    places = pc.fill_null(encoded.indices, len(own)).to_numpy(zero_copy_only=False)
    return np.append(own, np.int16(0))[places]


def _whole(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _category(name: str, column: pa.ChunkedArray) -> Feature | None:
    counts = pc.value_counts(texts_of(column).drop_null())
    found = zip(counts.field(1).to_pylist(), counts.field(0).to_pylist(), strict=True)
    ranked = sorted((-count, text) for count, text in found)
    if not ranked or (len(ranked) == 1 and -ranked[0][0] == len(column)):
        return None
    enough = [text for count, text in ranked if -count >= min(FEWEST, len(column) // 50 + 1)]
    return Feature(name, "category", levels=tuple(enough[:LEVELS]))


def _number(name: str, values: Floats, kind: Kind) -> Feature | None:
    known = values[~np.isnan(values)]
    if not len(known) or (known.min() == known.max() and len(known) == len(values)):
        return None
    low, high = (float(value) for value in np.quantile(known, [0.001, 0.999], method="nearest"))
    if low == high:
        low, high = float(known.min()), float(known.max())
    known = np.clip(known, low, high)
    scale = float(np.median(np.abs(known[known != 0]))) if (known != 0).any() else 1.0
    spread = float(known.std()) or 1.0
    logarithmic = bool(known.min() >= 0 and np.mean(((known - known.mean()) / spread) ** 3) > SKEWED)
    bent = np.arcsinh(known / scale) if logarithmic else known
    center, width = float(bent.mean()), float(bent.std()) or 1.0
    return Feature(name, kind, low, high, logarithmic, scale, center, width, bin_edges(known))


def bin_edges(values: Floats, bins: int = BINS) -> tuple[float, ...]:
    """Return where bins part, so that each holds about as many values, and a frequent value stands alone.

    Examples
    --------
    >>> bin_edges(np.array([0.0] * 60 + list(range(1, 41))), bins=4)
    (0.5, 25.5)
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) > FINEST:
        at = np.unique(np.searchsorted(np.cumsum(counts), np.linspace(0, len(values), FINEST + 1)[1:]))
        counts = np.add.reduceat(counts, np.concatenate([[0], at[:-1] + 1]))
        distinct = distinct[at]
    share, held = len(values) / bins, 0
    edges: list[float] = []
    for i in range(len(distinct) - 1):
        if held and counts[i] >= share and (not edges or edges[-1] < _between(distinct[i - 1], distinct[i])):
            edges.append(_between(distinct[i - 1], distinct[i]))
            held = 0
        held += int(counts[i])
        if held >= share:
            edges.append(_between(distinct[i], distinct[i + 1]))
            held = 0
    if edges and held + counts[-1] < share / 2 and counts[-1] < share:
        edges.pop()
    return tuple(edges)


def _between(a: float, b: float) -> float:
    middle = float((a + b) / 2)
    return middle if a < middle <= b else float(b)
