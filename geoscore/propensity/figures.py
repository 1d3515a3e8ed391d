"""Figures of a model, all of them out of fold: how true its probabilities and dollars come, and how well it ranks."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoscore.propensity.calibration import log_loss, probability

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
BINS: Final = 10
DRAWS: Final = 500
CLUSTERS: Final = 1_000
LEVEL: Final = 0.9
TOP: Final = 0.1
TENTHS: Final = 10


def calibration_error(y: Floats, p: Floats, *, bins: int = BINS) -> float:
    """Return the expected calibration error: mean distance of forecast and outcome over ten bins of as many rows.

    Naeini, Cooper and Hauskrecht 2015; bins of equal count, so that a rare outcome is looked at closely too.

    Examples
    --------
    >>> calibration_error(np.array([0.0, 1.0] * 50), np.full(100, 0.5), bins=1)
    0.0
    """
    order = np.argsort(p, kind="stable")
    return float(sum(abs(float((y[part] - p[part]).sum())) for part in np.array_split(order, bins)) / len(y))


def chance_error(p: Floats, *, seed: int = 0, draws: int = 50) -> float:
    """Return the calibration error that probabilities would show on average if they were exactly true."""
    rng = np.random.default_rng(seed)
    return float(np.mean([calibration_error((rng.random(len(p)) < p).astype(np.float64), p) for _ in range(draws)]))


def calibration_line(y: Floats, eta: Floats) -> tuple[float, float]:
    """Return intercept and slope of the outcomes on the forecast log odds (Cox 1958): 0 and 1 for a true forecast."""
    design = np.column_stack([np.ones(len(y)), eta])
    beta = np.array([0.0, 1.0])
    for _ in range(50):
        mu = probability(design @ beta)
        weight = np.maximum(mu * (1 - mu), 1e-12)
        step = np.linalg.solve((design * weight[:, None]).T @ design + 1e-9 * np.eye(2), design.T @ (y - mu))
        beta = beta + step
        if float(np.abs(step).max()) < 1e-9:  # noqa: PLR2004
            break
    return float(beta[0]), float(beta[1])


def top_share(score: Floats) -> Floats:
    """Return how much of each row is in the top, 0 to 1, shape (n,)."""
    size = TOP * len(score)
    cut = np.sort(score)[::-1][min(int(np.ceil(size)) - 1, len(score) - 1)]
    above, at = score > cut, score == cut
    return np.asarray(
        np.where(above, 1.0, np.where(at, (size - above.sum()) / max(at.sum(), 1), 0.0)), dtype=np.float64
    )


def ranking(y: Floats, score: Floats) -> float:
    """Return the area under the ROC curve."""
    from scipy.stats import rankdata

    ranks = rankdata(score)
    givers = y.sum()
    return float((ranks[y > 0].sum() - givers * (givers + 1) / 2) / max(givers * (len(y) - givers), 1.0))


def ratio_interval(above: Floats, below: Floats, clusters: Integers, *, seed: int = 0) -> tuple[float, float, float]:
    """Return a ratio of sums, and its 90% bootstrap interval over clusters of households.

    Parameters
    ----------
    above, below
        What is added up above and below the line, shape (n,).
    clusters
        Which rows are drawn together, shape (n,).
    seed
        Of the draws.
    """
    rng = np.random.default_rng(seed)
    _, at = np.unique(clusters, return_inverse=True)
    at = at.reshape(-1)
    sums = np.column_stack([np.bincount(at, values) for values in (above, below)])
    drawn = rng.multinomial(len(sums), np.full(len(sums), 1.0 / len(sums)), size=DRAWS) @ sums
    ratios = drawn[:, 0] / np.maximum(drawn[:, 1], 1e-12)
    low, high = np.quantile(ratios, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(above.sum() / max(below.sum(), 1e-12)), float(low), float(high)


def lift_interval(y: Floats, score: Floats, clusters: Integers, *, seed: int = 0) -> tuple[float, float, float]:
    """Return the lift of the top tenth, and its 90% bootstrap interval."""
    share = top_share(score)
    found, low, high = ratio_interval(share * y, y, clusters, seed=seed)
    return found / TOP, low / TOP, high / TOP


def gains_table(y: Floats, p: Floats, usd: Floats | None, expected_usd: Floats | None) -> list[dict[str, Any]]:
    """Return ten rows of as many households each, the likeliest first: what was expected of them, and what came.

    Dollars where amounts are known; then households are ordered by the dollars expected.
    """
    order = np.argsort(-(p if expected_usd is None else expected_usd), kind="stable")
    table, gave, came = [], 0.0, 0.0
    for part in np.array_split(order, TENTHS):
        gave += float(y[part].sum())
        row = {
            "households": len(part),
            "givers_expected": round(float(p[part].sum()), 1),
            "givers": int(y[part].sum()),
            "share_of_givers_so_far": round(gave / max(float(y.sum()), 1.0), 4),
            "lift": round(float(y[part].mean() / max(float(y.mean()), 1e-12)), 3),
        }
        if usd is not None and expected_usd is not None:
            came += float(usd[part].sum())
            row["usd_expected"] = round(float(expected_usd[part].sum()), 2)
            row["usd"] = round(float(usd[part].sum()), 2)
            row["share_of_usd_so_far"] = round(came / max(float(usd.sum()), 1e-12), 4)
        table.append(row)
    return table


def score_gain(y: Floats, eta: Floats, alone: Floats) -> tuple[float, float]:
    """Return how much higher the mean logarithmic score of ``eta`` is than that of ``alone``, and its standard error.

    Examples
    --------
    >>> gain, error = score_gain(np.array([1.0, 0.0] * 50), np.array([1.0, -1.0] * 50), np.zeros(100))
    >>> round(gain, 4), round(error, 4)
    (0.3799, 0.0)
    """
    better = log_loss(y, alone) - log_loss(y, eta)
    return float(better.mean()), float(better.std(ddof=1) / np.sqrt(len(better)))


def mean_score(y: Floats, eta: Floats) -> float:
    """Return the mean logarithmic score, ln of the probability given to what happened: below 0, and higher is better.

    Examples
    --------
    >>> round(mean_score(np.array([1.0, 0.0]), np.zeros(2)), 4)
    -0.6931
    """
    return -float(log_loss(y, eta).mean())
