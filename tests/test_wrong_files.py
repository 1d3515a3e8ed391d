"""Files, places and services that are not what they should be: one clear line each, and what is right beside it."""

import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from conftest import NOTE
from shapely import box

from geoscore import web
from geoscore.catalog import Catalog
from geoscore.errors import InputError, InputNotFoundError
from geoscore.market.files import read_columns, read_flows, read_matrix, read_sites, read_totals
from geoscore.market.sites import access_layer, costs_between, territory_layer
from geoscore.query import Surface
from geoscore.reference.census_areas import areas_of, read_centers, zips_of
from geoscore.spatial.cells import cell_text, cells_from_points
from geoscore.spatial.polygons import area_of, read_area
from geoscore.staging import staged
from geoscore.surface_format import Figures, surface_table

SQUARE = box(-122.2, 37.4, -122.1, 37.5)
PLACES = gpd.GeoDataFrame({"GEOID": ["060011", "060012"]}, geometry=[SQUARE, SQUARE], crs=4326)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_an_area_may_be_a_frame_in_any_system() -> None:
    frame = gpd.GeoDataFrame(geometry=[SQUARE, None], crs=4326)
    assert area_of(frame).symmetric_difference(SQUARE).area < 1e-12
    assert area_of(frame.to_crs(3310)).symmetric_difference(SQUARE).area < 1e-5
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    assert area_of(bow).area == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("94301", "an area is a file, a shapely geometry or a GeoDataFrame, not str"),
        (shapely.Polygon(), "the area is empty; draw a polygon"),
        (shapely.Point(0, 0), "the area is empty"),
        (box(170, 0, 190, 1), "not in degrees"),
        (box(0, -91, 1, 0), "not in degrees"),
    ],
)
def test_areas_that_are_none(shape: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        area_of(shape)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (box(500_000, 4_000_000, 510_000, 4_010_000), "is not in degrees with longitude first"),
        (box(-179, 0, 179, 1), "is over 180 degrees wide"),
        (shapely.Point(1, 1), "holds no polygon with an area"),
    ],
)
def test_files_of_areas_that_are_none(tmp_path: Path, shape: shapely.Geometry, words: str) -> None:
    path = tmp_path / "area.gpkg"
    gpd.GeoSeries([shape], crs=4326).to_file(path)
    with pytest.raises(InputError, match=words):
        read_area(path)


def test_census_shapes_by_any_of_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "areas.gpkg"
    long = PLACES.assign(GEOID=["1500000US060011", "1500000US060012"])
    assert areas_of(long, path)["area_id"].tolist() == ["060011", "060012"]
    with pytest.raises(InputError, match="has no GEOID column; it has name, geometry"):
        areas_of(PLACES.rename(columns={"GEOID": "name"}), path)
    with pytest.raises(InputError, match="area 060011 stands twice"):
        areas_of(PLACES.assign(GEOID="060011"), path)
    zips = zips_of(PLACES.rename(columns={"GEOID": "ZCTA5CE20"}).assign(ZCTA5CE20=[2134, 94301]), path)
    assert zips["zip"].tolist() == ["02134", "94301"]
    assert zips[["city", "county", "kind"]].to_numpy().tolist() == [["", "", "standard"]] * 2
    with pytest.raises(InputError, match="has no ZIP column"):
        zips_of(PLACES.rename(columns={"GEOID": "code"}), path)
    with pytest.raises(InputError, match="zip '94301' stands twice"):
        zips_of(PLACES.assign(zip="94301"), path)


def test_centers_of_population_of_the_census_and_of_ones_own(tmp_path: Path) -> None:
    head = "STATEFP,COUNTYFP,TRACTCE,BLKGRPCE,POPULATION,LATITUDE,LONGITUDE\n"
    told = read_centers(written(tmp_path / "c.txt", head + "06,001,400100,1,3120,+37.86,-122.23\n"))
    assert told.to_dict("records") == [{"area_id": "060014001001", "longitude": -122.23, "latitude": 37.86}]
    for text, words in (
        ("a,b\n1,2\n", "has no GEOID, longitude and latitude"),
        ("geoid,longitude,latitude\n1,0,0\n1,0,0\n", "area 1 stands twice"),
    ):
        with pytest.raises(InputError, match=words):
            read_centers(written(tmp_path / "own.csv", text))
    with pytest.raises(InputNotFoundError, match="centers of the census section"):
        read_centers(tmp_path / "no.csv")
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="cannot be read as centers"):
        read_centers(tmp_path / "c.parquet")


