"""Commands on trade areas: rings, travel time, thresholds, customers, the nearest site."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoscore.cli.commands import Format, SurfaceFile, app
from geoscore.errors import InputError

if TYPE_CHECKING:
    from geoscore.market.areas import Travel
    from geoscore.query import Surface
    from geoscore.trade.areas import Site, TradeArea
    from geoscore.trade.layer import Layer

HELP = """Trade areas: who can come to a site, who does come, and what is left.

An area is drawn around sites and counted over a surface:

    geoscore trade-area ring out/demo/surface.parquet --site office=-122.16,37.44 --radius-km 5

`huff` fits a choice model to flows; `market` foretells shares from it.
"""

trade_app = typer.Typer(no_args_is_help=True, help=HELP, rich_markup_mode=None)
app.add_typer(trade_app, name="trade-area")


class ModeName(StrEnum):
    """How people travel."""

    DRIVE = "drive"
    BIKE = "bike"
    WALK = "walk"


class DirectionName(StrEnum):
    """Which way people travel."""

    TO = "to"
    FROM = "from"


class Drawn(StrEnum):
    """How a customer-derived area is drawn."""

    DISTANCE = "distance"
    HULL = "hull"
    DENSITY = "density"


SiteOption = Annotated[
    list[str] | None,
    typer.Option(
        "--site", "--point", metavar="NAME=LON,LAT", help="A site, or the point alone; may be given several times."
    ),
]
SitesFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A file of sites: name, longitude, latitude, what they offer.")
]
CapacityText = Annotated[str, typer.Option(metavar="USD", help="Threshold, 50 to 1000000, or a band as 400:2500.")]
Written = Annotated[Format, typer.Option(help="How to write the result.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="File to write to; needed for geoparquet.")]
MapFile = Annotated[
    Path | None, typer.Option("--map", metavar="FILE", help="Write the map with the areas on it, .html.")
]
NetworkFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Streets: .osm.pbf, or lines; `sample` for the made-up network of the samples."),
]
Mode = Annotated[ModeName, typer.Option(help="How people travel.")]
SpeedKmh = Annotated[float | None, typer.Option(help="One speed for all streets, instead of what the file says.")]
Direction = Annotated[DirectionName, typer.Option(help="People come to the site, or go out from it.")]
CellResolution = Annotated[
    int | None, typer.Option(min=5, max=12, help="H3 resolution at which it is told what can be reached.")
]
Weight = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="What customers weigh, such as gifts; one each if not given.")
]
CustomersFile = Annotated[Path, typer.Option(metavar="FILE", help="Customers with coordinates or ZIPs.")]
ColumnOption = Annotated[
    list[str] | None, typer.Option(metavar="FIELD=COLUMN", help="Which column is longitude, latitude or zip.")
]


@trade_app.command()
def ring(
    surface: SurfaceFile,
    radius_km: Annotated[list[float], typer.Option(help="Kilometers; may be given several times.")],
    site: SiteOption = None,
    sites: SitesFile = None,
    donut: Annotated[bool, typer.Option("--donut", help="Each ring without the next smaller one.")] = False,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Draw rings around sites, and count what rings of different sites share.

    geoscore trade-area ring out/demo/surface.parquet --site office=-122.16,37.44 --radius-km 5
    """
    from geoscore.trade.areas import ring_area

    places = _sites(site, sites)
    areas = [ring_area(place, radius) for place in places for radius in sorted(radius_km)]
    _count(surface, _donuts(areas) if donut else areas, capacity, format, output, map)


@trade_app.command("time")
def time_(
    surface: SurfaceFile,
    minutes: Annotated[list[float], typer.Option(help="Minutes; may be given several times.")],
    site: SiteOption = None,
    sites: SitesFile = None,
    network: NetworkFile = None,
    matrix: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Times of your own, instead of a network: site, cell, minutes.")
    ] = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    cell_resolution: CellResolution = None,
    donut: Annotated[bool, typer.Option("--donut", help="Each area without the next smaller one.")] = False,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Draw what lies within a drive, ride or walk of sites, on a network of streets.

    geoscore trade-area time out/demo/surface.parquet --site office=-122.16,37.44 --minutes 15 --network sample
    """
    from geoscore.market.areas import matrix_areas, time_areas
    from geoscore.market.files import read_matrix

    places = _sites(site, sites)
    if (network is None) == (matrix is None):
        raise InputError("travel time needs streets or times: give one of --network FILE and --matrix FILE")
    if matrix is not None:
        cells, times = read_matrix(matrix, [place.name for place in places])
        areas = matrix_areas(places, minutes, cells, times)
    else:
        travel = open_travel(network, mode, speed_kmh, direction)
        areas = time_areas(places, minutes, travel, resolution=cell_resolution)
    _count(surface, _donuts(areas) if donut else areas, capacity, format, output, map)


@trade_app.command()
def threshold(
    surface: SurfaceFile,
    site: SiteOption = None,
    sites: SitesFile = None,
    households: Annotated[float | None, typer.Option(help="Grow until so many households are inside.")] = None,
    at_capacity: Annotated[
        float | None, typer.Option(help="Grow until so many households at --capacity are inside.")
    ] = None,
    dollars: Annotated[float | None, typer.Option(help="Grow until so many expected dollars are inside.")] = None,
    network: NetworkFile = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    cell_resolution: CellResolution = None,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Draw the smallest ring, or with --network the shortest time, that holds what is asked for.

    geoscore trade-area threshold out/demo/surface.parquet --site office=-122.16,37.44 --at-capacity 500
    """
    from geoscore.ladder import parse_capacity
    from geoscore.market.areas import threshold_area
    from geoscore.query import open_surface

    goals = {"households": households, "at-capacity": at_capacity, "dollars": dollars}
    given = {goal: wanted for goal, wanted in goals.items() if wanted is not None}
    if len(given) != 1:
        raise InputError("say what to grow until: one of --households, --at-capacity and --dollars")
    goal, wanted = next(iter(given.items()))
    places = _sites(site, sites)
    travel = None if network is None else open_travel(network, mode, speed_kmh, direction)
    opened = open_surface(surface)
    areas = [
        threshold_area(
            opened, place, wanted, goal=goal, capacity=parse_capacity(capacity), travel=travel,  # type: ignore[arg-type]
            resolution=cell_resolution,
        )
        for place in places
    ]  # fmt: skip
    _count(surface, areas, capacity, format, output, map, opened=opened)


