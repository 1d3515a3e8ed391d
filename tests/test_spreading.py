"""Where households of areas go, checked cell by cell against sums made one by one."""

import h3
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from shapely import box

from geoscore.errors import InputError
from geoscore.schemas import GROUND
from geoscore.spatial.cells import cells_from_points
from geoscore.spatial.centers import lean_shares
from geoscore.spatial.interpolation import (
    coarser_ground,
    concentration,
    interpolate_households,
    spread_variables,
)

WEST, EAST = box(-122.20, 37.40, -122.15, 37.45), box(-122.15, 37.40, -122.10, 37.45)
PLACE = {"zip": "94301", "county": "06085"}


def lay(**changes: object) -> pd.DataFrame:
    """Return what two areas side by side become: 900 households in the west, 100 in the east, a ZIP over both."""
    given = {
        "area_ids": ["w", "e"],
        "counties": ["06085", "06081"],
        "households": np.array([900.0, 100.0]),
        "areas": [WEST, EAST],
        "zips": ["94301"],
        "zip_areas": [WEST.union(EAST)],
        "resolution": 7,
    }
    return interpolate_households(**(given | changes)).to_pandas()


def test_area_weighting_is_by_fine_cells_of_even_size() -> None:
    found = lay()
    fine = h3.h3shape_to_cells(h3.geo_to_h3shape(WEST), 9)
    expected = pd.Series([h3.str_to_int(h3.cell_to_parent(cell, 7)) for cell in fine]).value_counts()
    west = found[found["area_id"] == "w"].set_index("cell")["households"]
    pd.testing.assert_series_equal(
        west.sort_index(), (900.0 * expected / len(fine)).sort_index(), check_names=False, check_index_type=False
    )


def test_a_zip_is_of_the_county_of_most_of_its_households() -> None:
    assert set(lay()["county"]) == {"06085"}
    assert set(lay(households=np.array([100.0, 900.0]))["county"]) == {"06081"}
    assert set(lay(areas=[WEST, WEST], households=np.array([5.0, 5.0]))["county"]) == {"06081"}  # the lower of equals


def test_land_without_a_zip_keeps_the_county_of_its_area() -> None:
    found = lay(zips=["94303"], zip_areas=[EAST])
    nowhere = found[found["zip"].isna()]
    assert set(nowhere["county"]) == {"06085"}
    assert set(nowhere["area_id"]) == {"w"}
    assert set(found[found["zip"] == "94303"]["county"]) == {"06081"}
    assert found["households"].sum() == pytest.approx(1000.0)


def test_where_zip_areas_overlap_the_lower_zip_has_the_land_and_no_household_is_there_twice() -> None:
    found = lay(zips=["94303", "94301"], zip_areas=[WEST.union(EAST), WEST])
    totals = found.groupby("zip")["households"].sum()
    assert totals.sum() == pytest.approx(1000.0)
    assert totals["94301"] == pytest.approx(900.0, rel=0.05)


def test_households_are_where_the_points_are_by_their_weights() -> None:
    points = pd.DataFrame(
        {"area_id": ["w", "w"], "weight": [3.0, 1.0], "longitude": [-122.19, -122.16], "latitude": [37.41, 37.44]}
    )
    found = lay(points=points)
    at = cells_from_points(points["longitude"].to_numpy(), points["latitude"].to_numpy(), resolution=7)
    west = found[found["area_id"] == "w"].set_index("cell")["households"]
    assert west.to_dict() == pytest.approx({int(at[0]): 675.0, int(at[1]): 225.0})
    even = lay()
    pd.testing.assert_frame_equal(
        found[found["area_id"] == "e"].reset_index(drop=True), even[even["area_id"] == "e"].reset_index(drop=True)
    )


def test_no_points_at_all_are_as_none() -> None:
    none = pd.DataFrame({"area_id": [], "weight": [], "longitude": [], "latitude": []})
    pd.testing.assert_frame_equal(lay(points=none), lay())


def test_a_center_of_population_moves_households_of_its_area_alone() -> None:
    centers = np.array([[-122.19, 37.41], [np.nan, np.nan]])
    found, even = lay(centers=centers, resolution=9), lay(resolution=9)
    west = found[found["area_id"] == "w"]
    latitude, longitude = np.array([h3.cell_to_latlng(h3.int_to_str(cell)) for cell in west["cell"]]).T
    assert np.average(longitude, weights=west["households"]) == pytest.approx(-122.19, abs=1e-3)
    assert np.average(latitude, weights=west["households"]) == pytest.approx(37.41, abs=1e-3)
    east, east_even = (frame[frame["area_id"] == "e"].reset_index(drop=True) for frame in (found, even))
    pd.testing.assert_frame_equal(east, east_even)


@pytest.mark.parametrize("seed", range(6))
def test_leaning_shares_have_their_center_and_the_form_of_largest_entropy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    index = np.repeat([0, 1, 2], [40, 25, 30])
    x, y = rng.uniform(-122.3, -122.1, 95), rng.uniform(37.3, 37.5, 95)
    centers = np.array([[rng.uniform(-122.25, -122.15), rng.uniform(37.35, 37.45)] for _ in range(3)])
    centers[2] = np.nan
    shares, leaning = lean_shares(index, x, y, centers)
    assert leaning == 2
    assert shares[index == 2] == pytest.approx(1 / 30)
    for area in (0, 1):
        here = index == area
        assert shares[here].sum() == pytest.approx(1.0)
        assert (shares[here] @ x[here], shares[here] @ y[here]) == pytest.approx(tuple(centers[area]), abs=1e-6)
        # the logarithm of such shares is a plane over the map
        plane = np.column_stack([np.ones(here.sum()), x[here], y[here]])
        rest = np.linalg.lstsq(plane, np.log(shares[here]), rcond=None)[1]
        assert rest.item() < 1e-12


