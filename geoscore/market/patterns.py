"""Patterns of a surface: areas like one, and cells that stand out among their neighbors."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from geoscore.errors import InputError
from geoscore.ladder import Capacity, counts_at
from geoscore.market.places import Key, places_of, shapes_of
from geoscore.query import Surface
from geoscore.query.select import Selection, ancestors
from geoscore.spatial.polygons import area_km2, cell_polygons
from geoscore.surface_format import Figures
from geoscore.trade.hotspots import getis_ord, local_moran, neighbor_weights
from geoscore.trade.layer import Layer
from geoscore.trade.twins import Distance, find_twins

Floats = npt.NDArray[np.float64]
FEWEST_HOUSEHOLDS: Final = 20
"""Cells with fewer households have no rate that is worth comparing."""
CURVE: Final = (400.0, 1000.0, 2500.0, 5000.0, 10_000.0, 25_000.0)
"""Thresholds at which the shape of the capacity curve is compared."""
EDGE: Final = 1e-4
SAME: Final = 0.5
"""A place of which more lies in the area to match is that area, and no twin of it."""


def twins_layer(
    surface: Surface, target: Selection, *, by: Key, capacity: Capacity, count: int = 10,
    distance: Distance = "mahalanobis", resolution: int | None = None,
) -> Layer:  # fmt: skip
    """Return the places most like a target, with the reasons: the shape of their capacity curve, and how densely
    households stand.
    """  # noqa: D205
    places = places_of(surface, by, capacity=capacity, resolution=resolution)
    shapes = shapes_of(surface, places, by)
    rows = np.flatnonzero(target.weights)
    placed = places.rows >= 0
    own, whole_place = (
        np.bincount(places.rows[placed], (surface.figures.households * share)[placed], len(places.names))
        for share in (target.weights, np.ones(len(target.weights)))
    )
    kept = np.flatnonzero((places.figures.households >= FEWEST_HOUSEHOLDS) & (own < SAME * whole_place))
    zeros = np.zeros(len(rows), dtype=np.int64)
    whole = surface.figures.summed(zeros, 1, weights=target.weights[rows], rows=rows)
    if not float(whole.households[0]) >= FEWEST_HOUSEHOLDS:
        raise InputError(f"{target.area} has fewer than {FEWEST_HOUSEHOLDS} households; twins of it would be chance")
    cells = ancestors(surface.table, surface.note.resolution)
    ground = float(
        sum(area_km2(shape) for shape in cell_polygons(np.unique(cells[(target.weights > 0) & (cells > 0)])))
    )
    wide = np.array([max(area_km2(shapes[i]), 1e-6) for i in kept])
    features, shown, errors, names = _curve_features(places.figures.take(kept), wide, distance)
    mine, mine_shown, _, _ = _curve_features(whole, np.array([max(ground, 1e-6)]), distance)
    found = find_twins(features, names, mine[0], count=count, errors=errors, distance=distance)
    at = {name: i for i, name in enumerate(names)}
    told = []
    for twin in found.twins:
        i = int(kept[twin.at])
        reasons = [_reason(name, shown[twin.at, at[name]], mine_shown[0, at[name]]) for name, _, _ in twin.alike]
        name = twin.unlike[0]
        told.append(
            {
                **places.row(i, by),
                "distance": round(twin.distance, 9),
                "alike": reasons,
                "unlike": _reason(name, shown[twin.at, at[name]], mine_shown[0, at[name]]),
            }
        )
    stable = "stable" if found.stable else "NOT stable: take them as a group, not one by one"
    notes = (
        f"like {target.area}; {found.overlap:.0%} of these stay among the best when figures are drawn anew: {stable}",
        f"places of fewer than {FEWEST_HOUSEHOLDS} households were left out",
    )
    picked = tuple(shapes[int(kept[twin.at])] for twin in found.twins)
    return Layer("twin areas", tuple(told), picked, by, notes, {"stable": found.stable, "overlap": found.overlap})


def _curve_features(
    figures: Figures, ground_km2: Floats, distance: Distance
) -> tuple[Floats, Floats, Floats, tuple[str, ...]]:
    """Return features to compare, as they are shown, their standard errors, and their names."""
    many = np.maximum(figures.households, 1e-9)[:, None]
    counts = [counts_at(figures.at_least, figures.variance, figures.households, rung) for rung in CURVE]
    share = np.clip(np.column_stack([count for count, _ in counts]) / many, EDGE, 1 - EDGE)
    error = np.sqrt(np.maximum(np.column_stack([spread for _, spread in counts]), 0.0)) / many
    names = tuple(f"share at ${rung:,.0f} or more" for rung in CURVE)
    if distance == "hellinger":
        bands = -np.diff(np.column_stack([np.ones(len(share)), share, np.zeros(len(share))]), axis=1)
        spread = np.column_stack([error[:, :1], (error[:, 1:] + error[:, :-1]) / 2, error[:, -1:]])
        ends = (0.0, *CURVE)
        bars = tuple(f"share from ${low:,.0f}" + (f" to ${ends[i + 1]:,.0f}" if i + 1 < len(ends) else "")
                     for i, low in enumerate(ends))  # fmt: skip
        return bands, bands, spread, bars
    dense = figures.households / ground_km2
    features = np.column_stack([np.log(share / (1 - share)), np.log(np.maximum(dense, EDGE))])
    errors = np.column_stack([error / (share * (1 - share)), np.zeros(len(dense))])
    return features, np.column_stack([share, dense]), errors, (*names, "households per km2")


def _reason(name: str, here: float, there: float) -> str:
    return (
        f"{name}: {here:.0%} (there {there:.0%})" if name.startswith("share") else f"{name}: {here:,.0f} ({there:,.0f})"
    )


def hotspot_layer(
    surface: Surface, *, capacity: Capacity, statistic: Literal["gi", "moran"] = "gi", steps: int = 1,
    false_discovery: float = 0.1, resolution: int | None = None,
) -> Layer:  # fmt: skip
    """Return the cells in which the share at the capacity stands out, by Gi* or local Moran's I."""
    if not 0 < false_discovery < 1:
        raise InputError(f"a share of false discoveries of {false_discovery:g}; give one between 0 and 1, such as 0.1")
    places = places_of(surface, "cell", capacity=capacity, resolution=resolution)
    kept = np.flatnonzero(places.figures.households >= FEWEST_HOUSEHOLDS)
    cells = np.array([int(places.names[i], 16) for i in kept], dtype=np.uint64)
    rate = places.estimate[kept] / places.figures.households[kept]
    weights = neighbor_weights(cells, steps=steps, own=statistic == "gi")
    find = getis_ord if statistic == "gi" else local_moran
    found = find(rate, weights, false_discovery=false_discovery)
    lag = np.asarray(weights @ (rate - rate.mean())).ravel()
    rows = []
    for j, i in enumerate(kept):
        kind = ""
        if found.found[j]:
            high = found.z[j] > 0 if statistic == "gi" else rate[j] > rate.mean()
            kind = "hot" if high else "cold"
            if statistic == "moran" and (rate[j] - rate.mean()) * lag[j] < 0:
                kind = "high among low" if high else "low among high"
        rows.append(
            {
                **places.row(int(i), "cell"),
                "share": round(float(rate[j]), 9),
                "value": round(float(found.value[j]), 9),
                "z": round(float(found.z[j]), 9),
                "p": float(found.p[j]),
                "kind": kind,
            }
        )
    order = sorted(range(len(rows)), key=lambda j: (-found.z[j], rows[j]["cell"]))
    shapes = cell_polygons(cells)
    few = len(places.names) - len(kept)
    notes = (
        f"{int(found.found.sum()):,} of {len(kept):,} cells stand out; about {false_discovery:.0%} of these by chance",
        f"{few:,} cells of fewer than {FEWEST_HOUSEHOLDS} households were left out",
    )
    return Layer("hot spots", tuple(rows[j] for j in order), tuple(shapes[j] for j in order), "cell", notes)
