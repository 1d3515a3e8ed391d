"""Commands on places: build a gazetteer, and geocode a file or one address with it."""

from pathlib import Path
from typing import Annotated

import typer

from geoscore.cli.commands import Memory, Quiet, app
from geoscore.cli.files import Format, Written
from geoscore.errors import InputError

gazetteer_app = typer.Typer(no_args_is_help=True, help="The gazetteer: where addresses are, built from your own files.")
app.add_typer(gazetteer_app, name="gazetteer")


@gazetteer_app.command()
def build(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Address points, ADDRFEAT lines, ZIP areas.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.")],
    format: Format = Written.TABLE,  # noqa: A002
    quiet: Quiet = False,
) -> None:
    """Build a gazetteer from address points, street segments with address ranges, and ZIP areas."""
    from geoscore.cli.show import progress_bar, show_json
    from geoscore.cli.show_places import show_gazetteer
    from geoscore.gazetteer_files import build_gazetteer

    with progress_bar(quiet=quiet or format is Written.JSON) as progress:
        built = build_gazetteer(files, out=output, progress=progress)
    if format is Written.JSON:
        show_json(built.to_dict())
    elif not quiet:
        show_gazetteer(built)


@app.command()
def geocode(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A file with address columns.")] = None,
    gazetteer: Annotated[Path, typer.Option(help="Folder of a gazetteer, made by `geoscore gazetteer build`.")] = Path(
        "gazetteer"
    ),
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write, .parquet or .csv.")] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Show how one address is read and found, and write nothing.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=COLUMN", help="Which column is street, city, zip, ...; may be given several times."
        ),
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE", help="Ask census or nominatim=URL for the rest; may be given several times."),
    ] = None,
    addresses_may_leave: Annotated[
        bool, typer.Option("--addresses-may-leave", help="Addresses may be sent to these services.")
    ] = False,
    format: Format = Written.TABLE,  # noqa: A002
    memory: Memory = None,
    quiet: Quiet = False,
) -> None:
    """Give every row of a file a position on this machine: a point, how it was found, and how far off it may be."""
    from geoscore.cli.show import progress_bar, show_json
    from geoscore.cli.show_places import show_address, show_geocoded
    from geoscore.geocode_files import explain_address, geocode_file

    if explain is not None:
        if not explain.strip():
            raise InputError('--explain takes an address, such as "1301 Buena Vista Ave, Alameda CA 94501"')
        found = explain_address(explain, gazetteer=gazetteer)
        show_json(found) if format is Written.JSON else show_address(found)
        return
    if file is None or output is None:
        raise InputError("name a FILE and where to write with -o, or an address with --explain")
    with progress_bar(quiet=quiet or format is Written.JSON) as progress:
        done = geocode_file(
            file,
            gazetteer=gazetteer,
            out=output,
            columns=_columns(column),
            services=service or (),
            addresses_may_leave=addresses_may_leave,
            memory=memory,
            progress=progress,
        )
    if format is Written.JSON:
        show_json(done.to_dict())
    elif not quiet:
        show_geocoded(done)


def _columns(given: list[str] | None) -> dict[str, str]:
    columns = {}
    for item in given or []:
        field, mark, name = item.partition("=")
        if not mark or not name:
            raise InputError(f"--column {item!r} is not FIELD=COLUMN, as in --column street=ADDR1")
        columns[field] = name
    return columns


@app.command()
def census(
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write, .json.")],
    state: Annotated[str, typer.Option(help="FIPS code of the state, two digits.")],
    county: Annotated[list[str], typer.Option(help="FIPS code of a county, three digits; may be given several times.")],
    year: Annotated[int, typer.Option(help="Last year of the five-year survey.")],
    table: Annotated[list[str] | None, typer.Option(help="Census table; B19001 (income) if none is given.")] = None,
    level: Annotated[str, typer.Option(help="block group, tract or county.")] = "block group",
    url: Annotated[str | None, typer.Option(help="Another address of the API.")] = None,
) -> None:
    """Download census tables with margins of error, for [census] tables in a project file (needs a network)."""
    from geoscore.reference.census_download import API, download_tables

    areas = download_tables(
        output, year=year, state=state, counties=county, tables=table or ("B19001",), level=level, url=url or API
    )
    typer.echo(f"{output}: {areas:,} areas")