def test_flows_and_totals_of_files(tmp_path: Path) -> None:
    columns = {"origin": "o", "site": "s", "flow": "f", "cost": "c", "attributes": []}
    with pytest.raises(InputError, match="has a header but no row"):
        read_flows(written(tmp_path / "none.csv", "o,s,f,c\n"), **columns)
    with pytest.raises(InputError, match="column 'c' missing in"):
        read_flows(written(tmp_path / "few.csv", "o,s,f\n1,2,3\n"), **columns)
    numbered = written(tmp_path / "numbers.csv", "o,s,f,c\n1,7,3,1\n1,8,5,2\n2,7,4,2\n2,8,2,1.5\n")
    flows, rows = read_flows(numbered, **columns)
    assert (flows.origins.tolist(), flows.sites.tolist(), rows) == (["1", "2"], ["7", "8"], 4)
    paid = written(tmp_path / "paid.csv", "s,t\nx,10\nx,10\ny,\ny,4\n")
    assert read_totals(paid, site="s", column="t") == {"x": 10.0, "y": 4.0}
    with pytest.raises(InputError, match="the total of site x differs between rows of"):
        read_totals(written(tmp_path / "odd.csv", "s,t\nx,10\nx,11\n"), site="s", column="t")
    table = read_columns(written(tmp_path / "mixed.csv", "a,b\n1,x\n,y\n2.5,z\n"))
    assert table.text("a").tolist() == ["1", "", "2.5"]


def test_sites_of_a_file(tmp_path: Path) -> None:
    path = written(tmp_path / "sites.csv", "Longitude,Latitude,size,note\n-122,37,5,a\n-121,38,6,\n")
    places, sites = read_sites([], path)
    assert [place.name for place in places] == ["site 1", "site 2"]
    assert {name: values.tolist() for name, values in sites.attributes.items()} == {"size": [5.0, 6.0]}
    with pytest.raises(InputError, match="give sites as --site or in a file, not both"):
        read_sites(["a=-122,37"], path)
    with pytest.raises(InputError, match=r"row 2 of .* has no name, longitude or latitude"):
        read_sites([], written(tmp_path / "gap.csv", "name,longitude,latitude\na,-122,37\nb,,38\n"))
    with pytest.raises(InputError, match="column 'latitude' missing in"):
        read_sites([], written(tmp_path / "half.csv", "name,longitude\na,-122\n"))


def test_times_of_ones_own(tmp_path: Path) -> None:
    one, two = cells_from_points(np.array([-122.1, -122.2]), np.array([37.4, 37.5]), resolution=8)
    rows = f"site,cell,minutes\na,{one:x},5\na,{one:x},4\na,{two:x},\nb,{two:x},7\n"
    cells, times = read_matrix(written(tmp_path / "m.csv", rows), ["b", "a"])
    at = {int(cell): i for i, cell in enumerate(cells)}
    assert times[:, at[int(one)]].tolist() == [np.inf, 4.0]
    assert times[:, at[int(two)]].tolist() == [7.0, np.inf]
    with pytest.raises(InputError, match="has no times of site 'c'"):
        read_matrix(tmp_path / "m.csv", ["a", "c"])
    coarse = cells_from_points(np.array([-122.1]), np.array([37.4]), resolution=7)[0]
    with pytest.raises(InputError, match="have several resolutions; bring one"):
        read_matrix(written(tmp_path / "r.csv", f"{rows}b,{coarse:x},1\n"), ["a"])


