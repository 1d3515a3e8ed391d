"""How fast addresses are placed: parsing and matching apart, and a file of a million rows with 30% distinct addresses.

python benchmarks/geocoding.py
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from geoscore.geocoding.match import Matcher
from geoscore.geocoding.records import ASKED, AT_ONCE, read_addresses
from geoscore.reference.gazetteer import open_gazetteer
from geoscore.reference.synth import make_households
from geoscore.standardize.addresses import parse_addresses

HOMES = 150_000
DISTINCT = 300_000
ROWS = 1_000_000
TYPOS = 0.2
ELSEWHERE = 0.1
GEOSCORE = [str(Path(sys.executable).with_name("geoscore"))]


def ask(homes: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return addresses on known streets with other numbers, a fifth misspelled, and a tenth on streets nobody knows."""
    some = homes.iloc[rng.integers(0, len(homes), DISTINCT)].reset_index(drop=True)
    number = (some["number"] + rng.integers(0, 40, DISTINCT)).astype(str)
    street = np.array(some["street"].str.split(" ", n=1).str[1], dtype=object)
    for row in np.flatnonzero(rng.random(DISTINCT) < TYPOS):
        at = int(rng.integers(1, max(len(street[row].split()[0]), 2)))
        street[row] = street[row][:at] + street[row][at + 1 :]
    for row in np.flatnonzero(rng.random(DISTINCT) < ELSEWHERE):
        street[row] = f"Xanthippe{row % 977} Road"
    return pd.DataFrame({"street": number + " " + street, "city": some["city"], "state": "CA", "zip": some["zip"]})


def timed(what: Callable[[], Any]) -> tuple[Any, float]:
    """Return a result and the seconds it took."""
    start = time.perf_counter()
    result = what()
    return result, time.perf_counter() - start


def main() -> None:
    """Print every figure."""
    rng = np.random.default_rng(11)
    homes = make_households(HOMES).to_pandas()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = homes.rename(columns={"street": "address"})[["address", "city", "zip", "longitude", "latitude"]]
        known.to_csv(folder / "points.csv", index=False)
        command = [*GEOSCORE, "gazetteer", "build", str(folder / "points.csv"), "-o", str(folder / "g"), "-q"]
        _, seconds = timed(lambda: subprocess.run(command, check=True))
        print(f"gazetteer of {len(known):,} points built in {seconds:.1f} s")
        gazetteer, seconds = timed(lambda: open_gazetteer(folder / "g"))
        print(f"opened in {seconds:.2f} s")
        asked = ask(homes, rng)
        table = pa.Table.from_pandas(asked.assign(unit=None)[list(ASKED)], preserve_index=False)
        parsed, seconds = timed(lambda: read_addresses(table))
        print(f"parsed, street lines: {len(asked) / seconds:,.0f} a second")
        lines = pa.array(asked["street"] + ", " + asked["city"] + ", CA " + asked["zip"])
        _, seconds = timed(lambda: parse_addresses(lines, whole=True))
        print(f"parsed, one-line addresses: {len(asked) / seconds:,.0f} a second")
        matcher = Matcher(gazetteer)
        matcher.locate(parsed.slice(0, 1000))
        for _ in range(3):
            _, seconds = timed(lambda: [matcher.locate(parsed.slice(i, AT_ONCE)) for i in range(0, DISTINCT, AT_ONCE)])
            print(f"matched: {DISTINCT / seconds:,.0f} distinct addresses a second")
        rows = asked.iloc[np.concatenate([np.arange(DISTINCT), rng.integers(0, DISTINCT, ROWS - DISTINCT)])]
        rows.to_csv(folder / "people.csv", index=False)
        words = [str(folder / "people.csv"), "--gazetteer", str(folder / "g"), "-o", str(folder / "out.parquet")]
        _, seconds = timed(lambda: subprocess.run([*GEOSCORE, "geocode", *words], check=True))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        print(f"{ROWS:,} rows with {len(asked.drop_duplicates()):,} distinct addresses: {seconds:.0f} s, {peak:.2f} GB")


if __name__ == "__main__":
    main()
