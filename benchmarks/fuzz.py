"""Coverage-guided fuzzing of what people hand to geoscore: surfaces, polygons, project files and protections.

pip install atheris; python benchmarks/fuzz.py surface|polygon|project|protection [-runs=10000] [FOLDER OF EXAMPLES]

Bytes are changed so that new code is reached. An error of geoscore's own that is one line passes; anything else, and
whatever takes longer than ten seconds, is a fault that atheris prints with the bytes that cause it.
"""

import contextlib
import io
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

warnings.simplefilter("ignore")
with atheris.instrument_imports(include=["geoscore"]):
    from geoscore.disclosure import read_protection
    from geoscore.errors import GeoscoreError
    from geoscore.project import open_project
    from geoscore.query import open_surface
    from geoscore.spatial.polygons import read_area

SLOWEST_S = 10
FOLDER = Path(tempfile.mkdtemp())


def surface(data: bytes) -> None:
    """Open a surface and ask it."""
    path = FOLDER / "surface.parquet"
    path.write_bytes(data)
    opened = open_surface(path)
    opened.query(capacity=2500)
    opened.at_least(2500).by("zip").to_rows()


def polygon(data: bytes) -> None:
    """Read a drawn area."""
    path = FOLDER / "area.geojson"
    path.write_bytes(data)
    read_area(path)


def project(data: bytes) -> None:
    """Read a project file."""
    path = FOLDER / "geoscore.toml"
    path.write_bytes(data)
    open_project(path)


def protection(data: bytes) -> None:
    """Read the counts in a surface's metadata."""
    read_protection(data.decode("latin-1"))


TARGETS = {"surface": surface, "polygon": polygon, "project": project, "protection": protection}


def main() -> None:
    """Fuzz one of them."""
    target = TARGETS.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if target is None:
        sys.exit(f"say which: {', '.join(TARGETS)}")

    def once(data: bytes) -> None:
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                target(data)
        except GeoscoreError as error:
            if not str(error) or "\n" in str(error):
                raise AssertionError(f"no one line: {error!r}") from error

    atheris.Setup([sys.argv[0], f"-timeout={SLOWEST_S}", *sys.argv[2:]], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
