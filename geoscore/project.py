"""The project file, geoscore.toml: what to read, for what purpose, and how to publish it.

Read once, checked whole, and never changed; paths in it are relative to the file itself.
"""

import os
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from geoscore.errors import PolicyError, ProjectError, did_you_mean, missing_file
from geoscore.purposes import UNSTATED, find_objection, read_purposes
from geoscore.schemas import EVIDENCE, IDENTITY

Purpose = Literal["nonprofit-fundraising", "political", "retail", "research"]
Column = str | list[str]

FEC: Final = re.compile(r"\bFEC\b|federal election commission", re.IGNORECASE)
"""What a licence says of data that may not be used here."""
REFUSED_PURPOSES: Final = ("housing", "credit", "employment", "insurance")
"""Selecting people by neighborhood for these is refused (METHODS 9)."""

FIELDS: Final = (*IDENTITY, "zip", "longitude", "latitude", *EVIDENCE, "income_band", "birth_year")
"""What a file's columns can be mapped to; ``income_band`` and ``birth_year`` become evidence columns."""


K_DOLLARS: Final = 20
"""Fewest households in a row that tells of expected dollars (METHODS 9)."""
SHORTEST_REASON: Final = 10
"""Characters that a reason to keep a sensitive column needs."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Settings):
    """One household file: where it is, what its columns mean, and what it may be used for."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
    path: Path
    columns: dict[str, Column]
    id: str | None = None
    sheet: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    date_order: Literal["mdy", "dmy"] | None = None
    vintage: date | str = "not stated"
    licence: str = "not stated"
    kind: str = UNSTATED
    permitted: tuple[Purpose, ...] | None = None
    features: bool = True
    own_list: str | None = None
    sensitive: dict[str, str] = {}

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        kinds = read_purposes()[1]
        if kind != UNSTATED and kind not in kinds:
            raise ValueError(f"{kind!r} is no kind of source{did_you_mean(kind, kinds)}; there are {', '.join(kinds)}")
        return kind

    @field_validator("columns")
    @classmethod
    def _known_fields(cls, columns: dict[str, Column]) -> dict[str, Column]:
        for field in columns:
            if field not in FIELDS:
                raise ValueError(f"{field!r} is not a field of a household{did_you_mean(field, FIELDS)}")
        if not columns:
            raise ValueError("no column is mapped; map at least zip, or longitude and latitude")
        if ("longitude" in columns) != ("latitude" in columns):
            raise ValueError("longitude and latitude are mapped together or not at all")
        return columns

    @model_validator(mode="after")
    def _reasons(self) -> "Source":
        for column, reason in self.sensitive.items():
            if len(reason.strip()) < SHORTEST_REASON:
                raise ValueError(
                    f"the reason to keep {column!r} is too short; say why it is lawful and needed "
                    f"({SHORTEST_REASON} characters or more)"
                )
        if self.sensitive and not self.features:
            raise ValueError("features = false keeps no column beside the households; remove it or [sources.sensitive]")
        return self


class Census(_Settings):
    """Where the census figures are; the samples that come with geoscore by default."""

    tables: tuple[Path, ...] = ()
    crosswalk: Path | None = None
    areas: Path | None = None
    ground: Path | None = None
    centers: Path | None = None
    tracts: Path | None = None
    blocks: Path | None = None
    incomes: Path | None = None
    curve: Path | None = None
    zips: Path | None = None
    counties: Path | None = None
    vintage: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> "Census":
        if self.tables and self.incomes:
            raise ValueError("incomes come from tables or from incomes, not from both")
        alone = [name for name in ("crosswalk", "centers", "blocks") if getattr(self, name) and not self.tables]
        if self.ground and (self.tables or self.areas):
            raise ValueError("ground says where households of areas live; leave out tables and areas")
        if self.ground and not self.incomes:
            raise ValueError("ground needs incomes, by the same area_id")
        if alone:
            raise ValueError(f"{alone[0]} go with tables; name the census tables too")
        return self

    def dated(self) -> str:
        """Return the vintage to tell: as stated, that of the samples where nothing else is named.

        Examples
        --------
        >>> Census().dated(), Census(tables=("b19001.csv",)).dated(), Census(vintage="ACS 2018-2022").dated()
        ('2010 (census samples)', 'not stated', 'ACS 2018-2022')
        """
        own = self.tables or self.areas or self.ground or self.incomes
        return self.vintage or ("not stated" if own else "2010 (census samples)")


