"""Commands on trade areas: rings, travel time, thresholds, customers, the nearest site."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoscore.cli.commands import app
from geoscore.cli.options import (
    TRAVEL,
    AnswerFile,
    AnswerFormat,
    Capacity,
    Columns,
    CustomersFile,
    Direction,
    DirectionName,
    Donut,
    Format,
    MapFile,
    Mode,
    ModeName,
    NetworkFile,
    RadiiKm,
    ReachResolution,
    SiteList,
    SitesFile,
    SpeedKmh,
    SurfaceFile,
    parse_column,
)
from geoscore.cli.page import MARKETS, App
from geoscore.errors import InputError

if TYPE_CHECKING:
    from geoscore import ladder
    from geoscore.market.travel import Travel
    from geoscore.query import Surface
    from geoscore.trade.areas import Site, TradeArea

HELP = """Trade areas: who can come to a site, who comes, what is left.

An area is drawn around sites and counted over a surface; `huff` fits a choice model to flows, and `market` foretells
shares from it.

    geoscore trade-area ring out/demo/surface.parquet --site office=-122.16,37.44 --radius-km 5
"""

AREAS = "Areas"
MEASURES = "Measures"
SITES = "Sites and choices"

trade_app = App(no_args_is_help=True, help=HELP)
app.add_typer(trade_app, name="trade-area", rich_help_panel=MARKETS)


class Drawn(StrEnum):
    """How a customer-derived area is drawn."""

    DISTANCE = "distance"
    HULL = "hull"
    DENSITY = "density"


@trade_app.command(rich_help_panel=AREAS)
def ring(
    surface: SurfaceFile,
    radius_km: RadiiKm,
    site: SiteList = None,
    sites: SitesFile = None,
    donut: Donut = False,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Draw rings around sites.

    Households that rings of different sites share are told as well.

    geoscore trade-area ring out/demo/surface.parquet --site office=-122.16,37.44 --radius-km 5
    """
    from geoscore.trade.areas import ring_area

    places = _sites(site, sites)
    areas = [ring_area(place, radius) for place in places for radius in sorted(radius_km)]
    opened, threshold = open_asked(surface, capacity)
    _count(opened, _donuts(areas) if donut else areas, threshold, format=format, out=out, map_=map)


@trade_app.command("time", rich_help_panel=AREAS)
def time_(
    surface: SurfaceFile,
    minutes: Annotated[list[float], typer.Option(metavar="MINUTES...", help="Minutes of travel.")],
    site: SiteList = None,
    sites: SitesFile = None,
    network: NetworkFile = None,
    matrix: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Times of your own, instead of a network: site, cell, minutes.",
            rich_help_panel=TRAVEL,
        ),
    ] = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    cell_resolution: ReachResolution = None,
    donut: Donut = False,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Draw what lies within a drive, ride or walk.

    On a network of streets, or by times of your own.

    geoscore trade-area time out/demo/surface.parquet --site office=-122.16,37.44 --minutes 15 --network sample
    """
    from geoscore.market.areas import matrix_areas, time_areas
    from geoscore.market.files import read_matrix

    places = _sites(site, sites)
    travel = open_travel(network, mode, speed_kmh, direction)
    if travel is not None and matrix is None:
        areas = time_areas(places, minutes, travel, resolution=cell_resolution)
    elif travel is None and matrix is not None:
        cells, times = read_matrix(matrix, [place.name for place in places])
        areas = matrix_areas(places, minutes, cells, times)
    else:
        raise InputError("travel time needs streets or times: give one of --network FILE and --matrix FILE")
    opened, threshold = open_asked(surface, capacity)
    _count(opened, _donuts(areas) if donut else areas, threshold, format=format, out=out, map_=map)


@trade_app.command(rich_help_panel=AREAS)
def threshold(
    surface: SurfaceFile,
    site: SiteList = None,
    sites: SitesFile = None,
    households: Annotated[
        float | None, typer.Option(metavar="N", help="Grow until so many households are inside.")
    ] = None,
    at_capacity: Annotated[
        float | None, typer.Option(metavar="N", help="Grow until so many households at --capacity are inside.")
    ] = None,
    dollars: Annotated[
        float | None, typer.Option(metavar="USD", help="Grow until so many expected dollars are inside.")
    ] = None,
    network: NetworkFile = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    cell_resolution: ReachResolution = None,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Draw the smallest area that holds so much.

    A ring, or with --network what lies within the shortest time.

    geoscore trade-area threshold out/demo/surface.parquet --site office=-122.16,37.44 --at-capacity 500
    """
    from geoscore.market.areas import threshold_area

    goals = {"households": households, "at-capacity": at_capacity, "dollars": dollars}
    given = {goal: wanted for goal, wanted in goals.items() if wanted is not None}
    if len(given) != 1:
        raise InputError("say what to grow until: one of --households, --at-capacity and --dollars")
    goal, wanted = next(iter(given.items()))
    places = _sites(site, sites)
    travel = open_travel(network, mode, speed_kmh, direction)
    opened, threshold = open_asked(surface, capacity)
    areas = [
        threshold_area(
            opened, place, wanted, goal=goal, capacity=threshold, travel=travel,  # type: ignore[arg-type]
            resolution=cell_resolution,
        )
        for place in places
    ]  # fmt: skip
    _count(opened, areas, threshold, format=format, out=out, map_=map)


