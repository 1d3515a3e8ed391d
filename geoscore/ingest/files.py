"""Files as people have them (CSV, Parquet, JSON lines, XLSX), read as numbered Arrow batches.

Readers know nothing of households: they give raw columns, row numbers, and the rows that could not be read.
"""

import csv
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from geoscore.errors import InputError, InputNotFoundError

BATCH_ROWS: Final = 65_536
BLOCK_BYTES: Final = 1 << 25
"""Longest row of a CSV file, in bytes."""
LONGEST_LINE: Final = 1_000_000
MOST_SWALLOWED: Final = 200
"""Lines that one field may span; more of them mean a quote that was never closed."""
MOST_UNPACKED: Final = 2_000_000_000
"""Bytes that a spreadsheet may unpack to."""
SUFFIXES: Final = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".psv"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".ods"), "spreadsheet"),
}


@dataclass
class RawFile:
    """A file being read: its columns, and its batches one after another.

    ``rejected`` fills up while batches are read; ``notes`` says how the file was understood.
    """

    path: Path
    names: list[str]
    batches: Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]] = field(default_factory=lambda: iter(()))
    rejected: list[tuple[int, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_file(
    path: Path, *, sheet: str | None = None, delimiter: str | None = None, encoding: str | None = None
) -> RawFile:
    r"""Open a household file.

    Parameters
    ----------
    path
        A CSV or other delimited text file (also ``.gz``, ``.bz2``, ``.zst``), Parquet, JSON lines or spreadsheet.
    sheet
        Sheet of a spreadsheet; the first by default.
    delimiter, encoding
        Of a text file; found out by default.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    InputError
        It is empty, broken, of an unknown kind, or has two columns of one name.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("zip;income\n94301;100\n")
    >>> raw = read_file(path)
    >>> raw.names, [batch.num_rows for batch, rows in raw.batches]
    (['zip', 'income'], [1])
    """
    if not path.exists():
        raise InputNotFoundError(f"there is no file {path}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: there is not even a header in it")
    suffix = next((s.lower() for s in reversed(path.suffixes) if s.lower() in SUFFIXES), "")
    kind = SUFFIXES.get(suffix)
    if kind == "csv":
        raw = _read_csv(path, delimiter=delimiter, encoding=encoding)
    elif kind == "parquet":
        raw = _read_parquet(path)
    elif kind == "jsonl":
        raw = _read_jsonl(path, encoding=encoding)
    elif kind == "spreadsheet":
        raw = _read_spreadsheet(path, sheet=sheet)
    else:
        raise InputError(f"{path}: no reader for {path.suffix or 'a file without ending'}; use {', '.join(SUFFIXES)}")
    _check_names(raw)
    return raw


def is_readable(path: Path) -> bool:
    """Return whether a file's ending is one that ``read_file`` knows.

    Examples
    --------
    >>> is_readable(Path("a.csv.gz")), is_readable(Path("README.md"))
    (True, False)
    """
    return any(suffix.lower() in SUFFIXES for suffix in path.suffixes)


def _check_names(raw: RawFile) -> None:
    if not raw.names:
        raise InputError(f"{raw.path} has no columns")
    twice = [name for name in raw.names if raw.names.count(name) > 1]
    if twice:
        raise InputError(f"two columns of {raw.path} are called {twice[0]!r}; rename one of them")


# --- delimited text -------------------------------------------------------------------------------------------


def _read_csv(path: Path, *, delimiter: str | None, encoding: str | None) -> RawFile:
    raw = RawFile(path, [])
    encoding = encoding or _find_encoding(path)
    if encoding != "utf-8":
        raw.notes.append(f"read as {encoding}")
    try:
        with pa.input_stream(path) as stream:
            sample = stream.read(1 << 16).decode(encoding, errors="ignore").lstrip("\ufeff")
    except (OSError, pa.ArrowException, LookupError) as error:
        raise InputError(f"{path} cannot be read as {encoding} text: {error}") from error
    delimiter = delimiter or _find_delimiter(sample)
    if delimiter != ",":
        raw.notes.append(f"columns are separated by {_NAMES.get(delimiter, repr(delimiter))}")
    header = next(csv.reader(sample.splitlines(), delimiter=delimiter), [])
    raw.names = [name.strip() for name in header]
    if not any(raw.names):
        raise InputError(f"{path} is empty: there is no header in it")
    _check_names(raw)
    raw.batches = _csv_batches(raw, delimiter=delimiter, encoding=encoding)
    return raw


_NAMES: Final = {"\t": "tabs", ";": "semicolons", "|": "bars"}


def _csv_batches(
    raw: RawFile, *, delimiter: str, encoding: str
) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
    bad: list[int] = []
    torn: list[tuple[int, int]] = []  # pyarrow ignores what is raised inside a handler

    def refuse(row: pacsv.InvalidRow) -> str:
        swallowed = row.text.count("\n")
        if swallowed > MOST_SWALLOWED:
            torn.append((row.number - 1, swallowed))
        bad.append(row.number - 1)
        why = "wrong number of columns"
        raw.rejected.append((row.number - 1, why, f"{row.actual_columns} where {row.expected_columns} are expected"))
        return "skip"

    try:
        reader = pacsv.open_csv(
            pa.input_stream(raw.path),
            read_options=pacsv.ReadOptions(
                block_size=BLOCK_BYTES, use_threads=False, encoding=encoding, column_names=raw.names, skip_rows=1
            ),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(raw.names, pa.string()), strings_can_be_null=False, check_utf8=True
            ),
        )
        first = 1
        for batch in reader:
            numbers = _row_numbers(first, batch.num_rows, bad)
            _check_quotes(raw, batch, numbers)
            if torn:
                break
            yield batch, numbers
            first = int(numbers[-1]) + 1 if len(numbers) else first
    except pa.ArrowException as error:
        if torn:
            raise _open_quote(raw, *torn[0]) from error
        raise InputError(f"{raw.path} cannot be read: {_csv_words(str(error))}") from error
    if torn:
        raise _open_quote(raw, *torn[0])


def _row_numbers(first: int, rows: int, bad: list[int]) -> npt.NDArray[np.int64]:
    """Return the numbers of a batch's rows from ``first``, without the rejected ones."""
    later = [number for number in bad if number >= first]
    span = np.arange(first, first + rows + len(later), dtype=np.int64)
    return span[~np.isin(span, later)][:rows]


def _check_quotes(raw: RawFile, batch: pa.RecordBatch, numbers: npt.NDArray[np.int64]) -> None:
    """Stop where a field spans so many lines that a quote was surely left open, and rows went missing in it."""
    for column in batch.columns:
        if batch.num_rows and pc.max(pc.binary_length(column)).as_py() > MOST_SWALLOWED:
            lines = pc.count_substring(column, "\n")
            if (most := pc.max(lines).as_py()) > MOST_SWALLOWED:
                raise _open_quote(raw, int(numbers[pc.index(lines, most).as_py()]), most)


def _open_quote(raw: RawFile, row: int, lines: int) -> InputError:
    return InputError(f"{raw.path}, row {row}: a quote is opened and not closed, it would swallow {lines:,} lines")


def _csv_words(message: str) -> str:
    if "straddling" in message:
        return f"a row is longer than {BLOCK_BYTES >> 20} MB; is a quote opened and not closed?"
    if "Empty CSV" in message:
        return "there is a header but no row"
    return message.splitlines()[0]


def _find_encoding(path: Path) -> str:
    """Return utf-8 where the whole file is valid, else what its byte order mark says, else Windows-1252."""
    import codecs

    with pa.input_stream(path) as stream:
        start = stream.read(1 << 20)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if b"\0" in start:
            raise InputError(f"{path} is not a text file; is its ending right?")
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while start:
                decoder.decode(start)
                start = stream.read(1 << 22)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _find_delimiter(sample: str) -> str:
    """Return the separator that gives the first lines the same, largest number of columns."""

    def score(delimiter: str) -> tuple[int, int]:
        rows = [len(row) for row in islice(csv.reader(sample.splitlines(), delimiter=delimiter), 20) if row]
        same = sum(count == rows[0] for count in rows[:-1] or rows)
        return (same * (rows[0] > 1), rows[0]) if rows else (0, 0)

    csv.field_size_limit(1 << 30)
    return max((",", "\t", ";", "|"), key=score)


# --- Parquet, JSON lines, spreadsheets ------------------------------------------------------------------------


def _read_parquet(path: Path) -> RawFile:
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is no whole Parquet file (cut off, or something else): {error}") from error

    def batches() -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
        first = 1
        try:
            for batch in file.iter_batches(BATCH_ROWS):
                yield batch, np.arange(first, first + batch.num_rows, dtype=np.int64)
                first += batch.num_rows
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is damaged after row {first - 1:,}: {error}") from error

    return RawFile(path, file.schema_arrow.names, batches())


def _read_jsonl(path: Path, *, encoding: str | None) -> RawFile:
    """Read JSON lines twice: once for the names of all columns, once for the rows."""
    encoding = encoding or _find_encoding(path)
    raw = RawFile(path, [])
    names: dict[str, None] = {}
    for _, item in _json_rows(raw, encoding):
        names.update(dict.fromkeys(item))
    raw.rejected.clear()
    raw.names = list(names)
    schema = pa.schema([(name, pa.string()) for name in raw.names])

    def batches() -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
        rows = _json_rows(raw, encoding)
        while chunk := list(islice(rows, BATCH_ROWS)):
            data = [{key: _text(value) for key, value in item.items()} for _, item in chunk]
            yield pa.RecordBatch.from_pylist(data, schema=schema), np.array([n for n, _ in chunk], dtype=np.int64)

    raw.batches = batches()
    return raw


def _json_rows(raw: RawFile, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    with pa.input_stream(raw.path) as stream:
        for line in _lines(stream):
            if not line.strip():
                continue
            number += 1
            if len(line) > LONGEST_LINE:
                raw.rejected.append((number, "line too long", f"{len(line):,} bytes"))
                continue
            try:
                item = json.loads(line.decode(encoding).lstrip("\ufeff"))
            except (ValueError, RecursionError) as error:
                raw.rejected.append((number, "not valid JSON", str(error)[:120]))
                continue
            if isinstance(item, dict):
                yield number, _flatten(item)
            else:
                raw.rejected.append((number, "not a JSON object", type(item).__name__))


def _lines(stream: Any) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(1 << 20):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _flatten(item: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in item.items():
        if isinstance(value, dict) and not prefix.count("."):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _read_spreadsheet(path: Path, *, sheet: str | None) -> RawFile:
    from python_calamine import CalamineError, CalamineWorkbook

    _check_unpacked(path)
    try:
        book = CalamineWorkbook.from_path(path)
        if sheet is not None and sheet not in book.sheet_names:
            raise InputError(f"{path} has no sheet {sheet!r}; it has {', '.join(book.sheet_names)}")
        name = sheet or book.sheet_names[0]
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
    except (CalamineError, OSError, IndexError) as error:
        raise InputError(f"{path} cannot be read as a spreadsheet: {error}") from error
    if not rows:
        raise InputError(f"{path}: sheet {name!r} is empty")
    names = [_text(value) or "" for value in rows[0]]
    used = [i for i, title in enumerate(names) if title.strip()]
    schema = pa.schema([(names[i].strip(), pa.string()) for i in used])
    raw = RawFile(path, schema.names)
    if len(book.sheet_names) > 1:
        raw.notes.append(f"sheet {name!r} of {len(book.sheet_names)}")
    _check_names(raw)

    def batches() -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
        for first in range(1, len(rows), BATCH_ROWS):
            part = rows[first : first + BATCH_ROWS]
            columns = [pa.array([_text(row[i]) for row in part], pa.string()) for i in used]
            numbers = np.arange(first, first + len(part), dtype=np.int64)
            yield pa.RecordBatch.from_arrays(columns, schema=schema), numbers

    raw.batches = batches()
    return raw


def _check_unpacked(path: Path) -> None:
    """Refuse a spreadsheet that would unpack to more than it could honestly hold (a zip bomb)."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is a damaged spreadsheet: {error}") from error
    if size > MOST_UNPACKED or size > 1000 * max(path.stat().st_size, 100_000):
        raise InputError(f"{path} would unpack to {size:,} bytes; save it as CSV or Parquet")


def _text(value: Any) -> str | None:
    """Return a cell of a spreadsheet or JSON as the text that a person would have typed."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004  exact in a double
        return str(int(value))
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
