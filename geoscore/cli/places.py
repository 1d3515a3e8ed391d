"""Commands on places: build a gazetteer, and geocode a file or one address with it."""

from pathlib import Path
from typing import Annotated

import typer

from geoscore.cli.commands import app
from geoscore.cli.options import Columns, FindingFormat, Memory, PlainFormat, Quiet, out_option, parse_column
from geoscore.cli.page import FILES, App
from geoscore.errors import InputError

gazetteer_app = App(
    no_args_is_help=True,
    help="""The gazetteer: where addresses are, from your own files.

    geoscore gazetteer build points.csv --out gazetteer
    """,
)
app.add_typer(gazetteer_app, name="gazetteer", rich_help_panel=FILES)


@gazetteer_app.command()
def build(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Address points, ADDRFEAT lines, ZIP areas.")],
    out: Annotated[Path, out_option("Folder to write to.", "DIR")],
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
    quiet: Quiet = False,
) -> None:
    """Build a gazetteer from files of addresses.

    Address points, street segments with address ranges (TIGER/Line ADDRFEAT), and ZIP areas with households.

    geoscore gazetteer build examples/bay_area/addresses.csv --out gazetteer
    """
    from geoscore.cli.show import progress_bar, show_json
    from geoscore.cli.show_places import show_gazetteer
    from geoscore.gazetteer_files import build_gazetteer

    with progress_bar(quiet=quiet or format is PlainFormat.JSON) as progress:
        built = build_gazetteer(files, out=out, progress=progress)
    if format is PlainFormat.JSON:
        show_json(built.to_dict())
    elif not quiet:
        show_gazetteer(built)


@app.command(rich_help_panel=FILES)
def geocode(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A file with address columns.")] = None,
    gazetteer: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of a gazetteer, made by `geoscore gazetteer build`.")
    ] = Path("gazetteer"),
    explain: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Show how one address is read and found, and write nothing.")
    ] = None,
    column: Columns = None,
    service: Annotated[
        list[str] | None, typer.Option(metavar="SERVICE...", help="Ask census or nominatim=URL for the rest.")
    ] = None,
    addresses_may_leave: Annotated[
        bool, typer.Option("--addresses-may-leave", help="Addresses may be sent to these services.")
    ] = False,
    memory: Memory = None,
    out: Annotated[Path | None, out_option("File to write, .parquet or .csv.")] = None,
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
    quiet: Quiet = False,
) -> None:
    """Give every row of a file a position, on this machine.

    A point, how it was found, and how far off it may be. Fields that --column names: street, unit, city, state, zip,
    longitude, latitude.

    geoscore geocode donors.csv --gazetteer gazetteer --out places.parquet

    geoscore geocode --gazetteer out/demo/private/gazetteer --explain "114 Alpin Ln, Belmont CA 94002"
    """
    from geoscore.cli.show import progress_bar, show_json
    from geoscore.cli.show_places import show_address, show_geocoded
    from geoscore.geocode_files import explain_address, geocode_file

    if explain is not None:
        if not explain.strip():
            raise InputError('--explain takes an address, such as "1301 Buena Vista Ave, Alameda CA 94501"')
        found = explain_address(explain, gazetteer=gazetteer)
        show_json(found) if format is PlainFormat.JSON else show_address(found)
        return
    if file is None or out is None:
        raise InputError("name a FILE and where to write with --out, or an address with --explain")
    with progress_bar(quiet=quiet or format is PlainFormat.JSON) as progress:
        done = geocode_file(
            file,
            gazetteer=gazetteer,
            out=out,
            columns=parse_column(column),
            services=service or (),
            addresses_may_leave=addresses_may_leave,
            memory=memory,
            progress=progress,
        )
    if format is PlainFormat.JSON:
        show_json(done.to_dict())
    elif not quiet:
        show_geocoded(done)


@app.command(rich_help_panel=FILES)
def census(
    out: Annotated[Path, out_option("File to write, .json.")],
    state: Annotated[str, typer.Option(metavar="FIPS", help="FIPS code of the state, two digits.")],
    county: Annotated[list[str], typer.Option(metavar="FIPS...", help="FIPS code of a county, three digits.")],
    year: Annotated[int, typer.Option(metavar="YEAR", help="Last year of the five-year survey.")],
    table: Annotated[
        list[str] | None, typer.Option(metavar="TABLE...", help="Census table; B19001 (income) if none is given.")
    ] = None,
    level: Annotated[
        str, typer.Option(metavar="LEVEL", help="Level of the areas: block group, tract or county.")
    ] = "block group",
    url: Annotated[str | None, typer.Option(metavar="URL", help="Another address of the API.")] = None,
) -> None:
    """Download census tables with margins of error.

    They go under [census] tables in a project file. It needs a network.

    geoscore census --state 06 --county 001 --county 075 --year 2023 --out incomes.json
    """
    from geoscore.reference.census_download import API, download_tables

    areas = download_tables(
        out, year=year, state=state, counties=county, tables=table or ("B19001",), level=level, url=url or API
    )
    typer.echo(f"{out}: {areas:,} areas")
