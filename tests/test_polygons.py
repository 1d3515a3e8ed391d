"""Shares of cells in an area: those of all cells one by one, wherever the area lies and however large it is."""

import numpy as np
import pytest
import shapely

from geoscore.spatial.cells import cells_from_polygons
from geoscore.spatial.polygons import cell_polygons, cell_shares, circle


def one_by_one(cells: np.ndarray, area: shapely.Geometry) -> np.ndarray:
    shapes = cell_polygons(cells)
    return np.array([shapely.area(shapely.intersection(shape, area)) / shapely.area(shape) for shape in shapes])


@pytest.mark.parametrize("resolution", [5, 7, 8])
@pytest.mark.parametrize(("longitude", "latitude"), [(-122.1, 37.4), (24.9, 60.2), (-68.3, -54.8), (0.01, 0.01)])
def test_only_cells_that_touch_an_area_are_drawn_and_none_is_missed(
    resolution: int, longitude: float, latitude: float
) -> None:
    window = shapely.box(longitude - 0.4, latitude - 0.3, longitude + 0.4, latitude + 0.3)
    cells = cells_from_polygons([window], resolution=resolution)[1]
    for radius_m in (300.0, 4_000.0, 15_000.0):
        area = circle(longitude + 0.07, latitude - 0.04, radius_m=radius_m)
        np.testing.assert_allclose(cell_shares(cells, area), one_by_one(cells, area), atol=1e-12)


def test_an_area_with_a_hole_far_away_or_empty() -> None:
    cells = cells_from_polygons([shapely.box(-122.3, 37.3, -121.9, 37.6)], resolution=7)[1]
    ring = shapely.box(-122.2, 37.35, -122.0, 37.55).difference(shapely.box(-122.12, 37.42, -122.08, 37.47))
    np.testing.assert_allclose(cell_shares(cells, ring), one_by_one(cells, ring), atol=1e-12)
    assert cell_shares(cells, shapely.box(10, 10, 11, 11)).sum() == 0
    assert cell_shares(cells, shapely.Polygon()).sum() == 0
    assert cell_shares(np.zeros(2, dtype=np.uint64), ring).tolist() == [0.0, 0.0]
