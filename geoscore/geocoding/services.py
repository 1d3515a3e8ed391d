"""Geocoding services for those who want them: the Census Geocoder's batches, and any Nominatim endpoint.

Asked only for what the gazetteer could not place, and only after an explicit word: an address leaves this machine.
Answers are kept in a cache beside the gazetteer, so that no address is sent twice.
"""

import csv
import io
import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

import pyarrow as pa

from geoscore.errors import InputError, PolicyError
from geoscore.geocoding.match import POSITION, Matcher
from geoscore.reference.gazetteer import TO_95
from geoscore.tables import from_pandas
from geoscore.web import ask, shown

CENSUS: Final = "https://geocoding.geo.census.gov/geocoder/locations/addressbatch"
BENCHMARK: Final = "Public_AR_Current"
AT_MOST: Final = 10_000
"""Addresses in one batch of the Census Geocoder."""
PAUSE_SECONDS: Final = 1.0
"""Between two questions to a Nominatim server, whose policy allows one a second."""
SIGMA_RANGE_M: Final = 421.0 / TO_95
"""Of positions on address ranges: 95% within 421 m in suburbs (METHODS 5)."""
SIGMA_HOUSE_M: Final = 39.0 / TO_95
SIGMA_STREET_M: Final = 400.0
HOUSES: Final = frozenset({"house", "building", "apartments", "residential", "place", "amenity", "shop", "office"})
STREETS: Final = frozenset({"road", "street", "pedestrian", "highway"})
UNSURE: Final = 0.85

Place = dict[str, Any]
"""``longitude``, ``latitude``, ``precision``, ``sigma_m``, ``score`` and ``matched``; empty where nothing was found."""


class Service(Protocol):
    """A service on the network that knows where addresses are."""

    name: str

    def ask(self, addresses: Sequence[Place]) -> list[Place]:
        """Return a place for each address (``street``, ``city``, ``state``, ``zip``)."""
        ...


@dataclass
class CensusGeocoder:
    """The Census Geocoder, in batches of up to 10,000 addresses."""

    url: str = CENSUS
    benchmark: str = BENCHMARK
    name: str = "census"

    def ask(self, addresses: Sequence[Place]) -> list[Place]:
        """Return a place for each address."""
        found: list[Place] = []
        for start in range(0, len(addresses), AT_MOST):
            found += self._batch(addresses[start : start + AT_MOST])
        return found

    def _batch(self, addresses: Sequence[Place]) -> list[Place]:
        text = io.StringIO()
        rows = csv.writer(text)
        for i, address in enumerate(addresses):
            rows.writerow([i, address["street"], address["city"], address["state"], address["zip"]])
        fields = {"benchmark": self.benchmark, "addressFile": ("addresses.csv", text.getvalue(), "text/csv")}
        answer = _request("POST", self.url, fields=fields)
        found: list[Place] = [{} for _ in addresses]
        for row in csv.reader(io.StringIO(answer)):
            if len(row) >= 6 and row[2] == "Match" and row[0].isdigit() and int(row[0]) < len(found):  # noqa: PLR2004
                longitude, latitude = (float(part) for part in row[5].split(","))
                score = 1.0 if row[3] == "Exact" else UNSURE
                found[int(row[0])] = _place(longitude, latitude, "range", SIGMA_RANGE_M, score, row[4])
        return found


@dataclass
class Nominatim:
    """A Nominatim endpoint, one address at a time."""

    url: str
    pause_seconds: float = PAUSE_SECONDS
    name: str = "nominatim"
    _asked: float = field(default=0.0, repr=False)

    def ask(self, addresses: Sequence[Place]) -> list[Place]:
        """Return a place for each address."""
        return [self._one(address) for address in addresses]

    def _one(self, address: Place) -> Place:
        time.sleep(max(0.0, self._asked + self.pause_seconds - time.monotonic()))
        self._asked = time.monotonic()
        fields = {"street": address["street"], "city": address["city"], "state": address["state"]}
        fields |= {"postalcode": address["zip"], "countrycodes": "us", "format": "jsonv2", "limit": "1"}
        fields = {name: value for name, value in fields.items() if value}
        answer = _request("GET", self.url.rstrip("/") + "/search", fields=fields)
        try:
            best = json.loads(answer)[:1]
        except (ValueError, TypeError) as error:
            raise InputError(f"{shown(self.url)} answers with something that is no Nominatim JSON") from error
        if not best:
            return {}
        kind = best[0].get("addresstype", best[0].get("type", ""))
        longitude, latitude = float(best[0]["lon"]), float(best[0]["lat"])
        if kind in HOUSES:
            return _place(longitude, latitude, "rooftop", SIGMA_HOUSE_M, 1.0, best[0].get("display_name", ""))
        if kind in STREETS:
            return _place(longitude, latitude, "street", SIGMA_STREET_M, UNSURE, best[0].get("display_name", ""))
        return {}  # a city or ZIP: the address's own ZIP says as much, and is spread


