"""Disclosure control step by step, against counts made by hand and sums made one by one."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoscore.disclosure import Block, Stretch, protect_groups, protect_rows, protect_surface, read_protection
from geoscore.disclosure.bands import BANDS, group_bands, tell_bands
from geoscore.disclosure.rows import COUNTY, REGION, ZIP, count_levels, merge_rows
from geoscore.disclosure.surface import NothingPublic
from geoscore.errors import PolicyError
from geoscore.surface_format import Figures, figures, surface_table

ABOVE = np.linspace(0.9, 0.02, 25)


def keys(*rows: tuple[int, str | None, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["cell", "zip", "county"])
    frame["cell"] = pd.array([row[0] for row in rows], "UInt64")
    return frame


def table(places: pd.DataFrame, households: list[float], share: np.ndarray | float = 0.0) -> pa.Table:
    held = np.array(households)
    at_least = held[:, None] * np.broadcast_to(np.asarray(share), (len(held), 25))
    return surface_table(places, Figures.apart(held, at_least, at_least * 0.25))


class Census:
    """A census that says one curve of all, and an error of its own for rows, ZIPs and counties."""

    def curves(self, _keys: pd.DataFrame, codes: np.ndarray) -> np.ndarray:
        """Return the same curve for every row."""
        return np.tile(ABOVE, (codes.max() + 1, 1))

    def errors(self, _shown: pd.DataFrame, doubtful: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return parts of the square of what is in doubt."""
        return doubtful**2, doubtful**2 / 4, doubtful**2 / 9


# --- rows -------------------------------------------------------------------------------------------------------


def test_hidden_places_are_marked_and_faint_ones_are_not() -> None:
    places = keys((1, "94301", "06085"), (2, "94301", "06085"), (3, "94301", "06085"), (4, "94303", "06085"))
    merged = merge_rows(table(places, [30.0, 12.0, 0.4, 3.0]), k=10)
    assert merged.shown.to_dict("records")[0]["cell"] == 1
    assert merged.shown["counted_in"].tolist() == ["cell", "county"]
    marks = merged.marks.to_pylist()
    assert [(row["cell"], row["zip"], row["counted_in"]) for row in marks] == [
        (2, "94301", "county"),
        (4, "94303", "county"),
        (None, "94301", "county"),
        (None, "94303", "county"),
    ]
    assert all(row["suppressed"] and row["households"] is None for row in marks)
    assert merged.codes.tolist() == [0, 1, 1, 1]


def test_a_zip_that_holds_k_hides_only_its_own_cells() -> None:
    places = keys((1, "94301", "06085"), (2, "94301", "06085"), (3, "94303", "06085"), (4, None, "06085"))
    merged = merge_rows(table(places, [6.0, 6.0, 30.0, 20.0]), k=10)
    assert merged.shown["counted_in"].tolist() == ["cell", "cell", "zip"]
    assert merged.shown["zip"].fillna("none").tolist() == ["94303", "none", "94301"]
    assert {row["cell"] for row in merged.marks.to_pylist()} == {1, 2}  # no mark for the ZIP: it has a row


@pytest.mark.parametrize(
    ("households", "level"),
    [
        ([10.0, 30.0, 30.0], [0, 0, 0]),  # k itself is enough
        ([9.9, 30.0, 31.0], [ZIP, ZIP, 0]),  # the smallest of the ZIP goes with it
        ([9.9, 30.0, 29.0], [ZIP, 0, ZIP]),
        ([9.9, 0.0, 0.0], [REGION, REGION, REGION]),  # nowhere enough: counted with all
    ],
)
def test_levels_of_counting(households: list[float], level: list[int]) -> None:
    places = keys((1, "94301", "06085"), (2, "94301", "06085"), (3, "94301", "06085"))
    assert count_levels(places, np.array(households), 10).tolist() == level


def test_rows_without_zip_or_county_are_counted_further_up() -> None:
    places = keys((1, None, "06085"), (2, None, None), (3, "94301", "06085"), (4, "94110", "06075"))
    assert count_levels(places, np.array([12.0, 13.0, 14.0, 15.0]), 10).tolist() == [0, 0, 0, 0]
    assert count_levels(places, np.array([5.0, 13.0, 14.0, 15.0]), 10).tolist() == [COUNTY, 0, COUNTY, 0]
    assert count_levels(places, np.array([12.0, 5.0, 14.0, 15.0]), 10).tolist() == [REGION, REGION, 0, 0]


