"""The options of the command line, each declared once: the same word means the same and is explained alike everywhere.

What only one command asks stands with that command. The word for where something is written is ``--out``; ``--output``
is understood as well.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from geoscore.cli.page import OUTPUT
from geoscore.errors import InputError

if TYPE_CHECKING:
    from datetime import date

AREA: Final = "Area"
LISTING: Final = "Listing"
SITES: Final = "Sites"
TRAVEL: Final = "Travel"
COLUMNS: Final = "Columns"


class Format(StrEnum):
    """How answers about places are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    GEOJSON = "geojson"
    GEOPARQUET = "geoparquet"


class PlainFormat(StrEnum):
    """How findings without places are written."""

    TABLE = "table"
    JSON = "json"


class By(StrEnum):
    """What places are listed by."""

    ZIP = "zip"
    CELL = "cell"
    COUNTY = "county"


class EngineName(StrEnum):
    """What runs the work."""

    DUCKDB = "duckdb"
    SPARK = "spark"


class ModeName(StrEnum):
    """How people travel."""

    DRIVE = "drive"
    BIKE = "bike"
    WALK = "walk"


class DirectionName(StrEnum):
    """Which way people travel."""

    TO = "to"
    FROM = "from"


def out_option(what: str, metavar: str = "FILE") -> Any:
    """Declare where something is written: ``what`` says what, and in which forms."""
    return typer.Option("-o", "--out", "--output", metavar=metavar, help=what, rich_help_panel=OUTPUT)


def column_option(what: str, metavar: str = "COLUMN") -> Any:
    """Declare a column of the file that is read, by what stands in it."""
    return typer.Option(metavar=metavar, help=what, rich_help_panel=COLUMNS)


TOP: Final[Any] = typer.Option("--top", min=1, metavar="N", help="Only the so many best.", rich_help_panel=LISTING)


def capacity_option(metavar: str = "USD") -> Any:
    """Declare the threshold that is asked about."""
    told = "Threshold in US dollars, 50 to 1000000, or a band as 400:2500."
    return typer.Option("--capacity", metavar=metavar, help=told)


def radius_option(metavar: str = "KM") -> Any:
    """Declare the size of a circle."""
    return typer.Option("--radius-km", metavar=metavar, help="Radius in kilometers.", rich_help_panel=AREA)


Capacity = Annotated[str, capacity_option()]
Capacities = Annotated[list[str] | None, capacity_option("USD...")]

# What is read
SurfaceFile = Annotated[
    Path, typer.Argument(metavar="SURFACE", help="A surface.parquet that a run has written, or the run's folder.")
]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Household files of any shape.")]
Sheet = Annotated[
    str | None,
    typer.Option(
        "--sheet", metavar="NAME", help="Sheet of a spreadsheet, or table of a database.", rich_help_panel=COLUMNS
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="FIELD=COLUMN...",
        help="Which column is which field, where headers do not say.",
        rich_help_panel=COLUMNS,
    ),
]
Id = Annotated[str | None, typer.Option("--id", metavar="COLUMN", help="The household's id.", rich_help_panel=COLUMNS)]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Day on which dates are looked at; nothing later counts."),
]
CustomersFile = Annotated[Path, typer.Option("--customers", metavar="FILE", help="Customers with coordinates or ZIPs.")]

# An area, and lists of places
Zips = Annotated[list[str] | None, typer.Option("--zip", metavar="ZIP...", help="A ZIP code.", rich_help_panel=AREA)]
AreaFile = Annotated[
    Path | None, typer.Option("--area", metavar="FILE", help="A file of polygons.", rich_help_panel=AREA)
]
Point = Annotated[
    str | None, typer.Option("--point", metavar="LON,LAT", help="A point, longitude first.", rich_help_panel=AREA)
]
RadiusKm = Annotated[float | None, radius_option()]
RadiiKm = Annotated[list[float], radius_option("KM...")]
ByPlace = Annotated[By, typer.Option("--by", help="List places by this.", rich_help_panel=LISTING)]
Top = Annotated[int | None, TOP]
Resolution = Annotated[
    int | None,
    typer.Option(
        "--resolution",
        metavar="R",
        help="H3 resolution of cells: the surface's, or a coarser one.",
        rich_help_panel=LISTING,
    ),
]

