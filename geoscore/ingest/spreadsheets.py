"""Spreadsheets (XLSX, XLS, ODS): one sheet, its first row the header, titles above it apart."""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from geoscore.errors import InputError
from geoscore.ingest.headers import check_header, find_header, name_columns
from geoscore.ingest.raw import BATCH_ROWS, Batches, RawFile, as_text, check_names
from geoscore.ingest.streams import check_unpacked

LOOKED_AT: Final = 20
"""Rows among which the header is looked for."""


def read_spreadsheet(path: Path, *, sheet: str | None = None) -> RawFile:
    r"""Open one sheet of a spreadsheet.

    Parameters
    ----------
    path
        A workbook.
    sheet
        Its sheet; the first by default.

    Raises
    ------
    InputError
        It is damaged, would unpack to too much, or has no such sheet; the sheet is empty or without header.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.xlsx"
    >>> _ = path.write_text("zip,income\n")
    >>> read_spreadsheet(path)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    geoscore.errors.InputError: a.xlsx cannot be read as a spreadsheet: Cannot detect file format
    """
    from python_calamine import CalamineError, CalamineWorkbook

    check_unpacked(path, "a spreadsheet", "save it as CSV or Parquet")
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
    shown = [[as_text(value) or "" for value in row] for row in rows[:LOOKED_AT]]
    above = find_header(shown)
    names, rows = shown[above], rows[above:]
    check_header(path, names, shown[above + 1 :])
    columns = name_columns(names)
    used = [i for i, title in enumerate(names) if title.strip() or any(as_text(row[i]) for row in rows[1:])]
    schema = pa.schema([(columns[i], pa.string()) for i in used])
    raw = RawFile(path, schema.names)
    raw.notes += [f"column {i + 1} has no name; it is called {columns[i]}" for i in used if not names[i].strip()]
    if above:
        raw.notes.append(f"{above} line{'s' if above > 1 else ''} above the header left out")
    if len(book.sheet_names) > 1:
        raw.notes.append(f"sheet {name!r} of {len(book.sheet_names)}")
    check_names(raw)

    def batches() -> Batches:
        for first in range(1, len(rows), BATCH_ROWS):
            part = rows[first : first + BATCH_ROWS]
            cells = [pa.array([as_text(row[i]) for row in part], pa.string()) for i in used]
            numbers = np.arange(first, first + len(part), dtype=np.int64)
            yield pa.RecordBatch.from_arrays(cells, schema=schema), numbers

    raw.batches = batches()
    return raw