def test_rows_that_must_hold_several_times_k_to_stand_alone() -> None:
    places = keys((1, "94301", "06085"), (2, "94301", "06085"), (3, "94303", "06085"))
    enough = {"alone": 5.0, "enough": lambda here, k: here.sum() >= k}
    assert count_levels(places, np.array([50.0, 11.0, 49.9]), 10, **enough).tolist() == [0, ZIP, ZIP]


def test_what_marks_give_away_is_taken_off() -> None:
    """Three marked cells of 10.5 in all: two are known to hold half a household, which leaves too few."""
    places = keys((1, "94301", "06085"), (2, "94301", "06085"), (3, "94301", "06085"), (4, "94301", "06085"))
    assert count_levels(places, np.array([4.0, 3.5, 3.0, 40.0]), 10).tolist() == [ZIP] * 4
    assert count_levels(places, np.array([4.0, 3.5, 3.5, 40.0]), 10).tolist() == [ZIP] * 3 + [0]
    assert count_levels(places, np.array([9.8, 0.4, 0.4, 40.0]), 10).tolist() == [ZIP] * 3 + [0]


def test_merging_alone_keeps_every_sum() -> None:
    rng = np.random.default_rng(0)
    places = keys(*((i, f"9430{i % 4}", "06085") for i in range(1, 25)))
    raw = table(places, rng.gamma(0.8, 12, 24).tolist(), ABOVE)
    shown = protect_rows(raw, k=10)
    values = figures(shown)
    assert values.households.sum() == pytest.approx(figures(raw).households.sum(), abs=0.05 * shown.num_rows)
    np.testing.assert_allclose(
        values.at_least.sum(axis=0), figures(raw).at_least.sum(axis=0), atol=0.05 * shown.num_rows
    )
    cells = {row["cell"]: row for row in shown.to_pylist() if row["counted_in"] == "cell"}
    for row in raw.to_pylist():
        if row["cell"] in cells:
            assert cells[row["cell"]]["households"] == pytest.approx(row["households"], abs=0.051)
            np.testing.assert_allclose(cells[row["cell"]]["at_least"], row["at_least"], atol=0.051)


def test_fewer_than_k_in_all_are_refused_with_their_number() -> None:
    with pytest.raises(PolicyError, match=r"^9 households in all are fewer than k = 10; nothing can be published$"):
        protect_surface(table(keys((1, "94301", "06085")), [9.0]), k=10)
    with pytest.raises(PolicyError, match="fewer than k = 10"):
        protect_rows(table(keys((1, "94301", "06085")), [9.99]), k=10)
    assert protect_surface(table(keys((1, "94301", "06085")), [10.0]), k=10).table["households"].to_pylist() == [10.0]


# --- bands ------------------------------------------------------------------------------------------------------


def greedy(counts: list[float], k: int) -> list[tuple[int, ...]]:
    """Return the groups of bands from the top, written out: one that holds k ends, and one of nobody before somebody.

    What is left at the bottom belongs to the group above it that holds anybody.
    """
    groups: list[list[int]] = [[]]
    for band in reversed(range(len(counts))):
        held = sum(counts[b] for b in groups[-1])
        if groups[-1] and (held >= k or (held == 0 and counts[band] > 0)):
            groups.append([])
        groups[-1].append(band)
    rest = sum(counts[b] for b in groups[-1])
    if 0 < rest < k and len(groups) > 1:
        last = groups.pop()
        if sum(counts[b] for b in groups[-1]) == 0 and len(groups) > 1:
            last = groups.pop() + last
        groups[-1] += last
    return [tuple(sorted(group)) for group in groups]


@settings(max_examples=150, deadline=None)
@given(arrays(float, (1, BANDS), elements=st.one_of(st.just(0.0), st.just(0.0), st.integers(1, 12).map(float))))
def test_groups_of_bands_are_the_greedy_ones(counts: np.ndarray) -> None:
    found = group_bands(counts, 10)[0]
    groups = [tuple(np.flatnonzero(found == number).tolist()) for number in np.unique(found)]
    assert groups == greedy(counts[0].tolist(), 10)


