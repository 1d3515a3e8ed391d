"""Finished outputs of stages, each under the hash of all that it was made from.

A run that was stopped finds them again and goes on from there; what changed has another hash and is made anew.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from geoscore.errors import InputError

DONE: Final = "done.json"
DIGITS: Final = 32


class StageStore:
    """The finished stages of a run, in a hidden folder beside the run's own, readable by its owner alone.

    Parameters
    ----------
    folder
        Where they are kept until the run is whole.
    earlier
        Where an earlier, whole run has kept its own; they are taken over by hard links.
    """

    def __init__(self, folder: Path, *, earlier: Path | None = None) -> None:
        self.folder = folder
        self.log: list[dict[str, Any]] = []
        self._used: set[str] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise InputError(f"cannot write to {folder.parent}: {error.strerror}") from error
        if earlier is not None and earlier.is_dir():
            for old in earlier.iterdir():
                if (old / DONE).exists() and not (folder / old.name).exists():
                    whole = folder / f"{old.name}.part"
                    shutil.copytree(old, whole, copy_function=link_file, dirs_exist_ok=True)
                    os.replace(whole, folder / old.name)  # noqa: PTH105  the atomic one, by its own name

    def make(self, stage: str, inputs: Any, work: Callable[[Path], None]) -> Path:
        """Return the folder with a stage's output, made by ``work`` where it is not there yet.

        Parameters
        ----------
        stage
            The stage's name.
        inputs
            All that the output depends on, ready for JSON; the code of geoscore itself is added to it.
        work
            Is given the folder; what it left there when it was stopped it finds again.

        Examples
        --------
        >>> import tempfile
        >>> store = StageStore(Path(tempfile.mkdtemp()) / "stages")
        >>> made = store.make("count", {"k": 10}, lambda folder: (folder / "n.txt").write_text("3") and None)
        >>> again = store.make("count", {"k": 10}, lambda folder: 1 / 0)
        >>> made == again, [entry["kept"] for entry in store.log]
        (True, [False, True])
        """
        path = self.folder / f"{stage.replace(' ', '-')}-{self.key(stage, inputs)}"
        self._used.add(path.name)
        started, kept = time.perf_counter(), (path / DONE).exists()
        if not kept:
            path.mkdir(mode=0o700, exist_ok=True)
            work(path)
            part = path / f"{DONE}.part"
            part.write_text(json.dumps({"stage": stage}) + "\n", encoding="utf-8")
            os.replace(part, path / DONE)  # noqa: PTH105  the atomic one, by its own name
        seconds = round(time.perf_counter() - started, 3)
        self.log.append({"stage": stage, "output": path.name, "kept": kept, "seconds": seconds})
        return path

    def key(self, stage: str, inputs: Any) -> str:
        """Return the address of a stage's output: a hash of its name, its inputs and the code that makes it."""
        text = json.dumps([stage, inputs, code_digest()], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]

    def close(self, into: Path) -> None:
        """Move what this run used into its folder, and forget the rest."""
        for old in self.folder.iterdir():
            if old.name not in self._used:
                shutil.rmtree(old, ignore_errors=True)
        os.replace(self.folder, into)  # noqa: PTH105
        (into / "stages.json").write_text(json.dumps(self.log, indent=2) + "\n", encoding="utf-8")


def link_file(source: str | Path, target: str | Path) -> None:
    """Give a file a second name, or copy it where the disk knows no second names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@cache
def code_digest() -> str:
    """Return a hash of geoscore's own code: another version makes other outputs."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
