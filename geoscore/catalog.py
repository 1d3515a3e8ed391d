"""A folder of surfaces: by name and date, each version kept, written whole or not at all.

What is added is attacked together with what stands there of the same files: surfaces that are safe one by one may give
somebody away together.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from geoscore.attack import attack_surfaces
from geoscore.errors import InputError, InputNotFoundError, PolicyError, did_you_mean
from geoscore.query import Surface, open_surface

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
FILE: Final = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]{0,63})@(?P<date>\d{4}-\d{2}-\d{2})\.(?P<number>\d+)\.parquet")


@dataclass(frozen=True, order=True)
class Version:
    """One version of a surface in a catalog.

    Examples
    --------
    >>> Version("bay", date(2026, 11, 1), 1, Path("bay@2026-11-01.1.parquet")).name
    'bay'
    """

    name: str
    date: date
    number: int
    path: Path


class Catalog:
    """A folder of surfaces.

    Parameters
    ----------
    folder
        Made where it is not there.

    Examples
    --------
    >>> catalog = Catalog("surfaces")
    >>> catalog.add(open_surface("out/surface.parquet"), name="two-towns").number
    1
    >>> [version.name for version in catalog], catalog.open("two-towns").note.region
    (['two-towns'], 'Two towns')
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{folder} is a file; name a folder for surfaces")

    def __iter__(self) -> Iterator[Version]:
        """Iterate over all versions, by name, the oldest first."""
        found = []
        for path in self.folder.glob("*.parquet"):
            told = FILE.fullmatch(path.name)
            if told:
                day = date.fromisoformat(told["date"])
                found.append(Version(told["name"], day, int(told["number"]), path))
        return iter(sorted(found))

    def add(self, surface: Surface, *, name: str) -> Version:
        """Keep a surface under a name, as its newest version; what stands under the name already stays.

        Raises
        ------
        InputError
            The name is none: lower-case letters, digits and dashes.
        PolicyError
            Together with a surface of the same files that stands here it would give away fewer than k households.

        Parameters
        ----------
        surface
            The surface.
        name
            Lower-case letters, digits and dashes, such as ``bay-area``.

        Examples
        --------
        >>> Catalog(folder).add(surface, name="bay-area").number
        1
        """
        if not NAME.fullmatch(name):
            raise InputError(f"{name!r} is no name for a surface; use lower-case letters, digits and dashes")
        self._refuse_leaks(surface)
        today = datetime.now(tz=UTC).date()
        same = [version.number for version in self if version.name == name and version.date == today]
        number = max(same, default=0) + 1
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f".{name}-{os.getpid()}-{id(surface)}.parquet"
        try:
            surface.save(part)
            while True:  # whole or not at all, and never over another: two that write at once get two numbers
                path = self.folder / f"{name}@{today}.{number}.parquet"
                try:
                    os.link(part, path)
                    break
                except FileExistsError:
                    number += 1
        finally:
            part.unlink(missing_ok=True)
        return Version(name, today, number, path)

    def _refuse_leaks(self, surface: Surface) -> None:
        """Raise ``PolicyError`` where a surface gives somebody away together with others of the same files."""
        if surface.note.universe != "file":
            return  # a row of all households holds the census's as well
        mine = {source.sha256 for source in surface.note.sources}
        for version in self:
            other = open_surface(version.path)
            same = other.note.universe == "file" and (not mine or mine & {each.sha256 for each in other.note.sources})
            if not same or other.table.equals(surface.table):
                continue
            found = attack_surfaces([(other.table, other.note), (surface.table, surface.note)])
            if not found.safe():
                raise PolicyError(
                    f"together with {version.path.name} this surface gives away {found.below:,} groups of fewer than"
                    f" {found.k} households: {found.found[0]}; roll it up from the surface that stands there instead"
                )

    def open(self, name: str, *, on: date | str | None = None) -> Surface:
        """Open the newest version of a surface, or the newest by a day.

        Raises
        ------
        InputNotFoundError
            There is none of this name, or none so old.

        Parameters
        ----------
        name
            The surface's.
        on
            The day, as a date or as ``2026-11-01``; today by default.

        Examples
        --------
        >>> catalog = Catalog(folder)
        >>> _ = catalog.add(surface, name="bay-area")
        >>> catalog.open("bay-area").query().households
        336.0
        """
        on = _day(on)
        versions = [version for version in self if version.name == name]
        if not versions:
            names = sorted({version.name for version in self})
            raise InputNotFoundError(f"there is no surface {name!r} in {self.folder}{did_you_mean(name, names)}")
        known = [version for version in versions if on is None or version.date <= on]
        if not known:
            raise InputNotFoundError(f"{name} in {self.folder} begins on {versions[0].date}, after {on}")
        return open_surface(known[-1].path)


def _day(on: date | str | None) -> date | None:
    try:
        return date.fromisoformat(on) if isinstance(on, str) else on
    except ValueError:
        raise InputError(f"{on!r} is no day; write it as 2026-11-01") from None
