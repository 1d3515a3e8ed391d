"""Commands on files before they are a project: what is in them, a project file for them, their links."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoscore.cli.commands import app
from geoscore.cli.options import (
    Columns,
    Files,
    FindingFormat,
    Memory,
    PlainFormat,
    Quiet,
    Sheet,
    out_option,
    parse_columns,
    parse_day,
)
from geoscore.cli.page import FILES
from geoscore.errors import InputError

if TYPE_CHECKING:
    from geoscore.ingest.inspect import FileProfile


@app.command(rich_help_panel=FILES)
def inspect(
    files: Files,
    sheet: Sheet = None,
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
) -> None:
    """Say what is in household files, and how sure that is.

    For each column its kind, how sure that is and why, the share missing, and a masked example.

    geoscore inspect examples/bay_area/voters.csv examples/bay_area/donors.xlsx
    """
    from geoscore.cli.show import show_json
    from geoscore.cli.show_files import show_profile

    profiles = _profiles(files, sheet)
    if format is PlainFormat.JSON:
        show_json({"files": [profile.to_dict() for profile in profiles]})
        return
    for profile in profiles:
        show_profile(profile)


@app.command(rich_help_panel=FILES)
def init(
    files: Files,
    force: Annotated[bool, typer.Option("--force", help="Write over a project file that is there.")] = False,
    sheet: Sheet = None,
    out: Annotated[Path, out_option("Project file to write.")] = Path("geoscore.toml"),
) -> None:
    """Write a project file for household files.

    It says what `geoscore inspect` finds, with comments, ready for `geoscore run`.

    geoscore init examples/bay_area/voters.csv examples/bay_area/donors.xlsx --out geoscore.toml
    """
    from datetime import UTC, datetime

    from geoscore.ingest.inspect import propose_source, source_names
    from geoscore.ingest.proposal import why_no_source, write_project_text

    if out.exists() and not force:
        raise InputError(f"{out} is there already; add --force to write over it, or name another with --out")
    profiles = _profiles(files, sheet)
    names = source_names([profile.path for profile in profiles])
    proposed = [propose_source(profile, name=name) for profile, name in zip(profiles, names, strict=True)]
    why = [why_no_source(profile, source) for profile, source in zip(profiles, proposed, strict=True)]
    if all(why):
        raise InputError(f"no file can be a source: {profiles[0].path.name}: {why[0]}")
    text = write_project_text(profiles, names, folder=out.absolute().parent, as_of=datetime.now(tz=UTC).date())
    out.write_text(text, encoding="utf-8")
    used = sum(reason is None for reason in why)
    typer.echo(f"{out}: {used} of {len(profiles)} files are sources; look it through, then: geoscore run {out}")
    for profile, reason in zip(profiles, why, strict=True):
        if reason:
            typer.echo(f"  {profile.path.name} is left out: {reason}")


@app.command(rich_help_panel=FILES)
def link(
    files: Files,
    out: Annotated[Path, out_option("File to write, .parquet, one row per record.")],
    truth: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A column with the truth; prints precision, recall and F1.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A model.json of an earlier run, applied without training.")
    ] = None,
    precision: Annotated[
        float, typer.Option(min=0.5, max=1.0, metavar="SHARE", help="Expected share of right links.")
    ] = 0.97,
    memory: Memory = None,
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
    quiet: Quiet = False,
) -> None:
    """Link the records of any files into households.

    Persons as well, with match probabilities. Beside the output lies a private folder for `geoscore explain-link`.

    geoscore link examples/bay_area/voters.csv examples/bay_area/donors.xlsx --out links.parquet
    """
    from geoscore.cli.show import progress_bar, show_json
    from geoscore.cli.show_files import show_links
    from geoscore.link_files import link_files

    if out.suffix.lower() not in (".parquet", ".pq"):
        raise InputError(f"{out}: links are written as .parquet")
    with progress_bar(quiet=quiet or format is PlainFormat.JSON) as progress:
        done = link_files(
            files, out=out, truth=truth, model=model, precision=precision, memory=memory, progress=progress
        )
    if format is PlainFormat.JSON:
        show_json(done.to_dict())
    elif not quiet:
        show_links(done)


@app.command("explain-link", rich_help_panel=FILES)
def explain_link(
    one: Annotated[str, typer.Argument(metavar="ID", help="A record, as source:record_id.")],
    other: Annotated[str, typer.Argument(metavar="ID", help="Another record.")],
    folder: Annotated[
        Path,
        typer.Option("--in", metavar="DIR", help="The .linkage folder of `geoscore link`, or the folder of a run."),
    ] = Path("out"),
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
) -> None:
    """Show why two records are linked, or are not.

    What each comparison says, in bits. It shows names and addresses.

    geoscore explain-link voters:V0000010 donors:7 --in out/demo
    """
    from geoscore.cli.show import show_json
    from geoscore.cli.show_files import show_explanation
    from geoscore.linkage.explain import explain_link as explain

    within = folder / "private" / "linkage"
    found = explain(within if within.is_dir() else folder, one, other)
    if format is PlainFormat.JSON:
        show_json(found.to_dict())
    else:
        show_explanation(found)


def _profiles(files: list[Path], sheet: str | None) -> "list[FileProfile]":
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
        raise InputError("none of these files is of a kind that geoscore reads")
    return profiles


@app.command(rich_help_panel=FILES)
def suppress(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of people who opted out.")],
    out: Annotated[Path, out_option("File to write, .csv or .parquet.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="Its secret; made where there is none.")] = Path(
        "suppression.key"
    ),
    synced: Annotated[str | None, typer.Option(metavar="DATE", help="Day of the opt-outs; today if not given.")] = None,
    column: Columns = None,
) -> None:
    """Hash people who opted out into a suppression list.

    A project can name it under [suppression]; nobody can be read from it.

    geoscore suppress optouts.csv --out suppressed.csv
    """
    from geoscore.ingest import write_optouts

    day = parse_day(synced, option="--synced")
    done = write_optouts(files, out=out, key_path=key, synced=day, columns=parse_columns(column))
    told = ", ".join(f"{count:,} by {kind.replace('_', ' and ')}" for kind, count in done.entries.items()) or "nobody"
    typer.echo(f"{out}: {done.rows_read:,} rows, {told}; synced {day}")
    if done.new_key:
        typer.echo(f"{key} is its secret: keep it, the list is of no use without it, and give it to nobody")
    for name, row, why in done.unread:
        typer.echo(f"  {name}, row {row}: {why}")
