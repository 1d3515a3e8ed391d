"""Propensity on plain files: a file with an outcome in, a model out; a file in, a score for every row out.

The way beside the pipeline for those who have one table; it knows the order of ingest and propensity.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from geoscore import propensity
from geoscore.errors import InputError, missing_column, without_rows
from geoscore.ingest.cards import describe_feature
from geoscore.ingest.columns import SAMPLE_ROWS, infer_columns
from geoscore.ingest.files import read_file
from geoscore.ledger import hash_file
from geoscore.propensity.calibration import rounded
from geoscore.propensity.effects import reasons
from geoscore.propensity.features import days_before, texts_of
from geoscore.propensity.folds import hashed
from geoscore.propensity.gifts import OWN, households_as_of, stack_standings
from geoscore.propensity.model import Kind
from geoscore.propensity_columns import days_of_asking, gifts_of, places_of, read_table, why_refused

MOST_ROWS: Final = 250_000
"""Households that a model is fitted on, at most; more are drawn by their ids."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which columns of a file hold what, and how it is fitted: the options of ``geoscore fit``."""

    gave: str | None = None
    amount: str | None = None
    id: str | None = None
    when: str | None = None
    leave: tuple[str, ...] = ()
    as_of: date
    kind: Kind | None = None
    prevalence: tuple[float, float, float] | None = None
    givers_only: bool = False
    gifts: bool = False
    sheet: str | None = None
    seed: int = 0

    @property
    def unlabelled(self) -> bool:
        """Whether only givers are known."""
        return self.givers_only or self.prevalence is not None

    def columns(self) -> list[str]:
        """Return the columns that are named."""
        return [name for name in (self.gave, self.amount, self.id, self.when) if name]


def fit_file(
    path: Path, *, asked: Asked, progress: Callable[[str, int, int | None], None] | None = None
) -> propensity.Model:
    """Fit a propensity model on one file.

    Parameters
    ----------
    path
        A file as ``read_file`` takes it, a row for every household.
    asked
        Its outcome's columns, and how.
    progress
        Called with a stage's name, the steps done and all steps.

    Raises
    ------
    InputError
        The file cannot be read, a column is missing, or nothing can be learned from it.
    PolicyError
        It has the shape of FEC individual-contributor data.
    """
    tell = progress or (lambda _stage, _done, _all: None)
    tell("read", 0, None)
    table, lost = read_table(path, sheet=asked.sheet)
    for name in (*asked.columns(), *asked.leave):
        if name not in table.column_names:
            raise missing_column(name, path.name, table.column_names)
    if asked.gifts:
        return _fit_gifts(table, path, asked, lost, progress)
    table, drawn = _drawn(table, asked)
    outcome = propensity.read_outcome(table, gave=asked.gave, amount=asked.amount, unlabelled=asked.unlabelled)
    unlabelled = asked.unlabelled or outcome.unlabelled
    propensity.check_currencies(table, outcome)
    guesses = {guess.name: guess for guess in infer_columns(table.slice(0, SAMPLE_ROWS))}
    refused = dict.fromkeys(asked.leave, "left out as asked")
    kept: dict[str, pa.ChunkedArray] = {}
    for name in table.column_names:
        if name in (*asked.columns(), *asked.leave):
            continue
        typed, _ = describe_feature(table[name])
        why = why_refused(guesses[name], typed)
        if why:
            refused[name] = why
        else:
            kept[name] = typed
    blocks, regions = places_of(table, guesses)
    times = None
    if asked.when is not None:
        times = _times(table[asked.when], asked)
    given = propensity.Households(
        rows=pa.table(kept) if kept else pa.table({"row": pa.nulls(table.num_rows, pa.float64())}),
        outcome=outcome,
        keys=_keys(table, asked),
        blocks=blocks,
        regions=regions,
        times=times,
        refused=refused,
        names=tuple(filter(None, (asked.gave, asked.amount))),
    )
    options = propensity.Options(
        as_of=asked.as_of, kind=asked.kind, prevalence=asked.prevalence, unlabelled=unlabelled, seed=asked.seed
    )
    model = propensity.fit_model(given, options=options, progress=progress)
    notes = [*([f"{lost:,} rows could not be read"] if lost else []), *([drawn] if drawn else [])]
    if asked.when is None:
        notes += days_of_asking(table, leave=(*asked.columns(), *asked.leave))
    data = {
        "file": path.name,
        "file_sha256": hash_file(path) if path.is_file() else "",
        "rows_read": table.num_rows + lost if not drawn else None,
        "gave": asked.gave or f"{asked.amount} above zero",
        "amount": asked.amount,
        "id": asked.id,
        "date": asked.when,
    }
    model.card["data"] = data
    model.card["notes"] = [*model.card["notes"], *notes]
    return model


