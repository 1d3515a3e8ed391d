"""Boosted trees kept as plain arrays: fitted and run by scikit-learn's compiled code, loaded without any pickle."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
RATE: Final = 0.07
MOST_TREES: Final = 160
LEAVES: Final = 8
FIELDS: Final = ("value", "feature", "threshold", "missing_left", "left", "right", "leaf")


@dataclass(frozen=True)
class Forest:
    """Trees as arrays of nodes, those of one tree after the other's.

    Attributes
    ----------
    baseline
        Where the sum begins.
    starts
        First node of every tree, and the number of nodes: shape (trees + 1,).
    value, feature, threshold, missing_left, left, right, leaf
        Of every node; children by their place in their own tree.
    """

    baseline: float
    starts: npt.NDArray[np.int64]
    value: Floats
    feature: npt.NDArray[np.int64]
    threshold: Floats
    missing_left: npt.NDArray[np.uint8]
    left: npt.NDArray[np.uint32]
    right: npt.NDArray[np.uint32]
    leaf: npt.NDArray[np.uint8]

    def predict(self, values: Floats, *, threads: int = 2) -> Floats:
        """Return the sums over all trees, shape (n,).

        Parameters
        ----------
        values
            As ``Recipe.encode`` gives them, NaN where missing, shape (n, p).
        threads
            Of scikit-learn's compiled trees; where these are not as expected, numpy walks the same trees.
        """
        trees = self._compiled()
        found = np.full(len(values), self.baseline)
        if trees is None:
            for k in range(len(self.starts) - 1):
                found += self._walk(k, values)
            return found
        rows = np.ascontiguousarray(values, dtype=np.float64)
        nothing, no_map = np.zeros((0, 8), dtype=np.uint32), np.zeros(0, dtype=np.uint32)
        for tree in trees:
            found += tree.predict(rows, nothing, no_map, threads)
        return found

    def _walk(self, tree: int, values: Floats) -> Floats:
        """Return one tree's values by numpy alone."""
        first = int(self.starts[tree])
        node = np.full(len(values), first)
        while not self.leaf[node].all():
            x = values[np.arange(len(values)), self.feature[node]]
            left = np.where(np.isnan(x), self.missing_left[node] > 0, x <= self.threshold[node])
            below = first + np.where(left, self.left[node], self.right[node]).astype(np.int64)
            node = np.where(self.leaf[node] > 0, node, below)
        return self.value[node]

    def _compiled(self) -> list[Any] | None:
        """Return the trees as scikit-learn runs them, made anew from our own arrays."""
        try:
            from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
            from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
        except ImportError:
            return None
        nodes = np.zeros(len(self.value), dtype=PREDICTOR_RECORD_DTYPE)
        theirs = ("value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf")
        if any(name not in (nodes.dtype.names or ()) for name in theirs):
            return None
        for ours, name in zip(FIELDS, theirs, strict=True):
            nodes[name] = getattr(self, ours)
        none = np.zeros((0, 8), dtype=np.uint32)
        return [
            TreePredictor(np.ascontiguousarray(nodes[a:b]), none, none)
            for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)
        ]

    def to_arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """Return its arrays under names that begin with ``name``."""
        arrays = {field: np.asarray(getattr(self, field)) for field in ("starts", *FIELDS)}
        return {f"{name}_{field}": values for field, values in arrays.items()} | {
            f"{name}_baseline": np.array([self.baseline])
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Any) -> "Forest":
        """Return a forest from what ``to_arrays`` gave."""
        parts = {field: arrays[f"{name}_{field}"] for field in ("starts", *FIELDS)}
        return cls(baseline=float(arrays[f"{name}_baseline"][0]), **parts)


def fit_forest(values: Floats, y: Floats, *, task: Literal["classify", "regress"], seed: int, trees: int) -> Forest:
    """Fit small, strongly regularized boosted trees.

    Parameters
    ----------
    values
        Shape (n, p), NaN where missing.
    y
        0 and 1 to classify, numbers to regress, shape (n,).
    task
        Which of them.
    seed
        Of what is drawn by chance.
    trees
        How many.
    """
    fitted = _estimator(len(y), float(min(y.sum(), (1 - y).sum())) if task == "classify" else len(y), task, seed, trees)
    return _forest(fitted.fit(values, y))


def staged(
    values: Floats, y: Floats, others: Floats, *, task: Literal["classify", "regress"], seed: int, every: int = 10
) -> Floats:
    """Return predictions of other rows after every ``every`` trees, shape (stages, rows)."""
    fitted = _estimator(
        len(y), float(min(y.sum(), (1 - y).sum())) if task == "classify" else len(y), task, seed, MOST_TREES
    ).fit(values, y)
    forest = _forest(fitted)
    found, total = [], np.full(len(others), forest.baseline)
    trees = forest._compiled()  # noqa: SLF001  the same room
    rows = np.ascontiguousarray(others, dtype=np.float64)
    nothing, no_map = np.zeros((0, 8), dtype=np.uint32), np.zeros(0, dtype=np.uint32)
    for k in range(len(forest.starts) - 1):
        total = total + (
            forest._walk(k, others) if trees is None else trees[k].predict(rows, nothing, no_map, 2)  # noqa: SLF001
        )
        if (k + 1) % every == 0:
            found.append(total)
    while len(found) < MOST_TREES // every:  # it stopped early, for there was nothing left to split
        found.append(total)
    return np.array(found)


def _estimator(n: int, rarer: float, task: str, seed: int, trees: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    made = HistGradientBoostingClassifier if task == "classify" else HistGradientBoostingRegressor
    # a leaf holds some ten of the rarer class
    leaf = int(np.clip(10 * n / max(rarer, 1.0), 20, n / 10)) if task == "classify" else int(np.clip(n / 50, 10, 60))
    return made(
        learning_rate=RATE, max_iter=trees, max_leaf_nodes=LEAVES, min_samples_leaf=leaf, l2_regularization=5.0,
        max_features=0.6, early_stopping=False, random_state=seed,
    )  # fmt: skip


def _forest(fitted: Any) -> Forest:
    nodes = [trees[0].nodes for trees in fitted._predictors]  # noqa: SLF001  there is no public way to a fitted tree
    starts = np.concatenate([[0], np.cumsum([len(tree) for tree in nodes])]).astype(np.int64)
    every = np.concatenate(nodes)
    return Forest(
        baseline=float(np.ravel(fitted._baseline_prediction)[0]),  # noqa: SLF001
        starts=starts,
        value=every["value"].astype(np.float64),
        feature=every["feature_idx"].astype(np.int64),
        threshold=every["num_threshold"].astype(np.float64),
        missing_left=every["missing_go_to_left"].astype(np.uint8),
        left=every["left"].astype(np.uint32),
        right=every["right"].astype(np.uint32),
        leaf=every["is_leaf"].astype(np.uint8),
    )
