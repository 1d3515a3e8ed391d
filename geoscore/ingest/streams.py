"""Bytes of a text file, unpacked and in UTF-8 whatever it was written in, as a stream that never holds it whole."""

import codecs
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from geoscore.errors import InputError

MOST_UNPACKED: Final = 2_000_000_000
"""Bytes that a spreadsheet or archive may unpack to."""
BLOCK: Final = 1 << 22
COMPRESSED: Final = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
MARKS: Final = {  # the longer first: the mark of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CONTENTS: Final = {  # how files begin that go by a wrong ending
    b"PK\x03\x04": "a spreadsheet or a zip, not text; give it the ending .xlsx or .zip",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook, not text; give it the ending .xls",
    b"PAR1\x15": "a Parquet file, not text; give it the ending .parquet",
    b"SQLite format 3": "an SQLite database, not text; give it the ending .sqlite",
    b"\x1f\x8b": "compressed; give it the ending .gz as well",
    b"%PDF-": "a PDF, not text; ask for the data itself",
    b"<!doctype": "a web page, not text; was a login page saved in place of the file?",
    b"<html": "a web page, not text; was a login page saved in place of the file?",
}
UNDEFINED: Final = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
"""Bytes that are no character of Windows-1252."""
MIXED: Final = "mixed"
"""UTF-8 with some lines of Windows-1252: what comes of pasting one file below another."""
_ODD_LINE: Final = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")


@dataclass(frozen=True)
class Encoding:
    """How the bytes of a file are letters, and what to tell of it."""

    name: str
    notes: tuple[str, ...] = ()


def find_encoding(path: Path) -> Encoding:
    r"""Return how a text file is encoded.

    UTF-8 where the whole file is valid, else what its byte order mark says, else Windows-1252; UTF-8 with single lines
    of Windows-1252 where at least half of the lines that are not ASCII are valid.

    Raises
    ------
    InputError
        It is no text file, or cannot be unpacked.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_bytes("name\nPeña\nIñez\n".encode() + "Muñoz\n".encode("cp1252"))
    >>> find_encoding(path)
    Encoding(name='mixed', notes=('lines in two encodings: 1 read as Windows-1252, the others as UTF-8',))
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_bytes(path) as stream:
        block = read_block(path, stream, 1 << 20)
        mark = next((name for mark, name in MARKS.items() if block.startswith(mark)), None)
        if mark:
            return Encoding(mark, (f"read as {mark}",))
        if b"\0" in block:
            raise InputError(f"{path} is not a text file; is its ending right?")
        try:
            while block:
                decoder.decode(block)
                block = read_block(path, stream)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _count_lines(path)
    return Encoding("utf-8")


def open_text(path: Path, encoding: str) -> pa.NativeFile:
    r"""Return the text of a file as a stream of UTF-8 bytes.

    Parameters
    ----------
    path
        A text file, perhaps compressed.
    encoding
        A name that Python knows, or ``mixed``.

    Raises
    ------
    InputError
        There is no such encoding, or the file cannot be unpacked; while it is read: its bytes are not in the encoding.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_bytes("Peña".encode("cp1252"))
    >>> open_text(path, "cp1252").read(100).decode()
    'Peña'
    """
    try:
        plain = encoding != MIXED and codecs.lookup(encoding).name == "utf-8"
        decoder = None if plain or encoding == MIXED else codecs.getincrementaldecoder(encoding)
    except (LookupError, TypeError) as error:
        raise InputError(f"{path}: there is no encoding {encoding!r}; try utf-8, cp1252 or utf-16") from error
    stream = open_bytes(path)
    if plain:
        return stream
    chunks = _decoded(path, stream, encoding, decoder) if decoder else _mended(path, stream)
    return pa.PythonFile(io.BufferedReader(_Chunks(chunks, stream)), mode="r")


def open_bytes(path: Path) -> pa.NativeFile:
    r"""Return the bytes of a file, unpacked where its ending says that it is compressed.

    Raises
    ------
    InputError
        It cannot be opened, or a zip holds more or less than one file.

    Examples
    --------
    >>> import gzip, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv.gz"
    >>> _ = path.write_bytes(gzip.compress(b"zip\n94301\n"))
    >>> open_bytes(path).read()
    b'zip\n94301\n'
    """
    try:
        if path.suffix.lower() == ".zip":
            return pa.PythonFile(zipfile.ZipFile(path).open(find_member(path)), mode="r")
        return pa.input_stream(path, compression=COMPRESSED.get(path.suffix.lower()))
    except (OSError, pa.ArrowException, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{path} cannot be opened: {error}") from error


def check_content(path: Path) -> None:
    """Refuse a file that begins as no text file does, whatever its ending.

    Raises
    ------
    InputError
        It is a workbook, a web page or the like.

    Examples
    --------
    >>> check_content(Path(__file__))
    """
    with open_bytes(path) as stream:
        start = read_block(path, stream, 512).removeprefix(codecs.BOM_UTF8).lstrip()
    for mark, what in CONTENTS.items():
        if start.startswith(mark) or (mark.startswith(b"<") and start.lower().startswith(mark)):
            raise InputError(f"{path} is {what}")


def read_block(path: Path, stream: Any, size: int = BLOCK) -> bytes:
    """Return the next bytes of a stream of ``path``.

    Raises
    ------
    InputError
        They cannot be unpacked.

    Examples
    --------
    >>> read_block(Path("a.csv"), io.BytesIO(b"zip"))
    b'zip'
    """
    try:
        return bytes(stream.read(size))
    except InputError:
        raise
    except (OSError, EOFError, ValueError, pa.ArrowException, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} is cut off or damaged, it cannot be unpacked: {error}") from error


def find_member(path: Path) -> str:
    """Return the name of the only file in a zip; folders and what a Mac adds do not count.

    Raises
    ------
    InputError
        It is no zip, holds none or several files, a locked one, or one too large.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.zip"
    >>> with zipfile.ZipFile(path, "w") as archive:
    ...     archive.writestr("donors.csv", "zip")
    >>> find_member(path)
    'donors.csv'
    """
    check_unpacked(path, "an archive", "unpack it and name the file in it")
    try:
        with zipfile.ZipFile(path) as archive:
            items = [item for item in archive.infolist() if not item.is_dir() and not _is_hidden(item.filename)]
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no whole zip file: {error}; download or pack it again") from error
    if len(items) != 1:
        names = ", ".join(item.filename for item in items[:5]) or "none"
        raise InputError(f"{path} must hold exactly one file, it holds {len(items)} ({names}); unpack it, name the one")
    if items[0].flag_bits & 1:
        raise InputError(f"{path} is locked with a password; unpack it and name the file in it")
    return items[0].filename


def check_unpacked(path: Path, kind: str, mend: str) -> None:
    """Refuse a zipped file that would unpack to more than it could honestly hold (a zip bomb).

    Raises
    ------
    InputError
        It would, or it is damaged.

    Examples
    --------
    >>> check_unpacked(Path(__file__), "a spreadsheet", "save it as CSV")
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is {kind} that is damaged: {error}; save it again") from error
    if size > MOST_UNPACKED or size > 1000 * max(path.stat().st_size, 100_000):
        raise InputError(f"{path} would unpack to {size:,} bytes; {mend}")


