"""Households get the position that their files allow; a ZIP alone is spread, never piled on a center."""

from pathlib import Path

import h3
import numpy as np
import pyarrow as pa
import pytest
from conftest import lay_out

from geoscore.engines import Engine
from geoscore.enrichment import mix_areas
from geoscore.geocoding import NO_PLACE, OUTSIDE, PO_BOX, inside_region, locate_households, spread_positions
from geoscore.schemas import HOUSEHOLD
from geoscore.spatial.cells import cells_from_points
from geoscore.tables import Table, to_pandas


@pytest.fixture(scope="module")
def ground(region: Path) -> pa.Table:
    return lay_out(region)


def test_coordinates_zips_and_neither(ground: pa.Table, engine: Engine) -> None:
    rows = [
        {"household_id": "both", "longitude": -122.18, "latitude": 37.42, "zip": "94301"},
        {"household_id": "zip", "zip": "94303"},
        {"household_id": "none"},
        {"household_id": "away", "zip": "10001"},
        {"household_id": "box", "zip": "94302"},
        {"household_id": "odd zip", "longitude": -122.18, "latitude": 37.42, "zip": "10001"},
    ]
    homes = Table.from_arrow(pa.Table.from_pylist(rows, schema=HOUSEHOLD), engine=engine)
    located = locate_households(homes, ground=ground, resolution=8, without_homes=frozenset({"94302"}))
    found = {row["household_id"]: row for row in located.households.collect().to_pylist()}
    reasons = {row["household_id"]: row["reason"] for row in located.unlocated.collect().to_pylist()}
    cell = int(cells_from_points(np.array([-122.18]), np.array([37.42]), resolution=8)[0])
    assert (found["both"]["cell"], found["both"]["zip"], found["both"]["precision"]) == (cell, "94301", "given")
    assert (found["zip"]["cell"], found["zip"]["precision"]) == (None, "zip")
    assert found["zip"]["sigma_m"] > 1000
    assert (found["odd zip"]["cell"], found["odd zip"]["zip"]) == (cell, None)
    assert reasons == {"none": NO_PLACE, "away": OUTSIDE, "box": PO_BOX}


def positions(rows: list[tuple[int | None, str | None]]) -> pa.Table:
    return pa.table(
        {
            "cell": pa.array([c for c, _ in rows], pa.uint64()),
            "zip": pa.array([z for _, z in rows], pa.string()),
            "spread_m": pa.nulls(len(rows), pa.int32()),
        }
    )


def test_weights_of_every_position_sum_to_one(ground: pa.Table) -> None:
    cell = ground["cell"][0].as_py()
    kernel = to_pandas(
        spread_positions(positions([(cell, "94301"), (None, "94301"), (None, "94303"), (cell, None)]), ground)
    )
    totals = kernel.groupby(["at_cell", "at_zip"], dropna=False)["weight"].sum()
    assert len(totals) == 4
    np.testing.assert_allclose(totals, 1.0, atol=1e-12)


def test_a_zip_is_spread_as_its_households_are(ground: pa.Table) -> None:
    kernel = to_pandas(spread_positions(positions([(None, "94301")]), ground))
    homes = to_pandas(ground).query("zip == '94301'").groupby("cell")["households"].sum()
    expected = homes / homes.sum()
    np.testing.assert_allclose(kernel.set_index("cell")["weight"].sort_index(), expected.sort_index(), atol=1e-12)


def test_every_pair_in_use_has_a_mixture_of_areas(ground: pa.Table) -> None:
    cell = ground["cell"][0].as_py()
    kernel = spread_positions(positions([(cell, "94303"), (None, "94301")]), ground)
    mix = to_pandas(mix_areas(kernel, ground=ground))
    shares = mix.groupby(["cell", "zip"])["share"].sum()
    assert len(shares) == len(to_pandas(kernel).drop_duplicates(["cell", "zip"]))
    np.testing.assert_allclose(shares, 1.0, atol=1e-12)


def test_the_sea_is_not_in_the_region(ground: pa.Table) -> None:
    inside = inside_region(ground, resolution=8)
    assert inside(np.array([-122.15, -123.5]), np.array([37.42, 37.0])).tolist() == [True, False]


def uncertain(rows: list[tuple[int, str | None, int]]) -> pa.Table:
    return pa.table(
        {
            "cell": pa.array([c for c, _, _ in rows], pa.uint64()),
            "zip": pa.array([z for _, z, _ in rows], pa.string()),
            "spread_m": pa.array([s for _, _, s in rows], pa.int32()),
        }
    )


def test_an_uncertain_position_goes_to_the_cells_around_it_within_its_zip(ground: pa.Table) -> None:
    homes = to_pandas(ground).query("zip == '94301'")
    cell = int(homes.groupby("cell")["households"].sum().idxmax())
    fine = int(h3.str_to_int(h3.cell_to_center_child(h3.int_to_str(cell), 10)))
    kernel = to_pandas(
        spread_positions(uncertain([(fine, "94301", 23), (fine, "94301", 512), (fine, None, 512)]), ground)
    )
    for (_, at_zip, spread), part in kernel.groupby(["at_cell", "at_zip", "at_spread_m"], dropna=False):
        assert part["weight"].sum() == pytest.approx(1.0, abs=1e-12)
        if at_zip == "94301":
            assert set(part["zip"]) == {"94301"}
        here = part.loc[part["cell"] == cell, "weight"].sum()
        assert here > 0.99 if spread == 23 else 0.1 < here < 0.95
        assert part["weight"].min() > 0


def test_where_the_error_is_even_more_homes_mean_more_weight(ground: pa.Table) -> None:
    homes = to_pandas(ground).query("zip == '94301'").groupby("cell")["households"].sum()
    cell = int(homes.idxmax())
    fine = int(h3.str_to_int(h3.cell_to_center_child(h3.int_to_str(cell), 10)))
    kernel = to_pandas(spread_positions(uncertain([(fine, "94301", 46_341)]), ground)).set_index("cell")["weight"]
    reached = kernel.index.intersection(homes.index[homes > homes.mean()])
    # so wide an error tells nothing: what is left are the census households
    ratio = kernel[reached] / homes[reached]
    assert ratio.max() / ratio.min() < 3
