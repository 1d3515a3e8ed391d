"""Commands on markets: penetration, decay, twins, hot spots, access, where to put sites, territories, choices."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geoscore.cli.commands import By, Format, SurfaceFile
from geoscore.cli.trade import (
    CapacityText,
    ColumnOption,
    CustomersFile,
    Direction,
    DirectionName,
    MapFile,
    Mode,
    ModeName,
    NetworkFile,
    Output,
    SiteOption,
    SitesFile,
    SpeedKmh,
    Written,
    fields,
    open_travel,
    show_on_map,
    trade_app,
)
from geoscore.errors import InputError

if TYPE_CHECKING:
    from geoscore.query import Surface
    from geoscore.trade.layer import Layer

Resolution = Annotated[int | None, typer.Option(help="With --by cell: a coarser H3 resolution.")]
Reach = Annotated[float | None, typer.Option(help="Minutes with --network, else kilometers.")]


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


class Objective(StrEnum):
    """What chosen sites are good for."""

    MEDIAN = "p-median"
    COVERAGE = "coverage"


class WayName(StrEnum):
    """How sites are chosen."""

    EXACT = "exact"
    GREEDY = "greedy"


@trade_app.command()
def penetration(
    surface: SurfaceFile,
    customers: CustomersFile,
    by: Annotated[By, typer.Option(help="What places are listed by.")] = By.ZIP,
    resolution: Resolution = None,
    column: ColumnOption = None,
    show_small: Annotated[
        bool, typer.Option("--show-small", help="Tell numbers of customers below k as well: not to be passed on.")
    ] = False,
    top: Annotated[int | None, typer.Option(min=1, help="Only the so many largest gaps.")] = None,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Set customers against households: penetration, fair share, and the largest gaps (whitespace) first.

    geoscore trade-area penetration out/demo/surface.parquet --customers examples/bay_area/donors.xlsx --by zip --top 20
    """
    from geoscore.market.penetration import open_customers, penetration_layer

    opened = _open(surface)
    known = open_customers(opened, customers, columns=fields(column))
    layer = penetration_layer(
        opened, known, by=by.value, capacity=_capacity(capacity), show_small=show_small, resolution=resolution
    )
    _show(_top(layer, top), opened, format, output, map, capacity)


