"""The way to a matcher: a gazetteer, and the services that were named, if addresses may leave."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from geoscore.geocoding.match import Matcher
from geoscore.geocoding.services import Cache, ServicedMatcher, open_service
from geoscore.reference.gazetteer import open_gazetteer

CACHE: Final = ".answers.sqlite"
"""Ending of the file beside the gazetteer that keeps what services answered. It holds addresses."""


@contextmanager
def open_matcher(gazetteer: Path, *, services: Sequence[str] = (), consent: bool = False) -> Iterator[Matcher]:
    """Open a gazetteer, with services behind it.

    Parameters
    ----------
    gazetteer
        Folder of the gazetteer.
    services
        ``census``, ``census=URL`` or ``nominatim=URL``, in the order in which they are asked.
    consent
        Addresses may be sent to them.

    Raises
    ------
    InputError
        There is no such gazetteer or service.
    PolicyError
        A service was named without consent.
    """
    opened = [open_service(text, consent=consent) for text in services]
    matcher = Matcher(open_gazetteer(gazetteer))
    if not opened:
        yield matcher
        return
    with Cache(gazetteer.with_name(gazetteer.name + CACHE)) as cache:
        yield ServicedMatcher(matcher, opened, cache)