def open_service(text: str, *, consent: bool) -> Service:
    """Return the service that ``text`` names: ``census``, ``census=URL`` or ``nominatim=URL``.

    Parameters
    ----------
    text
        The service.
    consent
        The user has said that addresses may leave this machine.

    Raises
    ------
    PolicyError
        They have not.
    InputError
        There is no such service.

    Examples
    --------
    >>> open_service("census", consent=True).name
    'census'
    """
    kind, _, url = text.partition("=")
    if kind not in ("census", "nominatim") or (kind == "nominatim" and not url):
        raise InputError(f"{text!r} is no service; name census, census=URL or nominatim=URL")
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise InputError(f"{url!r} is no web address; it begins with https://")
    if not consent:
        raise PolicyError(
            f"the service {kind} is sent addresses, which then leave this machine; say that they may with"
            " --addresses-may-leave, or addresses_may_leave = true under [geocoding]"
        )
    if kind == "nominatim":
        return Nominatim(url)
    return CensusGeocoder(url or CENSUS)


class Cache:
    """Answers of services, kept in a file for its owner alone."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600, exist_ok=True)
        # the engine's threads take turns
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute("create table if not exists answers (service text, address text, answer text,"
                               " primary key (service, address))")  # fmt: skip

    def get(self, service: str, address: str) -> Place | None:
        """Return a kept answer; None where the address was not asked for."""
        query = "select answer from answers where service = ? and address = ?"
        row = self._database.execute(query, (service, address)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, service: str, answers: Sequence[tuple[str, Place]]) -> None:
        """Keep answers."""
        rows = [(service, address, json.dumps(answer)) for address, answer in answers]
        with self._database:
            self._database.executemany("insert or replace into answers values (?, ?, ?)", rows)

    def __enter__(self) -> Self:
        """Return the cache."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._database.close()


class ServicedMatcher(Matcher):
    """A gazetteer, and services that are asked for what it cannot place.

    Parameters
    ----------
    matcher
        The gazetteer, ready.
    services
        In the order in which they are asked.
    cache
        Where answers are kept.
    """

    def __init__(self, matcher: Matcher, services: Sequence[Service], cache: Cache) -> None:
        super().__init__(matcher.gazetteer)
        self._services = services
        self._cache = cache
        self.sent: dict[str, int] = {service.name: 0 for service in services}
        """Addresses that left this machine, by service."""

    def locate(self, addresses: pa.Table) -> pa.Table:
        """Find the positions of addresses, as ``Matcher.locate`` does, and ask services for the rest."""
        result = super().locate(addresses).to_pandas()
        parsed = addresses.to_pandas()
        for service in self._services:
            open_ = result["longitude"].isna() & parsed["number"].notna() & (parsed["name"] != "")
            asked = [_question(row) for row in parsed[open_].to_dict("records")]
            for row, place in zip(result.index[open_], self._answers(service, asked), strict=True):
                if place:
                    result.loc[row, list(place)] = list(place.values())
                    result.loc[row, "reason"] = f"found by the service {service.name}"
        return from_pandas(result, POSITION)

    def _answers(self, service: Service, asked: Sequence[Place]) -> list[Place]:
        keys = [json.dumps(question, sort_keys=True) for question in asked]
        kept = {key: self._cache.get(service.name, key) for key in keys}
        new = [key for key, answer in kept.items() if answer is None]
        self.sent[service.name] += len(new)
        for start in range(0, len(new), AT_MOST):
            part = new[start : start + AT_MOST]
            answers = list(zip(part, service.ask([json.loads(key) for key in part]), strict=True))
            self._cache.put(service.name, answers)
            kept.update(answers)
        return [kept[key] or {} for key in keys]


def _question(row: dict[Any, Any]) -> Place:
    """Return what is sent of an address: street line, city, state and ZIP; no unit and no name."""
    number = f"{int(row['number'])}{' ' + row['half'] if row['half'] else ''}"
    street = " ".join(part for part in (row["predir"], row["name"], row["suffix"], row["postdir"]) if part)
    return {"street": f"{number} {street}", "city": row["city"], "state": row["state"], "zip": row["zip"]}


def _place(longitude: float, latitude: float, precision: str, sigma_m: float, score: float, matched: str) -> Place:
    return {
        "longitude": longitude, "latitude": latitude, "precision": precision, "sigma_m": sigma_m, "score": score,
        "matched": matched,
    }  # fmt: skip


def _request(method: str, url: str, *, fields: dict[str, Any]) -> str:
    """Return the text of an answer."""
    status, text = ask(method, url, fields=fields)
    if status != 200:  # noqa: PLR2004  HTTP's word for fine
        raise InputError(f"{shown(url)} refuses with status {status}; see its rules of use, or go without")
    return text


def describe_sent(matcher: Matcher) -> dict[str, int]:
    """Return how many addresses left this machine, by service."""
    return dict(matcher.sent) if isinstance(matcher, ServicedMatcher) else {}
