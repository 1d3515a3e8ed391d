"""What Spark needs around it: a Java to run on, and a Python for its workers; said in clear words where not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from geoscore.errors import EngineError

OLDEST_JAVA: Final = 17
GET_JAVA: Final = (
    "install one (Debian, Ubuntu: apt-get install openjdk-17-jre-headless) and set JAVA_HOME to its folder"
)


def java_version() -> int:
    """Return the version of the Java that Spark would start.

    Raises
    ------
    EngineError
        There is none, or it is too old; the message says how to get one.
    """
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if program is None or not Path(program).exists():
        where = f"JAVA_HOME is {home}, where there is no bin/java" if home else "there is no java here"
        raise EngineError(f"the spark engine needs Java {OLDEST_JAVA} or newer, and {where}: {GET_JAVA}")
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{program} does not start ({error}); {GET_JAVA}") from error
    version = read_java_version(told.stderr + told.stdout)
    if version is None or version < OLDEST_JAVA:
        found = "says no version" if version is None else f"is version {version}"
        raise EngineError(f"the spark engine needs Java {OLDEST_JAVA} or newer, and {program} {found}: {GET_JAVA}")
    return version


def read_java_version(text: str) -> int | None:
    """Return the major version in what ``java -version`` prints; None where there is none.

    Examples
    --------
    >>> read_java_version('openjdk version "17.0.15" 2025-04-15'), read_java_version('java version "1.8.0_392"')
    (17, 8)
    """
    found = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if found is None:
        return None
    return int(found[2]) if found[1] == "1" and found[2] else int(found[1])


def choose_python() -> None:
    """Make workers run this very Python where nothing else is said, and check what is said.

    Raises
    ------
    EngineError
        ``PYSPARK_PYTHON`` names no program, or a Python of another version.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    named = os.environ["PYSPARK_PYTHON"]
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    program = shutil.which(named)
    mend = (
        f"unset it, or set it to {sys.executable}; on a cluster, to a Python that is at the same path on every machine"
    )
    if program is None:
        raise EngineError(f"PYSPARK_PYTHON is {named!r}, and there is no such program: {mend}")
    if Path(program).resolve() == Path(sys.executable).resolve():
        return
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    told = subprocess.run([program, "-c", code], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if told.stdout.strip() != ours:
        other = told.stdout.strip() or "none that starts"
        raise EngineError(f"PYSPARK_PYTHON is {named!r}, Python {other}, and this is Python {ours}: {mend}")
