"""Households of areas become households of cells, and none is lost or made."""

from pathlib import Path

import numpy as np
import pytest
from conftest import lay_out
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon, box

from geoscore.errors import InputError
from geoscore.spatial.cells import cells_from_points, cells_from_polygons, parent_cells
from geoscore.spatial.interpolation import interpolate_households


@pytest.mark.parametrize("resolution", [6, 8, 9])
def test_households_of_every_area_are_conserved(region: Path, resolution: int) -> None:
    ground = lay_out(region, resolution=resolution).to_pandas()
    totals = ground.groupby("area_id")["households"].sum()
    assert totals.to_dict() == pytest.approx({"a": 4000.0, "b": 3000.0, "c": 2000.0, "d": 1000.0}, rel=1e-12)


def test_zips_take_the_households_of_the_areas_they_cover(region: Path) -> None:
    totals = lay_out(region).to_pandas().groupby("zip")["households"].sum()
    assert totals["94301"] == pytest.approx(7000, rel=0.01)
    assert totals["94303"] == pytest.approx(3000, rel=0.01)


def test_every_zip_lies_in_one_county(region: Path) -> None:
    assert (lay_out(region).to_pandas().groupby("zip")["county"].nunique() == 1).all()


def test_a_small_polygon_keeps_a_cell() -> None:
    index, cells = cells_from_polygons([box(-122.2, 37.4, -122.19999, 37.40001), Polygon(), None], resolution=8)
    assert index.tolist() == [0]
    assert len(cells) == 1


def test_an_area_with_households_but_no_polygon_stops_the_run() -> None:
    with pytest.raises(InputError, match="does not conserve"):
        interpolate_households(
            area_ids=["a", "b"],
            counties=["06085"] * 2,
            households=np.array([1.0, 1.0]),
            areas=[box(-122.2, 37.4, -122.1, 37.5), Polygon()],
            zips=[],
            zip_areas=[],
            resolution=8,
        )


@settings(max_examples=50)
@given(st.floats(-125, -115), st.floats(32, 42), st.integers(4, 9))
def test_a_coarser_cell_is_the_parent_of_the_finer_one(longitude: float, latitude: float, resolution: int) -> None:
    import h3

    fine = cells_from_points(np.array([longitude]), np.array([latitude]), resolution=10)
    parent = parent_cells(fine, resolution=resolution)
    assert f"{parent[0]:x}" == h3.cell_to_parent(h3.latlng_to_cell(latitude, longitude, 10), resolution)
