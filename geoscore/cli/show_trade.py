"""What people see of trade areas: tables in a terminal, and layers in the form they asked for."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from geoscore.cli.show import csv_text, emit, provenance_of, write_geoparquet
from geoscore.errors import InputError

if TYPE_CHECKING:
    from geoscore import ladder
    from geoscore.query import Surface
    from geoscore.trade.comparison import HeldOut, RatioTest
    from geoscore.trade.huff import HuffFit
    from geoscore.trade.layer import Layer

UNTOLD: Final = frozenset(
    ("unit", "level", "formula", "horizon", "universe", "vintage", "below_usd", "suppressed",
     "dollars_low", "dollars_high", "low", "high")
)  # fmt: skip
"""Keys of a row that a terminal has no room for."""
COUNTS: Final = frozenset(("households", "estimate", "customers", "fair_share", "gap", "before", "change", "dollars"))
"""Keys that are told in whole numbers."""
WIDEST: Final = 60


def show_market(
    layer: "Layer",
    surface: "Surface",
    capacity: "ladder.Capacity",
    *,
    format: str,  # noqa: A002
    out: Path | None,
    map_: Path | None,
) -> None:
    """Print a layer or write it to a file; where a map is named, write that with the layer on it."""
    from geoscore.market.drawing import save_areas_map

    if map_ is not None:
        if map_.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"{map_}: a map is written as .html")
        at = capacity[0] if isinstance(capacity, tuple) else capacity
        layer = save_areas_map(surface, layer, map_, capacity=at)
    show_layer(layer, format=format, out=out, surface=surface)


def keep_top(layer: "Layer", top: int | None) -> "Layer":
    """Return a layer with its first rows alone; all of them where no number is given."""
    if top is None:
        return layer
    return replace(layer, rows=layer.rows[:top], shapes=None if layer.shapes is None else layer.shapes[:top])


def show_layer(layer: "Layer", *, format: str, out: Path | None, surface: "Surface | None" = None) -> None:  # noqa: A002
    """Print a layer, or write it to a file."""
    told = {} if surface is None else {"provenance": provenance_of(surface)}
    rows = finite(list(layer.rows))
    if format == "geoparquet":
        if out is None:
            raise InputError("--format geoparquet needs a file: --out areas.parquet")
        write_geoparquet(layer.to_geopandas(), out, surface=surface)
    elif format == "geojson":
        shapes = json.loads(layer.to_geopandas().to_json())
        emit(json.dumps({**shapes, **told, "notes": list(layer.notes)}, ensure_ascii=False) + "\n", out)
    elif format == "json":
        alone = len(rows) == 1 and not layer.more
        body: dict[str, Any] = {**rows[0]} if alone else {"rows": rows, **finite(layer.more)}
        text = json.dumps({**body, "notes": list(layer.notes), **told}, indent=2, ensure_ascii=False)
        emit(text + "\n", out)
    elif format == "csv":
        emit(csv_text(rows, surface), out)
    else:
        emit(_table(layer) + _about(surface), out)


def _about(surface: "Surface | None") -> str:
    if surface is None:
        return ""
    note = surface.note
    counted = {"file": "households of the files", "census": "all households"}.get(note.universe, note.universe)
    return f"{note.title}, as of {note.vintage}; counted: {counted}; {note.formula}, {note.horizon}\n"


def _table(layer: "Layer") -> str:
    """Return rows as columns, an estimate with its interval beside it."""
    rows = layer.rows
    if not rows:
        return "".join(f"{note}\n" for note in layer.notes) or "nothing\n"
    named = list(dict.fromkeys(key for row in rows for key in row))
    apart = {"site", "kind"} if layer.name == "area" else set()
    keys = [key for key in named if key not in UNTOLD and key not in apart]
    if any(row.get("low") is not None for row in rows) and "estimate" in keys:
        keys.insert(keys.index("estimate") + 1, "90% interval")
    cells = [[_cell(row, key) for key in keys] for row in rows]
    titles = [key.replace("_", " ") for key in keys]
    wide = [max(len(title), *(len(line[i]) for line in cells)) for i, title in enumerate(titles)]
    left = [all(isinstance(row.get(key), str) or row.get(key) is None for row in rows) for key in keys]
    left = [flag and key != "90% interval" for flag, key in zip(left, keys, strict=True)]

    def line(words: list[str]) -> str:
        parts = [word.ljust(w) if flag else word.rjust(w) for word, w, flag in zip(words, wide, left, strict=True)]
        return "  ".join(parts).rstrip()

    text = [line(titles), *(line(words) for words in cells)]
    if any(row.get("suppressed") for row in rows):
        text.append(
            "Some cells are hidden, for too few households live there; rows do not count their own hidden ones."
        )
    text += [_shared(row) for row in layer.more.get("overlaps", ())]
    text += layer.notes
    return "\n".join(text) + "\n"


def _shared(row: dict[str, Any]) -> str:
    one, other = row["areas"]
    if row["estimate"] is None:
        return f"{one} and {other} share households that are hidden"
    return (
        f"{one} and {other} share {row['households']:,.0f} households, {row['estimate']:,.0f} at the capacity "
        f"({row['share_of_first']:.0%} and {row['share_of_second']:.0%} of theirs)"
    )


def _cell(row: dict[str, Any], key: str) -> str:
    """Return one value as a terminal shows it."""
    value = row.get(key)
    if key == "90% interval":
        return "" if row.get("low") is None else f"{row['low']:,.0f} to {row['high']:,.0f}"
    if value is None:
        return "hidden" if key in ("households", "estimate") and row.get("suppressed") else ""
    if key == "size":
        return f"{value:.0%}" if row.get("unit") == "share" else f"{value:.4g} {row.get('unit')}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(value, key)
    text = "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."


def _number(value: float, key: str) -> str:
    if key in COUNTS:
        return f"{value:,.0f}"
    if key.startswith("share") or key.endswith(
        ("share", "penetration", "penetration_at_capacity", "relative_change", "fitted")
    ):
        return f"{value:.1%}"
    if key in ("longitude", "latitude"):
        return f"{value:.5f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"  # noqa: PLR2004


def describe_fit(
    fit: "HuffFit", *, rows: int, tests: "list[RatioTest]", held_out: "HeldOut | None", level: float
) -> dict[str, Any]:
    """Return a fitted choice model ready for JSON."""
    p_values = fit.sureness.p_values(fit.values)
    names = fit.flows.names
    used = rows - sum(fit.flows.rejected.values())
    return {
        "method": fit.method,
        "coefficients": fit.coefficients,
        "standard_errors": fit.standard_errors,
        "intervals": {name: list(ends) for name, ends in fit.intervals(level=level).items()},
        "level": level,
        "p_values": dict(zip(names, map(float, p_values), strict=True)),
        "model_standard_errors": dict(zip(names, map(float, fit.model_errors), strict=True)),
        "covariance": [list(map(float, line)) for line in fit.sureness.covariance],
        "r2_shares": fit.r2_shares,
        "pseudo_r2": fit.pseudo_r2,
        "converged": fit.converged,
        "iterations": fit.rounds,
        "log_likelihood": fit.log_likelihood,
        "likelihood_ratio_tests": [test.__dict__ for test in tests],
        "cross_validation": None if held_out is None else held_out.__dict__,
        "origins": len(fit.flows.origins),
        "sites": len(fit.flows.sites),
        "rows_read": rows,
        "rows_used": used,
        "rows_rejected": fit.flows.rejected,
        "flow": float(fit.flows.flow.sum()),
        "notes": list(fit.notes),
    }


def finite(value: Any) -> Any:
    """Return plain values with null for what is no number: JSON has neither infinity nor NaN."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show_fit(told: dict[str, Any]) -> None:
    """Print a fitted choice model."""
    typer.echo(
        f"{told['method']}: {told['rows_used']:,} of {told['rows_read']:,} rows, {told['origins']:,} origins, "
        f"{told['sites']:,} sites, flow {told['flow']:,.0f}"
    )
    for why, number in told["rows_rejected"].items():
        typer.echo(f"    {number:>8,}  {why}")
    wide = max(len(name) for name in told["coefficients"])
    title = f"{told['level']:.0%} interval"
    typer.echo(f"\n{'':<{wide}}{'coefficient':>14}{'std. error':>12}{title:>22}{'p':>9}")
    for name, value in told["coefficients"].items():
        low, high = told["intervals"][name]
        span = f"{low:.4f} to {high:.4f}"
        error, p = told["standard_errors"][name], told["p_values"][name]
        typer.echo(f"{name:<{wide}}{value:>14.4f}{error:>12.4f}{span:>22}{p:>9.4f}")
    reached = "converged" if told["converged"] else "NOT converged"
    typer.echo(
        f"\n{reached} after {told['iterations']} steps; log-likelihood {told['log_likelihood']:,.3f}, "
        f"pseudo-R2 {told['pseudo_r2']:.3f}, R2 of shares {told['r2_shares']:.3f}"
    )
    held = told["cross_validation"]
    if held:
        typer.echo(f"origins held out ({held['folds']} parts): R2 of shares {held['r2_shares']:.3f}")
    for test in told["likelihood_ratio_tests"]:
        typer.echo(
            f"without {test['name']}: chi-square {test['statistic']:,.1f}, p {test['p_dispersed']:.4f} "
            f"(flows scatter {test['dispersion']:,.1f} times as much as single choices would)"
        )
    for note in told["notes"]:
        typer.echo(note)
    if told["method"] != "totals":
        typer.echo("Standard errors are clustered by origin: people of one place choose alike.")
