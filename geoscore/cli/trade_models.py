"""Commands on choice models: fit one to flows."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from geoscore.cli.options import COLUMNS, LEAST_COST, FindingFormat, PlainFormat, Sheet, column_option, out_option
from geoscore.cli.page import OUTPUT
from geoscore.cli.trade import SITES, trade_app
from geoscore.errors import InputError

if TYPE_CHECKING:
    from geoscore.trade.comparison import HeldOut
    from geoscore.trade.huff import HuffFit, Method


TOTAL = "What an origin buys in all; shares are multiplied by it."


class MethodName(StrEnum):
    """How a choice model is fitted."""

    MLE = "mle"
    MCI = "mci"
    LEAST_SQUARES = "least-squares"
    TOTALS = "totals"


class DecayName(StrEnum):
    """How attraction falls with cost."""

    POWER = "power"
    EXPONENTIAL = "exponential"


@trade_app.command(rich_help_panel=SITES)
def huff(
    flows: Annotated[Path, typer.Option(metavar="FILE", help="One row for each pair of an origin and a site.")],
    origin: Annotated[str, column_option("Where people come from.")],
    site: Annotated[str, column_option("Where they go.")],
    flow: Annotated[str, column_option("Counts, amounts or shares; zeros are welcome.")],
    cost: Annotated[str, column_option("Time or distance.")],
    attribute: Annotated[list[str] | None, column_option("What a site offers.", "COLUMN...")] = None,
    linear: Annotated[
        list[str] | None, column_option("An attribute that enters as exp(b x), not as x ** b.", "COLUMN...")
    ] = None,
    total: Annotated[
        str | None,
        typer.Option("--total", "--weight", metavar="COLUMN", help=TOTAL, rich_help_panel=COLUMNS),
    ] = None,
    competition: Annotated[
        str | None, column_option("Columns of the sites' coordinates: adds how near rivals are.", "LON,LAT")
    ] = None,
    sheet: Sheet = None,
    method: Annotated[MethodName, typer.Option(help="How to fit.")] = MethodName.MLE,
    decay: Annotated[DecayName, typer.Option(help="cost ** b, or exp(b cost).")] = DecayName.POWER,
    least_cost: Annotated[float | None, LEAST_COST] = None,
    add: Annotated[
        float, typer.Option(metavar="FLOW", help="MCI: add this to every flow, so that zeros have a logarithm.")
    ] = 0.0,
    as_given: Annotated[
        bool, typer.Option("--as-given", help="Least squares: meet the shares as given, even if they do not sum to 1.")
    ] = False,
    folds: Annotated[int, typer.Option(metavar="N", help="Parts of the origins to hold out in turn; 0 for none.")] = 5,
    level: Annotated[float, typer.Option(metavar="LEVEL", help="Of the intervals, such as 0.9.")] = 0.9,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the model, .json, for `market`.", rich_help_panel=OUTPUT)
    ] = None,
    residuals: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write observed and fitted shares: .csv by pair, .geojson by origin.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    surface: Annotated[
        Path | None,
        typer.Option(
            metavar="SURFACE",
            help="A surface with the ZIPs that people come from, for that map.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    out: Annotated[Path | None, out_option("File to write the answer to, with --format json.")] = None,
    format: FindingFormat = PlainFormat.TABLE,  # noqa: A002
) -> None:
    """Fit Huff's model to flows.

    What a minute costs a site, and what it gains by what it offers.

    geoscore trade-area huff --flows examples/trade_area/visits.csv --origin zip --site office --flow visits
    --cost minutes --attribute staff --attribute square_meters
    """
    import json

    from geoscore.cli.show import emit
    from geoscore.cli.show_trade import show_fit

    if not 0 < level < 1:
        raise InputError(f"a level of {level:g}; give one between 0 and 1, such as 0.9")
    if add and method is not MethodName.MCI:
        raise InputError("--add goes with --method mci; the others take flows of zero as they are")
    if as_given and method is not MethodName.LEAST_SQUARES:
        raise InputError("--as-given goes with --method least-squares")
    columns: dict[str, Any] = {
        "origin": origin, "site": site, "flow": flow, "cost": cost, "attributes": attribute or (), "total": total,
        "decay": decay.value, "linear": linear or (), "least_cost": least_cost, "sheet": sheet,
        "site_point": None if competition is None else _two_columns(competition),
    }  # fmt: skip
    fit, rows = _fit(flows, columns, method, add=add, as_given=as_given)
    told = _describe(fit, rows, folds=folds, level=level)
    if residuals is not None:
        _write_residuals(fit, residuals, surface)
    if model is not None:
        kept = {**told, "geoscore_model": "huff", "decay": decay.value, "plain": list(fit.flows.plain)}
        model.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if format is PlainFormat.JSON:
        emit(json.dumps(told, indent=2, ensure_ascii=False) + "\n", out)
    else:
        show_fit(told)


def _fit(
    path: Path, columns: dict[str, Any], method: MethodName, *, add: float, as_given: bool
) -> "tuple[HuffFit, int]":
    """Read flows and fit the model; where sites' totals are fitted, the flow column holds these."""
    from geoscore.market.files import read_flows, read_totals
    from geoscore.trade.huff import fit_huff
    from geoscore.trade.totals import fit_totals

    if method is MethodName.TOTALS:
        if columns["total"] is None:
            raise InputError("--method totals needs what each origin has in all: --total COLUMN")
        totals = read_totals(path, site=columns["site"], column=columns["flow"], sheet=columns["sheet"])
        demand, rows = read_flows(path, **{**columns, "flow": columns["total"], "total": None})
        return fit_totals(demand, totals), rows
    known, rows = read_flows(path, **columns)
    way = cast("Method", method.value)
    return fit_huff(known, method=way, add=add, as_given=as_given), rows


