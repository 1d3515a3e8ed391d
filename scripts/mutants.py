"""Mutation testing: how many small faults, planted one by one, the quick tests find.

python scripts/mutants.py [ROOM...] [--sample 200] [--seed 11] [--again] [--write]

mutmut plants them (settings in pyproject.toml) in the bodies of functions without decorators. A random sample of a
room's mutants is tested, drawn with a seed; with --again only those of it that no test has failed on yet. A mutant is
killed when a test fails or runs out of time. --write puts the table into CONTRIBUTING.md.
"""

import argparse
import json
import math
import random
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- mutants -->", "<!-- /mutants -->"
ROOMS = {
    "capacity": ("geoscore.capacity.*",),
    "interpolation": ("geoscore.spatial.*",),
    "disclosure": ("geoscore.disclosure.*",),
    "query": ("geoscore.query.*",),
    "Huff": ("geoscore.trade.*",),
}
KILLED = frozenset({1, 3})
"""Exit codes of pytest: a test failed, or pytest itself."""
OUT_OF_TIME = frozenset({24, -24, 36, 152, 255})
Z = 1.959964
"""Of an interval of 95%."""


@dataclass(frozen=True)
class Tested:
    """What became of a room's sample."""

    room: str
    mutants: int
    sample: int
    killed: int
    left: tuple[str, ...]

    @property
    def line(self) -> str:
        """A row of the table: the share that was killed and Wilson's interval of it."""
        share, n = self.killed / self.sample, self.sample
        spread = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
        middle, whole = share + Z**2 / (2 * n), 1 + Z**2 / n
        low, high = (middle - spread) / whole, (middle + spread) / whole
        interval = "all" if n == self.mutants else f"{low:.0%} to {min(high, 1.0):.0%}"
        return f"| {self.room} | {self.mutants:,} | {n} | {self.killed} | {share:.1%} | {interval} |"


def results() -> dict[str, int | None]:
    """Return the exit code of every mutant's tests; None of one that was not tested."""
    found: dict[str, int | None] = {}
    for path in sorted((ROOT / "mutants").rglob("*.meta")):
        found |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def mutmut(*names: str) -> None:
    """Test these mutants, after planting all."""
    with (ROOT / "mutants.log").open("a", encoding="utf-8") as log:
        done = subprocess.run(
            [sys.executable, "-m", "mutmut", "run", *names], cwd=ROOT, stdout=log, stderr=log, check=False
        )
    if done.returncode:
        sys.exit(f"mutmut ended with {done.returncode}; mutants.log tells why")


def draw(room: str, size: int, seed: int) -> tuple[int, list[str]]:
    """Return how many mutants a room has, and a sample of their names; a larger one holds the smaller."""
    names = sorted(name for name in results() if any(fnmatch(name, pattern) for pattern in ROOMS[room]))
    random.Random(f"{seed} {room}").shuffle(names)  # noqa: S311  a sample, no secret
    return len(names), sorted(names[:size])


def count(room: str, mutants: int, names: list[str]) -> Tested:
    """Count what became of a room's sample."""
    found = results()
    left = tuple(name for name in names if found[name] not in KILLED | OUT_OF_TIME)
    return Tested(room, mutants, len(names), len(names) - len(left), left)


def main() -> None:
    """Test the rooms and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", choices=[*ROOMS, []], metavar="ROOM", help=", ".join(ROOMS))
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--again", action="store_true", help="test only what no test has failed on yet")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.name}")
    given = parser.parse_args()
    if not any(name.startswith("geoscore.") for name in results()):
        mutmut("geoscore.query.answer.*__mutmut_1")  # plants all of them
    drawn = {room: draw(room, given.sample, given.seed) for room in given.rooms or ROOMS}
    found = results()
    to_do = [name for _, names in drawn.values() for name in names]
    if given.again:
        to_do = [name for name in to_do if found[name] not in KILLED]
    if to_do:
        mutmut(*to_do)
    tested = [count(room, *sample) for room, sample in drawn.items()]
    head = ["| room | mutants | sample | killed | share | of all, 95% |", "|---|---|---|---|---|---|"]
    lines = [*head, *(one.line for one in tested)]
    print("\n".join([*lines, *(f"mutmut show {name}" for one in tested for name in one.left)]))
    if given.write:
        text = PAGE.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