@pytest.fixture(scope="module")
def surface() -> Surface:
    """Return a surface of twelve cells in one ZIP."""
    cells = np.unique(cells_from_points(np.linspace(-122.2, -122.1, 12), np.full(12, 37.4), resolution=8))
    keys = pd.DataFrame({"cell": pd.array(cells, "UInt64"), "zip": "94301", "county": "06085"})
    n = len(cells)
    above = np.full((n, 25), 10.0)
    return Surface(surface_table(keys, Figures.apart(np.full(n, 40.0), above, above / 2)), NOTE)


def test_what_sites_offer_is_reached_in_a_straight_line_without_a_network(surface: Surface) -> None:
    sites, _ = read_sites(["a=-122.15,37.4"], None)
    cells = np.array(surface.table["cell"].to_pylist(), dtype=np.uint64)
    cost, unit = costs_between(sites, cells, None)
    assert unit == "km"
    assert cost.shape == (1, len(cells))
    found = access_layer(surface, sites, np.array([8.0]), capacity=2500.0, catchment=2.0)
    near = cost[0] <= 2.0
    supply = {row["cell"]: row["access"] for row in found.rows}
    for cell, within in zip(cells, near, strict=True):  # eight over the ten able households of every cell within
        assert supply[cell_text(int(cell))] == pytest.approx(8.0 / (10.0 * near.sum()) if within else 0.0)
    reached = access_layer(surface, sites, np.array([8.0]), capacity=2500.0, catchment=2.0, measure="hansen", beta=1.0)
    assert reached.rows[0]["access"] == pytest.approx(8.0 / max(cost[0, 0], 1.0))
    for wrong in ([0.0], [-1.0], [np.nan]):
        with pytest.raises(InputError, match="what sites offer must be numbers from 0 up, and not all 0"):
            access_layer(surface, sites, np.array(wrong), capacity=2500.0, catchment=2.0)


def test_territories_share_out_all_potential(surface: Surface) -> None:
    found = territory_layer(surface, count=2, capacity=2500.0)
    assert sum(row["cells"] for row in found.rows) == surface.table.num_rows
    assert sum(row["estimate"] for row in found.rows) == pytest.approx(10.0 * surface.table.num_rows)


def test_a_runs_folder_is_hidden_while_it_is_made_and_the_dead_are_cleared(tmp_path: Path) -> None:
    written(tmp_path / "file", "")
    with pytest.raises(InputError, match="is a file; name a folder for the run's files"), staged(tmp_path / "file"):
        pass
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, alive, odd = (tmp_path / f".geoscore-{name}-x" for name in (ended.pid, os.getpid(), "name"))
    for folder in (dead, alive, odd):
        folder.mkdir()
    with staged(tmp_path / "out") as stage:
        assert stage.parent == tmp_path
        assert stage.name.startswith(f".geoscore-{os.getpid()}-")
        assert [folder.exists() for folder in (dead, alive, odd)] == [False, True, True]
    assert not stage.exists()


def test_a_service_that_cannot_be_reached_is_named_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "RETRIES", 0)
    with pytest.raises(InputError, match=r"^http://127\.0\.0\.1:9 cannot be reached: .*; try later, or go without$"):
        web.ask("GET", "http://name:word@127.0.0.1:9/a?key=1", fields={"key": "secret"})
    monkeypatch.setitem(sys.modules, "urllib3", None)
    with pytest.raises(InputError, match=r"pip install 'geoscore\[services\]'"):
        web.ask("GET", "http://127.0.0.1:9", fields={})


def test_days_and_names_of_a_catalog(surface: Surface, tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog")
    day = catalog.add(surface, name="bay").date
    assert catalog.open("bay", on=day.isoformat()).table.equals(surface.table)
    with pytest.raises(InputError, match="'soon' is no day; write it as 2026-11-01"):
        catalog.open("bay", on="soon")
    with pytest.raises(InputNotFoundError, match=r"no surface 'bai' in .*; did you mean 'bay'"):
        catalog.open("bai")
    with pytest.raises(InputNotFoundError, match=f"begins on {day}, after 2025-01-01"):
        catalog.open("bay", on="2025-01-01")
