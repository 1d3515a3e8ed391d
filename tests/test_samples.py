"""The samples are whole, small, and hang together; made-up people come out the same every time."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from geoscore.errors import InputError
from geoscore.reference.census import open_census, read_income_curve
from geoscore.reference.samples import example_dir, registry, sample_path, samples_dir, verify_samples
from geoscore.reference.synth import make_households, synthesize


def test_samples_are_those_of_the_registry() -> None:
    verify_samples()
    assert {path.name for path in samples_dir().glob("*.parquet")} == set(registry())


def test_samples_are_small_and_say_where_they_come_from() -> None:
    assert sum(item["bytes"] for item in registry().values()) < 8_000_000
    for item in registry().values():
        assert item["vintage"]
        for source in item["sources"]:
            assert source["licence"]
            assert len(source["sha256"]) == 64


def test_zones_and_brackets_hold_the_same_households() -> None:
    census = open_census()
    homes = census.areas.set_index("area_id")["households"]
    assert homes.sum() == 2_760_479
    brackets = census.brackets.to_pandas().groupby("area_id")["households"].sum()
    np.testing.assert_allclose(brackets, homes[brackets.index], rtol=1e-9)
    assert census.areas.geometry.is_valid.all()


def test_estimated_zip_areas_cover_the_zones() -> None:
    census = open_census()
    areas = census.zips[census.zips.geometry.notna()]
    assert (areas["kind"] == "standard").all()
    covered = areas.to_crs(3310).union_all().intersection(census.areas.to_crs(3310).union_all()).area
    assert covered / census.areas.to_crs(3310).area.sum() > 0.97


def test_the_income_curve_rises() -> None:
    income, below = read_income_curve()
    assert (np.diff(income) > 0).all()
    assert (np.diff(below) > 0).all()
    assert 0.25 < 1 - np.interp(125_000, income, below) < 0.40


def test_a_sample_that_was_changed_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in samples_dir().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "zips.parquet").open("ab") as file:
        file.write(b"x")
    monkeypatch.setattr("geoscore.reference.samples.samples_dir", lambda: tmp_path)
    with pytest.raises(InputError, match=r"zips\.parquet"):
        verify_samples()


def test_made_up_files_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert synthesize(one, households=300) == synthesize(other, households=300)
    for path in one.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes(), path.name
    synthesize(other, households=300, seed=7)
    assert (one / "voters.csv").read_bytes() != (other / "voters.csv").read_bytes()


def test_made_up_households_live_where_they_say() -> None:
    homes = make_households(400).to_pandas()
    zones = gpd.read_parquet(sample_path("zones.parquet")).set_index("area_id")
    points = gpd.points_from_xy(homes["longitude"], homes["latitude"], crs=4326)
    near = (
        gpd.GeoSeries(points)
        .to_crs(3310)
        .distance(gpd.GeoSeries(zones.loc[homes["area_id"]].geometry.to_numpy(), crs=4326).to_crs(3310))
    )
    assert near.max() < 1.0
    assert homes["household_id"].is_unique
    assert homes["email"].str.contains("@example").all()
    assert homes["phone"].str.match(r"29\d-").all()


def test_the_example_holds_what_its_readme_says() -> None:
    folder = example_dir()
    links = pd.read_parquet(folder / "truth_links.parquet")
    assert len(links) == 33_617
    assert pq.read_metadata(folder / "truth.parquet").num_rows == 24_000
    counts = links.groupby("source").size().to_dict()
    assert counts == {"donors": 3248, "property": 6736, "subscribers": 7433, "voters": 16200}
    assert not any("party" in name.lower() for name in pd.read_csv(folder / "voters.csv", nrows=1))
    assert all(path.stat().st_size < 2_000_000 for path in folder.iterdir())
