"""What people see in a terminal: progress, summaries, answers in the form they asked for."""

import csv
import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from geoscore.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd

    from geoscore.audit import GroupAudit
    from geoscore.query import Answer, Surface
    from geoscore.query.listing import Listing

Progress = Callable[[str, int, int | None], None]


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """Show a bar for each stage on a terminal, and nothing in a pipe."""
    if quiet or not sys.stderr.isatty():
        yield lambda _stage, _done, _all: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description:<22}"), BarColumn(), TextColumn("{task.fields[count]}")
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}
        began: dict[str, tuple[float, int]] = {}

        def report(stage: str, done: int, all_: int | None) -> None:
            if stage not in tasks:
                for other in tasks.values():
                    bars.update(other, total=1, completed=1)
                tasks[stage] = bars.add_task(stage, total=all_, count="")
                began[stage] = (time.monotonic(), done)
            start, first = began[stage]
            told = describe_pace(done, all_, seconds=time.monotonic() - start, before=first)
            bars.update(tasks[stage], total=all_, completed=done, count=told)

        yield report
        for task in tasks.values():
            bars.update(task, total=1, completed=1)


WORTH_TELLING_S = 2.0
"""Seconds after which a pace is steady enough to be told."""


def describe_pace(done: int, all_: int | None, *, seconds: float, before: int = 0) -> str:
    """Return how much is done, how fast, and how long the rest will take.

    Parameters
    ----------
    done, all_
        What is done and all of it, in rows or steps; None where that is not known.
    seconds
        Since the stage began.
    before
        What was done when it began: what an earlier run has left.

    Examples
    --------
    >>> describe_pace(30_000_000, 120_000_000, seconds=15.0)
    '30,000,000, 2,000,000/s, 0:45 left'
    """
    text = f"{done:,}" if done else ""
    if seconds < WORTH_TELLING_S or done <= before:
        return text
    pace = (done - before) / seconds
    text += f", {pace:,.0f}/s"
    if all_ is not None and all_ > done:
        left = round((all_ - done) / pace)
        text += f", {left // 60}:{left % 60:02d} left"
    return text


FEWEST_LEARNED = 300
"""Households with a figure and an income from which it narrows the incomes of others."""


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_summary(counts: dict[str, Any], out: Path) -> None:
    """Print what a run did, from rows to households."""
    lines = [*(_file_lines(counts) if counts["files"] else []), ""]
    lines += [f"{'census' if i == 0 else '':<16}{note}" for i, note in enumerate(counts["census"])]
    lines += [
        f"cells           {counts['cells']:,}",
        f"capacity        {_headline(counts['headline'])}",
        *_expected_lines(counts),
        *(f"warning         {text}" for text in counts["warnings"]),
        "",
        f"surface         {out / 'surface.parquet'}",
        f"map             {out / 'map.html'}",
        f"report          {out / 'report.html'}",
        f"ledger          {out / 'ledger.jsonl'}",
        f"private         {out / 'private'} (rejected rows with reasons, households: for your eyes only)",
    ]
    typer.echo("\n".join(lines))


def _incomes(counts: dict[str, Any]) -> str:
    """Return whose incomes the files tell; nobody should take the census's for theirs."""
    told = counts.get("incomes_told", 0)
    if told == 0:
        return "no file tells any: every figure is the census's of where the households live"
    return f"told by the files for {told:,}; where they are not, the census of the place speaks"


