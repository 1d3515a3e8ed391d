"""All households of a region from census tables alone, and with files: totals are the census's, errors are shared."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from conftest import SOUTH, STEP, WEST, lay_out
from shapely import box

from geoscore.enrichment import mix_areas
from geoscore.errors import InputError, ProjectError
from geoscore.pipeline import run
from geoscore.query import open_surface
from geoscore.reference.census import INCOME_EDGES, CensusFiles, open_census
from geoscore.reference.census_areas import areas_around
from geoscore.schemas import LADDER, RUNG_EDGES
from geoscore.surface_format import Figures, figures, surface_table
from geoscore.surfaces import Allocation, Errors, census_surface, rake_surface
from geoscore.tables import to_pandas

GROUPS = [f"06085{tract:06d}{group}" for tract in (100, 200) for group in (1, 2)]
TOP = 100_000
K = LADDER.index(2500)


def write_tables(folder: Path, **changes: object) -> Path:
    """Write a table of incomes, centers, tracts and ZIPs of four block groups; return a project on them."""
    rng = np.random.default_rng(1)
    counts = rng.multinomial(900, np.full(16, 1 / 16), size=4).astype(float)
    columns = {f"B19001_{i:03d}E": counts[:, i - 2] for i in range(2, 18)}
    table = pd.DataFrame({"GEOID": GROUPS, "B19001_001E": counts.sum(axis=1), **columns})
    for name, value in changes.items():
        table[name] = value
    table.to_csv(folder / "incomes.csv", index=False)
    x = [WEST + STEP * (0.5 + i) for i in range(4)]
    pd.DataFrame({"GEOID": GROUPS, "longitude": x, "latitude": SOUTH + STEP / 2}).to_csv(folder / "c.csv", index=False)
    tracts = [box(WEST + 2 * i * STEP, SOUTH, WEST + 2 * (i + 1) * STEP, SOUTH + STEP) for i in range(2)]
    gpd.GeoDataFrame({"GEOID": [area[:11] for area in GROUPS[::2]]}, geometry=tracts, crs=4326).to_file(
        folder / "t.gpkg"
    )
    gpd.GeoDataFrame({"ZCTA5CE20": ["94301", "94303"]}, geometry=tracts, crs=4326).to_file(folder / "z.geojson")
    (folder / "geoscore.toml").write_text(
        'name = "All"\npurpose = "research"\nas_of = 2026-11-01\n[census]\ntables = ["$HERE/incomes.csv"]\n'
        'centers = "c.csv"\ntracts = "t.gpkg"\nzips = "z.geojson"\nvintage = "ACS 2018-2022"\n'
    )
    return folder / "geoscore.toml"


def test_a_run_without_files_counts_all_households(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = write_tables(tmp_path)
    monkeypatch.delenv("HERE", raising=False)
    with pytest.raises(ProjectError, match="no variable HERE in the environment"):
        run(plan)
    monkeypatch.setenv("HERE", str(tmp_path))
    done = run(plan)
    surface = open_surface(tmp_path / "out")
    table = pd.read_csv(tmp_path / "incomes.csv")
    assert surface.note.universe == "census"
    assert surface.note.vintage == "ACS 2018-2022"
    assert surface.query().households == pytest.approx(3600.0, abs=1e-6)
    above = table[[f"B19001_{i:03d}E" for i in range(15, 18)]].to_numpy().sum()
    assert surface.query(capacity=2500).estimate == pytest.approx(above, rel=1e-6)
    answers = [surface.query(zip="94301", capacity=c) for c in (100, 400, 2500, 2700, 3100, 50_000)]
    assert all(answer.low <= answer.estimate <= answer.high for answer in answers)
    assert all(one.estimate >= two.estimate for one, two in pairwise(answers))
    assert done.summary["errors"]["allocation to cells"]["cell"] > 0
    ledger = (tmp_path / "out" / "ledger.jsonl").read_text()
    assert "incomes.csv" in ledger
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["sensitivity"][0]["formula"] == "income-2pct-1y"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"GEOID": [f"06085{t:06d}{g}" for t in (300, 400) for g in (1, 2)]}, "of two vintages or levels"),
        ({"B19001_001E": 1200.0}, "do not add up in 4 areas"),
        ({"B19001_009E": -5.0}, "fewer than no households"),
        ({"GEOID": [GROUPS[0]] * 4}, "stands twice"),
    ],
)
def test_tables_that_cannot_be_end_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], words: str
) -> None:
    monkeypatch.setenv("HERE", str(tmp_path))
    with pytest.raises(InputError, match=words):
        run(write_tables(tmp_path, **changes))


def test_an_area_without_households_and_lost_zeros_are_mended(tmp_path: Path) -> None:
    write_tables(tmp_path)
    table = pd.read_csv(tmp_path / "incomes.csv")  # the GEOIDs become numbers
    table.iloc[3, 1:] = 0
    table.to_csv(tmp_path / "incomes.csv", index=False)
    files = {"tables": (tmp_path / "incomes.csv",), "centers": tmp_path / "c.csv", "tracts": tmp_path / "t.gpkg"}
    census = open_census(CensusFiles(**files, zips=tmp_path / "z.geojson"))
    assert census.areas["households"].tolist() == [900.0, 900.0, 900.0, 0.0]
    assert any("zero they had lost" in note for note in census.notes)
    assert any("modelled" in note for note in census.notes)
    assert len(INCOME_EDGES) == 16


def test_areas_around_centers_fill_their_tract_and_no_more() -> None:
    rng = np.random.default_rng(0)
    centers = pd.DataFrame(
        {"area_id": GROUPS, "longitude": WEST + STEP * rng.uniform(0, 1, 4), "latitude": SOUTH + STEP * rng.random(4)}
    )
    shape = box(WEST, SOUTH, WEST + STEP, SOUTH + STEP)
    tracts = gpd.GeoDataFrame({"area_id": [GROUPS[0][:11]]}, geometry=[shape], crs=4326)
    areas, notes = areas_around(centers, tracts)
    shapes = areas.geometry.to_numpy()
    inside = shapes[:2]
    assert shapely.area(inside).sum() == pytest.approx(shape.area, rel=1e-9)
    assert inside[0].intersection(inside[1]).area == pytest.approx(0.0, abs=1e-15)
    assert shapely.area(shapes[2:]).min() > 0
    assert "2 areas have no tract polygon" in notes[1]


@pytest.fixture(scope="module")
def ground(region: Path) -> pa.Table:
    return lay_out(region, resolution=7)


SHARES = np.linspace(1.0, 0.0, 25)[None, :] * np.array([[0.9], [0.7], [0.5], [0.3]])
ERRORS = Errors(np.full(4, 99.0), {"06085": 1e-4, "06081": 1e-4})


def test_where_households_lie_is_unsure_in_a_cell_and_sure_in_a_zip(ground: pa.Table) -> None:
    surface, _ = census_surface(ground, list("abcd"), SHARES, ERRORS, Allocation(np.full(4, 4.0), ""))
    values = figures(surface)
    assert values.households.sum() == pytest.approx(10_000.0)
    assert values.at_least[:, K].sum() == pytest.approx((np.array([4000, 3000, 2000, 1000]) * SHARES[:, K]).sum())
    assert values.variance[:, 0].max() > 1e4
    zips = surface["zip"].to_pandas().eq("94301").to_numpy()
    whole = values.summed(np.where(zips, 0, 1), 2)
    assert whole.variance[0, 0] < 0.05 * values.variance[zips, 0].sum()
    # all of an area's error stays: it is one survey that was wrong in all of its cells
    n, p = np.array([4000.0, 3000.0]), SHARES[:2, K]
    survey = (n**2 * p * (1 - p) / 100).sum() + (n * np.sqrt(p * (1 - p))).sum() ** 2 * 1e-4
    assert whole.variance[0, 1 + K] == pytest.approx(survey + (n * p * (1 - p)).sum(), rel=0.05)


def known(ground: pa.Table, share: float, rate: float) -> pa.Table:
    """Return files that know a share of every row's households, a part of them above every rung."""
    frame = to_pandas(ground).groupby(["cell", "zip", "county"])["households"].sum().reset_index()
    frame = frame[frame["households"] > 50]
    n = share * frame["households"].to_numpy()
    return surface_table(frame, Figures.apart(n, np.repeat(rate * n[:, None], 25, axis=1), np.zeros((len(n), 25))))


