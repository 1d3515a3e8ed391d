"""Speed of what people wait for, against the time of `import duckdb`; medians, side by side in one run.

python benchmarks/performance.py [--write]      # --write puts the table into docs/performance.md
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
SCRIPT = Path(sys.executable).parent / "geoscore"
ROUNDS = 9
START, END = "<!-- benchmark: start -->", "<!-- benchmark: end -->"


def seconds(command: list[str]) -> float:
    """Return how long a command takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def measure(out: Path) -> dict[str, float]:
    """Return the median seconds of every command, measured in turn so that noise falls on all alike."""
    demo = [str(SCRIPT), "demo", "--quiet", "--out", str(out)]
    runs = [seconds(demo) for _ in range(3)]
    surface = str(out / "surface.parquet")
    commands = {
        "python -c 'import duckdb'": [sys.executable, "-c", "import duckdb"],
        "geoscore --help": [str(SCRIPT), "--help"],
        "geoscore query --zip 94301": [str(SCRIPT), "query", surface, "--zip", "94301"],
        "geoscore query --all --by county": [str(SCRIPT), "query", surface, "--all", "--by", "county"],
        "geoscore query --point --radius-km 5": [
            *(str(SCRIPT), "query", surface, "--point=-122.16,37.44", "--radius-km", "5"),
        ],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            times[name].append(seconds(command))
    return {"geoscore demo": median(runs), **{name: median(values) for name, values in times.items()}}


def table(figures: dict[str, float]) -> str:
    """Return the figures as a Markdown table."""
    base = figures["python -c 'import duckdb'"]
    limits = {"geoscore --help": 3, "geoscore demo": None}
    lines = ["| command | median | times `import duckdb` | to reach |", "|---|---|---|---|"]
    for name, value in figures.items():
        limit = limits.get(name, 6)
        goal = "under 60 s" if name == "geoscore demo" else ("" if value == base else f"under {limit}")
        ratio = "" if name == "geoscore demo" else f"{value / base:.1f}"
        lines.append(f"| `{name}` | {value:.2f} s | {ratio} | {goal} |")
    cores = os.cpu_count()
    return "\n".join([*lines, "", f"{cores} cores, Python {sys.version.split()[0]}, medians of {ROUNDS} (demo: of 3)."])


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    write = parser.parse_args().write
    with tempfile.TemporaryDirectory() as folder:
        text = table(measure(Path(folder) / "demo"))
    print(text)
    if write:
        path = ROOT / "docs" / "performance.md"
        old = path.read_text(encoding="utf-8")
        new = re.sub(f"{START}.*{END}", f"{START}\n{text}\n{END}".replace("\\", r"\\"), old, flags=re.DOTALL)
        path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
