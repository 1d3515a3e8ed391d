"""The errors geoscore raises: each also a builtin, each one line that says how to mend it.

The command line ends with 2 on a user's mistake and with 3 when it refuses for law or policy.
"""

import difflib
import re
from collections.abc import Iterable


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
