"""Effects and reasons: what every bin of every feature adds on average, and which of them speak for a household."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geoscore.propensity.features import Codes, Feature
from geoscore.propensity.model import Model

Floats = npt.NDArray[np.float64]
LOOKED_AT: Final = 400
"""Households over which an effect is averaged."""
LEAST: Final = 0.02
"""Log odds below which nothing is worth telling."""


def find_effects(model: Model, codes: Codes, values: Floats, *, seed: int = 0) -> Floats:
    """Return what each bin adds to the log odds, on average over households: partial dependence (Friedman 2001).

    Parameters
    ----------
    model
        A fitted model.
    codes, values
        Households as the recipe encodes them, shape (n, p).
    seed
        Of the households drawn.

    Returns
    -------
    ndarray of shape (bins,)
        Over a feature, weighed by its households, effects add up to zero. Bins that hold nobody add nothing.
    """
    recipe = model.recipe
    found = np.zeros(int(recipe.offsets[-1]))
    rows = np.sort(np.random.default_rng(seed).permutation(len(codes))[:LOOKED_AT])
    for j, item in enumerate(recipe.features):
        counts = np.bincount(codes[:, j], minlength=item.size)
        typical = pd.Series(values[:, j]).groupby(codes[:, j]).median()
        held = np.flatnonzero(counts)
        own = np.zeros(item.size)
        for code in held:
            at, to = codes[rows].copy(order="F"), values[rows].copy(order="F")
            at[:, j], to[:, j] = code, typical[code]
            own[code] = float(model.log_odds(at, to).mean())
        own[held] -= float(own @ counts) / counts.sum()
        found[recipe.offsets[j] : recipe.offsets[j + 1]] = own
    return found


def describe_effects(model: Model, codes: Codes) -> list[dict[str, Any]]:
    """Return the effects of every feature bin by bin, with the share of households in each."""
    told = []
    for j, item in enumerate(model.recipe.features):
        counts = np.bincount(codes[:, j], minlength=item.size)
        own = model.effects[model.recipe.offsets[j] : model.recipe.offsets[j + 1]]
        bins = [
            {
                "bin": item.label(code),
                "adds": round(float(own[code]), 4),
                "share": round(float(counts[code] / len(codes)), 4),
            }
            for code in range(item.size)
            if counts[code]
        ]
        told.append({"feature": item.name, "kind": item.kind, "bins": bins})
    return told


def reasons(model: Model, codes: Codes, *, most: int) -> list[pa.Array]:
    """Return the strongest reasons of each household in words, the strongest first; null where there are fewer.

    Parameters
    ----------
    model
        With its effects.
    codes
        Bins of the households, shape (n, p).
    most
        How many.

    Returns
    -------
    list of Arrow arrays
        ``most`` columns of n texts.
    """
    offsets = model.recipe.offsets
    at = codes.astype(np.int64) + offsets[:-1]
    adds = model.effects[at]
    most = min(most, adds.shape[1])
    order = np.argsort(-np.abs(adds), axis=1, kind="stable")[:, :most]
    words = [
        f"{phrase(item, code)} (odds x {np.exp(model.effects[offsets[j] + code]):.2f})"
        for j, item in enumerate(model.recipe.features)
        for code in range(item.size)
    ]
    texts = pa.array(words, pa.string())
    found = []
    for place in range(most):
        own = np.take_along_axis(at, order[:, place : place + 1], axis=1)[:, 0]
        weak = np.abs(model.effects[own]) < LEAST
        found.append(texts.take(pa.array(own, mask=weak)))
    return found


def phrase(feature: Feature, code: int) -> str:
    """Return a bin in words.

    Examples
    --------
    >>> phrase(Feature("gifts_before", "number", edges=(1.5,)), 2)
    'gifts before 2 or more'
    >>> phrase(Feature("area_share_above_100k", "number", edges=(0.4,)), 1)
    'lives where share above 100k is below 0.4'
    """
    words = feature.name.replace("_", " ")
    if feature.name.startswith("area_"):
        return f"lives where {words.removeprefix('area ')} is {feature.label(code)}"
    if feature.kind == "date":
        return f"{words} {feature.label(code)} before" if code else f"{words} not known"
    return f"{words} {feature.label(code)}"