class Surface(_Settings):
    """How fine the surface is, and how it is protected before anybody sees it."""

    resolution: Annotated[int, Field(ge=4, le=9)] = 8
    published_resolution: Annotated[int, Field(ge=4, le=9)] = 7
    k: Annotated[int, Field(ge=10, le=1000)] = 10
    universe: Literal["file", "census"] | None = None
    epsilon: Annotated[float, Field(gt=0, le=10)] | None = None

    @model_validator(mode="after")
    def _one_promise(self) -> "Surface":
        if self.epsilon is not None and self.universe == "census":
            raise ValueError("epsilon is for the households of files; leave out universe, or epsilon")
        return self

    @model_validator(mode="after")
    def _coarser(self) -> "Surface":
        if self.published_resolution > self.resolution:
            raise ValueError("published_resolution is at most resolution: a cell cannot be split again")
        return self


class Suppression(_Settings):
    """The list of those who opted out, as keyed hashes, and the day on which it was last brought up to date."""

    path: Path
    synced: date
    key: Path = Path("suppression.key")


class Geocoding(_Settings):
    """How addresses become points: by a gazetteer, built before or by the run; by their ZIP alone without one."""

    gazetteer: Path | None = None
    addresses: tuple[Path, ...] = ()
    services: tuple[str, ...] = ()
    addresses_may_leave: bool = False

    @model_validator(mode="after")
    def _behind_a_gazetteer(self) -> "Geocoding":
        if self.gazetteer is not None and self.addresses:
            raise ValueError("name a gazetteer that is built, or the addresses to build one from, not both")
        if self.services and self.gazetteer is None:
            raise ValueError("services are asked for what a gazetteer cannot place; name one under gazetteer")
        return self


class Political(_Settings):
    """Who pays for a political run, by what contract, and what it would usually cost."""

    payer: Annotated[str, Field(pattern=r"\S")]
    contract: Annotated[str, Field(pattern=r"\S")]
    usual_charge_usd: Annotated[float, Field(gt=0)]


class Audit(_Settings):
    """The census table that the surface is audited against, and what was decided on what it said."""

    table: Path
    areas: Path | None = None
    acknowledged: str | None = None


class Capacity(_Settings):
    """What counts as capacity: a formula that ships with geoscore, or a TOML file of the same form."""

    formula: str = "income-2pct-1y"


class Propensity(_Settings):
    """Who gave, for `geoscore fit`; and a model of it, for `geoscore run`."""

    source: str | None = None
    gave: str | None = None
    amount: str | None = None
    model: Path | None = None


class Project(_Settings):
    """A project file, whole and checked."""

    name: str
    purpose: Purpose
    region: str = "Bay Area"
    as_of: date
    sources: tuple[Source, ...] = ()
    precedence: tuple[str, ...] = ()
    link: bool = True
    census: Census = Census()
    geocoding: Geocoding = Geocoding()
    capacity: Capacity = Capacity()
    propensity: Propensity = Propensity()
    surface: Surface = Surface()
    suppression: Suppression | None = None
    political: Political | None = None
    audit: Audit | None = None
    folder: Path = Path()

    @model_validator(mode="after")
    def _consistent(self) -> "Project":
        if self.purpose == "political" and self.political is None:
            raise ValueError(
                "purpose political needs [political] with payer, contract and usual_charge_usd: analysis below its"
                " usual charge is a contribution (11 CFR 100.52(d))"
            )
        names = [source.name for source in self.sources]
        if not names and self.surface.universe == "file":
            raise ValueError("no [[sources]]; name at least one household file, or ask for the universe census")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sources are called {name!r}; give each a name of its own")
        if self.propensity.source is not None and self.propensity.source not in names:
            raise ValueError(
                f"propensity.source names {self.propensity.source!r}, no source of ours"
                f"{did_you_mean(self.propensity.source, names)}"
            )
        if self.propensity.model is not None and (self.universe() != "file" or self.surface.epsilon is not None):
            raise ValueError("propensity.model scores the households of files: leave out epsilon and universe census")
        for name in self.precedence:
            if name not in names:
                raise ValueError(f"precedence names {name!r}, no source of ours{did_you_mean(name, names)}")
        return self

    def ranked_sources(self) -> tuple[str, ...]:
        """Return source names, the most trusted first: ``precedence``, then the newest, then the rest as they stand."""
        rest = [source for source in self.sources if source.name not in self.precedence]
        rest.sort(key=lambda source: -source.vintage.toordinal() if isinstance(source.vintage, date) else 0)
        return (*self.precedence, *(source.name for source in rest))

    def resolve(self, path: Path) -> Path:
        """Return a path of the project file as seen from here; a web address stays as it is.

        ``$NAME`` and ``${NAME}`` in it stand for variables of the environment.
        """
        if "$" in str(path):
            path = Path(os.path.expandvars(path))
            if missing := re.search(r"\$\{?(\w+)", str(path)):
                raise ProjectError(f"{path}: there is no variable {missing[1]} in the environment; set it to a folder")
        return path if path.is_absolute() or is_address(path) else self.folder / path

    def links(self) -> bool:
        """Return whether rows have to be linked: not where each is a household, nor where nothing names anybody."""
        named = {field for source in self.sources for field in source.columns} & set(IDENTITY)
        return self.link and bool(named)

    def fewest(self) -> int:
        """Return k: the fewest households in a published row; more where it tells of dollars."""
        return max(self.surface.k, K_DOLLARS) if self.propensity.model is not None else self.surface.k

    def universe(self) -> str:
        """Return what is counted: the households of the files, or all households of the census."""
        return self.surface.universe or ("file" if self.sources else "census")