def _fit_gifts(
    table: pa.Table, path: Path, asked: Asked, lost: int, progress: Callable[[str, int, int | None], None] | None
) -> propensity.Model:
    """Fit on a list of gifts: households as they stood on a day, and what they gave in the year after."""
    rows, last = stack_standings(*gifts_of(table, asked.id, asked.when, asked.amount), as_of=asked.as_of)
    standing = np.asarray(rows["standing"].to_numpy())
    several = standing.max() >= 2  # noqa: PLR2004  one to learn from, and two to test
    if not several:
        rows, standing = last.rows, np.zeros(last.rows.num_rows)
    outcome = propensity.read_outcome(rows, gave="gave", amount="amount")
    given = propensity.Households(
        rows=rows.select([name for name in rows.column_names if name not in OWN]),
        outcome=outcome,
        keys=rows["household"].to_pylist(),
        times=standing if several else None,
        refused=dict.fromkeys(
            (name for name in table.column_names if name not in asked.columns()), "of a gift, not of a household"
        ),
        names=("gave", "amount"),
    )
    options = propensity.Options(as_of=asked.as_of, kind=asked.kind, seed=asked.seed)
    model = propensity.fit_model(given, options=options, progress=progress)
    model.card["data"] = {
        "file": path.name,
        "file_sha256": hash_file(path) if path.is_file() else "",
        "gifts": table.num_rows,
        "standings": int(standing.max()) + 1,
        "id": asked.id,
        "amount": asked.amount,
        "date": asked.when,
    }
    model.card["notes"] += [*last.notes, *([f"{lost:,} rows could not be read"] if lost else [])]
    return model


def _drawn(table: pa.Table, asked: Asked) -> tuple[pa.Table, str]:
    """Return at most as many rows as are fitted on, drawn by their ids so that any order gives the same."""
    if table.num_rows <= MOST_ROWS:
        return table, ""
    number = hashed(_keys(table, asked), 11)
    share = MOST_ROWS / table.num_rows
    rows = number < np.uint64(share * 2**64)
    told = f"fitted on {int(rows.sum()):,} of {table.num_rows:,} rows, drawn by their ids"
    return table.filter(pa.array(rows)), told


def _keys(table: pa.Table, asked: Asked) -> "pd.Series[str]":
    """Return what names each row: its id, else all that stands in it, so that the order of rows does not matter."""
    if asked.id is not None:
        text = texts_of(table[asked.id]).to_pandas()
        alone = pd.Series([f"row without id {i}" for i in range(len(text))])
        return text.where(text.notna(), alone).astype(str)
    total = np.zeros(table.num_rows, dtype=np.uint64)
    for name in table.column_names:
        column = table[name]
        if pa.types.is_nested(column.type):
            continue
        words = column.cast(pa.string()).to_pandas().fillna("").astype(object)
        total = total * np.uint64(31) + np.asarray(pd.util.hash_array(words.to_numpy(dtype=object)), dtype=np.uint64)
    found = pd.Series(total)
    again = found.groupby(found).cumcount()
    return found.astype(str) + "-" + again.astype(str)


def _times(column: pa.ChunkedArray, asked: Asked) -> npt.NDArray[np.float64]:
    days, late = days_before(column, asked.as_of)
    if np.isnan(days).all():
        raise InputError(f"column {asked.when!r} holds no date before {asked.as_of} that can be read")
    if late:
        raise InputError(
            f"column {asked.when!r} has {late:,} dates after {asked.as_of}; give a later --as-of, or drop these rows"
        )
    return -days


# --- scoring --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScoredFile:
    """What scoring did."""

    out: Path
    rows: int
    rejected: int
    expected_givers: float | None
    expected_usd: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {**self.__dict__, "out": str(self.out)}


