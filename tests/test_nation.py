"""A made-up country: the same bytes every time, where its ground says, with incomes as told; its project runs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from geoscore.cli.commands import BAY_AREA_HOUSEHOLDS
from geoscore.cli.main import app
from geoscore.errors import InputError
from geoscore.nation import Nation, households, open_nation, synthesize_nation
from geoscore.pipeline import run
from geoscore.project import open_project
from geoscore.reference.census_ground import read_ground
from geoscore.reference.samples import sample_path
from geoscore.schemas import GROUND
from geoscore.spatial.cells import cells_from_points

N = 30_000


@pytest.fixture(scope="module")
def nation() -> Nation:
    return open_nation()


@pytest.fixture(scope="module")
def country(nation: Nation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three counties of the country, for a whole one takes long to run."""
    places = nation.places[nation.places["county"].isin(["06001", "06085", "36061"])].reset_index(drop=True)
    few = Nation(places, nation.counties, nation.zips, nation.curve)
    folder = tmp_path_factory.mktemp("country")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(households, "open_nation", lambda: few)
        synthesize_nation(folder / "us", households=N)
        patch.setattr(households, "CHUNK", N)
        synthesize_nation(folder / "again", households=N)
        synthesize_nation(folder / "other", households=N, seed=7)
    return folder


def test_the_country_has_its_households_and_counties(nation: Nation) -> None:
    places = nation.places
    assert places["households"].sum() == pytest.approx(120e6)
    assert places["county"].nunique() > 3_100
    assert not places.duplicated(["cell", "zip"]).any()
    zips = pd.read_parquet(sample_path("us_zips.parquet")).set_index("zip")["households"]
    told = places.groupby("zip")["households"].sum()
    assert np.allclose(told / told.sum(), zips / zips.sum(), rtol=1e-9)


def test_the_same_seed_gives_the_same_bytes(country: Path) -> None:
    for name in ("households.parquet", "truth.parquet", "geoscore.toml", "census/ground.parquet"):
        one, again = ((country / folder / name).read_bytes() for folder in ("us", "again"))
        assert one == again, name
    assert (country / "us/households.parquet").read_bytes() != (country / "other/households.parquet").read_bytes()


def test_households_lie_in_the_cells_of_their_zip(country: Path) -> None:
    homes = pd.read_parquet(country / "us" / "households.parquet")
    ground = read_ground(country / "us" / "census" / "ground.parquet").to_pandas()
    homes["cell"] = cells_from_points(homes["longitude"].to_numpy(), homes["latitude"].to_numpy(), resolution=7)
    met = homes.astype({"zip": str}).merge(ground, on=["cell", "zip"])
    assert len(met) == len(homes) == N
    assert list(homes["household_id"]) == list(range(1, N + 1))
    assert homes["income_usd"].notna().mean() == pytest.approx(0.3, abs=0.02)


def test_the_truth_is_that_of_the_households(country: Path) -> None:
    truth = pq.read_table(country / "us" / "truth.parquet").to_pylist()
    homes = pd.read_parquet(country / "us" / "households.parquet")
    assert sum(row["households"] for row in truth) == N
    above = [sum(row["at_least"][rung] for row in truth) for rung in (6, 12)]  # $400 and $2,500
    known = homes["income_usd"].dropna()
    assert above[0] / N == pytest.approx((known >= 20_000).mean(), abs=0.02)
    assert above[1] / N == pytest.approx((known >= 125_000).mean(), abs=0.02)


def test_its_project_runs_and_comes_near_the_truth(country: Path, tmp_path: Path) -> None:
    done = run(country / "us" / "geoscore.toml", out=tmp_path / "out")
    truth = pq.read_table(country / "us" / "truth.parquet")
    answer = done.surface.query(capacity=2500)
    above = sum(row[12] for row in truth["at_least"].to_pylist())
    assert answer.households == pytest.approx(N, abs=N * 1e-3)
    assert (answer.estimate or 0.0) / N == pytest.approx(above / N, abs=0.01)
    assert done.summary["rows_rejected"] == 0


def test_more_than_the_bay_area_holds_are_spread_over_the_country(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Path, int]] = []
    monkeypatch.setattr(
        "geoscore.nation.synthesize_nation", lambda out, *, households, **_: told.append((out, households)) or {}
    )
    for count, options in ((BAY_AREA_HOUSEHOLDS + 1, []), (10, ["--region", "united-states"])):
        command = ["synth", "--households", str(count), "--out", str(tmp_path / "x"), *options]
        assert CliRunner().invoke(app, command).exit_code == 0
    assert [count for _, count in told] == [BAY_AREA_HOUSEHOLDS + 1, 10]


def test_no_households_and_a_file_in_the_way_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make up at least one"):
        synthesize_nation(tmp_path / "x", households=0)
    (tmp_path / "x").touch()
    with pytest.raises(InputError, match="is a file"):
        synthesize_nation(tmp_path / "x", households=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop_columns(["county"]), "column 'county' missing"),
        (lambda table: table.slice(0, 0), "holds no cell"),
        (lambda table: table.set_column(4, "households", pa.array([-1.0, 1.0])), "fewer than no households"),
        (lambda table: table.set_column(0, "cell", pa.array([None, 1], pa.uint64())), "cell is missing in 1 rows"),
        (
            lambda table: table.set_column(0, "cell", pa.array([0x872834744FFFFFF, 0x8828347433FFFFF], pa.uint64())),
            "cells are of the resolutions 7, 8",
        ),
    ],
)
def test_a_ground_that_cannot_be_is_said(change: object, said: str, tmp_path: Path) -> None:
    row = {"cell": 0x872834744FFFFFF, "zip": "94301", "county": "06085", "area_id": "a", "households": 9.0}
    table = pa.Table.from_pylist([row, {**row, "area_id": "b"}], schema=GROUND)
    pq.write_table(change(table), tmp_path / "ground.parquet")  # type: ignore[operator]
    with pytest.raises(InputError, match=said):
        read_ground(tmp_path / "ground.parquet")


def test_a_ground_coarser_than_the_surface_is_said(country: Path, tmp_path: Path) -> None:
    project = country / "us" / "geoscore.toml"
    finer = project.with_name("finer.toml")
    finer.write_text(project.read_text().replace("resolution = 7", "resolution = 8"))
    assert open_project(finer).surface.resolution == 8
    with pytest.raises(InputError, match=r"cells of resolution 7; set surface\.resolution to at most that"):
        run(finer, out=tmp_path / "out")
