"""The command that compares two surfaces: of two engines, two days, two versions."""

from pathlib import Path
from typing import Annotated

import typer

from geoscore.cli.commands import app
from geoscore.cli.options import FindingFormat, PlainFormat
from geoscore.cli.page import SURFACES


@app.command(rich_help_panel=SURFACES)
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A surface, or the folder of a run.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    tolerance: Annotated[
        float,
        typer.Option(min=0.0, metavar="SHARE", help="Relative difference up to which figures count as the same."),
    ] = 1e-9,
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
) -> None:
    """Compare two surfaces row by row.

    Ends 0 where they are the same, 1 where they are not.

    geoscore compare out/demo out/spark --tolerance 1e-9
    """
    from geoscore.cli.show import show_json
    from geoscore.query import open_surface
    from geoscore.query.differences import compare_surfaces

    found = compare_surfaces(open_surface(first), open_surface(second))
    same = found.same(tolerance=tolerance)
    if format is PlainFormat.JSON:
        show_json({"same": same, "tolerance": tolerance, **found.to_dict()})
    else:
        verdict = f"the same within {tolerance:g}" if same else "not the same"
        typer.echo(f"{first} and {second} are {verdict}")
        typer.echo(f"  rows               {found.rows[0]:,} and {found.rows[1]:,}")
        typer.echo(f"  only in A          {found.only_first:,}")
        typer.echo(f"  only in B          {found.only_second:,}")
        typer.echo(f"  hidden in one      {found.suppression:,}")
        typer.echo(f"  households         {found.households[0]:,.1f} and {found.households[1]:,.1f}")
        for name, apart in found.largest.items():
            typer.echo(f"  {name:<19}{apart:.3g} apart at most")
        for name, (one, other) in found.notes.items():
            typer.echo(f"  {name:<17}{one} and {other}")
    if not same:
        raise typer.Exit(1)
