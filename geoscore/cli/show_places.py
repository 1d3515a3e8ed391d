"""What people see of positions in a terminal: gazetteers, geocoded files, one address explained."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from geoscore.gazetteer_files import BuiltGazetteer
    from geoscore.geocode_files import GeocodedFile


def show_gazetteer(built: "BuiltGazetteer") -> None:
    """Print what a gazetteer was built from, and how far off its positions are."""
    for file in built.files:
        typer.echo(f"{file['path']:<32}{file['read']:>12,} rows")
        for reason, count in [*file["rejected"].items(), *file.get("mended", {}).items()]:
            typer.echo(f"    {count:>10,}  {reason}")
    for note in built.notes:
        typer.echo(f"  {note}")
    typer.echo(
        f"\n{built.streets:,} streets with {built.points:,} address points and {built.segments:,} sides of segments;"
        f" {built.zips:,} ZIPs"
    )
    learned = {way: count for way, count in built.errors["learned"].items() if count}
    told = ", ".join(f"{way} {count:,}" for way, count in learned.items())
    typer.echo(f"errors learned by leaving addresses out: {told or 'too few addresses; usual figures are taken'}")
    typer.echo(f"gazetteer       {built.out}")


def show_geocoded(done: "GeocodedFile") -> None:
    """Print the share of rows by precision, the match rate and the expected errors."""
    columns = ", ".join(f"{field} from {_names(name)}" for field, name in done.columns.items())
    typer.echo(f"\nread as         {columns}")
    for name, new in done.renamed.items():
        typer.echo(f"                the file's own column {name} is kept as {new}")
    typer.echo(f"\n{'precision':<12}{'rows':>12}{'share':>9}{'median error':>15}{'95% within':>13}")
    for precision, told in done.by_precision.items():
        errors = ""
        if "median_error_m" in told:
            errors = f"{told['median_error_m']:>13,.0f} m{told['p95_error_m']:>11,.0f} m"
        typer.echo(f"{precision:<12}{told['rows']:>12,.0f}{told['share']:>9.1%}{errors}")
    typer.echo(f"\nmatch rate      {done.match_rate:.1%} of {done.rows:,} rows have a point")
    for reason, count in done.reasons.items():
        typer.echo(f"    {count:>10,}  {reason}")
    for service, count in done.sent.items():
        typer.echo(f"sent            {count:,} addresses left this machine, to the service {service}")
    typer.echo(f"positions       {done.out}")


def _names(name: str | list[str]) -> str:
    return name if isinstance(name, str) else " + ".join(name)


def show_address(found: dict[str, Any]) -> None:
    """Print how one address is read, its candidates with their scores, and where it is."""
    typer.echo("read as         " + "  ".join(f"{name}={value}" for name, value in found["parsed"].items()))
    if found["candidates"]:
        typer.echo(
            f"\n{'street':<28}{'numbers':<14}{'name':>6}  {'suffix':<9}{'direction':<11}{'place':<19}{'number':<9}score"
        )
    for item in found["candidates"]:
        numbers = "-".join(map(str, item["numbers"])) if item["numbers"] else ""
        line = f"{item['street']:<28}{numbers:<14}{item['name_fit']:>6.2f}  {item['suffix']:<9}{item['direction']:<11}"
        where = ", ".join([*item["zips"][:3], *item["cities"][:2]])
        taken = "" if item["accepted"] else "  fits too badly"
        typer.echo(f"{line}{item['place']:<19}{item['number']:<9}{item['score']:.2f}{taken}  ({where})")
    place = found["found"]
    typer.echo("")
    if place["longitude"] is not None:
        typer.echo(f"found           {place['longitude']:.6f}, {place['latitude']:.6f}  on {place['matched']}")
    if place["precision"]:
        within = f"95% within {2.4477 * place['sigma_m']:,.0f} m (sigma_m {place['sigma_m']:,.0f})"
        typer.echo(f"precision       {place['precision']}, score {place['score']:.2f}; {within}")
    if place["reason"]:
        typer.echo(f"to know         {place['reason']}")
