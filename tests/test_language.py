"""One language: the library and the command line use the same word for the same thing, and explain it alike."""

import inspect
import re
import shlex
import typing
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import geoscore as gs
from geoscore.cli.main import app
from geoscore.cli.page import examples, summary

ROOT = Path(__file__).parent.parent
LISTED = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
WIDTH = 80
SUMMARY = 64
"""Letters of a summary: so many stand in one line of the list of commands."""

HOMONYMS = {
    "--out": "what is written differs from command to command",
    "--by": "of `trade-area customers`: how an area is drawn",
    "--cost": "of a contact, in dollars; of a way, in time or distance",
    "--county": "of `census`: a FIPS code in a state",
    "--decay": "of `trade-area huff`: the form of a function",
    "--households": "how many to make up; how many to hold",
    "--level": "of `census`: the level of areas; of `huff`: the level of intervals",
    "--measure": "what a map is colored by; how access is measured",
    "--method": "how a model is fitted; how sites are chosen",
    "--model": "which model, or where it is kept",
    "--open": "a page in a browser; a site",
    "--site": "of `trade-area huff`: the column with sites",
    "--surface": "of `trade-area huff`: an option",
    "--table": "a census table by its number, or a file that holds one",
}
"""Options that say different things in different commands, and why; every other one is explained alike everywhere."""

CARRIERS = {"Table", "Figures", "Linked", "Flows", "ChoiceModel", "Component"}
"""What public results hold on to and nobody needs to call: arrays and tables of the stages, terms of a formula."""
NOT_HERE = {"Surface.lonboard_layer"}
"""What needs a package that the tests do without."""


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command with the words that call it."""

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield name, command
        for word, inner in getattr(command, "commands", {}).items():
            yield from walk(f"{name} {word}", inner)

    yield from walk("geoscore", typer.main.get_command(app))


COMMANDS = dict(commands())


def options(command: Any) -> Iterator[Any]:
    return (param for param in command.params if param.param_type_name == "option" and "--help" not in param.opts)


def page(name: str) -> str:
    result = CliRunner().invoke(app, [*name.split()[1:], "--help"], env={"COLUMNS": str(WIDTH)}, terminal_width=WIDTH)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_page_reads_like_a_page(name: str) -> None:
    command, text = COMMANDS[name], page(name)
    assert name == "geoscore" or len(summary(command.help)) <= SUMMARY
    assert summary(command.help).endswith(".")
    assert examples(command.help), "an example to paste"
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert not re.search(r"<(str|int|float|path|list|bool)", text), "a type of Python is no word for a reader"
    assert text.index("Example") < text.index("--help")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_word_of_an_example_is_understood(name: str) -> None:
    for call in examples(COMMANDS[name].help):
        words = shlex.split(call)[1:]
        command, path = COMMANDS["geoscore"], "geoscore"
        while words and words[0] in getattr(command, "commands", {}):
            path = f"{path} {words[0]}"
            command = command.commands[words.pop(0)]
        assert path.startswith(name)
        command.make_context(path, list(words))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_takes_and_stands_in_the_documents(name: str) -> None:
    for param in options(COMMANDS[name]):
        assert param.help, param.opts
        assert param.help.endswith("."), param.opts
        choices = re.search(r"[<\[][\w-]+(\|[\w-]+)+[>\]]", param.get_help_record(typer.Context(COMMANDS[name]))[0])
        assert param.is_flag or param.metavar or choices, f"{param.opts}: what is to be given?"
        assert not param.multiple or param.metavar.endswith("...") or "one at a time" in param.help, param.opts
        assert all(re.search(rf"`[^`]*{word}\b", LISTED) for word in param.opts if word.startswith("--")), param.opts


def test_the_same_option_is_explained_alike_everywhere() -> None:
    told: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, command in COMMANDS.items():
        for param in options(command):
            told[next(word for word in param.opts if word.startswith("--"))][param.help].append(name)
    apart = {word: dict(texts) for word, texts in told.items() if len(texts) > 1 and word not in HOMONYMS}
    assert not apart
    assert all(word in told for word in HOMONYMS)


def test_what_is_written_is_named_alike_everywhere() -> None:
    for name, command in COMMANDS.items():
        for param in options(command):
            if "--out" in param.opts:
                assert set(param.opts) == {"-o", "--out", "--output"}, name
                assert param.help.startswith(("File to write", "Folder to write", "Project file to write")), name


def returned(annotation: Any) -> Iterator[type]:
    """Yield the classes of geoscore that an annotation names."""
    for part in typing.get_args(annotation):
        yield from returned(part)
    if inspect.isclass(annotation) and annotation.__module__.startswith("geoscore"):
        yield annotation


def functions(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield a public function, or the public methods of a class."""
    if not inspect.isclass(thing):
        yield thing.__qualname__, thing
        return
    for kind in thing.__mro__:
        for name, member in vars(kind).items() if kind.__module__.startswith("geoscore") else ():
            call = getattr(member, "__func__", member)
            if not name.startswith("_") and inspect.isfunction(call):
                yield f"{thing.__qualname__}.{name}", call


def public() -> dict[str, Any]:
    """Return everything public: the names of the package, and the methods of what they return."""
    left, found, seen = [getattr(gs, name) for name in gs.__all__], {}, set()
    while left:
        thing = left.pop()
        if thing in seen or thing.__qualname__ in CARRIERS:
            continue
        seen.add(thing)
        for name, call in functions(thing):
            found[name] = call
            names = {"Surface": gs.Surface, **call.__globals__}
            result = call.__annotations__.get("return")
            left += returned(names.get(result, result) if isinstance(result, str) else result)
    return found


PUBLIC = public()


def test_the_public_api_reaches_what_people_call() -> None:
    assert {"Surface.query", "Surface.save_map", "Listing.to_geopandas", "HuffFit.intervals", "run"} <= set(PUBLIC)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_everything_after_the_first_argument_is_given_by_name(name: str) -> None:
    parameters = list(inspect.signature(PUBLIC[name]).parameters.values())
    after = parameters[2 if "." in name else 1 :]
    assert all(param.kind in (param.KEYWORD_ONLY, param.VAR_KEYWORD) for param in after)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_everything_public_is_typed(name: str) -> None:
    signature = inspect.signature(PUBLIC[name])
    assert signature.return_annotation is not signature.empty
    own = [param for param in signature.parameters.values() if param.name != "self"]
    assert all(param.annotation is not param.empty for param in own)


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - NOT_HERE))
def test_everything_public_is_explained_with_an_example_that_runs(name: str) -> None:
    text = inspect.getdoc(PUBLIC[name]) or ""
    assert ">>> " in text
    assert "+SKIP" not in text
    own = [param for param in inspect.signature(PUBLIC[name]).parameters if param != "self"]
    missing = [param for param in own if not re.search(rf"^(.*, )?\*{{0,2}}{param}(,.*)?$", text, re.MULTILINE)]
    assert len(own) < 2 or not missing, "each argument stands under Parameters"
