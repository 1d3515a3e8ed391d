"""The command line: thin commands over the library, plain words, and exit codes that scripts can rely on."""

from geoscore.cli.main import main

__all__ = ["main"]
