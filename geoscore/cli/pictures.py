"""The commands that show a surface to people: `map` and `report`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoscore.cli.commands import app
from geoscore.cli.options import AreaFile, Capacity, Layers, SurfaceFile, Zips, out_option
from geoscore.cli.page import OUTPUT, SURFACES
from geoscore.errors import InputError

if TYPE_CHECKING:
    from geoscore import ladder
    from geoscore.maps import MapLayer, Tiles
    from geoscore.query import Surface


class MeasureName(StrEnum):
    """What a still map is colored by."""

    ESTIMATE = "estimate"
    SHARE = "share"
    INDEX = "index"
    LOW = "low"


@app.command("map", rich_help_panel=SURFACES)
def map_(
    surface: SurfaceFile,
    capacity: Capacity = "2500",
    measure: Annotated[MeasureName, typer.Option(help="What a still picture is colored by.")] = MeasureName.ESTIMATE,
    size: Annotated[
        str, typer.Option(metavar="SIZE", help="Of a .png or .pdf: slide, print, or dots as 1600x900.")
    ] = "slide",
    style: Annotated[
        str | None,
        typer.Option(metavar="STYLE", help="Address of map tiles with {z}, {x}, {y}, or a MapLibre style file."),
    ] = None,
    layer: Layers = None,
    out: Annotated[Path | None, out_option("File to write: .html, or a picture as .png, .pdf or .svg.")] = None,
    png: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a still picture for slides and documents as well.", rich_help_panel=OUTPUT
        ),
    ] = None,
    svg: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a still picture that can be scaled and edited as well.", rich_help_panel=OUTPUT
        ),
    ] = None,
    embed: Annotated[
        bool,
        typer.Option(
            "--embed",
            help="Print an iframe for a web page: of the file, or with all of it inside.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Show the page in a browser.", rich_help_panel=OUTPUT)] = False,
) -> None:
    """Write the map: one HTML page, or still pictures.

    The page needs no network and has a threshold slider.

    geoscore map out/demo/surface.parquet --capacity 2500 --out map.html
    """
    from geoscore.ladder import parse_capacity
    from geoscore.maps.picture import picture_size
    from geoscore.query import open_surface

    if not (out or png or svg or embed or open_):
        raise InputError("say what to make: --out map.html, --png FILE, --svg FILE, --embed or --open")
    threshold = parse_capacity(capacity)
    pictures = _pictures(out, png, svg)
    page = None if out in pictures else out
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{page}: a map is written as .html, or as a picture .png, .pdf or .svg")
    picture_size(size)
    layers = _layers(layer)
    opened = open_surface(surface)
    for picture in pictures:
        opened.save_picture(picture, capacity=threshold, measure=measure.value, size=size, layers=layers)
    if page is None and not (embed or open_):
        return
    _show_page(opened, page, capacity=threshold, layers=layers, tiles=_tiles(style), embed=embed, in_browser=open_)


def _pictures(out: Path | None, png: Path | None, svg: Path | None) -> list[Path]:
    for picture, ending in ((png, ".png"), (svg, ".svg")):
        if picture is not None and picture.suffix.lower() != ending:
            raise InputError(f"{picture}: --{ending[1:]} writes a file that ends in {ending}")
    drawn = out if out is not None and out.suffix.lower() in (".png", ".pdf", ".svg") else None
    return [path for path in (drawn, png, svg) if path is not None]


def _show_page(
    surface: "Surface",
    page: Path | None,
    *,
    capacity: "ladder.Capacity",
    layers: "tuple[MapLayer, ...]",
    tiles: "Tiles | None",
    embed: bool,
    in_browser: bool,
) -> None:
    """Write the page; print a frame around it, or open it, in a folder of its own where it was not asked to be kept."""
    import tempfile

    from geoscore.maps import embed_snippet

    kept = page or Path(tempfile.mkdtemp(prefix="geoscore-"), "map.html")
    surface.save_map(kept, capacity=capacity, layers=layers, tiles=tiles)
    title = surface.note.title or "Giving capacity"
    if embed and page is not None:
        typer.echo(embed_snippet(title, source=page.name))
    elif embed:
        typer.echo(embed_snippet(title, page=kept.read_text(encoding="utf-8")))
    if in_browser:
        import webbrowser

        if not webbrowser.open(kept.resolve().as_uri()):
            typer.echo(f"no browser could be started; open {kept.resolve()}", err=True)
    elif page is None:
        kept.unlink()
        kept.parent.rmdir()


def _layers(files: list[Path] | None) -> "tuple[MapLayer, ...]":
    from geoscore.maps import read_layers

    return tuple(layer for path in files or () for layer in read_layers(path))


def _tiles(style: str | None) -> "Tiles | None":
    from geoscore.maps import read_tiles

    return None if style is None else read_tiles(style)


@app.command(rich_help_panel=SURFACES)
def report(
    surface: SurfaceFile,
    out: Annotated[Path, out_option("File to write, .html or .pdf.")],
    zip: Zips = None,  # noqa: A002
    area: AreaFile = None,
    capacity: Capacity = "2500",
    template: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A Jinja2 template of your own, or one that extends report.html."),
    ] = None,
    layer: Layers = None,
) -> None:
    """Write a report that a board reads, .html or .pdf.

    Headline, areas compared, maps, best ZIPs, method and provenance; each --zip is reported on by itself.

    geoscore report out/demo/surface.parquet --zip 94301 --zip 94022 --out report.html
    """
    from geoscore.ladder import parse_capacity
    from geoscore.outputs import save_report
    from geoscore.query import open_surface

    opened = open_surface(surface)
    save_report(
        opened,
        out,
        capacity=parse_capacity(capacity),
        zips=tuple(zip or ()),
        area=area,
        layers=_layers(layer),
        template=template,
    )
