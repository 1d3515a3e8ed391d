"""Commands on sites: where to put them, territories, and what they draw when one opens, closes or grows."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geoscore.cli.options import (
    LEAST_COST,
    AnswerFile,
    AnswerFormat,
    Capacity,
    Count,
    Direction,
    DirectionName,
    Format,
    MapFile,
    Mode,
    ModeName,
    NetworkFile,
    Resolution,
    Seed,
    SitesFile,
    SpeedKmh,
    SurfaceFile,
)
from geoscore.cli.show_trade import show_market
from geoscore.cli.trade import SITES, open_asked, open_travel, trade_app
from geoscore.errors import InputError


class Objective(StrEnum):
    """What chosen sites are good for."""

    MEDIAN = "p-median"
    COVERAGE = "coverage"


class WayName(StrEnum):
    """How sites are chosen."""

    EXACT = "exact"
    GREEDY = "greedy"


@trade_app.command("sites", rich_help_panel=SITES)
def sites_(
    surface: SurfaceFile,
    count: Count,
    objective: Annotated[Objective, typer.Option(help="Near to most, or reaching most.")] = Objective.MEDIAN,
    candidates: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where sites may be; the best cells if not given."),
    ] = None,
    kept: Annotated[Path | None, typer.Option(metavar="FILE", help="Sites that are there already.")] = None,
    reach: Annotated[
        float | None, typer.Option(metavar="REACH", help="Minutes with --network, else kilometers.")
    ] = None,
    method: Annotated[WayName, typer.Option(help="Proven best, or one after another.")] = WayName.EXACT,
    pool: Annotated[int, typer.Option(min=1, metavar="N", help="How many cells are candidates without a file.")] = 60,
    resolution: Resolution = None,
    network: NetworkFile = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Choose where to put sites.

    Near to most households at the capacity (p-median), or reaching most of them (coverage).

    geoscore trade-area sites out/demo/surface.parquet --count 3 --objective coverage --reach 15
    """
    from geoscore.market.files import read_sites
    from geoscore.market.sites import siting_layer

    opened, threshold = open_asked(surface, capacity)
    offered, there = (read_sites((), path)[0] if path is not None else [] for path in (candidates, kept))
    travel = open_travel(network, mode, speed_kmh, direction)
    layer = siting_layer(
        opened, count=count, objective=objective.value, capacity=threshold, candidates=offered, kept=there,
        reach=reach, way=method.value, travel=travel, resolution=resolution, pool=pool,
    )  # fmt: skip
    show_market(layer, opened, threshold, format=format, out=out, map_=map)


@trade_app.command(rich_help_panel=SITES)
def territories(
    surface: SurfaceFile,
    count: Count,
    seed: Seed = 0,
    resolution: Resolution = None,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Share the region out into even territories.

    Of equal potential, and each hangs together; without --resolution the cells are at most 4,000.

    geoscore trade-area territories out/demo/surface.parquet --count 6
    """
    from geoscore.market.sites import territory_layer

    opened, threshold = open_asked(surface, capacity)
    layer = territory_layer(opened, count=count, capacity=threshold, seed=seed, resolution=resolution)
    show_market(layer, opened, threshold, format=format, out=out, map_=map)


@trade_app.command(rich_help_panel=SITES)
def market(
    surface: SurfaceFile,
    sites: SitesFile,
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="A model that `huff --model` has kept.")] = None,
    coefficient: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER...", help="Coefficients of your own, the cost's first.")
    ] = None,
    open: Annotated[  # noqa: A002
        list[str] | None,
        typer.Option(metavar="NAME=LON,LAT,A=X...", help="Open a site: its place, attribute=value, ..."),
    ] = None,
    close: Annotated[list[str] | None, typer.Option(metavar="NAME...", help="Close a site.")] = None,
    resize: Annotated[
        list[str] | None, typer.Option(metavar="NAME,ATTRIBUTE=VALUE...", help="Change what a site offers.")
    ] = None,
    cells: Annotated[bool, typer.Option("--cells", help="List the shares of every cell.")] = False,
    least_cost: Annotated[float, LEAST_COST] = 1.0,
    network: NetworkFile = None,
    mode: Mode = ModeName.DRIVE,
    speed_kmh: SpeedKmh = None,
    direction: Direction = DirectionName.TO,
    capacity: Capacity = "2500",
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
    map: MapFile = None,  # noqa: A002
) -> None:
    """Foretell what sites draw by a choice model.

    And who moves when one opens, closes or grows.

    geoscore trade-area market out/demo/surface.parquet --sites examples/trade_area/offices.csv --coefficient cost=-2
    --coefficient staff=1 --close Oakland
    """
    from geoscore.market.choices import Market, change_sites, given_model, open_model
    from geoscore.market.files import read_sites

    opened, threshold = open_asked(surface, capacity)
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
    travel = open_travel(network, mode, speed_kmh, direction)
    choices = Market(opened, chosen, travel=travel, capacity=threshold)
    changed = change_sites(offered, opened=open or (), closed=close or (), resized=resize or ())
    if cells:
        layer = choices.draw_cells(changed)
    else:
        layer = choices.compare(offered, changed) if open or close or resize else choices.draw(offered)
    show_market(layer, opened, threshold, format=format, out=out, map_=map)
