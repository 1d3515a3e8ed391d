"""The way in: runs a command and ends with 0, with 2 and one line on a user's mistake, with 3 on a refusal."""

import os
import sys
from importlib import import_module
from typing import Any, Final, NoReturn

import typer

from geoscore.errors import GeoscoreError, InputError

ROOMS: Final = {
    "commands": ("demo", "run", "query", "synth", "doctor"),
    "pictures": ("map", "report"),
    "compare": ("compare",),
    "checks": ("verify", "audit", "attack"),
    "files": ("inspect", "init", "link", "explain-link", "suppress"),
    "places": ("gazetteer", "geocode", "census"),
    "propensity": ("fit", "score", "plan"),
    "trade": ("trade-area",),
    "trade_measures": ("trade-area",),
    "trade_sites": ("trade-area",),
    "trade_models": ("trade-area",),
}
"""The modules with commands, and which: a command waits for its own module alone."""

_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What a wrong option or argument raises; typer does not export it by name."""
STOPPED: Final = 130
"""How a command ends that was interrupted: 128 and the number of the signal."""


def load(word: str = "") -> Any:
    """Return the command line with the commands that a first word may mean; with all where it is none of them."""
    named = [room for room, words in ROOMS.items() if word in words]
    for room in named or ROOMS:
        import_module(f"geoscore.cli.{room}")
    return import_module("geoscore.cli.commands").app


def __getattr__(name: str) -> Any:
    if name == "app":
        return load()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> NoReturn:
    """Run the command line and exit."""
    sys.exit(_run())


def _run() -> int:
    app = load(sys.argv[1] if len(sys.argv) > 1 else "")
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
    told = error.format_message().rstrip(".").replace("Value error, ", "")
    return f"{told}{where}", InputError.exit_code


def _complain(message: str, code: int) -> int:
    print(f"geoscore: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201  this is where we speak
    return code