# Sites and how people get there
SiteList = Annotated[
    list[str] | None,
    typer.Option(
        "--site", "--point", metavar="NAME=LON,LAT...", help="A site, or the point alone.", rich_help_panel=SITES
    ),
]
SitesFile = Annotated[
    Path | None,
    typer.Option(
        "--sites",
        metavar="FILE",
        help="A file of sites: name, longitude, latitude, what they offer.",
        rich_help_panel=SITES,
    ),
]
NetworkFile = Annotated[
    Path | None,
    typer.Option(
        "--network",
        metavar="FILE",
        help="Streets: .osm.pbf, or lines; `sample` for the network of the samples.",
        rich_help_panel=TRAVEL,
    ),
]
Mode = Annotated[ModeName, typer.Option("--mode", help="How people travel.", rich_help_panel=TRAVEL)]
SpeedKmh = Annotated[
    float | None,
    typer.Option(
        "--speed-kmh",
        metavar="KMH",
        help="One speed for all streets, instead of what the file says.",
        rich_help_panel=TRAVEL,
    ),
]
Direction = Annotated[
    DirectionName,
    typer.Option("--direction", help="People come to the site, or go out from it.", rich_help_panel=TRAVEL),
]
ReachResolution = Annotated[
    int | None,
    typer.Option(
        "--cell-resolution",
        min=5,
        max=12,
        metavar="R",
        help="H3 resolution at which it is told what can be reached.",
        rich_help_panel=TRAVEL,
    ),
]
LEAST_COST: Final[Any] = typer.Option("--least-cost", metavar="COST", help="Costs below this are taken for it.")
Donut = Annotated[bool, typer.Option("--donut", help="Each area without the next smaller one.")]
Count = Annotated[int, typer.Option("--count", min=1, metavar="N", help="How many in all.")]

# How the work is done
Engine = Annotated[EngineName, typer.Option("--engine", help="What runs the work.")]
Memory = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="Most memory before spilling to disk, such as 4GB.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same result.")]

# Where answers go
AnswerFormat = Annotated[Format, typer.Option("--format", help="How to write the answer.", rich_help_panel=OUTPUT)]
FindingFormat = Annotated[
    PlainFormat, typer.Option("--format", help="How to write the answer.", rich_help_panel=OUTPUT)
]
AnswerFile = Annotated[Path | None, out_option("File to write the answer to; needed for geoparquet.")]
MapFile = Annotated[
    Path | None,
    typer.Option("--map", metavar="FILE", help="Write the map with the areas on it, .html.", rich_help_panel=OUTPUT),
]
Layers = Annotated[
    list[Path] | None,
    typer.Option("--layer", metavar="FILE...", help="A file of shapes to draw on the map.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.", rich_help_panel=OUTPUT)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.", rich_help_panel=OUTPUT)]


def parse_point(text: str) -> tuple[float, float]:
    """Return longitude and latitude of ``LON,LAT``.

    Examples
    --------
    >>> parse_point("-122.16,37.44")
    (-122.16, 37.44)
    """
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--point {text!r}: write longitude and latitude with a comma, like -122.16,37.44") from None
    return longitude, latitude


def parse_columns(given: list[str] | None) -> dict[str, list[str]]:
    """Return the columns of each field, as ``FIELD=COLUMN`` says.

    Examples
    --------
    >>> parse_columns(["zip=ZIP5"])
    {'zip': ['ZIP5']}
    """
    columns: dict[str, list[str]] = {}
    for text in given or []:
        field, mark, name = text.partition("=")
        if not mark or not name:
            raise InputError(f"--column {text!r}: write FIELD=COLUMN, such as zip=POSTAL")
        columns.setdefault(field, []).append(name)
    return columns


def parse_column(given: list[str] | None) -> dict[str, str]:
    """Return the one column of each field, as ``FIELD=COLUMN`` says.

    Examples
    --------
    >>> parse_column(["zip=ZIP5"])
    {'zip': 'ZIP5'}
    """
    columns = parse_columns(given)
    for field, names in columns.items():
        if len(names) > 1:
            raise InputError(f"--column names {names[0]!r} and {names[1]!r} for {field}; give one")
    return {field: names[0] for field, names in columns.items()}


def parse_day(text: str | None, *, option: str) -> "date":
    """Return the day of ``2026-11-01``; today where none is given.

    Examples
    --------
    >>> parse_day("2026-11-01", option="--as-of").isoformat()
    '2026-11-01'
    """
    from datetime import UTC, date, datetime

    try:
        return date.fromisoformat(text) if text else datetime.now(tz=UTC).date()
    except ValueError:
        raise InputError(f"{option} {text!r}: write a date such as 2026-11-01") from None
