"""Run the journeys of `examples/journeys` and keep what they print in their READMEs, and their pictures.

As in ``python scripts/journeys.py``, or ``python scripts/journeys.py a_ c_`` for some.
"""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
JOURNEYS = ROOT / "examples" / "journeys"
DAY = "2026-11-20"
"""Stands for the day of the run wherever it is printed."""
HASH = re.compile(r"\b[0-9a-f]{64}\b")
"""Of files whose bytes hold the day or a secret; printed as ``<sha256>``."""
COLORS = 96
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def run_journey(folder: Path) -> str:
    """Run a journey, and return what it printed."""
    bins = str(Path(sys.executable).parent)
    hidden = {"PATH": os.pathsep.join([bins, os.environ["PATH"]]), "COLUMNS": "120", "PYTHONWARNINGS": "default"}
    done = subprocess.run(
        ["bash", str(folder / "run.sh")], capture_output=True, text=True, env={**os.environ, **hidden}, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{folder.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    printed = HASH.sub("<sha256>", done.stdout)
    return printed.replace(datetime.now(tz=UTC).date().isoformat(), DAY)


def answers(text: str) -> dict[str, str]:
    """Return what every command printed, by the command as it was typed."""
    parts = re.split(r"(?m)^\$ (.*(?:\\\n.*)*)\n", text)[1:]
    told = [part.strip("\n") for part in parts[1::2]]
    return dict(zip((command.strip() for command in parts[::2]), told, strict=True))


def shown(readme: Path) -> dict[str, str]:
    """Return what a README says that every command printed."""
    return answers("".join(BLOCK.findall(readme.read_text(encoding="utf-8"))))


def keep(folder: Path, printed: str) -> None:
    """Write what was printed into the README, block by block, and keep the picture."""
    told, readme = answers(printed), folder / "README.md"

    def anew(block: re.Match[str]) -> str:
        parts = [f"$ {command}\n{told[command]}".rstrip("\n") for command in answers(block[1])]
        return "```console\n" + "\n\n".join(parts) + "\n```"

    readme.write_text(BLOCK.sub(anew, readme.read_text(encoding="utf-8")), encoding="utf-8")
    drawn = Image.open(folder / "out" / "picture.png").convert("RGB")
    drawn.quantize(COLORS, dither=Image.Dither.NONE).save(folder / "picture.png", optimize=True)  # a third of the bytes


if __name__ == "__main__":
    for journey in sorted(JOURNEYS.glob("?_*")):
        if not sys.argv[1:] or journey.name.startswith(tuple(sys.argv[1:])):
            printed = run_journey(journey)
            (journey / "out" / "printed.txt").write_text(printed, encoding="utf-8")
            keep(journey, printed)
            print(journey.name)
