"""Commands on markets: penetration, decay, twins, hot spots, access, where to put sites, territories, choices."""

from enum import StrEnum
from typing import Annotated

import typer

from geoscore.cli.options import (
    TOP,
    AnswerFile,
    AnswerFormat,
    AreaFile,
    By,
    ByPlace,
    Capacity,
    Columns,
    CustomersFile,
    Direction,
    DirectionName,
    Format,
    MapFile,
    Mode,
    ModeName,
    NetworkFile,
    Point,
    RadiusKm,
    Resolution,
    SiteList,
    SitesFile,
    SpeedKmh,
    SurfaceFile,
    Top,
    Zips,
    parse_column,
    parse_point,
)
from geoscore.cli.show_trade import keep_top, show_layer, show_market
from geoscore.cli.trade import MEASURES, open_asked, open_travel, trade_app
from geoscore.errors import InputError


class Statistic(StrEnum):
    """What finds hot spots."""

    GI = "gi"
    MORAN = "moran"


class DistanceName(StrEnum):
    """How likeness is measured."""

    MAHALANOBIS = "mahalanobis"
    HELLINGER = "hellinger"


class FalloffName(StrEnum):
    """How a site counts less farther away."""

    STEP = "step"
    GAUSSIAN = "gaussian"
    LINEAR = "linear"


class AccessName(StrEnum):
    """How accessibility is measured."""

    TWO_STEP = "2sfca"
    HANSEN = "hansen"


@trade_app.command(rich_help_panel=MEASURES)
def penetration(
    surface: SurfaceFile,
    customers: CustomersFile,
    by: ByPlace = By.ZIP,
    resolution: Resolution = None,
    column: Columns = None,
    show_small: Annotated[
        bool, typer.Option("--show-small", help="Tell numbers of customers below k as well: not to be passed on.")
    ] = False,
    top: Top = None,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Set customers against households.

    Penetration, fair share, and the largest gaps (whitespace) first.

    geoscore trade-area penetration out/demo/surface.parquet --customers examples/bay_area/donors.xlsx --by zip --top 20
    """
    from geoscore.market.penetration import open_customers, penetration_layer

    opened, threshold = open_asked(surface, capacity)
    known = open_customers(opened, customers, columns=parse_column(column))
    layer = penetration_layer(
        opened, known, by=by.value, capacity=threshold, show_small=show_small, resolution=resolution
    )
    show_market(keep_top(layer, top), opened, threshold, format=format, out=out, map_=map)


@trade_app.command(rich_help_panel=MEASURES)
def decay(
    surface: SurfaceFile,
    customers: CustomersFile,
    site: SiteList = None,
    sites: SitesFile = None,
    band: Annotated[
        list[float] | None, typer.Option(metavar="KM...", help="Outer edge of a band in kilometers; 1 to 50 if none.")
    ] = None,
    column: Columns = None,
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
) -> None:
    """Say how penetration falls with distance.

    geoscore trade-area decay out/demo/surface.parquet --customers examples/bay_area/donors.xlsx
    --site office=-122.16,37.44
    """
    from geoscore.market.files import read_sites
    from geoscore.market.penetration import decay_layer, open_customers
    from geoscore.query import open_surface

    opened = open_surface(surface)
    places = read_sites(site or (), sites)[0]
    if len(places) != 1:
        raise InputError("distance decay is from one site; give one")
    known = open_customers(opened, customers, columns=parse_column(column))
    layer = decay_layer(opened, known, places[0], bands_km=band or (1, 2, 3, 5, 7, 10, 15, 20, 30, 50))
    show_layer(layer, format=format.value, out=out, surface=opened)


@trade_app.command(rich_help_panel=MEASURES)
def twins(
    surface: SurfaceFile,
    zip: Zips = None,  # noqa: A002
    area: AreaFile = None,
    point: Point = None,
    radius_km: RadiusKm = None,
    by: ByPlace = By.ZIP,
    resolution: Resolution = None,
    top: Annotated[int, TOP] = 10,
    distance: Annotated[DistanceName, typer.Option(help="How likeness is measured.")] = DistanceName.MAHALANOBIS,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """List areas like one, with the reasons.

    Several --zip are taken together.

    geoscore trade-area twins out/demo/surface.parquet --zip 94301 --top 10
    """
    from geoscore.market.patterns import twins_layer

    opened, threshold = open_asked(surface, capacity)
    place = None if point is None else parse_point(point)
    if sum(value is not None for value in (zip, area, point)) != 1:
        raise InputError("say which area to match: one of --zip, --area, or --point with --radius-km")
    target = opened.select(zip=zip, area=area, point=place, radius_km=radius_km)
    layer = twins_layer(
        opened, target, by=by.value, capacity=threshold, count=top, distance=distance.value,
        resolution=resolution,
    )  # fmt: skip
    show_market(layer, opened, threshold, format=format, out=out, map_=map)


@trade_app.command(rich_help_panel=MEASURES)
def hotspots(
    surface: SurfaceFile,
    statistic: Annotated[Statistic, typer.Option(help="Gi* of Getis and Ord, or local Moran's I.")] = Statistic.GI,
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="How many cells away a neighbor may be.")] = 1,
    false_discovery: Annotated[
        float, typer.Option(metavar="SHARE", help="Expected share of false ones among those found.")
    ] = 0.1,
    resolution: Resolution = None,
    top: Top = None,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Find cells that stand out.

    Cells in which the share at the capacity is high or low among neighbors, with false discoveries held down.

    geoscore trade-area hotspots out/demo/surface.parquet --top 20
    """
    from geoscore.market.patterns import hotspot_layer

    opened, threshold = open_asked(surface, capacity)
    layer = hotspot_layer(
        opened, capacity=threshold, statistic=statistic.value, steps=steps, false_discovery=false_discovery,
        resolution=resolution,
    )  # fmt: skip
    show_market(keep_top(layer, top), opened, threshold, format=format, out=out, map_=map)


@trade_app.command(rich_help_panel=MEASURES)
def access(
    surface: SurfaceFile,
    catchment: Annotated[float, typer.Option(metavar="REACH", help="Minutes with --network, else kilometers.")],
    site: SiteList = None,
    sites: SitesFile = None,
    supply: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What sites offer; one each if not given.")
    ] = None,
    measure: Annotated[AccessName, typer.Option(help="Two-step floating catchment or Hansen.")] = AccessName.TWO_STEP,
    falloff: Annotated[FalloffName, typer.Option(help="How a site counts inside the catchment.")] = FalloffName.STEP,
    beta: Annotated[float, typer.Option(metavar="B", help="Hansen: how steeply it falls.")] = 1.0,
    network: NetworkFile = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    top: Top = None,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Say what each cell can reach of what sites offer.

    geoscore trade-area access out/demo/surface.parquet --sites examples/trade_area/offices.csv --supply staff
    --catchment 10
    """
    import numpy as np

    from geoscore.market.files import read_sites
    from geoscore.market.sites import access_layer

    opened, threshold = open_asked(surface, capacity)
    places, offers = read_sites(site or (), sites)
    if supply is not None and supply not in offers.attributes:
        raise InputError(f"sites have no {supply!r} that is a number throughout; they have {sorted(offers.attributes)}")
    amount = np.ones(len(places)) if supply is None else offers.attributes[supply]
    travel = open_travel(network, mode, speed_kmh, direction)
    layer = access_layer(
        opened, places, amount, capacity=threshold, catchment=catchment, falloff=falloff.value,
        measure=measure.value, beta=beta, travel=travel,
    )  # fmt: skip
    show_market(keep_top(layer, top), opened, threshold, format=format, out=out, map_=map)
