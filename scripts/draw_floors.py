"""Draw the floors of the house from the import contract in pyproject.toml, and list the rooms with what they are for.

Writes docs/images/floors.svg and the table in docs/architecture.md; a test says when they are no longer true.
"""

import ast
import re
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "floors.svg"
PAGE = ROOT / "docs" / "architecture.md"
CAPTIONS = {
    "__main__": "python -m geoscore",
    "cli": "the command line",
    "propensity_projects": "models of a whole project",
    "pipeline": "know the order of the stages",
    "outputs": "put stages together for one purpose",
    "regions": "a region's census made ready",
    "query": "answers, and what is made of them",
    "ingest": "the stages: strangers to each other",
    "spatial": "tools: cells, census, formulas",
    "tables": "a lazy frame",
    "engines": "nobody else knows duckdb or Spark",
    "project": "what people say: settings, values",
    "schemas": "every table between two rooms",
    "errors": "ground",
}
"""What a floor is for, by one of its rooms."""
WIDTH, LEFT, RIGHT = 1000, 260, 10
ROOM, GAP, PAD = 30, 8, 10
LETTER = 7.3
"""Width of a letter of a room's name, in units of the picture."""
MARKS = ("<!-- rooms: start -->", "<!-- rooms: end -->")


def read_floors(text: str) -> list[list[str]]:
    """Return the rooms of every floor, the highest first; rooms still to come stand in brackets."""
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "floors")
    return [[room.strip() for room in layer.split("|")] for layer in layers]


def describe_room(room: str) -> str | None:
    """Return the first sentence of a room's docstring, None where there is no such room yet."""
    path = ROOT / "geoscore" / room / "__init__.py"
    path = path if path.exists() else ROOT / "geoscore" / f"{room}.py"
    if not path.exists():
        return None
    told = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
    return " ".join(told.split())


def draw_floors(floors: list[list[str]]) -> str:
    """Return the picture: a band for each floor, a box for each room, dashed where the room is still to come."""
    parts, top = [], PAD
    for number, rooms in enumerate(floors):
        boxes, x, y = [], LEFT, top + PAD
        for room in rooms:
            name = room.strip("()")
            wide = round(len(name) * LETTER + 20)
            if x + wide > WIDTH - RIGHT - PAD:
                x, y = LEFT, y + ROOM + GAP
            dashed = "" if describe_room(name) else ' stroke-dasharray="4 3" fill-opacity="0.4"'
            boxes.append(
                f'<rect x="{x}" y="{y}" width="{wide}" height="{ROOM}" rx="4" fill="#fff" stroke="#3f51b5"{dashed}/>'
                f'<text x="{x + wide / 2:g}" y="{y + 20}" text-anchor="middle" class="room">{escape(name)}</text>'
            )
            x += wide + GAP
        high = y + ROOM + PAD - top
        shade = "#e8eaf6" if number % 2 else "#f3f4fb"
        caption = next(CAPTIONS[name] for name in (room.strip("()") for room in rooms) if name in CAPTIONS)
        parts.append(f'<rect x="{PAD}" y="{top}" width="{WIDTH - 2 * PAD}" height="{high}" rx="6" fill="{shade}"/>')
        parts.append(f'<text x="{PAD + 12}" y="{top + high / 2 + 5:g}" class="floor">{escape(caption)}</text>')
        parts += boxes
        top += high + 4
    style = "text{font-family:sans-serif;fill:#1f2440}.room{font-family:monospace;font-size:12px}.floor{font-size:12px}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + PAD}" role="img" '
        f'aria-label="The floors of the house">\n<style>{style}</style>\n'
        f'<rect width="{WIDTH}" height="{top + PAD}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def list_rooms(floors: list[list[str]]) -> str:
    """Return the rooms as a table in Markdown, the highest floor first."""
    lines = ["| floor | room | what it is for |", "|---|---|---|"]
    for number, rooms in zip(range(len(floors), 0, -1), floors, strict=True):
        for room in sorted(name.strip("()") for name in rooms):
            told = describe_room(room)
            if told is not None:
                lines.append(f"| {number} | `{room}` | {told.removesuffix('.').replace('|', '&#124;')} |")
    return "\n".join(lines)


def fill_page(page: str, table: str) -> str:
    """Return the page with the table between its marks."""
    start, end = (re.escape(mark) for mark in MARKS)
    return re.sub(f"{start}.*{end}", lambda _: f"{MARKS[0]}\n{table}\n{MARKS[1]}", page, flags=re.DOTALL)


def main() -> None:
    """Write both."""
    floors = read_floors((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    PICTURE.write_text(draw_floors(floors), encoding="utf-8")
    PAGE.write_text(fill_page(PAGE.read_text(encoding="utf-8"), list_rooms(floors)), encoding="utf-8")


if __name__ == "__main__":
    main()