def _describe(fit: "HuffFit", rows: int, *, folds: int, level: float) -> dict[str, Any]:
    """Return a fit with its tests, ready for JSON."""
    from geoscore.cli.show_trade import describe_fit, finite
    from geoscore.trade.comparison import ratio_tests

    tests = ratio_tests(fit) if fit.method == "mle" else []
    parts = min(folds, len(fit.flows.origins) // max(len(fit.flows.names), 1))
    held = None if fit.method == "totals" else _held_out(fit, parts)
    told: dict[str, Any] = finite(describe_fit(fit, rows=rows, tests=tests, held_out=held, level=level))
    return told


def _held_out(fit: "HuffFit", parts: int) -> "HeldOut | None":
    """Cross-validate, or leave it where parts of the origins cannot tell the coefficients."""
    from geoscore.trade.comparison import hold_out

    if parts < 2:  # noqa: PLR2004  one part has no rest
        return None
    try:
        return hold_out(fit.flows, method=fit.method, folds=parts)
    except InputError:
        return None


def _write_residuals(fit: "HuffFit", path: Path, surface: Path | None) -> None:
    """Write residuals as a table of pairs, or as a map of origins."""
    from geoscore.cli.show import csv_text
    from geoscore.cli.show_trade import show_layer
    from geoscore.market.choices import residual_layer
    from geoscore.query import open_surface

    if path.suffix.lower() in (".geojson", ".json"):
        show_layer(residual_layer(fit, None if surface is None else open_surface(surface)), format="geojson", out=path)
    elif path.suffix.lower() == ".csv":
        path.write_text(csv_text(fit.residuals()), encoding="utf-8")
    else:
        raise InputError(f"{path}: residuals are written as .csv or .geojson")


def _two_columns(text: str) -> tuple[str, str]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(parts):  # noqa: PLR2004  longitude and latitude
        raise InputError(f"--competition {text!r}: name two columns with a comma between, longitude first")
    return parts[0], parts[1]
