"""A project file, written from what files seem to hold: every line says how sure it is and why."""

import json
import os
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from geoscore.ingest.columns import ColumnGuess
from geoscore.ingest.inspect import REFUSED, SURE_ENOUGH, FileProfile, propose_source
from geoscore.ingest.vocabulary import header_words
from geoscore.project import Source

TRUTH: Final = "truth"
"""Files that `geoscore synth` writes as the truth begin so: they hold the answer, and are no source."""
PLACES: Final = ("zip", "longitude")
ADDRESS_LIST: Final = ("street", "longitude", "latitude")
ADDRESS_PARTS: Final = ("unit", "city", "state", "zip")


def write_project_text(profiles: Sequence[FileProfile], names: Sequence[str], *, folder: Path, as_of: date) -> str:
    """Return the text of a commented project file for these files.

    Parameters
    ----------
    profiles, names
        Files looked at, and what each is to be called.
    folder
        Where the project file will lie; paths in it are relative to it.
    as_of
        Day on which ages are counted.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from geoscore.ingest.columns import infer_columns
    >>> guesses = infer_columns(pa.table({"Zip": ["94301"], "Party": ["DEM"]}))
    >>> profile = FileProfile(Path("a.csv"), tuple(guesses), 1)
    >>> text = write_project_text([profile], ["a"], folder=Path(), as_of=date(2026, 1, 1))
    >>> 'zip = "Zip"' in text, '# "Party"' in text
    (True, True)
    """
    parts = [_HEAD.format(as_of=as_of.isoformat())]
    parts += [_source_text(profile, name, folder) for profile, name in zip(profiles, names, strict=True)]
    sources = [propose_source(profile, name=name) for profile, name in zip(profiles, names, strict=True)]
    lists = [
        _quote(_relative(profile.path, folder))
        for profile, source in zip(profiles, sources, strict=True)
        if is_address_list(source)
    ]
    if lists:
        parts.append(f"[geocoding]\naddresses = [{', '.join(lists)}]  # where addresses are\n")
    elif not any(source and "longitude" in source.columns for source in sources):
        parts.append(_BY_ZIP_ALONE)
    return "\n".join(parts)


def is_address_list(source: Source | None) -> bool:
    """Return whether a file holds addresses with coordinates, and nothing of who lives there."""
    return source is not None and set(ADDRESS_LIST) <= set(source.columns) <= {*ADDRESS_LIST, *ADDRESS_PARTS}


def why_no_source(profile: FileProfile, source: Source | None) -> str | None:
    """Return why a file is left out of a project, or None where it is not."""
    if profile.path.name.lower().startswith(TRUTH):
        return "its name says that it holds the truth of made-up households, the answer and not a source"
    if REFUSED in profile.notes:
        return REFUSED
    if source is None:
        return "no column of it is of a kind that can be used"
    if is_address_list(source):
        return "it lists addresses and no households, so it stands under [geocoding]"
    if not any(place in source.columns for place in PLACES):
        return "nothing in it says where a household is: it has no ZIP code and no coordinates"
    return None


_HEAD: Final = """\
# A geoscore project, proposed from the files' headers and values. Look it through, then: geoscore run THIS_FILE
# What each line means: docs/project-file.md

name = "Donor potential"
purpose = "nonprofit-fundraising"  # or political, retail, research; other purposes are refused by law
as_of = {as_of}  # ages are counted on this day
"""
_BY_ZIP_ALONE: Final = """\
[surface]
published_resolution = 5  # these files place households by ZIP alone; take it out once there are address points:
# [geocoding]
# addresses = ["addresses.csv"]  # of your county, as OpenAddresses has them; or ADDRFEAT files of TIGER/Line
"""
_KINDS: Final = (
    ("voter-file", r"\bvoter|\bprecinct\b|\breg(istration)? date\b"),
    ("property-roll", r"\bapn\b|\bparcel\b|\bsitus\b|\bassessed\b"),
)
"""What kind of list a file seems to be, by words of its headers."""
_OR_ELSE: Final = "or own-list, voter-file, property-roll, commercial-list, ...: what it may be used for"


def _source_text(profile: FileProfile, name: str, folder: Path) -> str:
    source = propose_source(profile, name=name)
    left_out = why_no_source(profile, source)
    path = _relative(profile.path, folder)
    if left_out or source is None:
        return f"# {path} is left out: {left_out}.\n"
    guesses = {guess.name: guess for guess in profile.columns}
    words = " / ".join(header_words(guess.name) for guess in profile.columns)
    kind = next((kind for kind, pattern in _KINDS if re.search(pattern, words)), "own-list")
    lines = [
        "[[sources]]",
        f"name = {_quote(name)}",
        f"path = {_quote(path)}",
        *([f"id = {_quote(source.id)}"] if source.id else ["# no column tells every row apart, so rows are numbered"]),
        'vintage = "not stated"  # when the file was made, such as 2026-05-01',
        'licence = "not stated"  # what you may do with it',
        f'# kind = "{kind}"  # {_OR_ELSE}',
        *(f"# {note}" for note in profile.notes),
        "",
        "[sources.columns]",
        *(_line(target, columns, guesses) for target, columns in source.columns.items()),
        *_unused(profile, source),
    ]
    return "\n".join(lines) + "\n"


def _line(target: str, columns: str | list[str], guesses: dict[str, ColumnGuess]) -> str:
    names = [columns] if isinstance(columns, str) else columns
    told = guesses[names[0]]
    value = _quote(columns) if isinstance(columns, str) else "[" + ", ".join(map(_quote, columns)) + "]"
    return f"{target} = {value}  # {min(guesses[name].confidence for name in names):.0%}: {told.evidence}"


def _unused(profile: FileProfile, source: Source) -> list[str]:
    """Return comments on columns that are not mapped: doubtful, sensitive, or kept as features."""
    mapped = {source.id}
    for columns in source.columns.values():
        mapped.update([columns] if isinstance(columns, str) else columns)
    rest = [guess for guess in profile.columns if guess.name not in mapped]
    coded = [guess for guess in rest if guess.name in profile.unreadable_bands]
    sensitive = [guess for guess in rest if guess.sensitive]
    doubtful = [
        guess for guess in rest if guess.confidence < SURE_ENOUGH and guess.kind != "other" and guess not in sensitive
    ]
    features = [guess.name for guess in rest if guess not in sensitive]
    lines = [
        f"# {_quote(guess.name)} holds codes of income bands: map it once they are written as amounts"
        for guess in coded
    ]
    lines += [
        f"# {guess.kind} = {_quote(guess.name)}  # only {guess.confidence:.0%}: {guess.evidence}" for guess in doubtful
    ]
    if features:
        lines.append("# kept as features beside the households: " + ", ".join(map(_quote, features)))
    if sensitive:
        lines += ["", "# left out, unless you state a reason that the ledger will keep:", "# [sources.sensitive]"]
        lines += [f'# {_quote(guess.name)} = "why it is needed and lawful"  # {guess.sensitive}' for guess in sensitive]
    return lines


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.absolute().as_posix()


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