@trade_app.command()
def decay(
    surface: SurfaceFile,
    customers: CustomersFile,
    site: SiteOption = None,
    sites: SitesFile = None,
    band: Annotated[list[float] | None, typer.Option(help="Outer edge of a band in kilometers; several.")] = None,
    column: ColumnOption = None,
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> None:
    """Say how penetration falls with distance from a site.

    geoscore trade-area decay out/demo/surface.parquet --customers examples/bay_area/donors.xlsx
    --site office=-122.16,37.44
    """
    from geoscore.market.files import read_sites
    from geoscore.market.penetration import decay_layer, open_customers

    opened = _open(surface)
    places = read_sites(site or (), sites)[0]
    if len(places) != 1:
        raise InputError("distance decay is from one site; give one")
    known = open_customers(opened, customers, columns=fields(column))
    layer = decay_layer(opened, known, places[0], bands_km=band or (1, 2, 3, 5, 7, 10, 15, 20, 30, 50))
    _show(layer, opened, format, output, None, "2500")


@trade_app.command()
def twins(
    surface: SurfaceFile,
    zip: Annotated[list[str] | None, typer.Option(help="A ZIP code; several are taken together.")] = None,  # noqa: A002
    area: Annotated[Path | None, typer.Option(help="A file of polygons.")] = None,
    point: Annotated[str | None, typer.Option(metavar="LON,LAT", help="A point, longitude first.")] = None,
    radius_km: Annotated[float | None, typer.Option(help="Kilometers around the point.")] = None,
    by: Annotated[By, typer.Option(help="What places are looked for among.")] = By.ZIP,
    resolution: Resolution = None,
    top: Annotated[int, typer.Option(min=1, help="How many to list.")] = 10,
    distance: Annotated[DistanceName, typer.Option(help="How likeness is measured.")] = DistanceName.MAHALANOBIS,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """List areas like this one, with the reasons.

    geoscore trade-area twins out/demo/surface.parquet --zip 94301 --top 10
    """
    from geoscore.cli.commands import _parse_point
    from geoscore.market.patterns import twins_layer

    opened = _open(surface)
    place = None if point is None else _parse_point(point)
    if sum(value is not None for value in (zip, area, point)) != 1:
        raise InputError("say which area to match: one of --zip, --area, or --point with --radius-km")
    target = opened.select(zip=zip, area=area, point=place, radius_km=radius_km)
    layer = twins_layer(
        opened, target, by=by.value, capacity=_capacity(capacity), count=top, distance=distance.value,
        resolution=resolution,
    )  # fmt: skip
    _show(layer, opened, format, output, map, capacity)


@trade_app.command()
def hotspots(
    surface: SurfaceFile,
    statistic: Annotated[Statistic, typer.Option(help="Gi* of Getis and Ord, or local Moran's I.")] = Statistic.GI,
    steps: Annotated[int, typer.Option(min=1, help="How many cells away a neighbor may be.")] = 1,
    false_discovery: Annotated[float, typer.Option(help="Expected share of false ones among those found.")] = 0.1,
    resolution: Resolution = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only the so many hottest.")] = None,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Find cells in which the share at the capacity stands out, with false discoveries held down.

    geoscore trade-area hotspots out/demo/surface.parquet --top 20
    """
    from geoscore.market.patterns import hotspot_layer

    opened = _open(surface)
    layer = hotspot_layer(
        opened, capacity=_capacity(capacity), statistic=statistic.value, steps=steps, false_discovery=false_discovery,
        resolution=resolution,
    )  # fmt: skip
    _show(_top(layer, top), opened, format, output, map, capacity)


@trade_app.command()
def access(
    surface: SurfaceFile,
    catchment: Annotated[float, typer.Option(help="Minutes with --network, else kilometers.")],
    site: SiteOption = None,
    sites: SitesFile = None,
    supply: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What sites offer; one each if not given.")
    ] = None,
    measure: Annotated[AccessName, typer.Option(help="Two-step floating catchment or Hansen.")] = AccessName.TWO_STEP,
    falloff: Annotated[FalloffName, typer.Option(help="How a site counts inside the catchment.")] = FalloffName.STEP,
    beta: Annotated[float, typer.Option(help="Hansen: how steeply it falls.")] = 1.0,
    network: NetworkFile = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    top: Annotated[int | None, typer.Option(min=1, help="Only the so many best.")] = None,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Say what each cell can reach of what sites offer.

    geoscore trade-area access out/demo/surface.parquet --sites examples/trade_area/offices.csv --supply staff
    --catchment 10
    """
    import numpy as np

    from geoscore.market.files import read_sites
    from geoscore.market.sites import access_layer

    opened = _open(surface)
    places, offers = read_sites(site or (), sites)
    if supply is not None and supply not in offers.attributes:
        raise InputError(f"sites have no {supply!r} that is a number throughout; they have {sorted(offers.attributes)}")
    amount = np.ones(len(places)) if supply is None else offers.attributes[supply]
    travel = None if network is None else open_travel(network, mode, speed_kmh, direction)
    layer = access_layer(
        opened, places, amount, capacity=_capacity(capacity), catchment=catchment, falloff=falloff.value,
        measure=measure.value, beta=beta, travel=travel,
    )  # fmt: skip
    _show(_top(layer, top), opened, format, output, map, capacity)


@trade_app.command("sites")
def sites_(
    surface: SurfaceFile,
    count: Annotated[int, typer.Option(min=1, help="How many sites in all.")],
    objective: Annotated[Objective, typer.Option(help="Near to most, or reaching most.")] = Objective.MEDIAN,
    candidates: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where sites may be; the best cells if not given."),
    ] = None,
    kept: Annotated[Path | None, typer.Option(metavar="FILE", help="Sites that are there already.")] = None,
    reach: Reach = None,
    method: Annotated[WayName, typer.Option(help="Proven best, or one after another.")] = WayName.EXACT,
    pool: Annotated[int, typer.Option(min=1, help="How many cells are candidates without a file.")] = 60,
    resolution: Annotated[int | None, typer.Option(help="H3 resolution at which demand is taken.")] = None,
    network: NetworkFile = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Choose sites: near to most households at the capacity (p-median), or reaching most of them (coverage).

    geoscore trade-area sites out/demo/surface.parquet --count 3 --objective coverage --reach 15
    """
    from geoscore.market.files import read_sites
    from geoscore.market.sites import siting_layer

    opened = _open(surface)
    offered, there = (read_sites((), path)[0] if path is not None else [] for path in (candidates, kept))
    travel = None if network is None else open_travel(network, mode, speed_kmh, direction)
    layer = siting_layer(
        opened, count=count, objective=objective.value, capacity=_capacity(capacity), candidates=offered, kept=there,
        reach=reach, way=method.value, travel=travel, resolution=resolution, pool=pool,
    )  # fmt: skip
    _show(layer, opened, format, output, map, capacity)


@trade_app.command()
def territories(
    surface: SurfaceFile,
    count: Annotated[int, typer.Option(min=1, help="How many territories.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same territories.")] = 0,
    resolution: Annotated[int | None, typer.Option(help="H3 resolution of the cells; at most 4,000 if none.")] = None,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Share the region out into territories of equal potential that hang together.

    geoscore trade-area territories out/demo/surface.parquet --count 6
    """
    from geoscore.market.sites import territory_layer

    opened = _open(surface)
    layer = territory_layer(opened, count=count, capacity=_capacity(capacity), seed=seed, resolution=resolution)
    _show(layer, opened, format, output, map, capacity)


@trade_app.command()
def market(
    surface: SurfaceFile,
    sites: SitesFile,
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="A model that `huff --model` has kept.")] = None,
    coefficient: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="Coefficients of your own, the cost's first.")
    ] = None,
    open: Annotated[  # noqa: A002
        list[str] | None, typer.Option(metavar="NAME=LON,LAT,...", help="Open a site: its place, attribute=value, ...")
    ] = None,
    close: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Close a site.")] = None,
    resize: Annotated[
        list[str] | None, typer.Option(metavar="NAME,ATTRIBUTE=VALUE", help="Change what a site offers.")
    ] = None,
    cells: Annotated[bool, typer.Option("--cells", help="List the shares of every cell.")] = False,
    least_cost: Annotated[float, typer.Option(help="Costs below this are taken for it.")] = 1.0,
    network: NetworkFile = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    capacity: CapacityText = "2500",
    format: Written = Format.TABLE,  # noqa: A002
    output: Output = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Foretell what sites draw by a choice model, and who moves when one opens, closes or grows.

    geoscore trade-area market out/demo/surface.parquet --sites examples/trade_area/offices.csv --coefficient cost=-2
    --coefficient staff=1 --close Oakland
    """
    from geoscore.market.choices import Market, change_sites, given_model, open_model
    from geoscore.market.files import read_sites

    opened = _open(surface)
    if sites is None:
        raise InputError("give the sites and what they offer in a file: --sites FILE")
    if (model is None) == (coefficient is None):
        raise InputError("give a model: one of --model FILE and --coefficient NAME=NUMBER")
    if not least_cost > 0:
        raise InputError(f"--least-cost {least_cost:g}: give a number above 0")
    chosen = (
        open_model(model, least_cost=least_cost) if model is not None
        else given_model(coefficient or (), least_cost=least_cost)
    )  # fmt: skip
    offered = read_sites((), sites)[1]
    travel = None if network is None else open_travel(network, mode, speed_kmh, direction)
    choices = Market(opened, chosen, travel=travel, capacity=_capacity(capacity))
    changed = change_sites(offered, opened=open or (), closed=close or (), resized=resize or ())
    if cells:
        layer = choices.draw_cells(changed)
    else:
        layer = choices.compare(offered, changed) if open or close or resize else choices.draw(offered)
    _show(layer, opened, format, output, map, capacity)


def _open(path: Path) -> "Surface":
    from geoscore.query import open_surface

    return open_surface(path)


def _capacity(text: str) -> Any:
    from geoscore.ladder import parse_capacity

    return parse_capacity(text)


def _top(layer: "Layer", top: int | None) -> "Layer":
    from dataclasses import replace

    if top is None:
        return layer
    return replace(layer, rows=layer.rows[:top], shapes=None if layer.shapes is None else layer.shapes[:top])


def _show(
    layer: "Layer",
    surface: "Surface",
    format: Format,  # noqa: A002
    output: Path | None,
    map_: Path | None,
    capacity: str,
) -> None:
    from geoscore.cli.show_trade import show_layer

    layer = show_on_map(layer, surface, map_, capacity)
    show_layer(layer, format=format.value, output=output, surface=surface)
