"""What data may be used for what: the table of purposes and kinds of sources, which is data (purposes.toml)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal

Word = Literal["yes", "ask", "no"]
UNSTATED: Final = "not stated"


@dataclass(frozen=True)
class Purpose:
    """What a run is for.

    Attributes
    ----------
    says
        In plain words.
    audit
        Whether its report says whom a selection by the surface leaves out.
    """

    says: str
    audit: bool


@dataclass(frozen=True)
class SourceKind:
    """A kind of household file.

    Attributes
    ----------
    says
        What it is, in plain words.
    uses
        ``yes``, ``ask`` or ``no`` by purpose.
    law
        Why not.
    """

    says: str
    uses: dict[str, Word]
    law: str


@cache
def read_purposes() -> tuple[dict[str, Purpose], dict[str, SourceKind]]:
    """Return the purposes and the kinds of sources by name.

    Examples
    --------
    >>> purposes, kinds = read_purposes()
    >>> kinds["voter-file"].uses["political"], kinds["voter-file"].uses["retail"], purposes["political"].audit
    ('yes', 'no', True)
    """
    data = tomllib.loads(resources.files("geoscore").joinpath("purposes.toml").read_text(encoding="utf-8"))
    purposes = {name: Purpose(item["says"], item["audit"]) for name, item in data["purposes"].items()}
    kinds = {
        name: SourceKind(item["says"], {purpose: item[purpose] for purpose in purposes}, item.get("law", ""))
        for name, item in data["kinds"].items()
    }
    return purposes, kinds


def find_objection(kind: str, purpose: str, permitted: tuple[str, ...] | None) -> str | None:
    """Return why a source may not serve a purpose, None where it may.

    Parameters
    ----------
    kind
        One of ``purposes.toml``, or ``not stated``: then its own terms alone decide.
    purpose
        The run's.
    permitted
        What the source's own terms permit; None where they say nothing.

    Examples
    --------
    >>> find_objection("own-list", "political", None) is None, find_objection("voter-file", "retail", ("retail",))[:34]
    (True, 'is a voter-file, not to be used fo')
    """
    if permitted is not None and purpose not in permitted:
        told = ", ".join(permitted) or "nothing"
        return f"permits {told}, not {purpose!r}; leave it out or ask its owner for a wider licence"
    if kind == UNSTATED:
        return None
    found = read_purposes()[1][kind]
    if found.uses[purpose] == "no":
        return f"is a {kind}, not to be used for {purpose!r}: {found.law}"
    if found.uses[purpose] == "ask" and permitted is None:
        named = f"permitted = [{purpose!r}]"
        return f"is a {kind}: {found.law}; if its terms allow {purpose!r}, say so in its section: {named}"
    return None