def test_the_published_counts_of_a_region_by_hand() -> None:
    """Two rows of one ZIP, told together; band 25 holds 12, 13 to 24 hold 15, the rest 33: of these 11 below band 4."""
    places = keys((1, "94301", "06085"), (2, "94301", "06085"))
    told = np.zeros((2, BANDS))
    told[0, [25, 14, 8, 2]] = 7.0, 9.0, 12.0, 6.0
    told[1, [25, 13, 8, 2]] = 5.0, 6.0, 10.0, 5.0
    above = np.cumsum(told[:, ::-1], axis=1)[:, ::-1]
    found = tell_bands(places, np.array([60.0, 40.0]), above, np.tile(ABOVE, (2, 1)), k=10)
    assert found.level.tolist() == [ZIP, ZIP]
    block = Block("zip", "94301", 100.0, ((0, 11.0), (8, 0.0), (9, 22.0)))
    (only,) = found.protection.blocks
    assert (only.counted_in, only.place, only.households) == (block.counted_in, block.place, block.households)
    groups = [group[0] for group in greedy(told.sum(axis=0).tolist(), 10)]
    assert [band for band, _ in only.told] == sorted(groups)
    ends = [*sorted(groups), BANDS]
    sums = [told[:, a:b].sum() for a, b in pairwise(ends)]
    assert [held for _, held in only.told] == sums
    assert found.protection.stretches == ()  # one block: its groups split no further
    assert found.protection.smallest() == 11.0
    # told households are laid on the rows by their households
    np.testing.assert_allclose(found.households, [36.0, 24.0])
    np.testing.assert_allclose(found.bands.sum(axis=1), found.households, rtol=1e-6)
    for a, b, held in zip(ends[:-1], ends[1:], sums, strict=True):
        assert found.bands[:, a:b].sum() == pytest.approx(held, rel=1e-6)


def test_a_stretch_splits_what_blocks_hold_together() -> None:
    """Two ZIPs hold bands 24 and 25 in one group of 10 each; of the 20 together 10 lie in either: counted apart."""
    places = keys((1, "94301", "06085"), (2, "94303", "06085"))
    told = np.zeros((2, BANDS))
    told[:, 25], told[:, 24], told[:, 3] = 5.0, 5.0, 20.0
    above = np.cumsum(told[:, ::-1], axis=1)[:, ::-1]
    found = tell_bands(places, np.array([300.0, 200.0]), above, np.tile(ABOVE, (2, 1)), k=10)
    assert [block.place for block in found.protection.blocks] == ["94301", "94303"]
    assert Stretch(24, 25, ((24, 10.0), (25, 10.0))) in found.protection.stretches
    np.testing.assert_allclose(found.bands[:, [24, 25]].sum(axis=0), 10.0, rtol=1e-3)
    np.testing.assert_allclose(found.bands[:, [24, 25]].sum(axis=1), 10.0, rtol=1e-3)
    assert found.bands[:, 4:24].sum() < 1e-6


@pytest.mark.parametrize(
    ("places", "kind", "place"),
    [
        (keys((1, "94301", "06085")), "row", "1 94301 06085"),
        (keys((1, None, "06085")), "row", "1 - 06085"),
        (keys((1, None, None)), "row", "1 - -"),
    ],
)
def test_rows_with_many_speak_for_themselves(places: pd.DataFrame, kind: str, place: str) -> None:
    told = np.zeros((1, BANDS))
    told[0, :3] = 50.0, 30.0, 20.0
    found = tell_bands(places, np.array([200.0]), told, ABOVE[None, :], k=10)
    assert [(block.counted_in, block.place) for block in found.protection.blocks] == [(kind, place)]


