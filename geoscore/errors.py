"""The errors geoscore raises: each also a builtin, each one line that says how to mend it.

The command line ends with 2 on a user's mistake and with 3 when it refuses for law or policy.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

MOST_NAMES: Final = 12
"""So many names of columns are told of a file."""


class GeoscoreError(Exception):
    """Base of every error that geoscore raises on purpose."""

    exit_code = 2


class InputError(GeoscoreError, ValueError):
    """A file, a row or an argument is not what was asked for."""


class InputNotFoundError(InputError, FileNotFoundError):
    """A file that was named is not there."""


class ProjectError(GeoscoreError, ValueError):
    """The project file asks for something that cannot be done."""


class SurfaceError(GeoscoreError, ValueError):
    """A surface, or a question put to one, does not hold."""


class LedgerError(GeoscoreError, ValueError):
    """A ledger is broken, or a file is no longer the one it names."""


class EngineError(GeoscoreError, RuntimeError):
    """An engine could not start, or stopped in the middle of its work."""


class PolicyError(GeoscoreError, PermissionError):
    """Refused by law or policy; nothing was written."""

    exit_code = 3


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint at the known word that was perhaps meant, or nothing.

    Examples
    --------
    >>> did_you_mean("zip", ["name", "ZIP_CODE"])
    "; did you mean 'ZIP_CODE'?"
    """
    plain = {re.sub(r"[\W_]", "", name).lower(): name for name in known}
    target = re.sub(r"[\W_]", "", word).lower()
    near = difflib.get_close_matches(target, plain, n=1, cutoff=0.6)
    near = near or [name for name in plain if target and (name.startswith(target) or target.startswith(name)) and name]
    return f"; did you mean {plain[near[0]]!r}?" if near else ""


def missing_file(path: Path | str, what: str = "file", *, needed: str = "", mend: str = "") -> InputNotFoundError:
    """Return the error that a file, or folder, is not there: which, and a name beside it that was perhaps meant.

    Examples
    --------
    >>> print(missing_file("nowhere/donors.csv"))
    there is no file nowhere/donors.csv
    >>> print(missing_file("out", "ledger", mend="name the folder of a run"))
    there is no ledger out; name the folder of a run
    """
    path = Path(path)
    try:
        beside = sorted(other.name for other in path.parent.iterdir())
    except OSError:
        beside = []
    why = f" ({needed})" if needed else ""
    return InputNotFoundError(
        f"there is no {what} {path}{why}{f'; {mend}' if mend else did_you_mean(path.name, beside)}"
    )


def missing_column(name: str, place: Path | str, known: Sequence[str], *, needed: str = "") -> InputError:
    """Return the error that a file has no such column: which it has, or the one that was perhaps meant.

    Examples
    --------
    >>> print(missing_column("zip", "donors.csv", ["name", "ZIP_CODE"]))
    column 'zip' missing in donors.csv; did you mean 'ZIP_CODE'?
    >>> print(missing_column("zip", "donors.csv", ["name", "gift"], needed="mapped to zip"))
    column 'zip' missing in donors.csv (mapped to zip); it has name, gift
    """
    has = f"; it has {', '.join(known[:MOST_NAMES])}{', ...' if len(known) > MOST_NAMES else ''}" if known else ""
    why = f" ({needed})" if needed else ""
    return InputError(f"column {name!r} missing in {place}{why}{did_you_mean(name, known) or has}")


def without_rows(path: Path | str) -> InputError:
    """Return the error that a file has a header and nothing below it.

    Examples
    --------
    >>> print(without_rows("donors.csv"))
    donors.csv has a header but no row; is it the whole file?
    """
    return InputError(f"{path} has a header but no row; is it the whole file?")