def score_file(
    path: Path,
    *,
    model: propensity.Model,
    out: Path,
    id: str | None = None,  # noqa: A002  the field's own word
    sheet: str | None = None,
    as_of: date | None = None,
    reason_codes: int = 3,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> ScoredFile:
    """Score every row of a file.

    Parameters
    ----------
    path
        A file with the columns that the model looks at.
    model
        A fitted model.
    out
        ``.parquet`` or ``.csv`` to write: the file's id (or the row's number), ``p_gives``, ``expected_gift_usd``,
        ``gift_if_gives_usd``, ``p_at_least_<rung>`` and ``reason_<number>``.
    id
        Column of the id; as in the fit by default.
    sheet
        Sheet of a spreadsheet, or table of a database.
    as_of
        Day on which dates are looked at; that of the fit by default.
    reason_codes
        How many reasons are told of each household.
    progress
        Called with a stage's name and the rows done.

    Raises
    ------
    InputError
        The file cannot be read, or lacks a column.
    """
    tell = progress or (lambda _stage, _done, _all: None)
    if out.suffix.lower() not in (".parquet", ".pq", ".csv"):
        raise InputError(f"{out}: scores are written as .parquet or .csv")
    if as_of is not None:
        from dataclasses import replace

        model = replace(model, recipe=replace(model.recipe, as_of=as_of))
    if model.card.get("data", {}).get("gifts"):
        return _score_gifts(path, model, out, sheet, as_of, reason_codes)
    raw = read_file(path, sheet=sheet)
    wanted = id or model.card.get("data", {}).get("id")
    if wanted is not None and wanted not in raw.names:
        if id is not None:
            raise missing_column(id, path.name, raw.names)
        wanted = None
    whole = wanted is not None and _whole_numbers(path, wanted, sheet)
    totals = {"rows": 0, "givers": 0.0, "usd": 0.0}

    def batches() -> Iterator[pa.RecordBatch]:
        for batch, numbers in raw.batches:
            scored = _score(batch, numbers, model, wanted, reason_codes, whole=whole)
            totals["rows"] += batch.num_rows
            for key, name in (("givers", "p_gives"), ("usd", "expected_gift_usd")):
                if name in scored.schema.names:
                    totals[key] += float(pc.sum(scored.column(name)).as_py() or 0.0)
            tell("score", int(totals["rows"]), None)
            yield scored

    _write(batches(), out, path)
    schema = model.schema().names
    return ScoredFile(
        out,
        int(totals["rows"]),
        len(raw.rejected),
        round(totals["givers"], 3) if "p_gives" in schema else None,
        round(totals["usd"], 2) if "expected_gift_usd" in schema else None,
    )


def _score_gifts(
    path: Path, model: propensity.Model, out: Path, sheet: str | None, as_of: date | None, most: int
) -> ScoredFile:
    """Score the households of a list of gifts as they stand on a day, by default that of the last gift."""
    data = model.card["data"]
    table, lost = read_table(path, sheet=sheet)
    household, days, usd = gifts_of(table, data["id"], data["date"], data["amount"])
    day = as_of or date(1970, 1, 1) + timedelta(days=int(pc.max(days).as_py()))
    standing = households_as_of(household, days, usd, as_of=day, outcome=False)
    rows = standing.rows.rename_columns([data["id"], *standing.rows.column_names[1:]])
    batch = rows.combine_chunks().to_batches()[0]
    scored = _score(batch, np.arange(len(batch)), model, data["id"], most, whole=False)
    _write(iter([scored]), out, path)
    givers, dollars = pc.sum(scored["p_gives"]).as_py(), pc.sum(scored["expected_gift_usd"]).as_py()
    return ScoredFile(out, scored.num_rows, lost, round(givers, 3), round(dollars, 2))


def _score(
    batch: pa.RecordBatch, numbers: Any, model: propensity.Model, wanted: str | None, most: int, *, whole: bool
) -> pa.RecordBatch:
    """Return the id, scores and reasons of a batch."""
    scored = model.score_batch(batch)
    if wanted is None:
        name, ids = "row", pa.array(numbers)
    else:
        name, ids = wanted, batch.column(wanted)
        ids = pc.utf8_trim_whitespace(ids).cast(pa.int64()) if whole else ids
    columns, names = [ids, *scored.columns], [name, *scored.schema.names]
    for at, title in enumerate(names[1:], start=1):
        if title.startswith("p_"):
            columns[at] = pa.array(rounded(columns[at].to_numpy(zero_copy_only=False)))
    if most > 0:
        codes, _ = model.recipe.encode(batch)
        found = reasons(model, codes, most=most)
        columns += found
        names += [f"reason_{number}" for number in range(1, len(found) + 1)]
    return pa.RecordBatch.from_arrays(columns, names=names)


def _whole_numbers(path: Path, column: str, sheet: str | None) -> bool:
    """Return whether a column of texts holds whole numbers alone, so that ids stay what they were in the file."""
    for batch, _ in read_file(path, sheet=sheet).batches:
        values = batch.column(column)
        if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            return False
        plain = pc.match_substring_regex(pc.utf8_trim_whitespace(values), r"^(0|[1-9][0-9]{0,17})$")
        if not pc.all(pc.fill_null(plain, fill_value=False)).as_py():
            return False
    return True


def _write(batches: Iterator[pa.RecordBatch], out: Path, path: Path) -> None:
    """Write batches to one file, whole or not at all."""
    first = next(batches, None)
    if first is None:
        raise without_rows(path.name)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    writer: Any
    if out.suffix.lower() == ".csv":
        writer = pacsv.CSVWriter(part, first.schema)
    else:
        writer = pq.ParquetWriter(part, first.schema, compression="zstd")
    try:
        with writer:
            for batch in chain([first], batches):
                writer.write_batch(batch.cast(first.schema))
        os.replace(part, out)  # noqa: PTH105  the atomic one, by its own name
    finally:
        part.unlink(missing_ok=True)
