"""Data cards: every column that is kept as a feature, with its type, what is missing, its range and its vintage.

Features are given their type as they are described: text that is all numbers or dates becomes numbers or dates.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geoscore.ingest.columns import MISSING
from geoscore.project import Source
from geoscore.standardize import find_date_order, parse_date, parse_money

CATEGORIES: Final = 50
"""A column of no more distinct texts is a category."""
FEWEST: Final = 10
"""A level that fewer rows have is counted with the others, so that a card shows nobody."""
ROW: Final = ("row", "record_id")


def write_cards(folder: Path, sources: Sequence[Source], *, left_out: pa.Table | None = None) -> dict[str, int]:
    """Type the features of every source and write their cards to ``features.json``.

    Parameters
    ----------
    folder
        Where ``ingest_sources`` wrote to.
    sources
        Sources of the project, for vintage and licence.
    left_out
        Rows (``source``, ``row``) that left after they were read; their features leave too.

    Returns
    -------
    dict
        The number of features of each source that has any.
    """
    cards: list[dict[str, Any]] = []
    for source in sources:
        path = folder / "features" / f"{source.name}.parquet"
        if not path.exists():
            continue
        table = pq.read_table(path)
        if left_out is not None:
            gone = left_out["row"].filter(pc.equal(left_out["source"], source.name))
            table = table.filter(pc.invert(pc.is_in(table["row"], value_set=gone)))
        for name in (name for name in table.column_names if name not in ROW):
            typed, card = describe_feature(table[name])
            told = {"vintage": str(source.vintage), "licence": source.licence}
            reason = {"reason": source.sensitive[name]} if name in source.sensitive else {}
            cards.append({"source": source.name, "column": name, **card, **told, **reason})
            table = table.set_column(table.schema.get_field_index(name), name, typed)
        part = path.with_name(path.name + ".part")
        pq.write_table(table, part, compression="zstd")
        os.replace(part, path)  # noqa: PTH105  the atomic one, by its own name
    (folder / "features.json").write_text(json.dumps(cards, indent=1, default=str) + "\n", encoding="utf-8")
    names = [card["source"] for card in cards]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def describe_feature(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, dict[str, Any]]:
    """Return a column in its own type, and its card.

    Examples
    --------
    >>> typed, card = describe_feature(pa.chunked_array([["1", "30", "n/a", "7"]]))
    >>> str(typed.type), card["type"], card["missing"], card["range"]
    ('int64', 'integer', 1, [1, 30])
    >>> describe_feature(pa.chunked_array([["00123", "4"]]))[1]["type"]
    'category'
    """
    if pa.types.is_nested(column.type):
        return column, {"type": "nested", "rows": len(column), "missing": column.null_count}
    values = _typed(column)
    kind = _kind(values)
    card = {
        "type": kind,
        "rows": len(values),
        "missing": values.null_count,
        "distinct": pc.count_distinct(values, mode="only_valid").as_py(),
    }
    known = values.null_count < len(values)
    if known and kind in ("integer", "number", "date"):
        card["range"] = [pc.min(values).as_py(), pc.max(values).as_py()]
    if known and kind in ("integer", "number"):
        card["quantiles_1_99"] = pc.quantile(values, q=[0.01, 0.99]).to_pylist()
    if kind == "category":
        card["levels"] = _levels(values)
    return values, card


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:  # noqa: PLR0911  one for each type
    """Return text as numbers or dates where every value is one and none loses anything by it."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(column))
    missing = pc.is_in(plain, value_set=pa.array(sorted(MISSING)))
    text = pc.if_else(missing, pa.scalar(None, pa.string()), pc.utf8_trim_whitespace(column)).cast(pa.string())
    known = text.drop_null()
    if len(known) == 0:
        return text
    if _all(known, r"^-?(0|[1-9][0-9]{0,17})$"):
        return text.cast(pa.int64())
    if _all(known, r"^-?(0|[1-9][0-9]*)?\.[0-9]+$|^-?(0|[1-9][0-9]*)$"):
        return text.cast(pa.float64())
    if _all(known, r"^\$ ?[0-9][0-9,]*(\.[0-9]+)?$"):
        return pa.chunked_array([parse_money(text.combine_chunks()).values])
    month_first, day_first = find_date_order(known.combine_chunks())
    if not (month_first and day_first):
        dates = parse_date(text.combine_chunks(), order="dmy" if day_first else "mdy")
        if not pc.any(dates.bad).as_py():
            return pa.chunked_array([dates.values.cast(pa.date32())])
    return text


def _all(values: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def _kind(values: pa.ChunkedArray) -> str:
    kinds = (
        (pa.types.is_integer, "integer"),
        (pa.types.is_floating, "number"),
        (pa.types.is_temporal, "date"),
        (pa.types.is_boolean, "boolean"),
    )
    found = next((name for test, name in kinds if test(values.type)), None)
    if found:
        return found
    if values.null_count == len(values):
        return "empty"
    return "category" if pc.count_distinct(values, mode="only_valid").as_py() <= CATEGORIES else "text"


def _levels(values: pa.ChunkedArray) -> dict[str, int]:
    """Return the levels that enough rows have, the most frequent first, and the rest together."""
    counts = sorted(
        ((str(item["values"]), item["counts"]) for item in pc.value_counts(values.drop_null()).to_pylist()),
        key=lambda level: (-level[1], level[0]),
    )
    shown = {name: count for name, count in counts if count >= FEWEST}
    rest = [count for _, count in counts if count < FEWEST]
    return shown | ({f"other ({len(rest)} levels)": sum(rest)} if rest else {})
