"""The model card: what a model was fitted on, how true it came on households held out, and what it is not for."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.propensity import figures
from geoscore.propensity.calibration import probability
from geoscore.propensity.folds import hashed, regions_apart
from geoscore.propensity.learners import fit_scorecard
from geoscore.propensity.model import Model
from geoscore.schemas import LADDER

Floats = npt.NDArray[np.float64]
CARD_VERSION: Final = 1
LIMITS: Final = (
    (
        "It says what households like these did under what was asked of them; it does not say why, nor what another"
        " appeal would do."
    ),
    "It may be used to decide whom to ask for a gift. It may not be used for housing, credit, employment or insurance.",
    (
        "Households that were chosen to be asked because they were thought likely are no fair sample of those that were"
        " not."
    ),
    "Figures are of the period and the place that the data are from; fit anew when either changes.",
)
GIVERS_LIMITS: Final = (
    (
        "Only givers were known. Who is likelier is learned from the data; how likely is not in them and comes from the"
        " prevalence that was stated, or is not given at all."
    ),
)


def describe_fit(work: Any, model: Model) -> dict[str, Any]:
    """Return the card of a fit.

    Parameters
    ----------
    work
        The fit's own record, a ``geoscore.propensity.fit.Work``.
    model
        What it led to.
    """
    tested = work.tested
    import pandas as pd

    keys = pd.Series(np.asarray(work.given.keys, dtype=object)[tested]).astype(str)
    clusters = (hashed(keys, 7) % np.uint64(figures.CLUSTERS)).astype(np.int64)
    card: dict[str, Any] = {
        "card_version": CARD_VERSION,
        "geoscore": version("geoscore"),
        "model": model.kind,
        "calibration": "isotonic" if len(model.blend.knots) else "sigmoid",
        "chosen_among": {name: round(score, 6) for name, score in work.compared.items()},
        "as_of": str(work.recipe.as_of),
        "folds": work.folds.text,
        "fold_kind": work.folds.way,
        "households": len(work.y),
        "givers": int(work.y.sum()),
        "rate": round(float(work.y.mean()), 6),
    }
    card |= _of_givers(work, clusters)
    card["tells_nothing"] = _tells_nothing(card)
    card |= _of_dollars(work, model, clusters)
    card["gains_ordered_by"] = "expected dollars" if "usd" in card["gains"][0] else "chance of a gift"
    card["regions_left_out"] = _regions(work)
    card["features"] = _importance(model, work)
    card["features_refused"] = work.refused
    card["features_to_look_at"] = work.odd
    card["dates_after_as_of"] = work.recipe.after
    card["notes"] = [
        *filter(None, [card["tells_nothing"]]),
        *work.given.outcome.notes,
    ] + [
        f"{count:,} dates of {name} are after {work.recipe.as_of} and count as not known"
        for name, count in work.recipe.after.items()
    ]
    card["limits"] = [*LIMITS, *(GIVERS_LIMITS if work.options.unlabelled else ())]
    if model.prevalence is not None:
        card["prevalence"] = {"low": model.prevalence.low, "mid": model.prevalence.mid, "high": model.prevalence.high}
    card["probabilities"] = "given"
    if model.prevalence is not None:
        card["probabilities"] = (
            "given, of the stated prevalence"
            if model.prevalence.shift
            else "refused: only givers are known and no --prevalence LOW:MID:HIGH is stated; ranks are given"
        )
    return card


def _of_givers(work: Any, clusters: Any) -> dict[str, Any]:
    """Return the figures of who gives."""
    y, eta = work.y[work.tested], work.eta[work.tested]
    plain = work.judged.scores["logistic"][work.tested]
    p = probability(eta)
    intercept, slope = figures.calibration_line(y, eta)
    lift, plain_lift = (figures.lift_interval(y, score, clusters) for score in (eta, plain))
    score, score_plain = figures.mean_score(y, eta), figures.mean_score(y, plain)
    alone = np.full(len(y), np.log(y.mean() / (1 - y.mean())))
    gain, gain_error = figures.score_gain(y, eta, alone)
    found = {
        "ece": round(figures.calibration_error(y, p), 6),
        "ece_by_chance": round(figures.chance_error(p), 6),
        "calibration_slope": round(slope, 4),
        "calibration_intercept": round(intercept, 4),
        "log_score": round(score, 6),
        "log_score_logistic": round(score_plain, 6),
        "log_score_rate_alone": round(figures.mean_score(y, alone), 6),
        "log_score_gain": round(gain, 6),
        "log_score_gain_error": round(gain_error, 6),
        "log_score_is": "mean natural logarithm of the probability given to what happened; higher is better",
        "brier": round(float(np.mean((p - y) ** 2)), 6),
        "auc": round(figures.ranking(y, eta), 4),
        "auc_logistic": round(figures.ranking(y, plain), 4),
        "lift_top_tenth": round(lift[0], 4),
        "lift_top_tenth_low": round(lift[1], 4),
        "lift_top_tenth_high": round(lift[2], 4),
        "lift_top_tenth_logistic": round(plain_lift[0], 4),
        "predicted_over_realized_givers": round(float(p.sum() / y.sum()), 4),
        "level": figures.LEVEL,
    }
    if work.options.unlabelled:
        # calibrated against being known to give, which is not what people ask
        found |= dict.fromkeys(("ece", "ece_by_chance", "predicted_over_realized_givers"))
    return found


def _tells_nothing(card: dict[str, Any]) -> str | None:
    """Return the plain sentence about a model that cannot be told from none; None for one that tells something."""
    gain, error, low, high = (
        card[name] for name in ("log_score_gain", "log_score_gain_error", "lift_top_tenth_low", "lift_top_tenth_high")
    )
    if gain > error and not low <= 1.0 <= high:
        return None
    return (
        "this model cannot be told from none: on households held out its log score is"
        f" {gain:+.5f} beside that of the rate alone (standard error {error:.5f}), and the top tenth has"
        f" {low:.2f} to {high:.2f} times as many givers, where 1 is chance; do not choose whom to ask by it"
    )


def _of_dollars(work: Any, model: Model, clusters: Any) -> dict[str, Any]:
    """Return the figures of how much."""
    y, eta = work.y[work.tested], work.eta[work.tested]
    p = probability(eta)
    nothing = dict.fromkeys(
        (
            "predicted_over_realized_dollars",
            "predicted_over_realized_dollars_low",
            "predicted_over_realized_dollars_high",
        )
    )
    if work.gift is None or model.amounts is None or work.options.unlabelled:
        told = {"gains": figures.gains_table(y, p, None, None)}
        return {**nothing, **told, "rungs": []}
    usd, gift = np.nan_to_num(work.usd[work.tested]), work.gift[work.tested]
    # of a giver whose amount is not known nothing can be compared
    counted = ~((y > 0) & (usd == 0))
    expected = p * gift
    ratio, low, high = figures.ratio_interval(expected[counted], usd[counted], clusters[counted])
    chances = p[:, None] * model.amounts.at_least(gift)
    rungs = [
        {"rung_usd": rung, "expected": round(float(chances[counted, k].sum()), 1), "gave": int((usd >= rung).sum())}
        for k, rung in enumerate(LADDER)
        if (usd >= rung).sum() or chances[counted, k].sum() > 0.5  # noqa: PLR2004
    ]
    lift, lift_low, lift_high = figures.lift_interval(usd[counted], expected[counted], clusters[counted])
    return {
        "predicted_over_realized_dollars": round(ratio, 4),
        "predicted_over_realized_dollars_low": round(low, 4),
        "predicted_over_realized_dollars_high": round(high, 4),
        "dollars_error": round((high - low) / (2 * 1.645), 5),
        "usd": round(float(usd.sum()), 2),
        "mean_gift_usd": round(float(usd.sum() / max(y[counted].sum(), 1)), 4),
        "gift_spread": round(model.amounts.spread, 4),
        "dollar_lift_top_tenth": round(lift, 4),
        "dollar_lift_top_tenth_low": round(lift_low, 4),
        "dollar_lift_top_tenth_high": round(lift_high, 4),
        "gains": figures.gains_table(y[counted], p[counted], usd[counted], expected[counted]),
        "rungs": rungs,
    }


def _regions(work: Any) -> list[dict[str, Any]]:
    """Return how the scorecard does in regions that it was not fitted on, each left out in turn."""
    if work.given.regions is None:
        return []
    regions = np.asarray(work.given.regions, dtype=object)
    found = []
    for region in regions_apart(regions, work.y):
        out = regions == region
        rows = (work.codes[~out], work.numbers[~out], work.y[~out])
        eta = fit_scorecard(work.recipe, *rows, family="binomial").predict(
            work.recipe, work.codes[out], work.numbers[out]
        )
        y = work.y[out]
        found.append(
            {
                "region": str(region),
                "households": int(out.sum()),
                "givers": int(y.sum()),
                "predicted_over_realized_givers": round(float(probability(eta).sum() / max(y.sum(), 1)), 4),
                "log_score": round(figures.mean_score(y, eta), 6),
                "auc": round(figures.ranking(y, eta), 4),
            }
        )
    return found


def _importance(model: Model, work: Any) -> list[dict[str, Any]]:
    """Return how far each feature moves households, in log odds, and how much of them is missing."""
    found = []
    for j, item in enumerate(model.recipe.features):
        part = model.terms.part(model.recipe, j, work.codes[:, j], work.numbers[:, j])
        missing = float((work.codes[:, j] == 0).mean())
        moves = round(float(part.std()), 4)
        found.append({"feature": item.name, "kind": item.kind, "moves": moves, "missing": round(missing, 4)})
    return sorted(found, key=lambda item: (-item["moves"], item["feature"]))


# --- as a page ------------------------------------------------------------------------------------------------


def card_markdown(card: dict[str, Any], *, pictures: Mapping[str, str] | None = None) -> str:
    """Return the card as Markdown.

    Parameters
    ----------
    card
        What ``describe_fit`` gave.
    pictures
        Files of pictures, relative to the card, and what each shows in words.
    """
    data = card.get("data", {})
    lines = [
        "# Model card: who gives, and how much",
        "",
        (
            f"A {card['model']} with {card['calibration']} calibration, fitted by geoscore {card['geoscore']} on"
            f" {card['households']:,} households, of which {card['givers']:,} gave ({card['rate']:.2%})."
        ),
        "",
        *([f"**{_sentence(card['tells_nothing'])}**", ""] if card.get("tells_nothing") else []),
        "| | |",
        "|---|---|",
        *(f"| {name.replace('_', ' ')} | {value} |" for name, value in data.items() if value),
        f"| dates looked at on | {card['as_of']} |",
        f"| folds | {card['folds']} |",
        "",
        "## How true it comes",
        "",
        "All of these are out of fold: each household is judged by a model that has not seen it.",
        "",
        "| figure | value |",
        "|---|---|",
        *_figure_rows(card),
        "",
        *_gains_lines(card),
        *_rung_lines(card),
        *_region_lines(card),
        "## What it looks at",
        "",
        "*moves* is how far a feature moves households, in log odds (standard deviation).",
        "",
        "| feature | kind | moves | missing |",
        "|---|---|---|---|",
        *(f"| {f['feature']} | {f['kind']} | {f['moves']:.3f} | {f['missing']:.1%} |" for f in card["features"]),
        "",
    ]
    for path, words in (pictures or {}).items():
        lines += [f"![{words}]({path})", ""]
    lines += ["## What it does not look at", "", "| column | why |", "|---|---|"]
    lines += [f"| {name} | {why} |" for name, why in card["features_refused"].items()]
    if card["features_to_look_at"]:
        told = ", ".join(f"{name} ({share:.0%})" for name, share in card["features_to_look_at"].items())
        lines += ["", f"Worth a look, for they tell much by themselves: {told}. Were they known before the gift?"]
    if card["notes"]:
        lines += ["", "## What was found in the data", "", *(f"- {note}" for note in card["notes"])]
    lines += ["", "## Limits", "", *(f"- {limit}" for limit in card["limits"]), ""]
    return "\n".join(lines)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _figure_rows(card: dict[str, Any]) -> list[str]:
    rows = []
    if card["ece"] is not None:
        rows.append(f"| expected calibration error | {card['ece']:.4f} (chance alone: {card['ece_by_chance']:.4f}) |")
        rows.append(f"| calibration slope | {card['calibration_slope']:.3f} |")
    rows.append(
        f"| log score | {card['log_score']:.5f}; logistic regression {card['log_score_logistic']:.5f};"
        f" the rate alone {card['log_score_rate_alone']:.5f} (higher is better) |"
    )
    lift, low, high = (card[f"lift_top_tenth{end}"] for end in ("", "_low", "_high"))
    rows.append(
        f"| lift of the top tenth by chance of a gift, in givers | {lift:.2f} ({low:.2f} to {high:.2f});"
        f" logistic regression {card['lift_top_tenth_logistic']:.2f} |"
    )
    if card.get("dollar_lift_top_tenth") is not None:
        rows.append(
            f"| lift of the top tenth by expected dollars, in dollars | {card['dollar_lift_top_tenth']:.2f} ("
            f"{card['dollar_lift_top_tenth_low']:.2f} to {card['dollar_lift_top_tenth_high']:.2f}) |"
        )
    rows.append(f"| area under the ROC curve | {card['auc']:.3f} |")
    if card["predicted_over_realized_dollars"] is not None:
        rows.append(
            f"| predicted over realized dollars | {card['predicted_over_realized_dollars']:.3f} ("
            f"{card['predicted_over_realized_dollars_low']:.3f} to"
            f" {card['predicted_over_realized_dollars_high']:.3f}) |"
        )
    for name, score in card["chosen_among"].items():
        rows.append(f"| log score of {name} | {score:.5f} |")
    return rows


def _gains_lines(card: dict[str, Any]) -> list[str]:
    usd = "usd" in card["gains"][0]
    head = "| tenth | households | givers expected | gave | lift in givers | givers so far |" + (
        " $ expected | $ came | $ so far |" if usd else ""
    )
    order = "expected dollars (chance times gift)" if usd else "their chance of a gift"
    lines = [
        "## Gains",
        "",
        f"Tenths of the households in the order of {order}, the most first.",
        "",
        head,
        "|---" * (head.count("|") - 1) + "|",
    ]
    for number, row in enumerate(card["gains"], 1):
        line = (
            f"| {number} | {row['households']:,} | {row['givers_expected']:,.0f} | {row['givers']:,} |"
            f" {row['lift']:.2f} | {row['share_of_givers_so_far']:.1%} |"
        )
        if usd:
            line += f" {row['usd_expected']:,.0f} | {row['usd']:,.0f} | {row['share_of_usd_so_far']:.1%} |"
        lines.append(line)
    return [*lines, ""]


def _rung_lines(card: dict[str, Any]) -> list[str]:
    if not card["rungs"]:
        return []
    rows = [f"| ${row['rung_usd']:,} | {row['expected']:,.1f} | {row['gave']:,} |" for row in card["rungs"]]
    return ["## Gifts of at least a rung", "", "| rung | expected | gave |", "|---|---|---|", *rows, ""]


def _region_lines(card: dict[str, Any]) -> list[str]:
    if not card["regions_left_out"]:
        return []
    rows = [
        f"| {row['region']} | {row['households']:,} | {row['givers']:,} |"
        f" {row['predicted_over_realized_givers']:.2f} | {row['auc']:.3f} |"
        for row in card["regions_left_out"]
    ]
    head = ["| region | households | gave | predicted / realized | AUC |", "|---|---|---|---|---|"]
    return ["## Regions it was not fitted on, each left out in turn", "", *head, *rows, ""]