def _file_lines(counts: dict[str, Any]) -> list[str]:
    """Return what became of the rows of every file, and of the households in them."""
    wide = max(16, *(len(file["name"]) + 2 for file in counts["files"]))
    lines = ["", f"{'file':<{wide}}{'rows read':>12}{'used':>12}{'rejected':>12}"]
    for file in counts["files"]:
        rejected = file["rows_read"] - file["rows_used"]
        lines.append(f"{file['name']:<{wide}}{file['rows_read']:>12,}{file['rows_used']:>12,}{rejected:>12,}")
        lines += [f"    {count:>6,}  {reason}" for reason, count in sorted(file["rows_rejected"].items())]
        lines += [f"    {count:>6,}  mended: {what}" for what, count in file["mended"].items()]
        lines += [f"            {note}" for note in file["notes"]]
        if file["refused_features"]:
            lines.append(f"            left out as sensitive: {', '.join(file['refused_features'])}")
        lines += [f"            kept, though sensitive: {c} ({why})" for c, why in file["sensitive_features"].items()]
    located = ", ".join(f"{count:,} by {_PRECISION.get(name, name)}" for name, count in counts["located"].items())
    later = counts["linkage"]["records"] - counts["rows_used"]  # opted out, or without a place in the region
    gone = f", {later:,} of them then rejected," if later else ""
    told = f"linked          {{records:,}} rows{gone} became {{persons:,}} persons in {{households:,}} households"
    if "threshold" not in counts["linkage"]:
        told = "linked          nothing: each of {records:,} rows is a household"
    learned = [
        f"{name} ({count:,} households)" for name, count in counts["evidence"].items() if count >= FEWEST_LEARNED
    ]
    against = [f"{kind}: {count:,}" for kind, count in counts["contradictions"].items()]
    return [
        *lines,
        f"{'all':<{wide}}{counts['rows_read']:>12,}{counts['rows_used']:>12,}{counts['rows_rejected']:>12,}",
        "",
        told.format(**counts["linkage"]),
        f"households      {counts['households']:,}, located {sum(counts['located'].values()):,} ({located})",
        f"incomes         {_incomes(counts)}",
        f"resolution      {describe_honesty(counts['finest_honest'])}",
        *([f"evidence        beside income: {', '.join(learned)}"] if learned else []),
        *([f"contradictory   {'; '.join(against)}"] if against else []),
    ]


def _expected_lines(counts: dict[str, Any]) -> list[str]:
    told = counts.get("propensity")
    if told is None:
        return []
    return [f"propensity      {told['expected_givers']:,.0f} givers and ${told['expected_usd']:,.0f} if all are asked"]


def _headline(answer: dict[str, Any]) -> str:
    return (
        f"{answer['estimate']:,.0f} of {answer['households']:,.0f} households at "
        f"${answer['capacity_usd']:,.0f} or more "
        f"(90% interval {answer['low']:,.0f} to {answer['high']:,.0f}; {answer['formula']}, {answer['horizon']})"
    )


def describe_honesty(told: dict[str, Any]) -> str:
    """Return the finest honest resolution, and the expected share in a wrong cell at the resolutions around it."""
    finest = told["resolution"]
    near = [str(resolution) for resolution in (finest - 1, finest, finest + 1) if str(resolution) in told["wrong_cell"]]
    shares = ", ".join(f"{told['wrong_cell'][name]:.0%} at {name}" for name in near)
    return f"{finest} is the finest honest one for these positions; expected in a wrong cell: {shares}"


_PRECISION = {
    "given": "coordinates",
    "rooftop": "address point",
    "range": "number on a street",
    "street": "street",
    "zip": "ZIP alone",
}


def show_counts(rows: dict[str, int], out: Path) -> None:
    """Print the rows of each file that was written."""
    for name, count in rows.items():
        typer.echo(f"{out / name}: {count:,} rows")


def show_answers(answers: "list[Answer]", surface: "Surface", *, format: str, out: Path | None) -> None:  # noqa: A002
    """Print answers, or write them to a file."""
    if format in ("geojson", "geoparquet"):
        raise InputError(f"--format {format} is for lists of places; use --all --by zip, cell or county")
    rows = [answer.to_dict() for answer in answers]
    if len(rows) > 1:
        for row in rows:
            row["index"] = _index(row, surface)
    if format == "json":
        emit(json.dumps(rows[0] if len(rows) == 1 else {"rows": rows}, indent=2, ensure_ascii=False) + "\n", out)
    elif format == "csv":
        emit(csv_text(rows, surface), out)
    else:
        counted = {"file": "households of the files", "census": "all households"}
        note = surface.note
        universe = counted.get(note.universe, note.universe)
        about = f"{note.title}, as of {note.vintage}; counted: {universe}; purpose: {note.purpose}"
        emit("\n".join([*map(str, answers), about, *note.warnings]) + "\n", out)


def _index(row: dict[str, Any], surface: "Surface") -> float | None:
    """Return the share of an answer against that of all of the region, which is 100."""
    capacity = row["capacity_usd"] if row["below_usd"] is None else (row["capacity_usd"], row["below_usd"])
    whole = surface.query(capacity=capacity).share
    return None if row["share"] is None or not whole else round(100.0 * row["share"] / whole, 9)


