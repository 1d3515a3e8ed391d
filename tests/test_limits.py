"""The code stays readable: short files and functions, rooms named by the field, contracts without stale names."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MOST_LINES = 400
MOST_TEST_LINES = 600
"""Of a file of tests: each stands alone, and they share what they set up."""
MOST_FUNCTION_LINES = 80
"""Without the docstring, which is for readers and may take what it needs."""

LONGER = {
    "geoscore/linkage/model.py": "learning, scoring and keeping of one model; splink's settings stand in one place",
}
"""Files that are longer, and why."""

FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
NAMELESS = ("common", "core", "helpers", "manager", "misc", "util", "utils")


def sources() -> Iterator[Path]:
    for folder in ("geoscore", "tests", "scripts", "benchmarks", "examples"):
        yield from sorted((ROOT / folder).rglob("*.py"))


FILES = {path.relative_to(ROOT).as_posix(): path for path in sources()}


def test_a_file_is_read_in_one_sitting() -> None:
    lines = {name: path.read_text(encoding="utf-8").count("\n") for name, path in FILES.items() if name not in LONGER}
    most = {name: MOST_TEST_LINES if name.startswith("tests/") else MOST_LINES for name in lines}
    assert {name: n for name, n in lines.items() if n > most[name]} == {}, "split it, or say why in LONGER"


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has beside its docstring."""
    first = function.body[0]
    told = ast.get_docstring(function, clean=False) is not None
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if told else 0)  # type: ignore[operator]


def test_a_function_fits_on_a_screen_or_two() -> None:
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
    functions = [(name, node) for name, tree in trees.items() for node in ast.walk(tree) if isinstance(node, FUNCTION)]
    long = [f"{name}: {node.name}" for name, node in functions if lines_of(node) > MOST_FUNCTION_LINES]
    assert long == []


def test_modules_are_named_by_the_field_and_folders_hold_no_folders() -> None:
    modules = [path.relative_to(ROOT / "geoscore") for path in (ROOT / "geoscore").rglob("*.py")]
    assert [path for path in modules if path.stem in NAMELESS or len(path.parts) > 2] == []


def test_a_module_opens_with_what_it_is_for() -> None:
    bare = [name for name, path in FILES.items() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert [name for name in bare if name.startswith("geoscore/")] == []


def test_the_import_contract_names_the_rooms_that_there_are() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    floors = next(contract for contract in settings["contracts"] if contract["id"] == "floors")
    named = [room.strip() for layer in floors["layers"] for room in layer.split("|")]
    folder = ROOT / "geoscore"
    there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert sorted(named) == sorted(there - {"__init__"})
    assert all(contract.get("unmatched_ignore_imports_alerting") != "none" for contract in settings["contracts"])
    drawn = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [room for room in named if room not in drawn] == []
