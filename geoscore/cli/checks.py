"""Commands that check what was published: the ledger, groups of people, and whether anybody is given away."""

from pathlib import Path
from typing import Annotated

import typer

from geoscore.cli.commands import app
from geoscore.cli.options import Capacity, FindingFormat, PlainFormat, SurfaceFile
from geoscore.cli.page import CHECKS
from geoscore.errors import SurfaceError


@app.command(rich_help_panel=CHECKS)
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run, or what you got of it.")],
    source: Annotated[
        list[Path] | None, typer.Option(metavar="FILE...", help="A file that went in, wherever it lies now.")
    ] = None,
) -> None:
    """Check a run's ledger and every file it names.

    Ends 2 and names the first that was changed.

    geoscore verify out/demo
    """
    from geoscore.ledger import verify_ledger

    found = verify_ledger(folder, sources=source or ())
    typer.echo(f"{folder}: {found.entries} entries and {found.files} files are as they were written")
    typer.echo(f"  hash of the last line: {found.head}")
    for place in found.elsewhere:
        typer.echo(f"  not here any more, so not checked: {place}")


@app.command(rich_help_panel=CHECKS)
def audit(
    surface: SurfaceFile,
    table: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Census table B03002, by the project's areas or by those of --areas."),
    ],
    project: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The project file; the one that the ledger beside the surface names by default."
        ),
    ] = None,
    areas: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Polygons or centers of population of the table's areas, if not the project's."
        ),
    ] = None,
    capacity: Capacity = "2500",
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
) -> None:
    """Say whom a selection by a surface would leave out.

    How far the surface stands in for race and Hispanic origin: it reports, and changes nothing.

    geoscore audit out/demo/surface.parquet --table B03002.parquet
    """
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
    show_audit(groups, as_json=format is PlainFormat.JSON)


@app.command(rich_help_panel=CHECKS)
def attack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of published surfaces, such as a run's.")],
) -> None:
    """Try to work out hidden households from published surfaces.

    All surfaces in the folder are taken together; ends 2 if anything is found.

    geoscore attack out/demo
    """
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
