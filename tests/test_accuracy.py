"""Figures of METHODS that must not get worse, on reference data that is not shipped."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from geoscore.reference.census import read_income_curve

pytestmark = [
    pytest.mark.reference,
    pytest.mark.skipif("GEOSCORE_REFERENCE_DATA" not in os.environ, reason="needs GEOSCORE_REFERENCE_DATA"),
]


def script(name: str) -> ModuleType:
    """Load a script of benchmarks/accuracy."""
    path = Path(__file__).parent.parent / "benchmarks" / "accuracy" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("level", "most"), [("counties", 0.25), ("block groups", 2.5)])
def test_hidden_bracket_edges_are_found(level: str, most: float) -> None:
    brackets = script("brackets")
    counts = brackets.block_groups(Path(os.environ["GEOSCORE_REFERENCE_DATA"]))
    counts = counts.groupby(counts.index.str[:5]).sum() if level == "counties" else counts
    errors = np.concatenate(list(brackets.hidden_edge_errors(counts, read_income_curve())))
    assert 100 * errors.mean() <= most