def test_files_move_households_and_leave_the_census_totals(ground: pa.Table) -> None:
    allocation = Allocation(np.full(4, 4.0), "")
    alone, _ = census_surface(ground, list("abcd"), SHARES, ERRORS, allocation)
    for share, rate in ((0.2, 0.1), (0.2, 0.0), (3.0, 0.2)):
        files = known(ground, share, rate)
        both, _ = rake_surface(
            files, mix_areas(files, ground=ground), ground, list("abcd"), SHARES, ERRORS, allocation, anchored=True
        )
        one, two = figures(alone), figures(both)
        assert two.households.sum() == pytest.approx(one.households.sum(), rel=1e-9)
        assert (np.diff(two.at_least, axis=1) <= 1e-9).all()
        assert (two.at_least <= two.households[:, None] + 1e-9).all()
        if share < 1 and rate == 0.0:
            # nobody whom the files know lies above: all that the census counts are among the others
            assert two.at_least[:, K].sum() == pytest.approx(one.at_least[:, K].sum(), rel=1e-6)


def test_a_run_with_files_in_the_census_universe(make_project: Callable[..., Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    rows = "".join(f"{i},{WEST + STEP * rng.random():.6f},{SOUTH + STEP * rng.random():.6f},{rng.integers(2, 30)}0000\n"
                   for i in range(400))  # fmt: skip
    plan = make_project(
        "id,lon,lat,income\n" + rows,
        columns='longitude = "lon"\nlatitude = "lat"\nincome_usd = "income"',
        settings='[surface]\nuniverse = "census"\nk = 20\n',
    )
    done = run(plan, out=tmp_path / "out")
    surface = open_surface(tmp_path / "out")
    assert surface.note.universe == "census"
    assert surface.query().households == pytest.approx(10_000.0, abs=1e-6)
    assert 300 < done.summary["households_told"] <= 400
    assert done.summary["linkage"] == {"records": 400, "persons": 400, "households": 400}
    assert len(RUNG_EDGES) == len(LADDER)
    private = pq.read_table(tmp_path / "out" / "private" / "households.parquet")
    assert private.num_rows == 400
