"""Write the labelled files on which the inference of column kinds is measured. Everyone in them is made up.

python benchmarks/accuracy/layouts/make_layouts.py
"""

import random
import tomllib
import zlib
from collections import Counter
from pathlib import Path

import pandas as pd
from values import KINDS, MISSING, make_people, render

HERE = Path(__file__).parent
FAMILIES = ("voters", "property", "addresses", "donors", "contacts", "surveys_and_lists")
ROWS = 60
NULLS = ("", "", "NA", "NULL", "N/A")


EVERY = 4
"""Of so many layouts of a family, the last is held out."""


def read_layouts() -> list[dict]:
    """Return the layouts of all families, each with its columns parsed and every fourth of a family held out."""
    layouts = []
    for family in FAMILIES:
        described = tomllib.loads((HERE / f"{family}.toml").read_text(encoding="utf-8"))
        for number, layout in enumerate(described["layouts"]):
            columns = [[part.strip() for part in line.split(" | ")] for line in layout["columns"].strip().splitlines()]
            layout["columns"] = [(header, kind, look[0] if look else "") for header, kind, *look in columns]
            layout["split"] = "held_out" if number % EVERY == EVERY - 1 else "tune"
            layouts.append(layout)
    return layouts


def make_table(layout: dict) -> pd.DataFrame:
    """Return the layout's table of ROWS made-up people, all cells text; seeded by the layout's name."""
    rng = random.Random(zlib.crc32(layout["name"].encode()))  # noqa: S311  made-up people are no secret
    people = make_people(rng, layout["states"], ROWS)
    null = layout.get("null", rng.choice(NULLS))
    table = {}
    for header, kind, look in layout["columns"]:
        share = rng.uniform(0, MISSING.get(kind, 0.0))
        cells = [render(rng, person, kind, look, layout) for person in people]
        table[header] = [null if cell == "" or rng.random() < share else cell for cell in cells]
    return pd.DataFrame(table, dtype=str)


def quote(text: str) -> str:
    """Return a TOML basic string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def describe(layout: dict) -> str:
    """Return the layout's entry in labels.toml."""
    keys = "\n".join(f"{key} = {quote(layout[key])}" for key in ("name", "title", "source", "split"))
    columns = "\n".join(f"{quote(header)} = {quote(kind)}" for header, kind, _ in layout["columns"])
    return f"[[layouts]]\n{keys}\n[layouts.columns]\n{columns}\n"


def main() -> None:
    """Write one CSV a layout and labels.toml, and print how many columns there are of each kind."""
    layouts = read_layouts()
    counts = Counter(kind for layout in layouts for _, kind, _ in layout["columns"])
    if repeated := [y["name"] for y in layouts if len({c[0] for c in y["columns"]}) < len(y["columns"])]:
        message = f"a header twice in {repeated}"
        raise ValueError(message)
    if unknown := set(counts) - set(KINDS):
        message = f"no such kinds: {sorted(unknown)}"
        raise ValueError(message)
    for layout in layouts:
        make_table(layout).to_csv(HERE / f"{layout['name']}.csv", index=False, lineterminator="\n")
    head = "# Written by make_layouts.py; the columns of every layout and what each holds.\n\n"
    (HERE / "labels.toml").write_text(head + "\n".join(map(describe, layouts)), encoding="utf-8")
    print(f"{len(layouts)} layouts, {counts.total()} columns")
    for kind in KINDS:
        print(f"{kind:20}{counts[kind]:5}")


if __name__ == "__main__":
    main()
