"""A run's files while they are made: in a hidden folder, moved into place at the end, the surface last."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from geoscore.errors import InputError
from geoscore.project import is_address


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give a hidden folder beside a run's own, which is removed afterwards."""
    if is_address(folder):
        raise InputError(
            f"{folder} is an address, and a run writes to a folder: run with --out FOLDER, then copy what it publishes"
            " (surface.parquet, map.html, report.html, summary.json, ledger.jsonl; never private/)"
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the run's files")
    parent = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    _clear_dead(parent)
    try:
        stage = Path(tempfile.mkdtemp(prefix=f".geoscore-{os.getpid()}-", dir=parent))
    except OSError as error:
        raise InputError(f"cannot write to {parent}: {error.strerror}") from error
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _clear_dead(parent: Path) -> None:
    """Remove what runs left behind that were killed: their folders hold households."""
    if os.name != "posix":
        return
    for old in parent.glob(".geoscore-*-*"):
        number = old.name.split("-")[1]
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            shutil.rmtree(old, ignore_errors=True)
        except (OSError, ValueError):
            continue  # somebody else's, or no number of a process


def move_into_place(stage: Path, folder: Path, outputs: Sequence[str]) -> None:
    """Move a finished run to its folder, the surface last: at any moment there is a whole run or no surface."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "surface.parquet").unlink(missing_ok=True)
    old = folder / "private"
    if old.exists():
        shutil.rmtree(old)
    for name in ("private", "ledger.jsonl", *reversed(outputs)):
        os.replace(stage / name, folder / name)  # noqa: PTH105  the atomic one, by its own name
