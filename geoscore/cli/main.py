"""The way in: runs a command and ends with 0, with 2 and one line on a user's mistake, with 3 on a refusal."""

import os
import sys
from typing import Any, Final, NoReturn

import typer

from geoscore.cli import compare as _compare  # noqa: F401
from geoscore.cli import files as _files  # noqa: F401  registers its commands
from geoscore.cli import pictures as _pictures  # noqa: F401
from geoscore.cli import places as _places  # noqa: F401
from geoscore.cli import propensity as _propensity  # noqa: F401
from geoscore.cli import trade as _trade  # noqa: F401
from geoscore.cli import trade_measures as _trade_measures  # noqa: F401
from geoscore.cli import trade_models as _trade_models  # noqa: F401
from geoscore.cli.commands import app
from geoscore.errors import GeoscoreError, InputError

_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What a wrong option or argument raises; typer does not export it by name."""
STOPPED: Final = 130
"""How a command ends that was interrupted: 128 and the number of the signal."""


def main() -> NoReturn:
    """Run the command line and exit."""
    sys.exit(_run())


def _run() -> int:
    try:
        code = app(prog_name="geoscore", standalone_mode=False)
    except _UsageError as error:
        return _complain(*_usage(error))
    except (typer.Abort, KeyboardInterrupt):
        code = STOPPED
    except GeoscoreError as error:
        return _complain(str(error), error.exit_code)
    except OSError as error:
        return _complain(f"{error.filename or 'the system'}: {error.strerror or error}", InputError.exit_code)
    except Exception as error:
        if os.environ.get("GEOSCORE_TRACEBACK"):
            raise
        what = f"{type(error).__name__}: {error}"[:300]
        return _complain(f"a fault of geoscore's own: {what}; GEOSCORE_TRACEBACK=1 shows where, please report it", 1)
    if code == STOPPED:  # typer makes this of an interrupt, and says nothing
        return _complain("stopped; nothing was left half-written", STOPPED)
    return code if isinstance(code, int) else 0


def _usage(error: Any) -> tuple[str, int]:
    context = getattr(error, "ctx", None)
    where = f" (see {context.command_path} --help)" if context else ""
    return f"{error.format_message().rstrip('.')}{where}", InputError.exit_code


def _complain(message: str, code: int) -> int:
    print(f"geoscore: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201  this is where we speak
    return code
