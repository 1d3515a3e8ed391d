"""The commands: each reads its options, asks the library, and shows what came back."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from geoscore.cli.options import (
    AREA,
    LISTING,
    TOP,
    AnswerFile,
    AnswerFormat,
    AreaFile,
    AsJson,
    By,
    Capacities,
    Engine,
    EngineName,
    Format,
    Memory,
    Point,
    Quiet,
    RadiusKm,
    Resolution,
    Seed,
    SurfaceFile,
    Zips,
    out_option,
    parse_point,
)
from geoscore.cli.page import START, SURFACES, App
from geoscore.errors import InputError

HELP = """Neighborhood donor-potential surfaces from household files and the census.

Begin with `geoscore demo` and look at out/demo/map.html. With files of your own, `geoscore inspect` says what is in
them, `geoscore init` writes a project file, and `geoscore run` makes a surface.

    geoscore demo

    geoscore query out/demo/surface.parquet --zip 94301 --capacity 2500
"""

app = App(
    help=HELP,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 100},
)


class RankBy(StrEnum):
    """What the best of a list are best in."""

    ESTIMATE = "estimate"
    SHARE = "share"
    INDEX = "index"
    LOW = "low"
    HOUSEHOLDS = "households"


class Spread(StrEnum):
    """Where made-up households live."""

    BAY_AREA = "bay-area"
    UNITED_STATES = "united-states"


BAY_AREA_HOUSEHOLDS = 2_760_479
"""Of the samples: more are spread over the whole country."""


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"geoscore {version('geoscore')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    _show: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(rich_help_panel=START)
def demo(
    out: Annotated[Path, out_option("Folder to write to.", "DIR")] = Path("out/demo"),
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Run the whole journey on made-up households, offline.

    They live in the Bay Area; the folder holds a surface, its map, a report and the ledger.

    geoscore demo --out out/demo
    """
    from geoscore.reference.samples import example_dir

    _run_project(
        example_dir() / "geoscore.toml", out=out, engine=EngineName.DUCKDB, memory=None, quiet=quiet, json=json
    )


