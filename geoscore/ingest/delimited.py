"""Delimited text (CSV, TSV and their kin), in any encoding: every row is read, or rejected with its number."""

import csv
import io
import re
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from geoscore.errors import InputError
from geoscore.ingest.headers import check_header, name_columns
from geoscore.ingest.raw import Batches, RawFile, check_names
from geoscore.ingest.streams import MIXED, find_encoding, open_text, read_block

BLOCK_BYTES: Final = 1 << 25
"""Longest row of a CSV file, in bytes."""
MOST_SWALLOWED: Final = 200
"""Lines that one field may span; more of them mean a quote that was never closed."""
LET_GO_S: Final = 1.0
"""Longest wait for Arrow's threads; milliseconds are usual."""
DELIMITERS: Final = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars", "^": "carets", "~": "tildes"}
SAMPLE_ROWS: Final = 20
SAMPLE_BYTES: Final = 1 << 20
_SINGLE: Final = re.compile(r"(?:^|[,;\t|^~])'[^'\r\n]*'(?=[,;\t|^~]|$)")
_DOUBLE: Final = re.compile(r'(?:^|[,;\t|^~])"')


@dataclass(frozen=True)
class _Form:
    """How the text of a file is laid out."""

    encoding: str
    delimiter: str
    quote: str
    header_lines: int
    columns: tuple[str, ...]


def read_delimited(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> RawFile:
    r"""Open a delimited text file.

    Parameters
    ----------
    path
        The file, perhaps compressed.
    delimiter, encoding
        What stands between its columns, and how it is encoded; found out by default.

    Raises
    ------
    InputError
        It is no text, has no header, or two columns of one name; while it is read: a quote is never closed.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("'zip';'income';\n'94301';'100';'x'\n")
    >>> raw = read_delimited(path)
    >>> raw.names, raw.notes[1:]
    (['zip', 'income', 'column_3'], ["texts stand in ' quotes", 'column 3 has no name; it is called column_3'])
    """
    raw = RawFile(path, [])
    if encoding is None:
        found = find_encoding(path)
        encoding = found.name
        raw.notes.extend(found.notes)
    elif encoding not in ("utf-8", MIXED):
        raw.notes.append(f"read as {encoding}")
    sample = _sample(path, encoding)
    quote = _find_quote(sample)
    delimiter = delimiter or _find_delimiter(sample, quote)
    if delimiter != ",":
        raw.notes.append(f"columns are separated by {DELIMITERS.get(delimiter, repr(delimiter))}")
    if quote != '"':
        raw.notes.append(f"texts stand in {quote} quotes")
    reader = _rows(sample, delimiter, quote)
    header: list[str] = next(reader, [])
    lines = reader.line_num
    if not any(cell.strip() for cell in header):
        raise InputError(f"{path} is empty: there is no header in it")
    below = [row for row in islice(reader, SAMPLE_ROWS) if row]
    check_header(path, header, below)
    header = _fit_header(header, below)
    columns = name_columns(header)
    form = _Form(encoding, delimiter, quote, lines, tuple(columns))
    unnamed = [name for cell, name in zip(header, columns, strict=True) if not cell.strip()]
    check_names(RawFile(path, columns))
    kept = _filled(path, form, unnamed) if unnamed else set()
    raw.names = [name for name in columns if name not in unnamed or name in kept]
    raw.notes += [f"column {i} has no name; it is called {name}" for i, name in enumerate(columns, 1) if name in kept]
    raw.batches = _batches(raw, form)
    return raw


# --- how the file is laid out ---------------------------------------------------------------------------------


def _sample(path: Path, encoding: str) -> str:
    with open_text(path, encoding) as stream:
        sample = read_block(path, stream, SAMPLE_BYTES)
    if len(sample) == SAMPLE_BYTES:
        sample = sample[: sample.rfind(b"\n") + 1] or sample  # the last line may be cut
    return sample.decode(errors="ignore").lstrip("\ufeff")


def _rows(sample: str, delimiter: str, quote: str) -> Any:
    csv.field_size_limit(1 << 30)
    return csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, quotechar=quote)


