"""What `geoscore doctor` shows: versions, engines and parts, and what to do about what is missing."""

import platform
from importlib.metadata import PackageNotFoundError, version

import typer

PARTS = ("duckdb", "pyarrow", "narwhals", "h3", "h3ronpy", "shapely", "geopandas", "scipy", "pydeck")


def show_doctor() -> None:
    """Print the state of the installation."""
    from geoscore.errors import GeoscoreError
    from geoscore.formulas import list_formulas
    from geoscore.reference.samples import samples_dir, verify_samples

    typer.echo(f"geoscore    {version('geoscore')} on Python {platform.python_version()}")
    for part in PARTS:
        try:
            typer.echo(f"{part:<12}{version(part)}")
        except PackageNotFoundError:
            typer.echo(f"{part:<12}missing: install geoscore again, it brings {part} with it")
    typer.echo("engines     duckdb is ready; spark is not built yet")
    typer.echo(f"formulas    {', '.join(list_formulas())}")
    try:
        verify_samples()
        typer.echo(f"samples     whole, in {samples_dir()}")
    except GeoscoreError as error:
        typer.echo(f"samples     {error}")
