"""What people see of files in a terminal: columns, links, and why two records are linked."""

import shutil
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from geoscore.ingest.inspect import FileProfile
    from geoscore.link_files import LinkedFiles
    from geoscore.linkage.explain import Explanation

WIDTH = 110


def show_profile(profile: "FileProfile") -> None:
    """Print a file's columns as a table: kind, confidence, missing, masked examples, evidence."""
    typer.echo(f"\n{profile.path}  ({profile.rows_sampled:,} rows looked at)")
    for note in profile.notes:
        typer.echo(f"  {note}")
    width = max(110, shutil.get_terminal_size((WIDTH, 24)).columns)
    name = min(max(len(guess.name) for guess in profile.columns) + 1, 28)
    typer.echo(f"  {'column':<{name}} {'kind':<17}{'sure':>5} {'missing':>8}  {'example':<18} evidence")
    for guess in profile.columns:
        example = guess.examples[0] if guess.examples else ""
        why = "; ".join(
            filter(None, (guess.sensitive and f"SENSITIVE, {guess.sensitive}", guess.evidence, *guess.notes))
        )
        line = f"  {_cut(guess.name, name):<{name}} {guess.kind:<17}{guess.confidence:>5.0%} {guess.missing:>8.1%}"
        typer.echo(_cut(f"{line}  {_cut(example, 18):<18} {why}", width))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def show_links(done: "LinkedFiles") -> None:
    """Print what became of the records, and the scores where a truth was given."""
    counts = done.counts
    typer.echo("")
    for file, source in zip(done.files, done.sources, strict=True):
        fields = ", ".join(source.columns)
        typer.echo(f"{file.name:<18}{file.rows_used:>12,} records   linked by {_cut(fields, 70)}")
        for note in file.notes:
            typer.echo(f"              {note}")
        for reason, count in [*file.rows_rejected.items(), *file.mended.items()]:
            typer.echo(f"    {count:>8,}  {reason}")
    typer.echo(
        f"\n{counts['records']:,} records became {counts['persons']:,} persons in {counts['households']:,} households"
        f" (pairs from a probability of {counts['threshold']:.2f} linked,"
        f" {counts['pairs_for_review']:,} below it worth a look)"
    )
    if not counts["trained"]:
        typer.echo("the model was not trained on these files: too few records, or a model was given")
    for column, lost in counts["set_aside"].items():
        typer.echo(f"{lost:,} records share their {column} with too many others, so it does not link them")
    for rule in counts["rules"]:
        if "refused" in rule:
            typer.echo(f"rule not run: {rule}")
    for name, scores in done.scores.items():
        figures = f"precision {scores.precision:.4f}, recall {scores.recall:.4f}, F1 {scores.f1:.4f}"
        typer.echo(f"{name + 's':<11} pairwise {figures}")
    if done.corrected:
        estimate, error = done.corrected
        typer.echo(f"households corrected for missed links: {estimate:,.0f} (standard error {error:,.0f})")
    typer.echo(f"\nlinks           {done.out}")
    typer.echo(f"private         {done.private} (model, and names and addresses to explain links)")


def show_explanation(found: "Explanation") -> None:
    """Print two records side by side, and what each comparison says."""
    for record in (found.left, found.right):
        known = [f"{name}={value}" for name, value in record.items() if name not in ("source", "record_id")]
        typer.echo(f"{record['source']}:{record['record_id']}  " + "  ".join(known))
    if found.same_entity:
        typer.echo("\nthe two records say the same of everything compared: they are one")
        return
    typer.echo(f"\n{'comparison':<16}{'what was found':<52}{'bits':>8}")
    for item in found.evidence:
        typer.echo(f"{item.comparison:<16}{item.step:<52}{item.bits:>+8.2f}")
    total = sum(item.bits for item in found.evidence)
    typer.echo(f"{'all together':<68}{total:>+8.2f}   probability {found.match_probability:.4f}")
    verdict = "one household" if found.same_household else "two households"
    person = ", one person" if found.same_person else ", two persons" if found.same_household else ""
    direct = found.match_probability >= found.threshold
    how = (
        ""
        if found.same_household == direct
        else (
            ", by way of other records"
            if found.same_household
            else ", for the other records of the two speak against it"
        )
    )
    typer.echo(f"{verdict}{person}{how} (threshold {found.threshold:.2f}, seen as one {found.model})")
