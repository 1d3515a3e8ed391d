"""A plain workbook of one sheet, whose rows wait on disk; the same rows give the same bytes."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self
from xml.sax.saxutils import escape

import pandas as pd


class Sheet:
    """A sheet being written: its rows wait on disk, not in memory.

    Numbers are written as numbers, everything else as text; None and NaN as empty cells.

    Parameters
    ----------
    columns
        The header.

    Examples
    --------
    >>> from python_calamine import load_workbook
    >>> with tempfile.TemporaryDirectory() as folder, Sheet(("Name", "Gift")) as sheet:
    ...     sheet.add([("Ada", 250.0)])
    ...     sheet.save(Path(folder) / "gifts.xlsx")
    ...     load_workbook(str(Path(folder) / "gifts.xlsx")).get_sheet_by_index(0).to_python()
    [['Name', 'Gift'], ['Ada', 250.0]]
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115  closed by __exit__
        self._spool.write(f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{_WORKSHEET}<sheetData>'.encode())
        self.add([columns])

    def __enter__(self) -> Self:
        """Return the sheet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give back the room on disk."""
        self._spool.close()

    def add(self, rows: Iterable[Iterable[Any]]) -> None:
        """Add rows of values below the others."""
        self._spool.writelines(("<row>" + "".join(map(_cell, values)) + "</row>").encode() for values in rows)

    def save(self, path: Path) -> None:
        """Write the workbook."""
        self._spool.write(b"</sheetData></worksheet>")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in _PARTS.items():
                archive.writestr(_entry(name), text, zipfile.ZIP_DEFLATED)
            entry = _entry("xl/worksheets/sheet1.xml")
            entry.file_size = self._spool.tell()
            self._spool.seek(0)
            with archive.open(entry, "w") as file:
                shutil.copyfileobj(self._spool, file)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _cell(value: Any) -> str:
    if pd.isna(value):
        return "<c/>"
    if isinstance(value, (int, float)):
        return f"<c><v>{int(value) if float(value).is_integer() else value!r}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


_SHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_WORKSHEET: Final = f'<worksheet xmlns="{_SHEET}">'
_RELS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS: Final = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_RELS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}">'
        '<sheets><sheet name="Donors" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_RELS}">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}
