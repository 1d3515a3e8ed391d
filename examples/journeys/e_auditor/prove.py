"""Two proofs that need no trust in geoscore's own commands: the chain by hand, and nobody's name in what was published.

As in ``python prove.py out/received out/sources/property.parquet``.
"""

import base64
import gzip
import hashlib
import json
import re
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq


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
    text = "\n".join(map(readable, published)).upper()
    words = set(re.findall(r"\w+", text))
    likely = [value for value in wanted if set(re.findall(r"\w+", value)) <= words]
    return len(wanted), sum(value in text for value in likely), len(published)


def readable(path: Path) -> str:
    """Return all that stands in a file: rows of a table, a page with its packed figures unpacked."""
    if path.suffix == ".parquet":
        return str(pq.read_schema(path).metadata) + pd.read_parquet(path).astype(str).to_csv()
    text = path.read_text(encoding="utf-8")
    packed = re.findall(r">\s*(H4sI[A-Za-z0-9+/=]+)\s*<", text)  # gzip in base64
    return text + "".join(gzip.decompress(base64.b64decode(some)).decode("utf-8", "ignore") for some in packed)


def main(folder: Path, roll: Path) -> None:
    """Print both proofs."""
    chain = check_chain(folder)
    print(f"{len(chain)} lines, each with the hash of the line before; the last is {list(chain.values())[-1]}")
    named = json.loads(pq.read_schema(folder / "surface.parquet").metadata[b"geoscore"])["ledger"]
    line = next(name for name, value in chain.items() if value == named)
    print(f"the surface names line {line}: its figures were made from what the lines up to it name")
    wanted, found, files = people_in(folder, roll)
    print(f"{found} of {wanted:,} owners, addresses and parcel numbers stand in any of the {files} files")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
