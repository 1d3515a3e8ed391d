"""Help pages: what a command does in one line, an example to paste, and its options by what they are about."""

import inspect
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

OUTPUT: Final = "Output"
"""The last section of every page: where an answer goes, and how it is written."""
PLAIN: Final = "Options"
"""The section of options that say nothing of where they belong."""
START, FILES, SURFACES, MARKETS, GIVERS, CHECKS = SECTIONS = (
    "Start",
    "Your files",
    "Surfaces",
    "Markets",
    "Who gives",
    "Checks",
)
"""The sections of the list of commands, in their order."""
CHOICES: Final = re.compile(r"[<\[]([\w-]+(?:\|[\w-]+)+)[>\]]")

Command = TypeVar("Command", bound=Callable[..., Any])


class App(typer.Typer):
    """A command line whose pages look alike."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=PageGroup, add_completion=False, rich_markup_mode=None, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Command], Command]:
        """Register a command; ``rich_help_panel`` names the section of the list it stands in."""
        return super().command(name, **{"cls": PageCommand, **settings})


class PageCommand(TyperCommand):
    """A command with a page of its own."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what is typed after the command's name: arguments first."""
        arguments = (param for param in self.get_params(ctx) if param.param_type_name == "argument")
        return [*(_argument_name(param) for param in arguments), "[OPTIONS]"]

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  click's own signature
        """Write what the command does, and how it is called."""
        _write_text(self.help or "", formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then options by section."""
        _write_options(self.get_params(ctx), ctx, formatter)


class PageGroup(TyperGroup):
    """A group of commands with a page of its own."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write what the group is for, and how to begin."""
        _write_text(self.help or "", formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the group's commands by section, each in a line, then its options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            panel = getattr(command, "rich_help_panel", None)
            title = panel if isinstance(panel, str) else "Commands"
            sections.setdefault(title, []).append((name, summary(command.help or "")))
        for title in sorted(sections, key=lambda title: SECTIONS.index(title) if title in SECTIONS else 0):
            with formatter.section(title):
                formatter.write_dl(sections[title])
        _write_options(self.get_params(ctx), ctx, formatter)


def summary(text: str) -> str:
    r"""Return what a help text says in its first paragraph.

    Examples
    --------
    >>> summary("Draw rings\n    around sites.\n\n    geoscore trade-area ring")
    'Draw rings around sites.'
    """
    return " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())


def examples(text: str) -> list[str]:
    r"""Return the calls that a help text shows: its paragraphs that begin with ``geoscore``.

    Examples
    --------
    >>> examples("Check a run.\n\n    geoscore verify\n    out/demo")
    ['geoscore verify out/demo']
    """
    return [told for told in _paragraphs(text) if told.startswith("geoscore ")]


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n") if part.strip()]


def _write_text(text: str, formatter: Any) -> None:
    shown = examples(text)
    for told in _paragraphs(text):
        if told not in shown:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(told)
    if not shown:
        return
    with formatter.section("Example" if len(shown) == 1 else "Examples"):
        for call in shown:
            formatter.write("  " + " \\\n      ".join(_lines(call, formatter.width - 4)) + "\n")


def _lines(call: str, width: int) -> list[str]:
    """Return a call in lines that are broken before an option, so that they can be pasted."""
    lines: list[str] = []
    for part in re.split(r" (?=--)", call):
        if lines and len(lines[-1]) + len(part) < width - (4 if len(lines) > 1 else 0):
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines


def _write_options(params: list[Any], ctx: Any, formatter: Any) -> None:
    sections: dict[str, list[tuple[str, str]]] = {}
    last: dict[str, list[tuple[str, str]]] = {}
    for param in params:
        record = param.get_help_record(ctx)
        if record is None:
            continue
        if param.param_type_name == "argument":
            sections.setdefault("Arguments", []).append((_argument_name(param), param.help))
            continue
        title = getattr(param, "rich_help_panel", None) or PLAIN
        row = _option_name(param, record[0]), _told(param, record[1])
        (last if title == OUTPUT or "--help" in param.opts else sections).setdefault(title, []).append(row)
    of_help = last.pop(PLAIN, [])
    *_, end = [PLAIN, *last]
    last.setdefault(end, []).extend(of_help)
    if end == PLAIN:
        last[PLAIN] = [*sections.pop(PLAIN, []), *last[PLAIN]]
    for title, rows in (*sections.items(), *last.items()):
        with formatter.section(title):
            formatter.write_dl(rows)


def _argument_name(param: Any) -> str:
    name = param.metavar or param.name.upper()
    return name if param.required else f"[{name}]"


def _option_name(param: Any, told: str) -> str:
    """Return an option as it is typed: its short name, the first of its long ones, and what is to be given."""
    shorts = [name for name in param.opts if not name.startswith("--")]
    long = next((name for name in param.opts if name.startswith("--")), "")
    choices = CHOICES.search(told)
    value = "" if param.is_flag else param.metavar or (choices[1] if choices else param.name.upper())
    return f"{', '.join([*shorts, long])} {value.removesuffix('...')}".rstrip()


def _told(param: Any, text: str) -> str:
    """Return what an option does, and whether it may be given several times: then its value ends in dots."""
    if "--help" in param.opts:
        return "Show this page."
    if not (param.metavar or "").endswith("..."):
        return text
    return f"{text[:-1]}; repeatable]" if text.endswith("]") else f"{text}  [repeatable]"
