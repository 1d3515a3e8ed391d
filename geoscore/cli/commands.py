"""The commands: each reads its options, asks the library, and shows what came back."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from geoscore.errors import InputError, SurfaceError

HELP = """Neighborhood donor-potential surfaces from household files and the census.

Start with `geoscore demo`, then look at out/demo/map.html; `geoscore query` answers questions,
`geoscore run geoscore.toml` reads your own files.
"""

app = typer.Typer(
    help=HELP,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 110},
)


class Format(StrEnum):
    """How answers are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    GEOJSON = "geojson"
    GEOPARQUET = "geoparquet"


class By(StrEnum):
    """What answers are listed by."""

    ZIP = "zip"
    CELL = "cell"
    COUNTY = "county"


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


class EngineName(StrEnum):
    """What runs the work."""

    DUCKDB = "duckdb"
    SPARK = "spark"


SurfaceFile = Annotated[Path, typer.Argument(metavar="SURFACE", help="A surface.parquet that a run has written.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
Engine = Annotated[EngineName, typer.Option(help="What runs the work.")]
Memory = Annotated[str | None, typer.Option(help="Most memory before spilling to disk, such as 4GB.")]


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


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("out/demo"),
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Run the whole journey on made-up households of the Bay Area, offline."""
    from geoscore.reference.samples import example_dir

    _run_project(
        example_dir() / "geoscore.toml", out=out, engine=EngineName.DUCKDB, memory=None, quiet=quiet, json=json
    )


@app.command()
def run(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project file, geoscore.toml.")],
    engine: Engine = EngineName.DUCKDB,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; `out` beside the project file if not given.")
    ] = None,
    memory: Memory = None,
    quiet: Quiet = False,
    json: AsJson = False,
) -> None:
    """Run a project: household files in, a published surface with map, report and ledger out."""
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


@app.command()
def query(
    surface: SurfaceFile,
    zip: Annotated[list[str] | None, typer.Option(help="A ZIP code; several are taken together.")] = None,  # noqa: A002
    cells: Annotated[
        list[str] | None, typer.Option("--cell", help="An H3 cell, of the surface's resolution or coarser.")
    ] = None,
    counties: Annotated[list[str] | None, typer.Option("--county", help="A county's name or FIPS code.")] = None,
    area: Annotated[Path | None, typer.Option(help="A file of polygons.")] = None,
    point: Annotated[str | None, typer.Option(metavar="LON,LAT", help="A point, longitude first.")] = None,
    radius_km: Annotated[float | None, typer.Option(help="Kilometers around the point.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="The whole region.")] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Show each ZIP by itself, beside the region.")] = False,
    capacity: Annotated[
        list[str] | None,
        typer.Option(metavar="USD", help="Threshold, 50 to 1000000, or a band as 400:2500; several are shown in turn."),
    ] = None,
    by: Annotated[By | None, typer.Option(help="List all of the region by this.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="With --by: only the best so many.")] = None,
    rank: Annotated[RankBy, typer.Option(help="With --by: what the best are best in.")] = RankBy.ESTIMATE,
    resolution: Annotated[int | None, typer.Option(help="H3 resolution, with --by cell.")] = None,
    format: Annotated[Format, typer.Option(help="How to write the answer.")] = Format.TABLE,  # noqa: A002
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write to; needed for geoparquet.")
    ] = None,
) -> None:
    """Ask how many households of an area have the capacity."""
    from geoscore.cli.show import show_answers, show_listing
    from geoscore.ladder import parse_capacity
    from geoscore.query import open_surface

    cell, county = (_only(values, name) for values, name in ((cells, "--cell"), (counties, "--county")))
    given = [value for value in (zip, cell, county, area, point) if value is not None]
    if len(given) + all_ != 1:
        raise InputError("say which area: one of --zip, --cell, --county, --area, --point with --radius-km, or --all")
    opened = open_surface(surface)
    thresholds = [parse_capacity(text) for text in capacity or ["2500"]]
    if by is not None:
        if not all_:
            raise InputError("--by lists the whole region; use it with --all")
        if len(thresholds) > 1:
            raise InputError("--by lists one threshold; give one --capacity")
        listing = opened.at_least(thresholds[0]).by(by.value, resolution=resolution).top(top, rank=rank.value)
        show_listing(listing, format=format.value, output=output)
        return
    if resolution is not None or top is not None or rank is not RankBy.ESTIMATE:
        raise InputError("--resolution, --top and --rank go with --all --by")
    if compare and not zip:
        raise InputError("--compare shows several --zip beside each other")
    place = None if point is None else _parse_point(point)
    asked: list[dict[str, Any]] = [{"zip": code} for code in zip or ()] if compare else [{"zip": zip}]
    if not zip:
        asked = [{"cell": cell, "county": county, "area": area, "point": place, "radius_km": radius_km}]
    areas = [opened.select(**one) for one in [*asked, *([{}] if compare else [])]]
    answers = [opened.answer(one, capacity=threshold) for threshold in thresholds for one in areas]
    show_answers(answers, opened, format=format.value, output=output)


def _only(values: list[str] | None, name: str) -> str | None:
    """Return the one value of an option: a second one would be dropped silently."""
    if values and len(values) > 1:
        raise InputError(f"{name} is given {len(values)} times; ask for one at a time, or draw an --area")
    return values[0] if values else None


def _parse_point(text: str) -> tuple[float, float]:
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--point {text!r}: write longitude and latitude with a comma, like -122.16,37.44") from None
    return longitude, latitude


@app.command()
def synth(
    households: Annotated[int, typer.Option(min=1, help="How many households to make up.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 2026,
    region: Annotated[
        Spread | None,
        typer.Option(help="Where they live; the whole country if there are more than the Bay Area holds."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Make up households with known truth: four files of the Bay Area, or one of the whole country with its project."""
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


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")],
) -> None:
    """Check a run's ledger and every file it names."""
    from geoscore.ledger import verify_ledger

    found = verify_ledger(folder)
    typer.echo(f"{folder}: {found.entries} entries and {found.files} files are as they were written")
    for place in found.elsewhere:
        typer.echo(f"  not here any more, so not checked: {place}")


@app.command()
def audit(
    surface: SurfaceFile,
    table: Annotated[Path, typer.Option(help="Census table B03002, by the project's areas or by those of --areas.")],
    project: Annotated[
        Path | None, typer.Option(help="The project file; the one that the ledger beside the surface names by default.")
    ] = None,
    areas: Annotated[
        Path | None,
        typer.Option(help="Polygons or centers of population of the table's areas, if not the project's."),
    ] = None,
    capacity: Annotated[
        str, typer.Option(metavar="USD", help="Threshold or band that a selection would go by.")
    ] = "2500",
    format: Annotated[Format, typer.Option(help="table or json.")] = Format.TABLE,  # noqa: A002
) -> None:
    """Say how far a surface stands in for race and Hispanic origin, and whom a selection by it would leave out."""
    from geoscore.audit import audit_surface, ground_of_run, lay_out_areas
    from geoscore.cli.show import show_audit
    from geoscore.ladder import parse_capacity
    from geoscore.project import open_project
    from geoscore.query import open_surface
    from geoscore.regions import open_region

    threshold = parse_capacity(capacity)
    opened = open_surface(surface)
    if areas is not None:
        ground = lay_out_areas(areas, resolution=opened.note.resolution)
    else:
        ground = ground_of_run(surface) if project is None else open_region(open_project(project)).ground
    groups = audit_surface(opened, table, ground=ground, capacity=threshold)
    show_audit(groups, as_json=format is Format.JSON)


@app.command()
def attack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of published surfaces, such as a run's.")],
) -> None:
    """Try to work out hidden households from everything in a folder; ends 2 if anything is found."""
    from geoscore.attack import attack_folder

    found = attack_folder(folder)
    told = f"{found.surfaces} surface{'s' if found.surfaces != 1 else ''}, {found.facts:,} figures, "
    told += f"{found.hidden:,} hidden pairs of cell and ZIP, {found.bands:,} groups of bands"
    if not found.safe():
        first = "; ".join(found.found[:3])
        raise SurfaceError(
            f"{folder} gives away {found.below:,} groups of fewer than {found.k} households ({found.exact:,} exactly):"
            f" {first}; publish one surface, coarser or with a larger k"
        )
    typer.echo(f"{folder}: {told}: no group of fewer than {found.k} households can be worked out")


@app.command()
def doctor(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="Folder of a run, to look into as well.")] = None,
) -> None:
    """Show versions, engines and parts, what is missing and how to get it; of a run, how sure its places are."""
    from geoscore.cli.doctor import show_doctor, show_run

    show_doctor()
    if run is not None:
        show_run(run)