@pytest.mark.parametrize(
    ("places", "kind", "place"),
    [
        (keys((1, "94301", "06085"), (2, "94303", "06085")), "county", "06085"),
        (keys((1, "94301", "06085"), (2, "94110", "06075")), "region", ""),
    ],
)
def test_where_a_zip_tells_too_little_it_is_told_further_up(places: pd.DataFrame, kind: str, place: str) -> None:
    told = np.zeros((2, BANDS))
    told[:, 0] = 6.0
    found = tell_bands(places, np.array([100.0, 50.0]), told, np.tile(ABOVE, (2, 1)), k=10)
    assert [(block.counted_in, block.place, block.households) for block in found.protection.blocks] == [
        (kind, place, 150.0)
    ]
    np.testing.assert_allclose(found.households, [8.0, 4.0])


def test_how_a_group_is_split_varies_as_draws_of_its_households() -> None:
    """A block of one group: at every rung n p (1 - p), p the part of the group above it."""
    places = keys((1, "94301", "06085"))
    told = np.zeros((1, BANDS))
    told[0, 5], told[0, 9] = 55.0, 9.0
    above = np.cumsum(told[:, ::-1], axis=1)[:, ::-1]
    found = tell_bands(places, np.array([64.0]), above, ABOVE[None, :], k=10)
    assert [band for band, _ in found.protection.blocks[0].told] == sorted(
        group[0] for group in greedy(told[0].tolist(), 10)
    )
    begins = {band for band, _ in found.protection.blocks[0].told}
    ends = [*sorted(begins), BANDS]
    for rung in range(25):
        band = rung + 1
        low = max(begin for begin in begins if begin <= rung)
        high = min(end for end in ends if end > rung)
        whole = found.bands[0, low:high].sum()
        part = found.bands[0, band:high].sum() / whole if whole else 0.0
        expected = 0.0 if band in begins else whole * part * (1 - part)
        assert found.split[0, rung] == pytest.approx(expected, abs=1e-9), rung


# --- the surface ------------------------------------------------------------------------------------------------


def test_variances_are_what_files_and_census_leave_open_and_the_censuss_errors() -> None:
    """Files tell nothing: households times p (1 - p) by the census's curve, and its errors; the place's own beside."""
    places = keys((1, "94301", "06085"), (2, "94301", "06085"), (3, "94303", "06085"))
    raw = table(places, [50.0, 80.0, 40.0], ABOVE)
    nobody = table(places, [0.0, 0.0, 0.0])
    found = figures(protect_surface(raw, k=10, told=nobody, public=Census()).table)
    n = np.array([50.0, 80.0, 40.0])[:, None]
    doubt = n * np.sqrt(ABOVE * (1 - ABOVE))
    np.testing.assert_allclose(found.at_least, n * ABOVE, atol=0.051)
    for values, part in ((found.variance, 1), (found.zip_covariance, 4), (found.county_covariance, 9)):
        np.testing.assert_allclose(values[:, 1:], n * ABOVE * (1 - ABOVE) + doubt**2 / part, atol=0.1)


def test_doubt_about_positions_goes_with_the_square_of_the_share() -> None:
    places = keys((1, "94301", "06085"), (2, "94301", "06085"))
    plain = table(places, [100.0, 100.0], ABOVE)
    values = figures(plain)
    moved = values.variance.copy()
    moved[:, 0] = 40.0
    unsure = surface_table(
        places,
        Figures(values.households, values.at_least, moved, moved / 2, moved / 4, values.zip_at, values.county_at),
    )
    nobody = table(places, [0.0, 0.0])
    one, two = (figures(protect_surface(raw, k=10, told=nobody, public=Census()).table) for raw in (plain, unsure))
    before, after = (figures(raw).summed(np.arange(2), 2) for raw in (plain, unsure))
    for name in ("variance", "zip_covariance", "county_covariance"):
        added = getattr(two, name) - getattr(one, name)
        position = getattr(after, name)[:, :1] - getattr(before, name)[:, :1]
        assert position.min() > 5.0
        np.testing.assert_allclose(added, position * np.concatenate([[1.0], ABOVE]) ** 2, atol=0.11)


