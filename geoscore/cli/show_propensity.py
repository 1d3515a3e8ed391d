"""What people see of a propensity model in a terminal: its card in short, what was scored, and a plan."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from geoscore.propensity_files import ScoredFile
    from geoscore.query.plan import Plan

SHOWN = 8


def show_card(card: dict[str, Any], out: Path) -> None:
    """Print the figures of a card, the features and what was refused."""
    typer.echo(
        f"\n{card['model']}, {card['calibration']} calibration, from {card['households']:,} households of which"
        f" {card['givers']:,} gave ({card['rate']:.2%})"
    )
    if card.get("tells_nothing"):
        typer.echo(f"\nWarning: {card['tells_nothing']}\n")
    if card["probabilities"] != "given":
        typer.echo(f"probabilities   {card['probabilities']}")
    typer.echo(f"folds           {card['folds']}; all figures are of households held out")
    if card["ece"] is not None:
        typer.echo(
            f"calibration     error {card['ece']:.4f} (chance alone: {card['ece_by_chance']:.4f}),"
            f" slope {card['calibration_slope']:.3f}"
        )
    typer.echo(
        f"log score       {card['log_score']:.5f}; logistic regression {card['log_score_logistic']:.5f},"
        f" the rate alone {card['log_score_rate_alone']:.5f} (higher is better)"
    )
    typer.echo(f"ranking         AUC {card['auc']:.3f}; logistic {card['auc_logistic']:.3f} (0.5 is chance)")
    lift = f"{card['lift_top_tenth_low']:.2f} to {card['lift_top_tenth_high']:.2f}"
    typer.echo(
        f"top tenth       {card['lift_top_tenth']:.2f} times as many givers ({lift}), by chance of a gift;"
        f" logistic {card['lift_top_tenth_logistic']:.2f}"
    )
    if card.get("dollar_lift_top_tenth") is not None:
        low, high = (card[f"dollar_lift_top_tenth_{end}"] for end in ("low", "high"))
        typer.echo(
            f"                {card['dollar_lift_top_tenth']:.2f} times as many dollars ({low:.2f} to {high:.2f}),"
            " by expected dollars"
        )
    if card["predicted_over_realized_dollars"] is not None:
        low, high = (card[f"predicted_over_realized_dollars_{end}"] for end in ("low", "high"))
        ratio = card["predicted_over_realized_dollars"]
        typer.echo(f"dollars         predicted / realized {ratio:.3f} ({low:.3f} to {high:.3f})")
    strongest = [f"{item['feature']} ({item['moves']:.2f})" for item in card["features"][:SHOWN]]
    typer.echo(f"looks at        {', '.join(strongest)}")
    for name, why in card["features_refused"].items():
        typer.echo(f"refused         {name}: {why}")
    for name, share in card["features_to_look_at"].items():
        typer.echo(f"worth a look    {name} tells {share:.0%} by itself: was it known before the gift?")
    for note in card["notes"]:
        if note == card.get("tells_nothing"):
            continue
        typer.echo(f"to know         {note}")
    typer.echo(f"\nmodel           {out} (card.md says all of this and more)")


def show_scored(done: "ScoredFile") -> None:
    """Print what was scored, and what is expected of all together."""
    lost = f", {done.rejected:,} could not be read" if done.rejected else ""
    typer.echo(f"{done.rows:,} rows scored{lost}")
    if done.expected_givers is not None:
        usd = f", ${done.expected_usd:,.0f}" if done.expected_usd is not None else ""
        typer.echo(f"expected        {done.expected_givers:,.0f} givers{usd} if all are asked")
    typer.echo(f"scores          {done.out}")


def show_plan(plan: "Plan", top: int) -> None:
    """Print the first places of a plan, and what to expect of all of it."""
    typer.echo(f"{'place':<30}{'ZIP':<7}{'contacts':>10}{'givers':>9}{'dollars':>11}{'net':>11}")
    for stop in plan.stops[:top]:
        typer.echo(
            f"{stop.place:<30}{stop.zip or '':<7}{stop.contacts:>10,.0f}{stop.expected_givers:>9,.1f}"
            f"{stop.expected_usd:>11,.0f}{stop.expected_net_usd:>11,.0f}"
        )
    if len(plan.stops) > top:
        typer.echo(f"... and {len(plan.stops) - top:,} more places (--top shows more)")
    for name, what in (("givers", "givers"), ("usd", "dollars"), ("net_usd", "net")):
        mid, low, high = (getattr(plan, f"expected_{name}{end}") for end in ("", "_low", "_high"))
        sign = "" if name == "givers" else "$"
        typer.echo(f"{what:<15} {sign}{mid:,.0f} ({plan.level:.0%} interval {sign}{low:,.0f} to {sign}{high:,.0f})")
    typer.echo(f"cost            ${plan.cost_usd:,.0f} for {plan.contacts:,.0f} contacts")
    if plan.best_contacts >= plan.all_contacts:
        typer.echo(
            f"how many        all {plan.all_contacts:,.0f} contacts pay; together they bring ${plan.all_net_usd:,.0f}"
        )
        return
    typer.echo(
        f"how many        {plan.best_contacts:,.0f} contacts bring the most after costs, ${plan.best_net_usd:,.0f};"
        f" all {plan.all_contacts:,.0f} bring ${plan.all_net_usd:,.0f}"
    )