def is_address(path: Path) -> bool:
    """Return whether a path is an address, on the web or in an object store; a path keeps only one slash of ``https://``.

    Examples
    --------
    >>> is_address(Path("https://example.org/donors.csv")), is_address(Path("s3://lists/donors.csv"))
    (True, True)
    >>> is_address(Path("https/donors.csv"))
    False
    """
    return re.match(r"(https?|s3a?):[/\\]", str(path), re.IGNORECASE) is not None


def open_project(path: str | Path) -> Project:
    """Read and check a project file.

    Parameters
    ----------
    path
        The TOML file.

    Raises
    ------
    InputNotFoundError
        There is no such file.
    ProjectError
        It is not TOML, or asks for what cannot be; the message names the place in the file.
    PolicyError
        Its purpose is one that geoscore refuses, or that a source does not permit.

    Examples
    --------
    >>> from geoscore.reference.samples import example_dir
    >>> open_project(example_dir() / "geoscore.toml").purpose
    'nonprofit-fundraising'
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise missing_file(path, "project file", mend="`geoscore init FILE...` writes one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path} cannot be read as a text file: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path} is not valid TOML: {error}") from error
    if str(data.get("purpose")).strip().casefold() in REFUSED_PURPOSES:
        raise PolicyError(
            f"purpose {data['purpose']!r} is refused: selecting people by neighborhood for housing, credit, employment "
            "or insurance is unlawful discrimination in the making (42 U.S.C. 3605, 15 U.S.C. 1691)"
        )
    try:
        project = Project.model_validate({**data, "folder": path.parent})
    except ValidationError as error:
        raise ProjectError(f"{path}: {_first_words(error)}") from error
    _check_purpose(project)
    return project


def _first_words(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = {*Project.model_fields, *Source.model_fields, *Surface.model_fields, *Census.model_fields}
        known |= {*Suppression.model_fields, *Geocoding.model_fields, *Political.model_fields, *Audit.model_fields}
        known |= {*Propensity.model_fields}
        message = f"no such setting{did_you_mean(str(first['loc'][-1]), known)}"
    more = error.error_count() - 1
    return f"{place + ': ' if place else ''}{message}" + (f" (and {more} more)" if more else "")


def _check_purpose(project: Project) -> None:
    for source in project.sources:
        if FEC.search(f"{source.licence} {source.name}") and not source.own_list:
            raise PolicyError(
                f"source {source.name!r} is declared to come from the Federal Election Commission, whose contributor"
                " data may not be used to solicit or for commercial purposes (52 U.S.C. 30111(a)(4), 11 CFR 104.15); a"
                " committee's own list is allowed: say so under own_list"
            )
        if objection := find_objection(source.kind, project.purpose, source.permitted):
            raise PolicyError(f"source {source.name!r} {objection}")
