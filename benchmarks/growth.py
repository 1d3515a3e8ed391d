"""Growth: made-up households of the United States, from Parquet to a published surface, at several sizes.

python benchmarks/growth.py 1 3 10 [--engine spark] [--memory 4GB] [--keep DIR] [--kill]

Sizes are millions of households. Prints wall seconds, seconds of processor (of all processes, which other work on the
machine does not change much), peak memory of all processes together, and how far the surface is from the truth. With
--kill each run is killed in the middle and run again: what was kept is told, and whether the bytes are the same.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from geoscore.query import open_surface

GEOSCORE = str(Path(sys.executable).with_name("geoscore"))
DOCS = Path(__file__).parents[1] / "docs" / "performance.md"
HEADLINE = 2500
KILL_AT = 0.5
"""Of the time of the first run, after which the second is killed."""


@dataclass(frozen=True)
class Measured:
    """What a command took: seconds on the wall and of processors, and gigabytes held by all its processes."""

    wall: float
    cpu: float
    peak: float


def measure(command: list[str], *, kill_after: float | None = None) -> Measured:
    """Run a command, and kill it with all its processes after so many seconds where that is asked for."""
    started = time.perf_counter()
    process = subprocess.Popen(command, start_new_session=True)
    watch = _Watch(process.pid)
    if kill_after is not None:
        time.sleep(kill_after)
        os.killpg(process.pid, signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = watch.stop()
    if process.returncode and kill_after is None:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return Measured(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, peak)


class _Watch:
    """Looks ten times a second how much memory the processes of a session hold together."""

    def __init__(self, session: int) -> None:
        self._session, self._peak, self._over = session, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """Return the most that was seen, in gigabytes."""
        self._over.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE") / 1e9
        while not self._over.wait(0.1):
            held = 0.0
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError, ValueError, IndexError):
                    if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[3]) == self._session:
                        held += int((folder / "statm").read_text().split()[1]) * page
            self._peak = max(self._peak, held)


def off_by(out: Path, data: Path) -> float:
    """Return how far the surface's share above the headline threshold is from the truth, in percentage points."""
    surface = open_surface(out)
    answer = surface.query(capacity=HEADLINE)
    truth = pq.read_table(data / "truth.parquet")
    rung = surface.note.ladder.index(HEADLINE)
    above = np.array(truth["at_least"].to_pylist())[:, rung].sum() / truth["households"].to_numpy().sum()
    return 100.0 * abs((answer.estimate or 0.0) / (answer.households or 1.0) - float(above))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("millions", nargs="+", type=float)
    parser.add_argument("--engine", default="duckdb")
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--keep", type=Path, help="folder of made-up files, made where they are not there")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--write", action="store_true", help="write these sizes into docs/performance.md")
    asked = parser.parse_args()
    lines = [
        "| households | made in | run: wall | processors | peak memory | off the truth |",
        "|---|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    with tempfile.TemporaryDirectory() as name:
        for millions in asked.millions:
            n = round(millions * 1e6)
            data = (asked.keep or Path(name)) / f"us{n}"
            made = "before"
            if not (data / "geoscore.toml").exists():
                command = [GEOSCORE, "synth", "--households", str(n), "--region", "united-states", "--out", str(data)]
                made = f"{measure([*command, '--quiet']).wall:.0f} s"
            out = Path(name) / f"out{n}"
            project = [GEOSCORE, "run", str(data / "geoscore.toml"), "--memory", asked.memory, "--quiet"]
            run = [*project, "--engine", asked.engine]
            took = measure([*run, "--out", str(out)])
            told = f"| {took.wall:.0f} s | {took.cpu:.0f} s | {took.peak:.1f} GB | {off_by(out, data):.3f} pp |"
            lines.append(f"| {n:,} | {made} {told}")
            print(lines[-1], flush=True)
            if asked.kill:
                killed = Path(name) / f"killed{n}"
                measure([*run, "--out", str(killed)], kill_after=KILL_AT * took.wall)
                left = sorted((killed.parent / f".{killed.name}.stages").rglob("part-*.parquet"))
                again = measure([*run, "--out", str(killed)])
                same = all(
                    (killed / file).read_bytes() == (out / file).read_bytes()
                    for file in ("surface.parquet", "map.html", "report.html", "summary.json")
                )
                log = json.loads((killed / "private" / "stages" / "stages.json").read_text())
                kept = [entry["stage"] for entry in log if entry["kept"]]
                print(
                    f"killed after {KILL_AT * took.wall:.0f} s, {len(left)} parts kept, stages kept: {kept or 'none'};"
                    f" run again: {again.wall:.0f} s, {again.cpu:.0f} s of processors; same bytes: {same}",
                    flush=True,
                )
    if asked.write:
        rows = {_size(line): line for line in (*read_between("growth").splitlines()[2:], *lines[2:])}
        write_between("growth", "\n".join([*lines[:2], *(rows[size] for size in sorted(rows))]))


def _size(line: str) -> int:
    return int(line.split("|")[1].replace(",", ""))


def read_between(mark: str) -> str:
    """Return what stands between two marks of docs/performance.md."""
    rest = DOCS.read_text(encoding="utf-8").split(f"<!-- {mark}: start -->")[1]
    return rest.split(f"<!-- {mark}: end -->")[0].strip()


def write_between(mark: str, text: str) -> None:
    """Replace what stands between two marks of docs/performance.md."""
    start, end = (f"<!-- {mark}: {place} -->" for place in ("start", "end"))
    before, rest = DOCS.read_text(encoding="utf-8").split(start)
    DOCS.write_text(f"{before}{start}\n{text.strip()}\n{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