@app.command(rich_help_panel=SURFACES)
def run(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project file, geoscore.toml.")],
    engine: Engine = EngineName.DUCKDB,
    memory: Memory = None,
    out: Annotated[
        Path | None, out_option("Folder to write to; `out` beside the project file if not given.", "DIR")
    ] = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Make a surface of a project, with map, report and ledger.

    The folder is moved into place when all of it is there.

    geoscore run geoscore.toml --out out
    """
    _run_project(project, out=out, engine=engine, memory=memory, quiet=quiet, json=json)


def _run_project(
    project: Path, *, out: Path | None, engine: EngineName, memory: str | None, quiet: bool, json: bool
) -> None:
    from geoscore import pipeline
    from geoscore.cli.show import progress_bar, show_json, show_summary
    from geoscore.engines.memory import keep_memory

    keep_memory()  # the process is ours; a library leaves its user's alone
    with progress_bar(quiet=quiet or json) as progress:
        done = pipeline.run(project, out=out, engine=engine.value, memory=memory, progress=progress)
    if json:
        show_json({**pipeline.summary_of(done.summary), "out": str(done.out)})
    elif not quiet:
        show_summary(done.summary, done.out)


@app.command(rich_help_panel=SURFACES)
def query(
    surface: SurfaceFile,
    zip: Zips = None,  # noqa: A002
    cells: Annotated[
        list[str] | None,
        typer.Option(
            "--cell",
            metavar="H3",
            help="An H3 cell, of the surface's resolution or coarser; one at a time.",
            rich_help_panel=AREA,
        ),
    ] = None,
    counties: Annotated[
        list[str] | None,
        typer.Option(
            "--county", metavar="NAME", help="A county's name or FIPS code; one at a time.", rich_help_panel=AREA
        ),
    ] = None,
    area: AreaFile = None,
    point: Point = None,
    radius_km: RadiusKm = None,
    all_: Annotated[bool, typer.Option("--all", help="The whole region.", rich_help_panel=AREA)] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Show each ZIP by itself, beside the region.", rich_help_panel=AREA)
    ] = False,
    capacity: Capacities = None,
    by: Annotated[By | None, typer.Option("--by", help="List places by this.", rich_help_panel=LISTING)] = None,
    top: Annotated[int | None, TOP] = None,
    rank: Annotated[
        RankBy, typer.Option("--rank", help="What the best are best in.", rich_help_panel=LISTING)
    ] = RankBy.ESTIMATE,
    resolution: Resolution = None,
    format: AnswerFormat = Format.TABLE,  # noqa: A002
    out: AnswerFile = None,
) -> None:
    """Ask how many households of an area have the capacity.

    Several --zip are taken together; several --capacity are answered in turn, 2500 if none is given. --all --by lists
    the whole region.

    geoscore query out/demo/surface.parquet --zip 94301 --capacity 2500

    geoscore query out/demo/surface.parquet --all --by zip --top 20
    """
    from geoscore.cli.show import show_answers, show_listing
    from geoscore.ladder import parse_capacity
    from geoscore.query import open_surface

    cell, county = (_only(values, name) for values, name in ((cells, "--cell"), (counties, "--county")))
    given = [value for value in (zip, cell, county, area, point) if value is not None]
    if len(given) + all_ != 1:
        raise InputError("say which area: one of --zip, --cell, --county, --area, --point with --radius-km, or --all")
    format = _format_of(format, out)  # noqa: A001
    opened = open_surface(surface)
    thresholds = [parse_capacity(text) for text in capacity or ["2500"]]
    if by is not None:
        if not all_:
            raise InputError("--by lists the whole region; use it with --all")
        if len(thresholds) > 1:
            raise InputError("--by lists one threshold; give one --capacity")
        listing = opened.at_least(thresholds[0]).by(by.value, resolution=resolution).top(top, rank=rank.value)
        show_listing(listing, format=format.value, out=out)
        return
    if resolution is not None or top is not None or rank is not RankBy.ESTIMATE:
        raise InputError("--resolution, --top and --rank go with --all --by")
    if compare and not zip:
        raise InputError("--compare shows several --zip beside each other")
    place = None if point is None else parse_point(point)
    asked: list[dict[str, Any]] = [{"zip": code} for code in zip or ()] if compare else [{"zip": zip}]
    if not zip:
        asked = [{"cell": cell, "county": county, "area": area, "point": place, "radius_km": radius_km}]
    areas = [opened.select(**one) for one in [*asked, *([{}] if compare else [])]]
    answers = [opened.answer(one, capacity=threshold) for threshold in thresholds for one in areas]
    show_answers(answers, opened, format=format.value, out=out)


def _format_of(format: Format, out: Path | None) -> Format:  # noqa: A002
    """Return how to write an answer: as it was asked for, else as the file's name ends."""
    endings = {
        ".csv": Format.CSV,
        ".json": Format.JSON,
        ".geojson": Format.GEOJSON,
        ".parquet": Format.GEOPARQUET,
        ".txt": Format.TABLE,
        "": Format.TABLE,
    }
    if out is None or format is not Format.TABLE:
        return format
    if out.suffix.lower() not in endings:
        raise InputError(f"{out}: an answer is written as .csv (for spreadsheets), .json, .geojson, .parquet or .txt")
    return endings[out.suffix.lower()]


def _only(values: list[str] | None, name: str) -> str | None:
    """Return the one value of an option: a second one would be dropped silently."""
    if values and len(values) > 1:
        raise InputError(f"{name} is given {len(values)} times; ask for one at a time, or draw an --area")
    return values[0] if values else None


@app.command(rich_help_panel=START)
def synth(
    households: Annotated[int, typer.Option(min=1, metavar="N", help="How many households to make up.")],
    out: Annotated[Path, out_option("Folder to write to.", "DIR")],
    seed: Seed = 2026,
    region: Annotated[
        Spread | None,
        typer.Option(help="Where they live; the whole country if there are more than the Bay Area holds."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Make up households with known truth.

    Four files of the Bay Area, or one of the whole country with its project; the same seed gives the same bytes.

    geoscore synth --households 24000 --out made-up
    """
    from geoscore.cli.show import progress_bar, show_counts
    from geoscore.nation import synthesize_nation
    from geoscore.reference.synth import synthesize

    national = region is Spread.UNITED_STATES or (region is None and households > BAY_AREA_HOUSEHOLDS)
    with progress_bar(quiet=quiet) as progress:
        rows = (synthesize_nation if national else synthesize)(
            out, households=households, seed=seed, progress=lambda done, all_: progress("households", done, all_)
        )
    if not quiet:
        show_counts(rows, out)


@app.command(rich_help_panel=START)
def doctor(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="Folder of a run, to look into as well.")] = None,
) -> None:
    """Show what is installed, and how to get what is missing.

    Versions, engines, formulas and samples; with the folder of a run also how its households were located, and which
    resolution their positions bear.

    geoscore doctor out/demo
    """
    from geoscore.cli.doctor import show_doctor, show_run

    show_doctor()
    if run is not None:
        show_run(run)