@trade_app.command(rich_help_panel=AREAS)
def customers(
    surface: SurfaceFile,
    customers: CustomersFile,
    site: SiteList = None,
    sites: SitesFile = None,
    share: Annotated[
        list[float] | None, typer.Option(metavar="SHARE...", help="Share of the customers; 0.6, 0.7 and 0.8 if none.")
    ] = None,
    weight: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="What customers weigh, such as gifts; one each if not given."),
    ] = None,
    by: Annotated[
        Drawn, typer.Option(help="A ring, a hull around the nearest, or where they stand densest.")
    ] = Drawn.DENSITY,
    column: Columns = None,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Draw the smallest area with a share of the customers.

    60, 70 and 80 percent of them, or with --weight of their dollars. Fields that --column names: longitude, latitude,
    zip.

    geoscore trade-area customers out/demo/surface.parquet --customers examples/bay_area/donors.xlsx
    """
    from geoscore.market.areas import customer_center
    from geoscore.market.penetration import open_customers
    from geoscore.trade.areas import customer_area

    opened, threshold = open_asked(surface, capacity)
    known = open_customers(opened, customers, weight=weight, columns=parse_column(column))
    places = _sites(site, sites) if site or sites else [customer_center(known)]
    areas = [customer_area(place, known, part, by=by.value) for place in places for part in share or (0.6, 0.7, 0.8)]
    notes = (*known.notes, *known.unused())
    _count(opened, areas, threshold, format=format, out=out, map_=map, notes=notes)


@trade_app.command(rich_help_panel=AREAS)
def nearest(
    surface: SurfaceFile,
    site: SiteList = None,
    sites: SitesFile = None,
    network: NetworkFile = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    cell_resolution: ReachResolution = None,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Draw for each site where no other is nearer.

    In a straight line, or in time on a network.

    geoscore trade-area nearest out/demo/surface.parquet --site a=-122.16,37.44 --site b=-122.42,37.77
    """
    from geoscore.market.areas import nearest_site_areas

    places = _sites(site, sites)
    travel = open_travel(network, mode, speed_kmh, direction)
    opened, threshold = open_asked(surface, capacity)
    areas, notes = nearest_site_areas(opened, places, travel=travel, resolution=cell_resolution)
    _count(opened, areas, threshold, format=format, out=out, map_=map, notes=notes, strict=False)


def _sites(given: list[str] | None, path: Path | None) -> "list[Site]":
    from geoscore.market.files import read_sites

    return read_sites(given or (), path)[0]


def open_asked(surface: Path, capacity: str) -> "tuple[Surface, ladder.Capacity]":
    """Open a surface, and read the threshold or band that is asked about."""
    from geoscore.ladder import parse_capacity
    from geoscore.query import open_surface

    return open_surface(surface), parse_capacity(capacity)


def open_travel(
    network: Path | None, mode: ModeName, speed_kmh: float | None, direction: DirectionName
) -> "Travel | None":
    """Open a network to travel on, where one is named."""
    from geoscore.market.travel import Travel
    from geoscore.reference.samples import sample_path
    from geoscore.spatial.roads import read_network

    if network is None:
        return None
    path = sample_path("network.parquet") if str(network) == "sample" and not network.exists() else network
    return Travel(read_network(path, mode=mode.value, speed_kmh=speed_kmh), mode.value, direction.value)


def _donuts(areas: "list[TradeArea]") -> "list[TradeArea]":
    from geoscore.trade.areas import donut

    found = []
    for i, area in enumerate(areas):
        inner = areas[i - 1] if i and areas[i - 1].site == area.site else None
        found.append(area if inner is None else donut(area, inner))
    return found


def _count(
    surface: "Surface",
    areas: "list[TradeArea]",
    capacity: "ladder.Capacity",
    *,
    format: Format,  # noqa: A002
    out: Path | None,
    map_: Path | None,
    notes: tuple[str, ...] = (),
    strict: bool = True,
) -> None:
    """Count areas, show them, and draw them on the map."""
    from dataclasses import replace

    from geoscore.cli.show_trade import show_market
    from geoscore.market.areas import count_areas

    layer = count_areas(surface, areas, capacity=capacity, strict=strict)
    layer = replace(layer, notes=tuple(dict.fromkeys((*layer.notes, *notes))))
    show_market(layer, surface, capacity, format=format, out=out, map_=map_)