def test_rows_told_by_themselves_are_surer_than_those_told_together() -> None:
    """All that files tell, without a doubt of their own: a row by itself is open only inside its groups."""
    places = keys((1, "94301", "06085"), (2, "94303", "06085"), (3, "94303", "06085"))
    told = np.full((3, BANDS), 4.0)
    told[1:] = 1.5
    above = np.cumsum(told[:, ::-1], axis=1)[:, ::-1]
    raw = surface_table(places, Figures.apart(above[:, 0], above[:, 1:], np.zeros((3, 25))))
    found = figures(protect_surface(raw, k=10, public=Census()).table)
    drawn = found.at_least * (1 - found.at_least / found.households[:, None])
    # groups of three bands, twelve households: 12 x 1/3 x 2/3 inside and nothing at their ends; twenty at the bottom
    np.testing.assert_allclose(found.variance[0, 5:], [0.0, *([2.7, 2.7, 0.0] * 6), 2.9, 2.0], atol=0.35)
    assert found.variance[0, 1:5].max() < 20 / 4 + 0.1
    np.testing.assert_allclose(found.variance[1:, 1:], drawn[1:], atol=0.11)  # any of the ZIP's may be here
    assert found.zip_covariance[1:, 6:].max() <= 12 / 4 / 2 + 0.06  # groups of the ZIP hold twelve, half of them here


def test_without_a_census_what_is_untold_lies_evenly_on_the_ladder() -> None:
    even = NothingPublic().curves(pd.DataFrame(), np.array([0, 1, 1]))
    np.testing.assert_allclose(even, np.tile(np.linspace(1, 0, 27)[1:-1], (2, 1)))
    assert NothingPublic().curves(pd.DataFrame(), np.array([], dtype=np.int64)).shape == (0, 25)
    doubt = np.ones((2, 26))
    assert [part.tolist() for part in NothingPublic().errors(pd.DataFrame(), doubt)] == [np.zeros((2, 26)).tolist()] * 3
    places = keys((1, "94301", "06085"))
    found = figures(protect_surface(table(places, [260.0]), k=10, told=table(places, [0.0])).table)
    np.testing.assert_allclose(found.at_least[0], 260 * np.linspace(1, 0, 27)[1:-1], atol=0.051)


def test_groups_of_files_leave_small_rows_to_the_census() -> None:
    places = keys((1, "94301", "06085"), (2, "94301", "06085"), (3, "94303", "06085"))
    raw = surface_table(
        pd.concat([places, pd.DataFrame({"cell": pd.array([None], "UInt64"), "zip": "94303", "county": "06085"})]),
        Figures.apart(np.array([30.0, 9.9, 10.0, 500.0]), np.zeros((4, 25)), np.zeros((4, 25))),
    )
    found = protect_groups(raw, k=10, told=table(places, [0.0] * 3), public=Census()).table
    assert found["cell"].to_pylist() == [1, 3]
    assert found["households"].to_pylist() == [30.0, 10.0]
    assert found["suppressed"].to_pylist() == [False, False]


def test_what_files_tell_of_places_that_are_not_here_is_left_out() -> None:
    places = keys((1, "94301", "06085"), (2, "94303", "06085"))
    elsewhere = keys((1, "94303", "06085"), (9, "94301", "06085"))
    raw = table(places, [60.0, 60.0], ABOVE)
    found = protect_surface(raw, k=10, told=table(elsewhere, [60.0, 60.0], 1.0), public=Census())
    assert read_protection(found.protection).blocks == ()


def test_measures_are_summed_over_the_same_groups_and_rounded() -> None:
    places = keys((1, "94301", "06085"), (2, "94301", "06085"), (3, "94301", "06085"))
    measures = {"expected_givers": [1.25, 2.0, 4.0], "givers_variance": [1.0, 2.0, 3.0]}
    measures |= {"expected_usd": [10.04, 20.0, 40.0], "usd_variance": [5.0, 6.0, 7.0]}
    beside = pa.Table.from_pandas(pd.concat([places, pd.DataFrame(measures)], axis=1).iloc[[2, 0]])
    found = protect_surface(table(places, [30.0, 6.0, 6.0]), k=10, beside=beside).table.to_pylist()
    shown = {row["counted_in"]: row for row in found if not row["suppressed"]}
    assert [shown["cell"][name] for name in measures] == [1.2, 1.0, 10.0, 5.0]
    assert [shown["zip"][name] for name in measures] == [4.0, 3.0, 40.0, 7.0]  # the second row has none
    assert all(row["expected_usd"] is None for row in found if row["suppressed"])