def test_a_center_that_no_shares_reach_leaves_its_area_even() -> None:
    x, y = np.array([0.0, 1.0, 2.0, 5.0]), np.array([0.0, 1.0, 0.0, 5.0])
    shares, leaning = lean_shares(np.array([0, 0, 0, 1]), x, y, np.array([[9.0, 9.0], [5.1, 5.0]]))
    assert shares.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1.0])
    assert leaning == 0


def test_one_center_that_cannot_be_met_does_not_hinder_the_others() -> None:
    x, y = np.tile([0.0, 1.0, 2.0, 1.0], 2), np.tile([0.0, 1.0, 0.0, 2.0], 2)
    shares, leaning = lean_shares(np.repeat([0, 1], 4), x, y, np.array([[9.0, 9.0], [0.8, 0.5]]))
    assert shares[:4] == pytest.approx(0.25)
    assert (shares[4:] @ x[4:], shares[4:] @ y[4:], leaning) == (pytest.approx(0.8), pytest.approx(0.5), 1)


def ground(*rows: tuple[int, str | None, str, float]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"cell": cell, "zip": code, "county": "06085", "area_id": area, "households": households}
            for cell, code, area, households in rows
        ],
        schema=GROUND,
    )


def test_counts_are_spread_by_households_and_rates_averaged_by_them() -> None:
    laid = ground((1, "94301", "a", 30.0), (2, "94301", "a", 10.0), (2, "94301", "b", 30.0), (3, None, "b", 30.0))
    values = pd.DataFrame({"owners": [8.0, 20.0], "rent": [1000.0, 2000.0], "age": [np.nan, 50.0]}, index=["a", "b"])
    found = spread_variables(laid, values, extensive=["owners"])
    assert found["owners"].tolist() == [6.0, 2.0 + 10.0, 10.0]
    assert found["rent"].tolist() == [1000.0, (10 * 1000 + 30 * 2000) / 40, 2000.0]
    assert found["age"].isna().tolist() == [True, False, False]
    assert found["age"][1:].tolist() == [50.0, 50.0]
    assert found[["cell", "zip", "county"]].iloc[0].tolist() == [1, "94301", "06085"]
    assert list(found.columns[3:]) == ["owners", "rent", "age"]
    few = ground((1, "94301", "a", 0.3), (2, "94301", "a", 0.1))
    thin = spread_variables(few, values[["owners"]].loc[["a"]], extensive=["owners"])
    assert thin["owners"].tolist() == pytest.approx([6.0, 2.0])


def test_a_count_where_nobody_lives_is_not_lost_in_silence() -> None:
    laid = ground((1, "94301", "a", 30.0), (2, "94301", "b", 0.0))
    values = pd.DataFrame({"owners": [8.0, 20.0]}, index=["a", "b"])
    with pytest.raises(InputError, match=r"does not conserve owners: 28\.000 before, 8\.000 after"):
        spread_variables(laid, values, extensive=["owners"])
    found = spread_variables(laid, values, extensive=[])
    assert found["owners"].isna().tolist() == [False, True]


def test_a_loss_of_households_is_told_with_both_sums() -> None:
    with pytest.raises(InputError, match=r"conserve households: 1,000\.000 before, 900\.000 after; some area that"):
        lay(areas=[WEST, None])


def test_coarser_ground_is_the_sum_of_its_cells() -> None:
    fine = interpolate_households(
        area_ids=["w", "e"],
        counties=["06085", "06081"],
        households=np.array([900.0, 100.0]),
        areas=[WEST, EAST],
        zips=["94301"],
        zip_areas=[WEST],
        resolution=8,
    )
    coarse = coarser_ground(fine, resolution=6)
    assert coarse.schema.equals(GROUND)
    sums: dict[tuple[object, ...], float] = {}
    for row in fine.to_pylist():
        parent = h3.str_to_int(h3.cell_to_parent(h3.int_to_str(row["cell"]), 6))
        key = (parent, row["zip"], row["county"], row["area_id"])
        sums[key] = sums.get(key, 0.0) + row["households"]
    found = {(r["cell"], r["zip"], r["county"], r["area_id"]): r["households"] for r in coarse.to_pylist()}
    assert found == pytest.approx(sums)


def test_how_evenly_households_lie_on_land_by_hand() -> None:
    """Two wholes of two parts: land halves, households 0.6 : 0.4 and 0.3 : 0.7; sum 0.1, so 1.0 / 0.1 - 1."""
    land, households = np.array([1.0, 1.0, 5.0, 5.0]), np.array([6.0, 4.0, 30.0, 70.0])
    assert concentration(land, households, pd.Series(list("aabb"))) == pytest.approx(1.0 / 0.1 - 1.0)


def test_how_evenly_households_lie_has_bounds() -> None:
    halves = pd.Series(list("aa"))
    assert concentration(np.array([1.0, 1.0]), np.array([5.0, 5.0]), halves) == 1.0  # nothing is learned
    assert concentration(np.array([1.0, 1.0]), np.array([9.0, 0.0]), halves) == 0.1
    assert concentration(np.array([1.0, 0.0]), np.array([1.0, 1.0]), halves) == 1.0  # all land in one part
    assert concentration(np.array([0.0, 0.0]), np.array([0.0, 0.0]), halves) == 1.0
