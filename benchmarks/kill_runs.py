"""Kill runs at random moments: afterwards there is no surface, or a whole run that verifies.

python benchmarks/kill_runs.py [TIMES]
"""

import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from geoscore.errors import GeoscoreError
from geoscore.ledger import verify_ledger
from geoscore.query import open_surface
from geoscore.reference.samples import example_dir

GEOSCORE = str(Path(sys.executable).with_name("geoscore"))
HOUSEHOLDS = 400


def main() -> None:
    """Print how each killed run ended."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    chance = random.Random(3)  # noqa: S311  no secret
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([GEOSCORE, "synth", "--households", str(HOUSEHOLDS), "--out", name, "-q"], check=True)
        shutil.copy(example_dir() / "geoscore.toml", folder)
        command = [GEOSCORE, "run", str(folder / "geoscore.toml"), "--out", str(folder / "out"), "-q"]
        start = time.perf_counter()
        subprocess.run(command, check=True)
        whole = time.perf_counter() - start
        ended = {"whole": 0, "no surface": 0, "broken": 0}
        for i in range(times):
            if chance.random() < 0.3:  # noqa: PLR2004  some begin in an empty folder
                shutil.rmtree(folder / "out", ignore_errors=True)
            # half of the moments in the last tenth, where files are moved
            at = whole * (chance.uniform(0.9, 1.02) if i % 2 else chance.random())
            with subprocess.Popen(command) as process:
                try:
                    process.wait(at)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
            try:
                open_surface(folder / "out")
            except GeoscoreError:
                ended["no surface"] += 1
                continue
            try:
                verify_ledger(folder / "out")
                ended["whole"] += 1
            except GeoscoreError as error:
                ended["broken"] += 1
                print(error)
        left = [path.name for path in folder.iterdir() if path.name.startswith(".geoscore-")]
        print(f"{times} runs of {whole:.1f} s killed: {ended}; {len(left)} hidden folders left behind")


if __name__ == "__main__":
    main()
