"""Bands of capacity: what is published depends on counts of at least k of what files tell, and on nothing finer."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoscore.disclosure import protect_groups, protect_surface, read_protection
from geoscore.disclosure.bands import group_bands
from geoscore.errors import SurfaceError
from geoscore.surface_format import Figures, figures, surface_table

ZIPS = ["94301"] * 4 + ["94303"] * 3 + ["94110"]
KEYS = pd.DataFrame(
    {
        "cell": pd.array(range(1, 9), "UInt64"),
        "zip": ZIPS,
        "county": ["06085" if code != "94110" else "06075" for code in ZIPS],
    }
)


def table(bands: np.ndarray, households: np.ndarray | None = None) -> pa.Table:
    """Return a surface of eight rows from households by band, shape (8, 26)."""
    at_least = np.cumsum(bands[:, ::-1], axis=1)[:, ::-1]
    whole = at_least[:, 0] if households is None else households
    return surface_table(KEYS, Figures.apart(whole, at_least[:, 1:], np.zeros((8, 25))))


def even(each: float = 2.0) -> np.ndarray:
    return np.full((8, 26), each)


class Census:
    """A census of eight rows by which all rows are alike, and surely so."""

    def curves(self, _keys: pd.DataFrame, codes: np.ndarray) -> np.ndarray:
        """Return the same curve for every row."""
        return np.tile(np.linspace(0.9, 0.02, 25), (codes.max() + 1, 1))

    def errors(self, _shown: pd.DataFrame, doubtful: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return zeros."""
        return tuple(np.zeros_like(doubtful) for _ in range(3))


@settings(max_examples=200, deadline=None)
@given(arrays(float, (3, 26), elements=st.one_of(st.just(0.0), st.floats(0.01, 30))))
def test_every_group_holds_k_or_all_of_a_block_that_has_less(counts: np.ndarray) -> None:
    group = group_bands(counts, 10)
    for held, of_band in zip(counts, group, strict=True):
        sums = np.bincount(of_band, held)
        assert (np.diff(of_band) <= 0).all()
        assert min(sums[sums > 0], default=10) >= 10 - 1e-9 or (sums > 0).sum() == 1


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 8))
def test_no_count_is_below_k_and_figures_are_possible_ones(seed: int, scale: float) -> None:
    told = np.random.default_rng(seed).gamma(0.5, scale, (8, 26))
    households = told.sum(axis=1) + np.random.default_rng(seed).gamma(1.0, 30, 8)
    if households.sum() < 10:
        return
    protected = protect_surface(table(told, households), k=10, told=table(told), public=Census())
    smallest = read_protection(protected.protection).smallest()
    assert smallest is None or smallest >= 9.95
    values = figures(protected.table)
    assert (np.diff(np.hstack([values.households[:, None], values.at_least]), axis=1) <= 1e-9).all()
    assert (values.variance >= 0).all()


def test_ends_of_groups_are_exact_and_what_lies_between_is_near() -> None:
    told = np.random.default_rng(3).gamma(2.0, 3.0, (8, 26))
    protected = protect_surface(table(told), k=10)
    block = next(b for b in read_protection(protected.protection).blocks if b.place == "1 94301 06085")
    rungs = np.array([band for band, _ in block.told[1:]]) - 1
    raw, found = figures(table(told)).at_least[0], figures(protected.table).at_least[0]
    np.testing.assert_allclose(found[rungs], raw[rungs], atol=0.5)
    assert len(rungs) >= 4


def test_who_of_a_block_has_which_capacity_changes_nothing() -> None:
    """Two rows of one ZIP change places, and households change between bands of one group: the same bytes come out."""
    told = even(1.0)
    told[:, 3:20:4] += 2.0
    households = np.full(8, 200.0)
    other = told.copy()
    other[[0, 1]] = other[[1, 0]]
    other[0, 5], other[1, 5] = other[0, 5] + 0.7, other[1, 5] - 0.7
    other[0, 9], other[1, 9] = other[0, 9] - 0.7, other[1, 9] + 0.7
    one, two = (
        protect_surface(table(part, households), k=10, told=table(part), public=Census()) for part in (told, other)
    )
    assert one.protection == two.protection
    assert one.table.equals(two.table)
    inside = told.copy()  # bands 25 and 24 are in one group of every block, and in one part of its stretch
    inside[2, 25], inside[2, 24] = told[2, 25] + 0.3, told[2, 24] - 0.3
    three = protect_surface(table(inside, households), k=10, told=table(inside), public=Census())
    assert three.table.equals(one.table)


def test_a_change_of_k_households_shows() -> None:
    told = even()
    other = told.copy()
    other[:4, 25] += 5.0
    households = np.full(8, 500.0)
    one, two = (
        protect_surface(table(part, households), k=10, told=table(part), public=Census()) for part in (told, other)
    )
    assert figures(two.table).at_least[:4, -1].sum() > figures(one.table).at_least[:4, -1].sum() + 10


def test_where_files_tell_too_little_the_census_speaks() -> None:
    told = np.zeros((8, 26))
    told[2, 20] = 9.0
    households = np.full(8, 100.0)
    protected = protect_surface(table(told, households), k=10, told=table(told), public=Census())
    assert read_protection(protected.protection).blocks == ()
    np.testing.assert_allclose(figures(protected.table).at_least[0], np.linspace(90, 2, 25), atol=0.051)


def test_doubt_about_a_row_is_larger_than_about_its_block() -> None:
    told = even(1.0)
    told[:, 5] += 4.0
    households = np.full(8, 200.0)
    protected = protect_surface(table(told, households), k=10, told=table(told), public=Census()).table
    values = figures(protected)
    assert (values.zip_covariance[:4, 13] < values.variance[:4, 13]).all()


def test_rows_of_files_among_all_households_are_protected_too() -> None:
    told = np.random.default_rng(5).gamma(0.5, 4.0, (8, 26))
    small = told.sum(axis=1)
    small[2] = 4.0
    groups = protect_groups(table(told, small), k=10, told=table(told), public=Census())
    assert groups.table.num_rows == 7
    assert read_protection(groups.protection).smallest() >= 9.95
    none = protect_groups(table(told / 100), k=10, told=table(told / 100), public=Census())
    assert (none.table.num_rows, none.protection) == (0, "")


def test_a_damaged_protection_is_said() -> None:
    with pytest.raises(SurfaceError, match="the surface's protection is damaged"):
        read_protection("not base 64!")
    text = protect_surface(table(even()), k=10).protection
    with pytest.raises(SurfaceError, match="the surface's protection is damaged"):
        read_protection(text[: len(text) // 2])


def test_the_curve_of_a_hidden_row_does_not_say_how_many_it_holds() -> None:
    """Rows shown together are mixed by what the census says lives there; see ``release.CensusCurves``."""
    households = np.array([50.0, 6.0, 5.0, 60.0, 40.0, 30.0, 20.0, 50.0])
    other = replace(figures(table(even(0.0), households)), households=households[[0, 2, 1, 3, 4, 5, 6, 7]])
    one = protect_surface(table(even(0.0), households), k=10, told=table(even(0.0)), public=Census())
    two = protect_surface(surface_table(KEYS, other), k=10, told=table(even(0.0)), public=Census())
    assert one.table.equals(two.table)
