"""How good are the links? Pairs against a truth, and the number of households corrected for missed links."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class PairScores:
    """Pairs of records that are linked, that should be, and both."""

    pairs_found: int
    pairs_true: int
    pairs_both: int

    @property
    def precision(self) -> float:
        """Share of found pairs that are right; 1 where none is found."""
        return self.pairs_both / self.pairs_found if self.pairs_found else 1.0

    @property
    def recall(self) -> float:
        """Share of true pairs that are found; 1 where there is none."""
        return self.pairs_both / self.pairs_true if self.pairs_true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.pairs_found + self.pairs_true
        return 2 * self.pairs_both / total if total else 1.0

    def to_dict(self) -> dict[str, float]:
        """Return counts and rates."""
        return {**asdict(self), "precision": self.precision, "recall": self.recall, "f1": self.f1}


def score_pairs(found: pd.Series, truth: pd.Series) -> PairScores:
    """Compare two groupings of the same records, pair by pair, without making the pairs.

    Parameters
    ----------
    found, truth
        A label per record, of shape (n,); records without a true label do not count.

    Examples
    --------
    >>> scores = score_pairs(pd.Series(["h1", "h1", "h2"]), pd.Series(["a", "a", "a"]))
    >>> scores.precision, round(scores.recall, 3), scores.f1
    (1.0, 0.333, 0.5)
    """
    known = truth.notna().to_numpy()
    both = pd.DataFrame({"found": found.to_numpy()[known], "truth": truth.to_numpy()[known]})
    return PairScores(*(_pairs(both, names) for names in (["found"], ["truth"], ["found", "truth"])))


def _pairs(frame: pd.DataFrame, names: list[str]) -> int:
    sizes = frame.groupby(names, observed=True).size().to_numpy(dtype=np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def correct_union(found: pd.Series, truth: pd.Series) -> tuple[float, float]:
    """Return the number of distinct households, corrected for links that were missed, and its standard error.

    A missed link makes two households of one, and match probabilities do not tell how often. A sample of households
    whose records are all labelled by hand does: found households are divided by how many of them one true household
    became in the sample (a ratio estimator; Cochran, "Sampling Techniques", 1977, ch. 6).

    Parameters
    ----------
    found
        The household that each record was put in, of shape (n,).
    truth
        The true household of each record of the sample, null elsewhere, of shape (n,).

    Examples
    --------
    >>> found = pd.Series(["h1", "h1", "h2", "h3", "h4", "h5"])
    >>> truth = pd.Series(["a", "a", "a", "b", None, None])
    >>> tuple(round(value, 2) for value in correct_union(found, truth))
    (3.33, 1.11)
    """
    known = truth.notna().to_numpy()
    sample = pd.DataFrame({"found": found.to_numpy()[known], "truth": truth.to_numpy()[known]}).drop_duplicates()
    # a found household that holds several true ones counts for each by its share
    shares = 1.0 / sample.groupby("found")["truth"].transform("size")
    pieces = shares.groupby(sample["truth"]).sum().to_numpy()
    total, mean = float(found.nunique()), float(pieces.mean())
    error = float(pieces.std(ddof=1)) / np.sqrt(len(pieces)) if len(pieces) > 1 else 0.0
    return total / mean, float(total / mean**2 * error)


def expected_calibration_error(probability: pd.Series, right: pd.Series, *, bins: int = 10) -> float:
    """Return the mean distance between stated and observed shares of right ones, over bins of equal counts.

    Examples
    --------
    >>> round(expected_calibration_error(pd.Series([0.8] * 10), pd.Series([True] * 9 + [False]), bins=1), 3)
    0.1
    """
    bin_of = pd.qcut(probability.rank(method="first"), min(bins, len(probability)), labels=False)
    frame = pd.DataFrame({"p": probability.to_numpy(), "right": right.to_numpy(float), "bin": bin_of.to_numpy()})
    means = frame.groupby("bin")[["p", "right"]].mean()
    weights = frame["bin"].value_counts(normalize=True).sort_index()
    return float(((means["p"] - means["right"]).abs() * weights).sum())
