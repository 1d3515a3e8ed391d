"""Leaks: columns that know the answer, because they were written after it.

Who gave cannot be told this well beforehand: a column that does by itself, or that makes up the amount by arithmetic,
is left out, and said.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.propensity.features import Codes, Recipe

Floats = npt.NDArray[np.float64]
KNOWS: Final = 0.5
"""Share of the doubt about who gave that no honest column takes away by itself."""
ODD: Final = 0.25
"""The same from which a column is worth a look, and is left out if it goes by the outcome's own name."""
RELATED: Final = 0.12
SAME: Final = 0.9
"""Share of gifts whose amount a column, or two together, repeat to the cent."""
MOST_PAIRED: Final = 120
LOOKED_AT: Final = 2_000


def find_leaks(
    recipe: Recipe, codes: Codes, values: Floats, gave: Floats, amount_usd: Floats | None, *, names: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, float]]:
    """Find the columns that know too much.

    Parameters
    ----------
    recipe, codes, values
        Features and their encoded households, shape (n, p).
    gave
        0 and 1, shape (n,).
    amount_usd
        Of givers, NaN elsewhere.
    names
        What the outcome's own columns are called.

    Returns
    -------
    leaks
        Why, by column.
    odd
        Columns that are kept though they tell much: the share of the doubt that each takes away by itself.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from datetime import date
    >>> from geoscore.propensity.features import learn_recipe
    >>> gave = np.array([0.0, 1.0] * 100)
    >>> table = pa.table({"thanked": gave * 3.0, "age": np.arange(200.0) % 7})
    >>> recipe = learn_recipe(table, as_of=date(2026, 1, 1))
    >>> sorted(find_leaks(recipe, *recipe.encode(table), gave, None, names=("gave",))[0])
    ['thanked']
    """
    leaks: dict[str, str] = {}
    odd: dict[str, float] = {}
    stems = {_stem(name) for name in names if len(_stem(name)) > 3}  # noqa: PLR2004
    for j, item in enumerate(recipe.features):
        share = explained(codes[:, j], item.size, gave)
        related = any(stem in _stem(item.name) for stem in stems)
        if share > KNOWS or (related and share > RELATED):
            leaks[item.name] = f"knows the answer: by itself it takes away {share:.0%} of the doubt about who gave"
        elif share > ODD:
            odd[item.name] = round(share, 3)
    if amount_usd is not None:
        leaks |= _arithmetic(recipe, codes, values, gave, amount_usd, leaks)
    return leaks, odd


def explained(codes: Any, size: int, gave: Floats) -> float:
    """Return the share of the deviance that a column's bins explain in the half of the rows they were not learned on.

    Parameters
    ----------
    codes
        Bins of one column, shape (n,).
    size
        Number of bins.
    gave
        0 and 1, shape (n,).
    """
    rate = gave.mean()
    # halves by chance, the same in whatever order the rows come
    order = np.lexsort((gave, codes))
    half = np.zeros(len(gave), dtype=bool)
    half[order[np.random.default_rng(0).random(len(gave)) < 0.5]] = True  # noqa: PLR2004
    loss = 0.0
    for learn in (half, ~half):
        count = np.bincount(codes[learn], minlength=size)
        hits = np.bincount(codes[learn], gave[learn], minlength=size)
        p = ((hits + rate) / (count + 1.0))[codes[~learn]]
        loss -= float(np.sum(np.log(np.where(gave[~learn] > 0, p, 1 - p))))
    null = -len(gave) * (rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return 1.0 - loss / float(null)


def _arithmetic(
    recipe: Recipe, codes: Codes, values: Floats, gave: Floats, amount_usd: Floats, known: dict[str, str]
) -> dict[str, str]:
    """Find columns that are the amount, and pairs whose sum or difference is."""
    givers = np.flatnonzero((gave > 0) & ~np.isnan(amount_usd))[:LOOKED_AT]
    usd = amount_usd[givers]
    if len(np.unique(usd)) < 3:  # noqa: PLR2004  anything repeats an amount that is always the same
        return {}
    numbers = [j for j, item in enumerate(recipe.features) if item.kind == "number" and item.name not in known]
    found: dict[str, str] = {}
    inside = {}
    for j in numbers[:MOST_PAIRED]:
        own = values[givers, j]
        # what lies at the ends of the clipped range may stand for something beyond
        inside[j] = np.where((own > recipe.features[j].low) & (own < recipe.features[j].high), own, np.nan)
        whole = np.where(np.isnan(inside[j]), own, inside[j])
        if _repeats(whole, usd) and len(np.unique(whole[~np.isnan(whole)])) > 2:  # noqa: PLR2004
            found[recipe.features[j].name] = "knows the answer: it repeats the amount of the gift"
    for j in numbers[:MOST_PAIRED]:
        for k in numbers[:MOST_PAIRED]:
            names = recipe.features[j].name, recipe.features[k].name
            if j == k or names[0] in found or names[1] in found:
                continue
            if _repeats(usd - inside[j], inside[k]) or (j < k and _repeats(inside[j] - usd, inside[k])):
                # of the two the one that tells more was written after the gift
                tells = [explained(codes[:, i], recipe.features[i].size, gave) for i in (j, k)]
                after, before = (j, k) if tells[0] >= tells[1] else (k, j)
                why = f"knows the answer: with {recipe.features[before].name} it makes up the amount of the gift"
                found[recipe.features[after].name] = why
    return found


def _repeats(a: Floats, b: Floats) -> bool:
    both = ~np.isnan(a) & ~np.isnan(b)
    # a column of zeros repeats anything plus nothing
    enough = both.sum() >= max(10, 0.3 * len(a)) and np.ptp(a[both]) > 0
    return bool(enough and np.mean(np.abs(a[both] - b[both]) < 0.005) >= SAME)  # noqa: PLR2004  half a cent


def _stem(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalpha())
