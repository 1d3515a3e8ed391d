"""The ledger: what went in, what was done and what came out, each line chained to the one before by its hash.

Append-only; a changed line, a changed file or a missing one is found and named.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from geoscore.errors import GeoscoreError, LedgerError, missing_file
from geoscore.reference.samples import samples_dir

START: Final = "0" * 64


@dataclass
class Ledger:
    """A ledger being written.

    Parameters
    ----------
    path
        The ``ledger.jsonl`` to write.
    folder
        Folder that it will stand in, from which the paths of files are told; that of ``path`` by default.

    Examples
    --------
    >>> import tempfile
    >>> ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger.jsonl")
    >>> ledger.append("run", {"purpose": "research"})
    >>> ledger.append("end", {})
    >>> verify_ledger(ledger.path).entries
    2
    """

    path: Path
    folder: Path | None = None
    head: str = START
    lines: list[str] = field(default_factory=list)

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Add an entry and write the ledger anew, whole or not at all."""
        body = {"seq": len(self.lines) + 1, "kind": kind, "data": data, "previous": self.head}
        self.head = _hash_entry(body)
        self.lines.append(json.dumps({**body, "hash": self.head}, sort_keys=True, ensure_ascii=False))
        part = self.path.with_name(self.path.name + ".part")
        part.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        os.replace(part, self.path)  # noqa: PTH105  the atomic one, by its own name

    def append_file(
        self,
        kind: str,
        path: Path,
        data: dict[str, Any] | None = None,
        *,
        place: str | None = None,
        sha256: str | None = None,
    ) -> None:
        """Add an entry for a file that was read or written, with its hash; ``place`` where it will be moved.

        The hash is taken here, unless it was taken before.
        """
        folder = (self.folder or self.path.parent).resolve()
        place = place or Path(os.path.relpath(path.resolve(), folder)).as_posix()
        self.append(kind, {"path": place, "sha256": sha256 or hash_file(path), **(data or {})})


@dataclass(frozen=True)
class Verified:
    """What a check of a ledger found to be in order.

    Attributes
    ----------
    entries
        Lines of the ledger.
    files
        Files whose hashes are what the ledger says.

    Examples
    --------
    >>> verify_ledger(Path("out")).entries > 5
    True
    """

    entries: int
    files: int
    elsewhere: tuple[str, ...]
    """Files that went in and are no longer where they were; their hashes stand in the ledger."""
    head: str = START
    """Hash of the last line: whoever was told it beforehand knows that nobody wrote the whole ledger anew."""


def verify_ledger(path: Path | str, *, sources: Iterable[Path] = ()) -> Verified:
    """Recompute every hash of a ledger and of the files it names.

    Parameters
    ----------
    path
        ``ledger.jsonl``, or the run's folder.
    sources
        Files that went in, wherever they lie now: known by their bytes, not by their names.

    Raises
    ------
    InputNotFoundError
        There is no ledger, or no such source.
    LedgerError
        The chain is broken, a file is not what it was, or a source went into no entry; the message names the first one.

    Examples
    --------
    >>> verify_ledger(Path("out")).files > 0
    True
    """
    path = Path(path)
    if path.is_dir() or (path.exists() and path.suffix != ".jsonl"):
        path = (path if path.is_dir() else path.parent) / "ledger.jsonl"
    if not path.exists():
        raise missing_file(path, "ledger", mend="name the folder of a run")
    entries = _read_chain(path)
    given = _known_by_bytes(sources, entries, path)
    named = [entry for entry in entries if "sha256" in entry["data"]]
    elsewhere = [str(entry["data"]["path"]) for entry in named if not _is_as_it_was(entry, path.parent, given)]
    if not entries or entries[-1]["kind"] != "end":
        raise LedgerError(f"{path} has no last entry: the run did not finish, or lines were cut off")
    return Verified(len(entries), len(named) - len(elsewhere), tuple(elsewhere), str(entries[-1]["hash"]))


def _is_as_it_was(entry: dict[str, Any], folder: Path, given: set[str]) -> bool:
    """Return whether an entry's file has the bytes that it had, False where it is not here any more."""
    data, output = entry["data"], entry["kind"] == "output"
    file = folder / data["path"]
    if not output and data["sha256"] in given:
        return True
    if not file.exists():
        if output:
            raise LedgerError(f"{file} is missing; the run wrote it (entry {entry['seq']})")
        return _came_along(file.name, data["sha256"])
    if hash_file(file) != data["sha256"]:
        raise LedgerError(f"{file} is not the file that the run {'wrote' if output else 'read'} (entry {entry['seq']})")
    return True


def _came_along(name: str, sha256: str) -> bool:
    """Return whether a file is one of the census samples that come with geoscore, wherever it is installed."""
    try:
        path = samples_dir() / name
    except GeoscoreError:
        return False  # geoscore is installed without them
    return path.is_file() and hash_file(path) == sha256


def _known_by_bytes(sources: Iterable[Path], entries: list[dict[str, Any]], ledger: Path) -> set[str]:
    """Return the hashes of files that went in, each of which an entry has to name."""
    named, given = {entry["data"].get("sha256") for entry in entries if entry["kind"] != "output"}, set()
    for source in sources:
        if not source.is_file():
            raise missing_file(source)
        given.add(hash_file(source))
        if not given <= named:
            raise LedgerError(f"{source} is none of the files that {ledger} says went in")
    return given


def find_entry(folder: Path, kind: str) -> dict[str, Any] | None:
    """Return what the first entry of a kind says in a folder's ledger, None where there is none.

    Raises
    ------
    LedgerError
        The chain is broken.
    """
    path = folder / "ledger.jsonl"
    if not path.exists():
        return None
    return next((dict(entry["data"]) for entry in _read_chain(path) if entry["kind"] == kind), None)


def _read_chain(path: Path) -> list[dict[str, Any]]:
    entries, head = [], START
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        try:
            entry = json.loads(line)
            body = {key: entry[key] for key in ("seq", "kind", "data", "previous")}
            whole = entry["hash"] == _hash_entry(body) and entry["previous"] == head and entry["seq"] == number
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise LedgerError(f"{path}: the chain is broken at line {number}; it was changed after the run")
        head = entry["hash"]
        entries.append(entry)
    return entries


def _hash_entry(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