def _find_quote(sample: str) -> str:
    """Return the single quote where at least half of the first lines have a cell wholly in such, none in double."""
    lines = [line for line in sample.splitlines()[:SAMPLE_ROWS] if line.strip()]
    if any(_DOUBLE.search(line) for line in lines):
        return '"'
    single = sum(_SINGLE.search(line) is not None for line in lines)
    return "'" if single and 2 * single >= len(lines) else '"'


def _find_delimiter(sample: str, quote: str) -> str:
    """Return the separator that gives the first lines the same, largest number of columns."""

    def score(delimiter: str) -> tuple[int, int]:
        rows = [len(row) for row in islice(_rows(sample, delimiter, quote), SAMPLE_ROWS) if row]
        same = sum(count == rows[0] for count in rows[:-1] or rows)
        return (same * (rows[0] > 1), rows[0]) if rows else (0, 0)

    return max(DELIMITERS, key=score)


def _fit_header(header: list[str], below: Sequence[Sequence[str]]) -> list[str]:
    """Return the header as long as the rows, where only one of both ends in a delimiter."""
    size = len(header)
    if below and all(len(row) == size + 1 and not row[-1].strip() for row in below):
        return [*header, ""]
    if below and not header[-1].strip() and all(len(row) == size - 1 for row in below):
        return header[:-1]
    return header


def _filled(path: Path, form: _Form, names: Sequence[str]) -> set[str]:
    """Return those of the columns that hold anything at all; reads the whole file."""
    filled: set[str] = set()
    try:
        for batch in _read(path, form, names, lambda _: "skip"):
            filled.update(name for name in names if pc.max(pc.binary_length(batch.column(name))).as_py())
    except pa.ArrowException as error:
        raise InputError(f"{path} cannot be read: {_words(str(error))}") from error
    return filled


# --- its rows -------------------------------------------------------------------------------------------------


def _read(path: Path, form: _Form, names: Sequence[str], refuse: Any) -> Iterator[pa.RecordBatch]:
    """Read batches, and wait until Arrow's threads have let go of the handler.

    They need Python's lock for that, and a thread that asks for it while Python shuts down ends the program by abort.
    """
    handler, released = partial(refuse), Event()
    watch = weakref.ref(handler, lambda _: released.set())
    reader = _open(path, form, names, handler)
    del handler
    try:
        yield from reader
    finally:
        del reader
        if watch() is not None:
            released.wait(LET_GO_S)


def _open(path: Path, form: _Form, names: Sequence[str], refuse: Any) -> pacsv.CSVStreamingReader:
    return pacsv.open_csv(
        open_text(path, form.encoding),
        read_options=pacsv.ReadOptions(
            block_size=BLOCK_BYTES, use_threads=False, column_names=form.columns, skip_rows=form.header_lines
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=form.delimiter, quote_char=form.quote, newlines_in_values=True, invalid_row_handler=refuse
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=names,
            strings_can_be_null=False,
            check_utf8=True,
        ),
    )


def _batches(raw: RawFile, form: _Form) -> Batches:
    bad: list[int] = []
    torn: list[tuple[int, int]] = []  # pyarrow ignores what is raised inside a handler

    def refuse(row: pacsv.InvalidRow) -> str:
        number = row.number - form.header_lines
        swallowed = row.text.count("\n")
        if swallowed > MOST_SWALLOWED:
            torn.append((number, swallowed))
        bad.append(number)
        why = "wrong number of columns"
        raw.rejected.append((number, why, f"{row.actual_columns} where {row.expected_columns} are expected"))
        return "skip"

    try:
        first = 1
        for batch in _read(raw.path, form, raw.names, refuse):
            numbers = _row_numbers(first, batch.num_rows, bad)
            _check_quotes(raw, batch, numbers)
            if torn:
                break
            yield batch, numbers
            first = int(numbers[-1]) + 1 if len(numbers) else first
    except pa.ArrowException as error:
        if torn:
            raise _open_quote(raw, *torn[0]) from error
        raise InputError(f"{raw.path} cannot be read: {_words(str(error))}") from error
    except (OSError, EOFError) as error:
        raise InputError(f"{raw.path} is cut off or damaged, it cannot be unpacked: {error}") from error
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


def _words(message: str) -> str:
    if "straddling" in message:
        return f"a row is longer than {BLOCK_BYTES >> 20} MB; is a quote opened and not closed?"
    if "Empty CSV" in message:
        return "there is a header but no row"
    return message.splitlines()[0]