def _is_hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith(".")


def _count_lines(path: Path) -> Encoding:
    """Return the encoding of a file that is not wholly UTF-8, from its lines that are not ASCII."""
    valid = wrong = lost = lost_in_wrong = 0
    with open_bytes(path) as stream:
        for block in _whole_lines(path, stream):
            if block.isascii():
                continue
            for line in _ODD_LINE.findall(block):
                undefined = len(line) - len(line.translate(None, UNDEFINED))
                lost += undefined
                if _is_utf8(line):
                    valid += 1
                else:
                    wrong += 1
                    lost_in_wrong += undefined
    mixed = valid >= wrong
    lost = lost_in_wrong if mixed else lost
    notes = [
        f"lines in two encodings: {wrong:,} read as Windows-1252, the others as UTF-8" if mixed else "read as cp1252"
    ]
    if lost:
        notes.append(f"{lost:,} bytes are no letters in Windows-1252 and read as \ufffd")
    return Encoding(MIXED if mixed else "cp1252", tuple(notes))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _whole_lines(path: Path, stream: Any) -> Iterator[bytes]:
    """Yield blocks that end where a line ends, so that no letter is torn."""
    rest = b""
    while block := read_block(path, stream):
        cut = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
        if cut:
            yield rest + block[:cut]
            rest = block[cut:]
        else:
            rest += block
    if rest:
        yield rest


def _mended(path: Path, stream: Any) -> Iterator[bytes]:
    for block in _whole_lines(path, stream):
        if _is_utf8(block):
            yield block
        else:
            yield b"".join(
                line if _is_utf8(line) else line.decode("cp1252", errors="replace").encode()
                for line in block.splitlines(keepends=True)
            )


def _decoded(
    path: Path, stream: Any, encoding: str, decoder_class: Callable[[str], codecs.IncrementalDecoder]
) -> Iterator[bytes]:
    # five bytes of Windows-1252 have no letter; a file should not be refused for them
    lenient = codecs.lookup(encoding).name == "cp1252"
    decoder = decoder_class("replace" if lenient else "strict")
    try:
        while block := read_block(path, stream):
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise InputError(f"{path} is not in the encoding {encoding}: {error}; leave encoding out to find it") from error


class _Chunks(io.RawIOBase):
    """Chunks of bytes as a file that Arrow can read from."""

    def __init__(self, chunks: Iterator[bytes], source: Any) -> None:
        self._chunks = chunks
        self._source = source
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()
