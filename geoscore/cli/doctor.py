"""What `geoscore doctor` shows: versions, engines and parts, and what to do about what is missing."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import typer

from geoscore.errors import InputError

PARTS = (
    "duckdb",
    "pyarrow",
    "narwhals",
    "h3",
    "h3ronpy",
    "shapely",
    "geopandas",
    "scipy",
    "splink",
    "rapidfuzz",
    "usaddress",
    "pydeck",
)
EXTRAS: Final = {
    "notebooks": ("maps in notebooks", ("folium", "lonboard", "mapclassify", "matplotlib")),
    "pdf": ("reports as PDF, where there is no Chromium", ("weasyprint",)),
    "pictures": ("maps as PNG and PDF", ("matplotlib",)),
    "privacy": ("releases with random noise", ("opendp",)),
    "services": ("census downloads and geocoding services", ("urllib3",)),
    "spark": ("a cluster", ("pyspark",)),
}
"""What each extra is for, and the packages that it brings."""


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
    for extra in EXTRAS:
        typer.echo(f"{extra:<12}{_extra(extra)}")
    typer.echo(f"engines     duckdb is ready; {_spark()}")
    typer.echo(f"formulas    {', '.join(list_formulas())}")
    try:
        verify_samples()
        typer.echo(f"samples     whole, in {samples_dir()}")
    except GeoscoreError as error:
        typer.echo(f"samples     {error}")


def _extra(name: str) -> str:
    """Say whether the packages of an extra are there, and how to get them."""
    use, packages = EXTRAS[name]
    found, missing = [], []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        return f"missing {', '.join(missing)}, for {use}: pip install 'geoscore[{name}]'"
    return f"{', '.join(found)}, for {use}"


def _spark() -> str:
    """Say whether the spark engine could start, and what it lacks."""
    from geoscore.engines.java import java_version
    from geoscore.errors import EngineError

    try:
        found = version("pyspark")
    except PackageNotFoundError:
        return "spark needs pyspark: pip install 'geoscore[spark]'"
    try:
        return f"spark is ready (pyspark {found}, Java {java_version()})"
    except EngineError as error:
        return str(error)


def show_run(folder: Path) -> None:
    """Print how sure the places of a run are, and what it warned of."""
    from geoscore.cli.show import describe_honesty

    path = folder / "summary.json"
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        located, honesty = summary["located"], summary.get("finest_honest")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} is no folder of a finished run; name the one that `geoscore run` wrote") from error
    typer.echo(f"\nrun         {folder}")
    if honesty is None:
        typer.echo("located     nobody: the run had no household files")
    else:
        typer.echo("located     " + ", ".join(f"{count:,} {precision}" for precision, count in located.items()))
        typer.echo(f"resolution  {describe_honesty(honesty)}")
    for warning in summary.get("warnings", []):
        typer.echo(f"warning     {warning}")
