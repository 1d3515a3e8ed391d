"""Census files and project files that do not hold together are said so, each in one line."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pyarrow.parquet as pq
import pytest

from geoscore.errors import GeoscoreError, InputError, InputNotFoundError, ProjectError
from geoscore.project import open_project
from geoscore.reference.census import CensusFiles, open_census, read_income_curve


def test_census_files_of_ones_own(region: Path) -> None:
    paths = {name: region / f"{name}.parquet" for name in ("areas", "incomes", "zips", "counties")}
    census = open_census(CensusFiles(**paths))
    assert list(census.areas["area_id"]) == list("abcd")


def test_another_coordinate_system_is_brought_to_degrees(region: Path, tmp_path: Path) -> None:
    gpd.read_parquet(region / "areas.parquet").to_crs(3310).to_file(tmp_path / "areas.gpkg")
    census = open_census(CensusFiles(areas=tmp_path / "areas.gpkg", incomes=region / "incomes.parquet"))
    assert census.areas.total_bounds[0] == pytest.approx(-122.2, abs=1e-6)


def test_areas_without_incomes_are_named(region: Path, tmp_path: Path) -> None:
    table = pq.read_table(region / "incomes.parquet")
    pq.write_table(table.slice(5), tmp_path / "incomes.parquet")
    with pytest.raises(InputError, match="1 areas with households have no incomes, 'a' first"):
        open_census(CensusFiles(areas=region / "areas.parquet", incomes=tmp_path / "incomes.parquet"))


def test_an_area_that_stands_twice(region: Path, tmp_path: Path) -> None:
    frame = gpd.read_parquet(region / "areas.parquet")
    frame.loc[1, "area_id"] = "a"
    frame.to_parquet(tmp_path / "areas.parquet")
    with pytest.raises(InputError, match="area_id 'a' stands twice"):
        open_census(CensusFiles(areas=tmp_path / "areas.parquet", incomes=region / "incomes.parquet"))


@pytest.mark.parametrize("name", ["areas", "incomes", "zips", "counties"])
def test_files_that_are_not_there_or_not_what_they_should_be(region: Path, tmp_path: Path, name: str) -> None:
    paths = {key: region / f"{key}.parquet" for key in ("areas", "incomes", "zips", "counties")}
    with pytest.raises(InputNotFoundError, match="no file"):
        open_census(CensusFiles(**{**paths, name: tmp_path / "nowhere.parquet"}))
    with pytest.raises(InputError, match=r"cannot be read|missing in"):
        open_census(CensusFiles(**{**paths, name: region / "curve.parquet"}))


def test_a_curve_that_is_none(region: Path) -> None:
    with pytest.raises(InputError, match="income curve"):
        read_income_curve(region / "incomes.parquet")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('purpose = "research"', 'purpose = "fun"'), "purpose: Input should be"),
        (('purpose = "research"', ""), "purpose: Field required"),
        (("as_of = 2026-11-01", 'as_of = "soon"'), "as_of"),
        (("as_of = 2026-11-01", "as_of = 2026-11-01\ncolour = 1"), "colour: no such setting"),
        (("as_of = 2026-11-01", "as_of = 2026-11-01\nprecedense = []"), "did you mean 'precedence'"),
        (("as_of = 2026-11-01", 'as_of = 2026-11-01\nprecedence = ["doners"]'), "did you mean 'donors'"),
        (("as_of = 2026-11-01", "as_of = 2026-11-01\nsurface = {k = 3}"), "surface.k"),
        (("as_of = 2026-11-01", "as_of = 2026-11-01\nsurface = {resolution = 7, published_resolution = 8}"), "at most"),
        (('zip = "zip"', 'longitude = "lon"'), "mapped together"),
        (('name = "donors"', 'name = "../x"'), "sources.0.name"),
        (("[[sources]]", "[[sources"), "not valid TOML"),
    ],
)
def test_projects_that_cannot_be(make_project: Callable[..., Path], change: tuple[str, str], words: str) -> None:
    path = make_project("zip\n94301\n")
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(ProjectError, match=words) as caught:
        open_project(path)
    assert "\n" not in str(caught.value)


def test_two_sources_of_one_name_and_none_at_all(make_project: Callable[..., Path]) -> None:
    path = make_project("zip\n94301\n")
    text = path.read_text()
    path.write_text(text + text[text.index("[[sources]]") :])
    with pytest.raises(ProjectError, match="two sources are called 'donors'"):
        open_project(path)
    path.write_text(text[: text.index("[[sources]]")] + '[surface]\nuniverse = "file"\n')
    with pytest.raises(GeoscoreError, match="sources"):
        open_project(path)
