"""Any threshold from the rungs, and intervals that hold the estimate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoscore.errors import SurfaceError
from geoscore.ladder import at_threshold, interval
from geoscore.schemas import CUBE_EDGES, LADDER, RUNG_EDGES


def test_cube_edges_hold_every_rung() -> None:
    assert len(CUBE_EDGES) == 48
    assert CUBE_EDGES[RUNG_EDGES].tolist() == list(LADDER)


def test_between_two_rungs_figures_are_linear_in_the_logarithm() -> None:
    figures = np.zeros(25)
    figures[LADDER.index(2500)], figures[LADDER.index(3000)] = 100.0, 50.0

    middle = at_threshold(figures, np.sqrt(2500 * 3000))

    assert middle == pytest.approx(75.0)


@pytest.mark.parametrize("capacity", [49.99, 1_000_001, -1, float("nan")])
def test_thresholds_off_the_ladder_are_refused(capacity: float) -> None:
    with pytest.raises(SurfaceError, match="off the ladder"):
        at_threshold(np.ones(25), capacity)


@given(st.lists(st.floats(0, 1e6), min_size=25, max_size=25), st.floats(50, 1e6), st.floats(50, 1e6))
def test_estimates_never_rise_with_the_threshold(values: list[float], one: float, other: float) -> None:
    figures = np.sort(values)[::-1]
    low, high = sorted((one, other))
    assert at_threshold(figures, low) >= at_threshold(figures, high) - 1e-6


@given(st.floats(0, 1e6), st.floats(0, 1e9), st.floats(0, 1))
def test_an_interval_holds_the_estimate_and_stays_within_the_households(
    n: float, variance: float, share: float
) -> None:
    estimate = n * share
    low, high = interval(np.array([estimate]), np.array([variance]), np.array([n]))
    assert -1e-9 <= low[0] <= estimate * (1 + 1e-9) + 1e-9
    assert estimate * (1 - 1e-9) - 1e-9 <= high[0] <= n * (1 + 1e-9) + 1e-9
