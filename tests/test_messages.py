"""Mistakes of one kind are told in one way: what, where, how to mend it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from geoscore.errors import InputError, InputNotFoundError, missing_column, missing_file
from geoscore.ingest.files import read_file

GEOSCORE = Path(__file__).parent.parent / "geoscore"
ELSEWHERE = {"catalog.py", "errors.py", "formulas/formula.py", "ingest/identities.py", "maps/tiles.py"}
ELSEWHERE |= {"propensity/store.py", "reference/samples.py", "storage.py"}
"""Where something else than a file that people name may be missing, or a reason goes with it."""
NAMES = ("GeoJSON", "JSON", "Java", "MCI", "OpenDP", "PYSPARK_PYTHON", "Spark", "ZIP")


def text_of(message: ast.expr) -> str:
    """Return a message as it stands in the code; braces stand for what is filled in."""
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


def messages() -> Iterator[tuple[str, str, str]]:
    """Yield file, kind and text of every error that is raised on purpose."""
    for path in sorted(GEOSCORE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Raise(exc=ast.Call(func=ast.Name(id=kind), args=[message, *_])) if kind.endswith("Error"):
                    yield path.relative_to(GEOSCORE).as_posix(), kind, text_of(message)


MESSAGES = list(messages())


def test_a_message_is_one_line_without_full_stop_or_capital_letter() -> None:
    assert len(MESSAGES) > 300
    assert [text for _, _, text in MESSAGES if "\n" in text or text.endswith((".", "!"))] == []
    assert [text for _, _, text in MESSAGES if text[:1].isupper() and not text.startswith(NAMES)] == []


def test_what_is_missing_is_told_by_the_words_for_it() -> None:
    assert [place for place, kind, _ in MESSAGES if kind == "InputNotFoundError" and place not in ELSEWHERE] == []
    assert [text for _, _, text in MESSAGES if "column {} missing" in text or "header but no row" in text] == []


def test_what_is_written_is_named_by_the_word_for_it() -> None:
    assert [text for _, _, text in MESSAGES if " -o " in text or "--output" in text] == []


def test_a_file_that_is_not_there_is_looked_for_beside(tmp_path: Path) -> None:
    (tmp_path / "donors.csv").write_text("zip\n94301\n")
    with pytest.raises(InputNotFoundError, match=r"there is no file .*doners\.csv; did you mean 'donors\.csv'\?"):
        read_file(tmp_path / "doners.csv")
    assert str(missing_file(tmp_path / "no" / "such")) == f"there is no file {tmp_path / 'no' / 'such'}"


def test_a_column_that_is_not_there_names_those_that_are() -> None:
    error = missing_column("zip", "donors.csv", [f"c{i}" for i in range(20)])
    assert isinstance(error, InputError)
    assert str(error).endswith("it has c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, ...")
    assert str(missing_column("zip", "donors.csv", [])) == "column 'zip' missing in donors.csv"
