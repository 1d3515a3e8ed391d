"""Questions to a surface: every answer is the plain sum of its rows."""

from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest
from conftest import NOTE
from shapely import box

from geoscore.disclosure import protect_surface
from geoscore.errors import InputNotFoundError, SurfaceError
from geoscore.ladder import at_threshold
from geoscore.query import Surface, open_surface
from geoscore.spatial.cells import cell_text, cells_from_points, parent_cells
from geoscore.spatial.polygons import merged_cells
from geoscore.surface_format import Figures, surface_table

CELLS = cells_from_points(np.array([-122.16, -122.15, -122.10]), np.array([37.44, 37.45, 37.42]), resolution=8)
HOUSEHOLDS = np.array([100.0, 50.0, 30.0, 0.0, 12.0])
AT_LEAST = HOUSEHOLDS[:, None] * np.linspace(1.0, 0.1, 25)


@pytest.fixture
def surface() -> Surface:
    """Two shown cells of 94301, one of 94303, and a hidden cell of 94301 counted in its ZIP."""
    keys = pd.DataFrame(
        {
            "cell": pd.array([*CELLS, CELLS[2], None], "UInt64"),
            "zip": ["94301", "94301", "94303", "94301", "94301"],
            "county": ["06085"] * 5,
            "counted_in": ["cell", "cell", "cell", "zip", "zip"],
        }
    )
    hidden = np.array([False, False, False, True, False])
    return Surface(surface_table(keys, Figures.apart(HOUSEHOLDS, AT_LEAST, AT_LEAST / 4), suppressed=hidden), NOTE)


def test_a_zip_counts_its_hidden_cells_too(surface: Surface) -> None:
    answer = surface.query(zip="94301", capacity=2500)
    assert answer.households == pytest.approx(162.0)
    assert answer.estimate == pytest.approx(at_threshold(AT_LEAST, 2500)[[0, 1, 4]].sum(), abs=1e-9)
    assert answer.low < answer.estimate < answer.high
    assert not answer.suppressed


def test_a_cell_says_that_some_of_it_is_hidden(surface: Surface) -> None:
    answer = surface.query(cell=cell_text(int(CELLS[2])))
    assert (answer.households, answer.suppressed) == (30.0, True)


def test_a_coarser_cell_is_the_sum_of_its_cells(surface: Surface) -> None:
    parent = parent_cells(CELLS[:1], resolution=4)
    answer = surface.query(cell=int(parent[0]))
    assert answer.households == pytest.approx(180.0)


def test_everything_counts_everybody(surface: Surface) -> None:
    assert surface.query().households == pytest.approx(HOUSEHOLDS.sum())
    rows = surface.at_least(2500).by("county").to_rows()
    assert [(row["area"], row["households"]) for row in rows] == [("Santa Clara", 192.0)]


def test_a_polygon_takes_cells_by_their_share(surface: Surface) -> None:
    from geoscore.spatial.polygons import cell_polygons

    west, south, east, north = cell_polygons(CELLS[:1])[0].bounds
    half = surface.query(area=box(west, south, (west + east) / 2, north))
    assert half.households == pytest.approx(50.0, rel=0.02)


def test_a_circle_around_everything_holds_all_shown_cells(surface: Surface) -> None:
    answer = surface.query(point=(-122.13, 37.43), radius_km=50)
    assert answer.households == pytest.approx(180.0)


def test_listings_by_zip_add_up_to_everything(surface: Surface) -> None:
    listing = surface.at_least(3100).by("zip")
    assert sum(row["households"] for row in listing.to_rows()) == pytest.approx(192.0)
    assert sum(row["estimate"] for row in listing.to_rows()) == pytest.approx(surface.query(capacity=3100).estimate)


def test_listings_become_shapes(surface: Surface) -> None:
    frame = surface.at_least(2500).by("cell", resolution=7).to_geopandas()
    assert frame.crs.to_epsg() == 4326
    assert frame.geometry.is_valid.all()
    assert frame["households"].sum() == pytest.approx(180.0)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"zip": "94999"}, "not in this surface; the nearest by number are 94303"),
        ({"zip": "Palo Alto"}, "five digits"),
        ({"cell": "zzz"}, "not an H3 cell"),
        ({"cell": "8928308280fffff"}, "the surface 8; ask for its parent"),
        ({"cell": "882834748dfffff"}, "not in this surface"),
        ({"point": (37.44, -122.16), "radius_km": 1.0}, "longitude first"),
        ({"point": (-122.16, 37.44), "radius_km": -1.0}, "more than 0"),
        ({"point": (-122.16, 37.44)}, "needs a radius"),
        ({"zip": "94301", "cell": "872834744ffffff"}, "more than one area"),
        ({"area": box(0, 0, 1, 1)}, "no cell of this surface"),
        ({"capacity": 10}, "off the ladder"),
    ],
)
def test_questions_without_an_answer(surface: Surface, question: dict, words: str) -> None:
    with pytest.raises((SurfaceError, ValueError), match=words):
        surface.query(**question)


def test_a_surface_is_the_same_when_opened_again(surface: Surface, tmp_path: Path) -> None:
    surface.save(tmp_path / "a.parquet")
    surface.save(tmp_path / "b.parquet")
    again = open_surface(tmp_path / "a.parquet")
    assert again.table.equals(surface.table)
    assert again.note == NOTE
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", b"zip\n94301\n"])
def test_what_is_no_surface_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(SurfaceError, match="no whole Parquet file"):
        open_surface(tmp_path / "x.parquet")
    with pytest.raises(InputNotFoundError):
        open_surface(tmp_path / "y.parquet")


def test_hidden_cells_of_an_area_count_as_they_are_on_average() -> None:
    """Three of a ZIP's five hidden cells lie in an area: three fifths of what is counted together are added."""
    cells = sorted(h3.str_to_int(cell) for cell in h3.cell_to_children("872834744ffffff", 8))[:6]
    keys = pd.DataFrame({"cell": pd.array(cells, "UInt64"), "zip": "94301", "county": "06085"})
    households = np.array([50.0, 4.0, 4.0, 4.0, 4.0, 4.0])
    above = households[:, None] * np.linspace(1.0, 0.04, 25)
    table = protect_surface(surface_table(keys, Figures.apart(households, above, above / 2)), k=10).table
    surface = Surface(table, NOTE)
    area = merged_cells(np.array(cells[:4], dtype=np.uint64))
    answer = surface.query(area=area)
    assert answer.households == pytest.approx(50.0, abs=1e-6)
    assert answer.suppressed
    more = answer.with_hidden
    assert more.households == pytest.approx(50.0 + 12.0, abs=1e-6)
    assert answer.estimate < more.estimate < more.high
    assert more.high - more.low > answer.high - answer.low
    assert "of 62 (" in str(answer)
    assert answer.to_dict()["with_hidden_households"] == pytest.approx(62.0)
    bare = surface.query(area=merged_cells(np.array(cells[1:3], dtype=np.uint64)))
    assert bare.estimate is None
    assert bare.with_hidden is None