@trade_app.command()
def customers(
    surface: SurfaceFile,
    customers: CustomersFile,
    site: SiteOption = None,
    sites: SitesFile = None,
    share: Annotated[list[float] | None, typer.Option(help="Share of the customers; 0.6, 0.7 and 0.8 if none.")] = None,
    weight: Weight = None,
    by: Annotated[
        Drawn, typer.Option(help="A ring, a hull around the nearest, or where they stand densest.")
    ] = Drawn.DENSITY,
    column: ColumnOption = None,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Draw the smallest area that holds 60, 70 and 80 percent of the customers, or of their dollars.

    geoscore trade-area customers out/demo/surface.parquet --customers examples/bay_area/donors.xlsx
    """
    from geoscore.market.areas import customer_center
    from geoscore.market.penetration import open_customers
    from geoscore.query import open_surface
    from geoscore.trade.areas import customer_area

    opened = open_surface(surface)
    known = open_customers(opened, customers, weight=weight, columns=fields(column))
    places = _sites(site, sites) if site or sites else [customer_center(known)]
    areas = [customer_area(place, known, part, by=by.value) for place in places for part in share or (0.6, 0.7, 0.8)]
    notes = (*known.notes, *known.unused())
    _count(surface, areas, capacity, format, output, map, opened=opened, notes=notes)


@trade_app.command()
def nearest(
    surface: SurfaceFile,
    site: SiteOption = None,
    sites: SitesFile = None,
    network: NetworkFile = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    cell_resolution: CellResolution = None,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Draw for each site where no other is nearer: in a straight line, or in time on a network.

    geoscore trade-area nearest out/demo/surface.parquet --site a=-122.16,37.44 --site b=-122.42,37.77
    """
    from geoscore.market.areas import nearest_site_areas
    from geoscore.query import open_surface

    places = _sites(site, sites)
    travel = None if network is None else open_travel(network, mode, speed_kmh, direction)
    opened = open_surface(surface)
    areas, notes = nearest_site_areas(opened, places, travel=travel, resolution=cell_resolution)
    _count(surface, areas, capacity, format, output, map, opened=opened, notes=notes, strict=False)


def _sites(given: list[str] | None, path: Path | None) -> "list[Site]":
    from geoscore.market.files import read_sites

    return read_sites(given or (), path)[0]


def open_travel(network: Path | None, mode: ModeName, speed_kmh: float | None, direction: DirectionName) -> "Travel":
    """Open a network to travel on."""
    from geoscore.market.areas import Travel
    from geoscore.reference.samples import sample_path
    from geoscore.spatial.roads import read_network

    if network is None:
        raise InputError("travel time needs streets: give --network FILE")
    path = sample_path("network.parquet") if str(network) == "sample" and not network.exists() else network
    return Travel(read_network(path, mode=mode.value, speed_kmh=speed_kmh), mode.value, direction.value)


def fields(given: list[str] | None) -> dict[str, str]:
    """Return columns by field, as FIELD=COLUMN says."""
    found = {}
    for item in given or []:
        field, mark, name = item.partition("=")
        if not mark or field not in ("longitude", "latitude", "zip"):
            raise InputError(f"--column {item!r}: write longitude=COLUMN, latitude=COLUMN or zip=COLUMN")
        found[field] = name
    return found


def _donuts(areas: "list[TradeArea]") -> "list[TradeArea]":
    from geoscore.trade.areas import donut

    found = []
    for i, area in enumerate(areas):
        inner = areas[i - 1] if i and areas[i - 1].site == area.site else None
        found.append(area if inner is None else donut(area, inner))
    return found


def _count(
    surface: Path,
    areas: "list[TradeArea]",
    capacity: str,
    format: Format,  # noqa: A002
    output: Path | None,
    map_: Path | None,
    *,
    opened: "Surface | None" = None,
    notes: tuple[str, ...] = (),
    strict: bool = True,
) -> None:
    """Count areas, show them, and draw them on the map."""
    from dataclasses import replace

    from geoscore.cli.show_trade import show_layer
    from geoscore.ladder import parse_capacity
    from geoscore.market.areas import count_areas
    from geoscore.query import open_surface

    opened = opened or open_surface(surface)
    layer = count_areas(opened, areas, capacity=parse_capacity(capacity), strict=strict)
    layer = replace(layer, notes=tuple(dict.fromkeys((*layer.notes, *notes))))
    layer = show_on_map(layer, opened, map_, capacity)
    show_layer(layer, format=format.value, output=output, surface=opened)


def show_on_map(layer: "Layer", surface: "Surface", path: Path | None, capacity: str) -> "Layer":
    """Write the map with a layer on it, where a file is named; return the layer with a note on what is not drawn."""
    from geoscore.ladder import parse_capacity
    from geoscore.market.drawing import save_areas_map

    if path is None:
        return layer
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: a map is written as .html")
    threshold = parse_capacity(capacity)
    return save_areas_map(surface, layer, path, capacity=threshold[0] if isinstance(threshold, tuple) else threshold)
