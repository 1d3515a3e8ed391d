"""Commands on who would give: fit a model on a file or a project, score a file, plan whom to ask."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geoscore.cli.commands import app
from geoscore.cli.options import (
    LISTING,
    TOP,
    AsOf,
    FindingFormat,
    Id,
    PlainFormat,
    Quiet,
    Seed,
    Sheet,
    SurfaceFile,
    column_option,
    out_option,
    parse_day,
)
from geoscore.cli.page import GIVERS


class KindName(StrEnum):
    """Which model is fitted."""

    AUTO = "auto"
    SCORECARD = "scorecard"
    BOOSTING = "boosting"


@app.command(rich_help_panel=GIVERS)
def fit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Households and their outcome, or a project file.")],
    out: Annotated[Path, out_option("Folder to write the model to.", "DIR")],
    gave: Annotated[str | None, column_option("Who gave: yes and no, 1 and 0, or amounts.")] = None,
    amount: Annotated[str | None, column_option("How much, in US dollars.")] = None,
    id: Id = None,  # noqa: A002
    date: Annotated[str | None, column_option("When each row was asked: later ones test earlier ones.")] = None,
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
    leave: Annotated[list[str] | None, column_option("A column to leave out.", "COLUMN...")] = None,
    sheet: Sheet = None,
    seed: Seed = 0,
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
    quiet: Quiet = False,
) -> None:
    """Learn who gives, and how much.

    From a file with an outcome, a row for every household that was asked: a calibrated model with its card. Rows with
    the same --id are held out together.

    geoscore fit donors.csv --gave responded --amount gift --id donor_id --out model
    """
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
        as_of=parse_day(as_of, option="--as-of"),
        kind=None if model is KindName.AUTO else "scorecard" if model is KindName.SCORECARD else "boosting",
        prevalence=parse_prevalence(prevalence) if prevalence else None,
        givers_only=givers_only,
        gifts=gifts,
        sheet=sheet,
        seed=seed,
    )
    with progress_bar(quiet=quiet or format is PlainFormat.JSON) as progress:
        if file.suffix.lower() == ".toml":
            from geoscore.propensity_projects import fit_project

            fitted = fit_project(file, asked=asked, progress=progress)
        else:
            fitted = fit_file(file, asked=asked, progress=progress)
    save_model(fitted, out)
    if format is PlainFormat.JSON:
        show_json({"out": str(out), **fitted.card})
    elif not quiet:
        show_card(fitted.card, out)


@app.command(rich_help_panel=GIVERS)
def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Households with the columns that the model looks at.")],
    model: Annotated[Path, typer.Option(metavar="DIR", help="Folder that `geoscore fit` has written.")],
    out: Annotated[Path, out_option("File to write, .parquet or .csv.")],
    id: Id = None,  # noqa: A002
    as_of: AsOf = None,
    reasons: Annotated[int, typer.Option(min=0, max=10, metavar="N", help="Reasons told of each household.")] = 3,
    sheet: Sheet = None,
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
    quiet: Quiet = False,
) -> None:
    """Score every row of a file by a model.

    Chance of a gift, expected dollars, chance of at least each rung, and why. --id and --as-of are those of the fit if
    not given.

    geoscore score households.csv --model model --out scored.parquet
    """
    from geoscore.cli.show import progress_bar, show_json
    from geoscore.cli.show_propensity import show_scored
    from geoscore.propensity import open_model
    from geoscore.propensity_files import score_file

    opened = open_model(model)
    with progress_bar(quiet=quiet or format is PlainFormat.JSON) as progress:
        done = score_file(
            file,
            model=opened,
            out=out,
            id=id,
            sheet=sheet,
            as_of=parse_day(as_of, option="--as-of") if as_of else None,
            reason_codes=reasons,
            progress=progress,
        )
    if format is PlainFormat.JSON:
        show_json(done.to_dict())
    elif not quiet:
        show_scored(done)


class PlanBy(StrEnum):
    """What a plan is made of."""

    CELL = "cell"
    ZIP = "zip"


@app.command(rich_help_panel=GIVERS)
def plan(
    surface: SurfaceFile,
    contacts: Annotated[
        float | None, typer.Option(metavar="N", help="How many households to ask; as many as pay if not given.")
    ] = None,
    cost: Annotated[float, typer.Option(metavar="USD", help="Cost of one contact, in US dollars.")] = 0.0,
    budget: Annotated[
        float | None, typer.Option(metavar="USD", help="US dollars to spend, in place of --contacts.")
    ] = None,
    by: Annotated[PlanBy, typer.Option("--by", help="List places by this.", rich_help_panel=LISTING)] = PlanBy.CELL,
    top: Annotated[int, TOP] = 20,
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
) -> None:
    """Plan whom to ask: the places that bring the most.

    What to expect of them, and how many contacts pay, of a surface that a run with a model has written.

    geoscore plan out/donors/surface.parquet --contacts 1000 --cost 0.68
    """
    from geoscore.cli.show import show_json
    from geoscore.cli.show_propensity import show_plan
    from geoscore.query import open_surface
    from geoscore.query.plan import make_plan

    made = make_plan(open_surface(surface), contacts=contacts, budget=budget, cost=cost, by=by.value)
    if format is PlainFormat.JSON:
        show_json(made.to_dict())
    else:
        show_plan(made, top)