def show_listing(listing: "Listing", *, format: str, out: Path | None) -> None:  # noqa: A002
    """Print a list of answers, or write it to a file."""
    if format == "geoparquet":
        if out is None:
            raise InputError("--format geoparquet needs a file: --out answers.parquet")
        write_geoparquet(listing.to_geopandas(), out, surface=listing.surface)
    elif format == "geojson":
        shapes = json.loads(listing.to_geopandas().to_json())
        told = {**shapes, "provenance": provenance_of(listing.surface)}
        emit(json.dumps(told, ensure_ascii=False) + "\n", out)
    elif format == "json":
        rows = {"by": listing.key, "rows": listing.to_rows(), "provenance": provenance_of(listing.surface)}
        emit(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", out)
    elif format == "csv":
        emit(csv_text(listing.to_rows(), listing.surface), out)
    else:
        emit(_table(listing), out)


def write_geoparquet(shapes: "gpd.GeoDataFrame", out: Path, *, surface: "Surface | None") -> None:
    """Write shapes as GeoParquet, with where they come from under ``geoscore`` in the file's metadata."""
    import pyarrow.parquet as pq

    shapes.to_parquet(out)
    if surface is None:
        return
    table = pq.read_table(out)
    told = {**(table.schema.metadata or {}), b"geoscore": json.dumps(provenance_of(surface)).encode()}
    pq.write_table(table.replace_schema_metadata(told), out, compression="zstd")


def provenance_of(surface: "Surface") -> dict[str, Any]:
    """Return where a surface comes from: what every export carries."""
    note = surface.note
    sources = [{"name": s.name, "vintage": s.vintage, "licence": s.licence, "sha256": s.sha256} for s in note.sources]
    told = {"title": note.title, "universe": note.universe, "formula": note.formula, "horizon": note.horizon}
    return {**told, "vintage": note.vintage, "purpose": note.purpose, "sources": sources, "ledger": note.ledger}


def _table(listing: "Listing") -> str:
    lines = [f"{'':<28}{'households':>12}{'expected':>12}{'90% interval':>20}{'share':>8}{'index':>7}"]
    for answer, row in zip(listing, listing.to_rows(), strict=True):
        if answer.estimate is None:
            lines.append(f"{answer.area:<28}{'hidden':>12}")
        else:
            span = f"{answer.low:,.0f} to {answer.high:,.0f}"
            mark = " *" if answer.suppressed else ""
            told = f"{answer.share or 0.0:>8.1%}{row['index'] or 0.0:>7.0f}"
            lines.append(f"{answer.area:<28}{answer.households:>12,.0f}{answer.estimate:>12,.0f}{span:>20}{told}{mark}")
    if any(answer.suppressed for answer in listing):
        lines.append("* or hidden: households that are too few to be shown are counted in the next larger area")
    return "\n".join(lines) + "\n"


def show_audit(groups: "list[GroupAudit]", *, as_json: bool) -> None:
    """Print how far a surface stands in for groups."""
    if as_json:
        show_json({"groups": [group.to_dict() for group in groups]})
        return
    typer.echo(f"{'':<34}{'of all':>8}{'tied':>7}{'explained':>11}{'selected':>10}{'ratio':>7}")
    for group in groups:
        told = f"{group.share:>8.1%}{group.correlation:>7.2f}{max(group.explained, 0.0):>11.2f}{group.selected:>10.1%}"
        typer.echo(f"{group.group:<34}{told}{group.ratio:>7.2f}{'  ' if group.flags else ''}{'; '.join(group.flags)}")
    typer.echo(
        "tied: Spearman's correlation of the group's share with the surface's; explained: variance of the group's\n"
        "share in hexagons held out; selected: share of the group in the best hexagons that hold a fifth of the\n"
        "households; ratio: against the most selected group. geoscore reports this and changes nothing: the decision\n"
        "is yours."
    )


def csv_text(rows: list[dict[str, Any]], surface: "Surface | None" = None) -> str:
    """Return rows as CSV, each with what the figures may be used for and the ledger that says where they come from."""
    if surface is not None:
        rows = [{**row, "purpose": surface.note.purpose, "ledger": surface.note.ledger} for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def emit(text: str, out: Path | None) -> None:
    """Print a text, or write it to a file."""
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
