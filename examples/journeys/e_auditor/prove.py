"""Two proofs that need no trust in geoscore's own commands: the chain by hand, and nobody's name in what was published.

As in ``python prove.py out/received out/sources/property.parquet``.
"""

import hashlib
import json
import sys
from pathlib import Path

import pandas as pd


def check_chain(folder: Path) -> dict[str, str]:
    """Recompute the ledger's chain, and return the hash of every line by its kind and place."""
    previous, seen = "0" * 64, {}
    for line in (folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        told = entry.pop("hash")
        body = json.dumps(entry, sort_keys=True, ensure_ascii=False).encode()
        if entry["previous"] != previous or hashlib.sha256(body).hexdigest() != told:
            raise SystemExit(f"line {entry['seq']} is not what the run wrote")
        previous = seen[f"{entry['seq']} {entry['kind']}"] = told
    return seen


def people_in(folder: Path, roll: Path) -> tuple[int, int, int]:
    """Return how many owners and addresses of the roll were looked for, and how many stand in a published file."""
    table = pd.read_parquet(roll, columns=["OWNER_NAME", "SITUS_ADDR", "APN"]).dropna()
    wanted = {str(value).upper() for column in table for value in table[column] if len(str(value)) > len("ANN LEE")}
    published = [path for path in sorted(folder.iterdir()) if path.is_file()]
    texts = "\n".join(path.read_bytes().decode("utf-8", "ignore") for path in published).upper()
    rows = pd.read_parquet(folder / "surface.parquet").astype(str).to_csv().upper()
    return len(wanted), sum(value in texts or value in rows for value in wanted), len(published)


def main(folder: Path, roll: Path) -> None:
    """Print both proofs."""
    import pyarrow.parquet as pq

    chain = check_chain(folder)
    print(f"{len(chain)} lines, each with the hash of the line before; the last is {list(chain.values())[-1]}")
    named = json.loads(pq.read_schema(folder / "surface.parquet").metadata[b"geoscore"])["ledger"]
    line = next(name for name, value in chain.items() if value == named)
    print(f"the surface names line {line}: its figures were made from what the lines up to it name")
    wanted, found, files = people_in(folder, roll)
    print(f"{found} of {wanted:,} owners, addresses and parcel numbers stand in any of the {files} files")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
