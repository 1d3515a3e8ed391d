"""Commands on files before they are a project: what is in them, a project file for them, their links."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geoscore.cli.commands import Memory, Quiet, app
from geoscore.errors import GeoscoreError, InputError


class Written(StrEnum):
    """How findings are written."""

    TABLE = "table"
    JSON = "json"


Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Household files of any shape.")]
Format = Annotated[Written, typer.Option(help="How to write what was found.")]
Sheet = Annotated[str | None, typer.Option(help="Sheet of a spreadsheet, or table of a database.")]


@app.command()
def inspect(files: Files, format: Format = Written.TABLE, sheet: Sheet = None) -> None:  # noqa: A002
    """Say what is in household files, how sure that is, and how geoscore would read them; values are masked."""
    from geoscore.cli.show import show_json
    from geoscore.cli.show_files import show_profile

    profiles = _profiles(files, sheet)
    if format is Written.JSON:
        show_json({"files": [profile.to_dict() for profile in profiles]})
        return
    for profile in profiles:
        show_profile(profile)


@app.command()
def init(
    files: Files,
    output: Annotated[Path, typer.Option("-o", "--output", help="Project file to write.")] = Path("geoscore.toml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a project file that is there.")] = False,
    sheet: Sheet = None,
) -> None:
    """Write a commented project file from what `geoscore inspect` finds, ready for `geoscore run`."""
    from datetime import UTC, datetime

    from geoscore.ingest.inspect import propose_source, source_names
    from geoscore.ingest.proposal import why_no_source, write_project_text

    if output.exists() and not force:
        raise InputError(f"{output} is there already; add --force to write over it, or name another with -o")
    profiles = _profiles(files, sheet)
    names = source_names([profile.path for profile in profiles])
    proposed = [propose_source(profile, name=name) for profile, name in zip(profiles, names, strict=True)]
    why = [why_no_source(profile, source) for profile, source in zip(profiles, proposed, strict=True)]
    if all(why):
        raise InputError(f"no file can be a source: {profiles[0].path.name}: {why[0]}")
    text = write_project_text(profiles, names, folder=output.absolute().parent, as_of=datetime.now(tz=UTC).date())
    output.write_text(text, encoding="utf-8")
    used = sum(reason is None for reason in why)
    typer.echo(f"{output}: {used} of {len(profiles)} files are sources; look it through, then: geoscore run {output}")
    for profile, reason in zip(profiles, why, strict=True):
        if reason:
            typer.echo(f"  {profile.path.name} is left out: {reason}")


@app.command()
def link(
    files: Files,
    output: Annotated[Path, typer.Option("-o", "--output", help="Parquet file to write, one row per record.")],
    truth: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A column with the truth; prints precision, recall and F1.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="A model.json of an earlier run, applied without training.")
    ] = None,
    precision: Annotated[float, typer.Option(min=0.5, max=1.0, help="Expected share of right links.")] = 0.97,
    format: Format = Written.TABLE,  # noqa: A002
    memory: Memory = None,
    quiet: Quiet = False,
) -> None:
    """Link the records of any files into persons and households, with match probabilities."""
    from geoscore.cli.show import progress_bar, show_json
    from geoscore.cli.show_files import show_links
    from geoscore.link_files import link_files

    if output.suffix.lower() not in (".parquet", ".pq"):
        raise InputError(f"{output}: links are written as .parquet")
    with progress_bar(quiet=quiet or format is Written.JSON) as progress:
        done = link_files(
            files, out=output, truth=truth, model=model, precision=precision, memory=memory, progress=progress
        )
    if format is Written.JSON:
        show_json(done.to_dict())
    elif not quiet:
        show_links(done)


@app.command("explain-link")
def explain_link(
    one: Annotated[str, typer.Argument(metavar="ID", help="A record, as source:record_id.")],
    other: Annotated[str, typer.Argument(metavar="ID", help="Another record.")],
    folder: Annotated[
        Path, typer.Option("--in", help="The .linkage folder of `geoscore link`, or the folder of a run.")
    ] = Path("out"),
    format: Format = Written.TABLE,  # noqa: A002
) -> None:
    """Show why two records are linked or not: what each comparison says, in bits. It shows names and addresses."""
    from geoscore.cli.show import show_json
    from geoscore.cli.show_files import show_explanation
    from geoscore.linkage.explain import explain_link as explain

    within = folder / "private" / "linkage"
    found = explain(within if within.is_dir() else folder, one, other)
    if format is Written.JSON:
        show_json(found.to_dict())
    else:
        show_explanation(found)


def _profiles(files: list[Path], sheet: str | None):  # type: ignore[no-untyped-def]  # noqa: ANN202  ingest is heavy
    """Look at every file once; a file of no known kind among others is passed over with a word."""
    from geoscore.ingest.files import is_readable
    from geoscore.ingest.inspect import inspect_file

    once = list(dict.fromkeys(files))
    profiles = []
    for path in once:
        if len(once) > 1 and path.is_file() and not is_readable(path):
            typer.echo(f"geoscore: {path} is of no kind that geoscore reads, passed over", err=True)
            continue
        profiles.append(inspect_file(path, sheet=sheet))
    if not profiles:
        raise GeoscoreError("none of these files is of a kind that geoscore reads")
    return profiles


@app.command()
def suppress(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of people who opted out.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Suppression list to write, .csv or .parquet.")],
    key: Annotated[Path, typer.Option(help="Its secret; made where there is none.")] = Path("suppression.key"),
    synced: Annotated[str | None, typer.Option(metavar="DATE", help="Day of the opt-outs; today if not given.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=COLUMN", help="Which column is which field, where headers do not say."),
    ] = None,
) -> None:
    """Hash people who opted out into a suppression list that a project can name; nobody can be read from it."""
    from datetime import UTC, date, datetime

    from geoscore.ingest import write_optouts

    try:
        day = date.fromisoformat(synced) if synced else datetime.now(tz=UTC).date()
    except ValueError:
        raise InputError(f"--synced {synced!r}: write a date such as 2026-11-01") from None
    given: dict[str, list[str]] = {}
    for text in column or []:
        field, equals, name = text.partition("=")
        if not equals:
            raise InputError(f"--column {text!r}: write it as field=column, such as email=Mail")
        given.setdefault(field, []).append(name)
    done = write_optouts(files, output=output, key_path=key, synced=day, columns=given)
    told = ", ".join(f"{count:,} by {kind.replace('_', ' and ')}" for kind, count in done.entries.items()) or "nobody"
    typer.echo(f"{output}: {done.rows_read:,} rows, {told}; synced {day}")
    if done.new_key:
        typer.echo(f"{key} is its secret: keep it, the list is of no use without it, and give it to nobody")
    for name, row, why in done.unread:
        typer.echo(f"  {name}, row {row}: {why}")
