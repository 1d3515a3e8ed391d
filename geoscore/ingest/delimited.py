"""Delimited text (CSV, TSV, ...): any separator, encoding, quote and packing; rows that are torn are told."""

import csv
import re
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from geoscore.errors import InputError
from geoscore.ingest.headers import check_header
from geoscore.ingest.raw import Batches, RawFile, check_names
from geoscore.ingest.streams import find_encoding, open_text, read_block

BLOCK_BYTES: Final = 1 << 25
"""Longest row of a file, in bytes."""
MOST_SWALLOWED: Final = 200
"""Lines that one field may span; more of them mean a quote that was never closed."""
NAMES: Final = {"\t": "tabs", ";": "semicolons", "|": "bars", "^": "carets", "~": "tildes"}
SAMPLE: Final = 1 << 16
SHOWN_ROWS: Final = 20


def read_delimited(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> RawFile:
    r"""Open a delimited text file.

    Parameters
    ----------
    path
        The file, perhaps packed.
    delimiter, encoding
        Found out by default.

    Raises
    ------
    InputError
        It is empty, no text, or its first row is no header.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("name^zip\n'Lee, Ann'^94301\n")
    >>> raw = read_delimited(path)
    >>> raw.names, raw.notes
    (['name', 'zip'], ['columns are separated by carets', 'single quotes'])
    """
    raw = RawFile(path, [])
    found = find_encoding(path) if encoding is None else None
    raw.notes.extend(found.notes if found else [f"read as {encoding}"])
    encoding = found.name if found else str(encoding)
    sample = _sample(path, encoding)
    delimiter = delimiter or _find_delimiter(sample)
    if delimiter != ",":
        raw.notes.append(f"columns are separated by {NAMES.get(delimiter, repr(delimiter))}")
    quote = _find_quote(sample, delimiter)
    if quote == "'":
        raw.notes.append("single quotes")
    rows = list(islice(csv.reader(sample.splitlines(), delimiter=delimiter, quotechar=quote), SHOWN_ROWS))
    raw.names = _name_columns(raw, [name.strip() for name in (rows[0] if rows else [])])
    if not any(raw.names):
        raise InputError(f"{path} is empty: there is no header in it")
    check_names(raw)
    check_header(path, raw.names, rows[1:])
    raw.batches = _csv_batches(raw, delimiter=delimiter, encoding=encoding, quote=quote)
    return raw


def _sample(path: Path, encoding: str) -> str:
    with open_text(path, encoding) as stream:
        block = read_block(path, stream, SAMPLE)
    text = block.decode("utf-8", errors="ignore").lstrip("\ufeff")
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html")):
        raise InputError(f"{path} is a web page, no table; download the file itself")
    if text.startswith("PK\x03\x04"):
        raise InputError(f"{path} is a spreadsheet or archive under another name; give it its own ending")
    return text


def _name_columns(raw: RawFile, names: list[str]) -> list[str]:
    """Give columns without a name one by their place."""
    if not any(names):
        return names
    for i, name in enumerate(names):
        if not name:
            names[i] = f"column_{i + 1}"
            raw.notes.append(f"column {i + 1} has no name, called column_{i + 1}")
    return names


def _find_quote(sample: str, delimiter: str) -> str:
    """Return single quotes where fields of most rows stand in them, else double ones."""
    lines = [line for line in sample.splitlines()[1:SHOWN_ROWS] if line]
    mark = re.escape(delimiter)
    quoted = sum(bool(re.search(rf"(^|{mark})'[^']*'({mark}|$)", line)) for line in lines)
    return "'" if lines and 2 * quoted > len(lines) and not any('"' in line for line in lines) else '"'


def _csv_batches(raw: RawFile, *, delimiter: str, encoding: str, quote: str) -> Batches:
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
            open_text(raw.path, encoding),
            read_options=pacsv.ReadOptions(
                block_size=BLOCK_BYTES, use_threads=False, column_names=raw.names, skip_rows=1
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter, quote_char=quote, newlines_in_values=True, invalid_row_handler=refuse
            ),
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


def _find_delimiter(sample: str) -> str:
    """Return the separator that gives the first lines the same, largest number of columns."""

    def score(delimiter: str) -> tuple[int, int]:
        rows = [len(row) for row in islice(csv.reader(sample.splitlines(), delimiter=delimiter), 20) if row]
        same = sum(count == rows[0] for count in rows[:-1] or rows)
        return (same * (rows[0] > 1), rows[0]) if rows else (0, 0)

    csv.field_size_limit(1 << 30)
    return max((",", "\t", ";", "|", "^", "~"), key=score)
