"""Commands on who would give: fit a model on a file or a project, score a file, plan whom to ask."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoscore.cli.commands import Quiet, SurfaceFile, app
from geoscore.cli.files import Sheet, Written
from geoscore.errors import InputError

if TYPE_CHECKING:
    from datetime import date


class KindName(StrEnum):
    """Which model is fitted."""

    AUTO = "auto"
    SCORECARD = "scorecard"
    BOOSTING = "boosting"


AsOf = Annotated[
    str | None, typer.Option(metavar="DATE", help="Day on which dates are looked at; nothing later counts.")
]
Written_ = Annotated[Written, typer.Option("--format", help="How to write what was found.")]


@app.command()
def fit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Households and their outcome, or a project file.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write the model to.")],
    gave: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Who gave: yes and no, 1 and 0, or amounts.")
    ] = None,
    amount: Annotated[str | None, typer.Option(metavar="COLUMN", help="How much, in US dollars.")] = None,
    id: Annotated[  # noqa: A002
        str | None, typer.Option(metavar="COLUMN", help="The household's id; its rows are held out together.")
    ] = None,
    date: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="When each row was asked: later ones test earlier ones.")
    ] = None,
    as_of: AsOf = None,
    model: Annotated[KindName, typer.Option(help="Which model; the better by log score if not given.")] = KindName.AUTO,
    prevalence: Annotated[
        str | None,
        typer.Option(metavar="LOW:MID:HIGH", help="Only givers are known; this share of the others would give."),
    ] = None,
    givers_only: Annotated[
        bool, typer.Option("--givers-only", help="Only givers are known, and nobody knows how many: ranks alone.")
    ] = False,
    gifts: Annotated[
        bool,
        typer.Option("--gifts", help="Rows are gifts: --id gave --amount on --date; the year after --as-of counts."),
    ] = False,
    leave: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="A column to leave out; repeatable.")
    ] = None,
    sheet: Sheet = None,
    seed: Annotated[int, typer.Option(help="Of the folds.")] = 0,
    format: Written_ = Written.TABLE,  # noqa: A002
    quiet: Quiet = False,
) -> None:
    """Learn who gives and how much from a file with an outcome: a calibrated model with its card."""
    from geoscore.cli.show import progress_bar, show_json
    from geoscore.cli.show_propensity import show_card
    from geoscore.propensity import parse_prevalence, save_model
    from geoscore.propensity_files import Asked, fit_file

    asked = Asked(
        gave=gave,
        amount=amount,
        id=id,
        when=date,
        leave=tuple(leave or ()),
        as_of=_day(as_of),
        kind=None if model is KindName.AUTO else "scorecard" if model is KindName.SCORECARD else "boosting",
        prevalence=parse_prevalence(prevalence) if prevalence else None,
        givers_only=givers_only,
        gifts=gifts,
        sheet=sheet,
        seed=seed,
    )
    with progress_bar(quiet=quiet or format is Written.JSON) as progress:
        if file.suffix.lower() == ".toml":
            from geoscore.propensity_projects import fit_project

            fitted = fit_project(file, asked=asked, progress=progress)
        else:
            fitted = fit_file(file, asked=asked, progress=progress)
    save_model(fitted, output)
    if format is Written.JSON:
        show_json({"out": str(output), **fitted.card})
    elif not quiet:
        show_card(fitted.card, output)


@app.command()
def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Households with the columns that the model looks at.")],
    model: Annotated[Path, typer.Option(help="Folder that `geoscore fit` has written.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Scores to write, .parquet or .csv.")],
    id: Annotated[  # noqa: A002
        str | None, typer.Option(metavar="COLUMN", help="The id to keep; as in the fit if not given.")
    ] = None,
    as_of: AsOf = None,
    reasons: Annotated[int, typer.Option(min=0, max=10, help="Reasons told of each household.")] = 3,
    sheet: Sheet = None,
    format: Written_ = Written.TABLE,  # noqa: A002
    quiet: Quiet = False,
) -> None:
    """Score every row of a file: chance of a gift, expected dollars, chance of at least each rung, and why."""
    from geoscore.cli.show import progress_bar, show_json
    from geoscore.cli.show_propensity import show_scored
    from geoscore.propensity import open_model
    from geoscore.propensity_files import score_file

    opened = open_model(model)
    with progress_bar(quiet=quiet or format is Written.JSON) as progress:
        done = score_file(
            file,
            model=opened,
            out=output,
            id=id,
            sheet=sheet,
            as_of=_day(as_of) if as_of else None,
            reason_codes=reasons,
            progress=progress,
        )
    if format is Written.JSON:
        show_json(done.to_dict())
    elif not quiet:
        show_scored(done)


class PlanBy(StrEnum):
    """What a plan is made of."""

    CELL = "cell"
    ZIP = "zip"


@app.command()
def plan(
    surface: SurfaceFile,
    contacts: Annotated[
        float | None, typer.Option(help="How many households to ask; as many as pay if not given.")
    ] = None,
    cost: Annotated[float, typer.Option(help="Cost of one contact, in US dollars.")] = 0.0,
    budget: Annotated[float | None, typer.Option(help="US dollars to spend, in place of --contacts.")] = None,
    by: Annotated[PlanBy, typer.Option(help="Places to choose from.")] = PlanBy.CELL,
    top: Annotated[int, typer.Option(min=1, help="Places shown.")] = 20,
    format: Written_ = Written.TABLE,  # noqa: A002
) -> None:
    """Plan whom to ask: the places that bring the most, what to expect of them, and how many contacts pay."""
    from geoscore.cli.show import show_json
    from geoscore.cli.show_propensity import show_plan
    from geoscore.query import open_surface
    from geoscore.query.plan import make_plan

    made = make_plan(open_surface(surface), contacts=contacts, budget=budget, cost=cost, by=by.value)
    if format is Written.JSON:
        show_json(made.to_dict())
    else:
        show_plan(made, top)


def _day(text: str | None) -> "date":
    from datetime import UTC, date, datetime

    try:
        return date.fromisoformat(text) if text else datetime.now(tz=UTC).date()
    except ValueError:
        raise InputError(f"--as-of {text!r}: write a date such as 2026-11-01") from None
