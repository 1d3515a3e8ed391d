"""Trade areas over a surface: counts equal brute force, demand is conserved, mistakes are one plain line."""

import base64
import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
import typer
from typer.testing import CliRunner

from geoscore.cli.main import app
from geoscore.cli.show_trade import _table
from geoscore.errors import InputError, PolicyError, SurfaceError
from geoscore.ladder import at_threshold
from geoscore.market.areas import (
    Travel,
    count_areas,
    customer_center,
    matrix_areas,
    nearest_site_areas,
    threshold_area,
    time_areas,
)
from geoscore.market.choices import Market, change_sites, given_model, residual_layer
from geoscore.market.files import read_columns, read_flows, read_matrix, read_sites
from geoscore.market.patterns import hotspot_layer, twins_layer
from geoscore.market.penetration import customers_by_row, decay_layer, open_customers, penetration_layer
from geoscore.market.sites import siting_layer, territory_layer
from geoscore.pipeline import run
from geoscore.query import Surface, open_surface
from geoscore.reference.samples import example_dir, sample_path
from geoscore.schemas import LADDER
from geoscore.spatial.cells import cell_centers, cell_text, parent_cells
from geoscore.spatial.polygons import area_km2, cell_polygons, circle
from geoscore.spatial.roads import read_network
from geoscore.trade import fit_huff
from geoscore.trade.areas import Customers, Site, customer_area, donut, ring_area
from geoscore.trade.dollars import dollar_weights

ROOT = Path(__file__).parent.parent
OFFICES = ROOT / "examples" / "trade_area" / "offices.csv"
HERE = Site("office", -122.16, 37.44)
CITY = Site("city", -122.42, 37.775)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "out"
    run(example_dir() / "geoscore.toml", out=out)
    return out


@pytest.fixture(scope="module")
def surface(demo: Path) -> Surface:
    return open_surface(demo)


@pytest.fixture(scope="module")
def travel() -> Travel:
    return Travel(read_network(sample_path("network.parquet")))


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory, surface: Surface) -> Customers:
    """Return made-up customers around one office."""
    rng = np.random.default_rng(0)
    points = rng.normal([HERE.longitude, HERE.latitude], 0.06, (900, 2))
    path = tmp_path_factory.mktemp("customers") / "customers.csv"
    table = pd.DataFrame({"longitude": points[:, 0], "latitude": points[:, 1], "gift": rng.lognormal(4, 1, 900)})
    table.to_csv(path, index=False)
    return open_customers(surface, path, weight="gift")


def brute_force(surface: Surface, shape: Any, capacity: float) -> tuple[float, float]:
    """Count households and those at the capacity in a shape, row by row."""
    households = capable = 0.0
    for row in surface.table.to_pylist():
        if row["cell"] is None or row["suppressed"]:
            continue
        cell = cell_polygons(np.array([row["cell"]], dtype=np.uint64))[0]
        part = cell.intersection(shape).area / cell.area
        households += part * row["households"]
        capable += part * float(at_threshold(np.array(row["at_least"]), capacity))
    return households, capable


def test_a_ring_is_the_query_and_equals_brute_force(surface: Surface) -> None:
    row = count_areas(surface, [ring_area(HERE, 6)], capacity=1800).rows[0]
    answer = surface.query(point=HERE.point, radius_km=6, capacity=1800).to_dict()
    assert {key: row[key] for key in answer if key != "area"} == {k: v for k, v in answer.items() if k != "area"}
    households, capable = brute_force(surface, circle(*HERE.point, radius_m=6000), 1800)
    assert (row["households"], row["estimate"]) == (pytest.approx(households), pytest.approx(capable))
    assert row["area_km2"] == pytest.approx(np.pi * 36, rel=1e-3)


def test_inner_and_donut_add_up(surface: Surface) -> None:
    small, large = ring_area(HERE, 3), ring_area(HERE, 8)
    layer = count_areas(surface, [small, donut(large, small), large], capacity=2500)
    inner, rest, whole = (row["estimate"] for row in layer.rows)
    assert inner + rest == pytest.approx(whole)
    assert layer.rows[1]["area"] == "office, 3 to 8 km"


def test_what_two_areas_share(surface: Surface) -> None:
    other = Site("other", -122.11, 37.42)
    layer = count_areas(surface, [ring_area(HERE, 5), ring_area(other, 5)], capacity=2500)
    shared = layer.more["overlaps"][0]
    both = circle(*HERE.point, radius_m=5000).intersection(circle(*other.point, radius_m=5000))
    assert shared["estimate"] == pytest.approx(surface.query(area=both, capacity=2500).estimate)
    assert shared["share_of_first"] == pytest.approx(shared["households"] / layer.rows[0]["households"])
    assert 0 < shared["dollars"] < layer.rows[0]["dollars"]


def test_an_area_by_time_holds_the_cells_that_are_reached(surface: Surface, travel: Travel) -> None:
    area = time_areas([HERE], [12], travel)[0]
    inside = area.shape
    cells = travel.candidates([HERE], 12, resolution=9)
    times = travel.minutes([HERE], cells)[0]
    centers = shapely.points(*cell_centers(cells))
    assert (shapely.contains(inside, centers) == (times <= 12)).all()
    households, _ = brute_force(surface, inside, 2500)
    assert count_areas(surface, [area], capacity=2500).rows[0]["households"] == pytest.approx(households)


def test_more_time_reaches_more(travel: Travel) -> None:
    five, ten = time_areas([CITY], [10, 5], travel)
    assert (five.size, ten.size) == (5, 10)
    assert five.shape.difference(ten.shape.buffer(1e-9)).area == pytest.approx(0, abs=1e-12)


def test_a_site_in_the_sea_is_told(travel: Travel, surface: Surface) -> None:
    sea = Site("boat", -123.2, 37.5)
    with pytest.raises(InputError, match=r"boat at -123.2,37.5 is .* km from the nearest street"):
        time_areas([sea], [10], travel)
    with pytest.raises(SurfaceError, match="no cell of this surface lies in boat, 5 km"):
        count_areas(surface, [ring_area(sea, 5)], capacity=2500)


@pytest.mark.parametrize(("goal", "wanted"), [("households", 800), ("at-capacity", 300), ("dollars", 2_000_000)])
def test_a_ring_grows_until_it_holds_what_is_asked(surface: Surface, goal: Any, wanted: float) -> None:
    key = {"households": "households", "at-capacity": "estimate", "dollars": "dollars"}[goal]
    area = threshold_area(surface, HERE, wanted, goal=goal, capacity=2500)
    assert area.size is not None
    rings = [ring_area(HERE, size) for size in (area.size, area.size * 0.999)]
    held, less = (row[key] for row in count_areas(surface, rings, capacity=2500).rows)
    assert less < wanted <= held <= wanted * 1.005


def test_a_time_grows_until_it_holds_what_is_asked(surface: Surface, travel: Travel) -> None:
    area = threshold_area(surface, HERE, 500, goal="households", capacity=2500, travel=travel)
    assert area.size is not None
    assert count_areas(surface, [area], capacity=2500).rows[0]["households"] >= 500
    shorter = time_areas([HERE], [area.size * 0.97], travel)[0]
    assert count_areas(surface, [shorter], capacity=2500).rows[0]["households"] < 500
    with pytest.raises(InputError, match="less than the 99,999,999"):
        threshold_area(surface, HERE, 99_999_999, goal="households", capacity=2500)


def test_nearest_sites_part_the_region(surface: Surface, travel: Travel) -> None:
    areas, _ = nearest_site_areas(surface, [HERE, CITY])
    assert areas[0].shape.intersection(areas[1].shape).area == pytest.approx(0, abs=1e-10)
    rows = count_areas(surface, areas, capacity=2500).rows
    placed = sum(row["households"] for row in surface.table.to_pylist() if row["cell"] and not row["suppressed"])
    assert sum(row["households"] for row in rows) == pytest.approx(placed, rel=0.01)  # children overhang their parents
    by_time, notes = nearest_site_areas(surface, [HERE, CITY], travel=travel)
    assert all(area.figures["farthest"] > 0 for area in by_time)
    assert any("cells lie where no site can be reached from" in note for note in notes)


def test_times_of_ones_own(tmp_path: Path, surface: Surface) -> None:
    cells = np.unique([row["cell"] for row in surface.table.to_pylist() if row["cell"] and not row["suppressed"]])
    cells = cells.astype(np.uint64)
    table = pd.DataFrame(
        {"site": "office", "cell": [cell_text(int(c)) for c in cells], "minutes": np.arange(len(cells))}
    )
    table.to_csv(tmp_path / "times.csv", index=False)
    known, times = read_matrix(tmp_path / "times.csv", ["office"])
    area = matrix_areas([HERE], [9], known, times)[0]
    assert area_km2(area.shape) == pytest.approx(sum(map(area_km2, cell_polygons(cells[:10]))))
    with pytest.raises(InputError, match="no times of site 'ofice'; did you mean 'office'"):
        read_matrix(tmp_path / "times.csv", ["ofice"])


@pytest.mark.parametrize("by", ["distance", "hull", "density"])
def test_customer_areas_hold_their_share(customers: Customers, by: Any) -> None:
    areas = [customer_area(HERE, customers, share, by=by) for share in (0.6, 0.8)]
    for area, share in zip(areas, (0.6, 0.8), strict=True):
        assert share <= area.figures["customer_share"] < share + 0.05
        lon, lat = cell_centers(customers.cells)
        inside = shapely.contains(area.shape, shapely.points(lon, lat))
        assert customers.weight[inside].sum() / customers.weight.sum() >= share - 0.03
    assert area_km2(areas[0].shape) < area_km2(areas[1].shape)


def test_the_densest_area_is_smaller_than_the_ring(customers: Customers) -> None:
    far = Site("far", -122.0, 37.3)
    ring, dense = (customer_area(far, customers, 0.7, by=by) for by in ("distance", "density"))
    assert area_km2(dense.shape) < area_km2(ring.shape) / 2


def test_a_hull_has_corners_of_cells(customers: Customers) -> None:
    hull = customer_area(HERE, customers, 0.7, by="hull").shape
    corners = {tuple(xy) for xy in shapely.get_coordinates(cell_polygons(customers.cells)).round(9).tolist()}
    assert all(tuple(xy) in corners for xy in shapely.get_coordinates(hull).round(9).tolist())


def test_customers_with_zips_alone_are_spread_over_households(tmp_path: Path, surface: Surface) -> None:
    (tmp_path / "c.csv").write_text("zip\n94301\n94301-1234\n99999\n\n" + "94110\n" * 30)
    known = open_customers(surface, tmp_path / "c.csv")
    assert known.count.sum() == pytest.approx(32)
    assert known.rejected["ZIP not in the surface"] == 1
    assert "ZIP alone" in known.notes[0]
    spread, _, outside = customers_by_row(surface, known)
    assert spread.sum() + outside == pytest.approx(32)
    (tmp_path / "d.csv").write_text("name\nAnn\n")
    with pytest.raises(InputError, match="says nothing of where its customers are"):
        open_customers(surface, tmp_path / "d.csv")


def test_penetration_hides_a_handful_of_customers(surface: Surface, customers: Customers) -> None:
    layer = penetration_layer(surface, customers, by="zip", capacity=2500)
    k = surface.note.k
    for row in layer.rows:
        assert row["customers"] is None or row["customers"] == 0 or row["customers"] >= k
        assert row["few_customers"] == (row["customers"] is None)
    open_ = penetration_layer(surface, customers, by="zip", capacity=2500, show_small=True)
    spread, _, _ = customers_by_row(surface, customers)
    assert sum(row["customers"] for row in open_.rows) == pytest.approx(spread.sum())
    gaps = [row["gap"] for row in layer.rows if row["zip"].isdigit()]
    assert gaps == sorted(gaps, reverse=True)


@pytest.mark.parametrize("by", ["zip", "county", "cell"])
def test_customers_in_hidden_cells_are_counted_with_their_households(tmp_path: Path, surface: Surface, by: Any) -> None:
    rows = [row for row in surface.table.to_pylist() if row["cell"] is not None]
    shown = {row["cell"] for row in rows if not row["suppressed"]}
    hidden = pd.DataFrame([row for row in rows if row["suppressed"] and row["cell"] not in shown])
    hidden = hidden[~hidden["cell"].duplicated(keep=False)]  # cells of one ZIP
    lon, lat = cell_centers(hidden["cell"].to_numpy(dtype=np.uint64))
    pd.DataFrame({"longitude": [*lon, 0.5], "latitude": [*lat, 0.5]}).to_csv(tmp_path / "c.csv", index=False)
    layer = penetration_layer(
        surface, open_customers(surface, tmp_path / "c.csv"), by=by, capacity=2500, show_small=True
    )
    told = {row[by]: row["customers"] for row in layer.rows if row["customers"] > 0}
    if by == "cell":
        assert told == pytest.approx({"no cell (counted in ZIPs)": len(hidden)})
    else:
        counted = np.where(hidden["counted_in"] == "zip", hidden["zip"], "ZIPs too small to show")
        expected = pd.Series(counted if by == "zip" else hidden["county"].to_numpy()).value_counts().to_dict()
        assert told == pytest.approx(expected)
    assert sum(row["households"] for row in layer.rows) == pytest.approx(surface.figures.households.sum())
    notes = " ".join(layer.notes)
    assert f"{len(hidden):,} customers live in hidden hexagons" in notes
    assert "1 customer lives where the surface shows no household at all, and is not in the table" in notes


def test_decay_from_the_office(surface: Surface, customers: Customers) -> None:
    layer = decay_layer(surface, customers, HERE, bands_km=[2, 4, 6, 8, 12, 20])
    assert layer.more["decay"]["b"] < 0
    with pytest.raises(InputError, match="kilometers above 0"):
        decay_layer(surface, customers, HERE, bands_km=[-1])


def test_dollars_are_the_area_under_the_curve() -> None:
    at_least = np.array([100 * (1 - np.log(rung / 50) / np.log(20_000)) for rung in LADDER])
    steps = np.geomspace(50, 1_000_000, 2_000_001)
    expected = np.trapezoid(at_threshold_curve(at_least, steps), steps) + 50 * (120 + at_least[0]) / 2
    assert dollar_weights() @ [120, *at_least] == pytest.approx(expected, rel=1e-6)


def at_threshold_curve(at_least: np.ndarray, dollars: np.ndarray) -> np.ndarray:
    return np.interp(np.log(dollars), np.log(LADDER), at_least)


def test_a_market_conserves_demand_and_shares_out_what_a_closed_site_had(surface: Surface) -> None:
    _, sites = read_sites((), OFFICES)
    market = Market(surface, given_model(["cost=-2", "staff=1"]))
    rows = market.draw(sites).rows
    assert sum(row["estimate"] for row in rows) == pytest.approx(market.places.estimate.sum(), rel=1e-9)
    assert sum(row["market_share"] for row in rows) == pytest.approx(1)
    assert all(row["low"] <= row["estimate"] <= row["high"] for row in rows)
    change = market.compare(sites, change_sites(sites, closed=["Oakland"]))
    assert sum(row["change"] for row in change.rows) == pytest.approx(0, abs=1e-4)
    assert sum(move["households"] for move in change.more["moves"]) == pytest.approx(
        -change.rows[1]["change"], abs=1e-4
    )
    cells = market.draw_cells(sites).rows
    assert all(sum(v for k, v in row.items() if k.startswith("share ")) == pytest.approx(1) for row in cells)


def test_unsure_coefficients_widen_intervals(surface: Surface) -> None:
    flows, _ = read_flows(
        OFFICES.parent / "visits.csv", origin="zip", site="office", flow="visits", cost="minutes", attributes=["staff"]
    )
    _, sites = read_sites((), OFFICES)
    fit = fit_huff(flows)
    sure = given_model([f"{name}={value}" for name, value in fit.coefficients.items()])
    for one, other in zip(
        Market(surface, fit.to_model()).draw(sites).rows, Market(surface, sure).draw(sites).rows, strict=True
    ):
        assert one["estimate"] == pytest.approx(other["estimate"])
        assert one["high"] - one["low"] > other["high"] - other["low"]
    layer = residual_layer(fit, surface)
    assert layer.shapes is not None
    assert len(layer.to_geopandas()) == 249


def test_territories_are_even_and_whole(surface: Surface) -> None:
    layer = territory_layer(surface, count=5, capacity=2500)
    parts = [row["estimate"] for row in layer.rows]
    assert max(parts) / min(parts) < 1.1
    assert sum(row["cells"] for row in layer.rows) == len(
        np.unique([row["cell"] for row in surface.table.to_pylist() if row["cell"] and not row["suppressed"]])
    )


def test_sites_are_chosen_and_counted(surface: Surface) -> None:
    layer = siting_layer(surface, count=2, objective="coverage", reach=15, capacity=2500, pool=30)
    assert layer.more["proven"]
    assert sum(row["estimate"] for row in layer.rows) == pytest.approx(layer.more["objective"], rel=1e-6)
    with pytest.raises(InputError, match="--reach"):
        siting_layer(surface, count=2, objective="coverage", capacity=2500)


def test_twins_are_not_the_area_itself(surface: Surface) -> None:
    layer = twins_layer(surface, surface.select(zip="94301"), by="zip", capacity=2500, count=5)
    assert "94301" not in [row["zip"] for row in layer.rows]
    assert len(layer.rows[0]["alike"]) == 3
    assert isinstance(layer.more["stable"], bool)


def test_hot_spots_lie_where_shares_are_high(surface: Surface) -> None:
    for statistic in ("gi", "moran"):
        layer = hotspot_layer(surface, capacity=2500, statistic=statistic)  # type: ignore[arg-type]
        hot = [row["share"] for row in layer.rows if row["kind"] == "hot"]
        assert np.mean(hot) > np.mean([row["share"] for row in layer.rows])


def test_wordings(surface: Surface, customers: Customers) -> None:
    layer = siting_layer(surface, count=2, objective="p-median", capacity=2500, pool=10)
    notes = " ".join(layer.notes)
    assert "proven to be the best among the 10 cells of resolution 7 with most potential" in notes
    assert "mean cost is in km" in notes
    with pytest.raises(InputError, match=r"^site 1 at 37.44,-122.16 is no place"):
        read_sites(["37.44,-122.16"])
    assert customer_area(customer_center(customers), customers, 0.6, by="density").name == "60% of all customers"
    far = threshold_area(surface, Site("buoy", -123.6, 37.0), 100, goal="households", capacity=2500)
    assert far.size is not None
    assert far.size > 50
    (note,) = far.notes
    away = float(re.findall(r"nearest to buoy is (\d+) km away", note)[0])
    assert 50 < away <= far.size + 1
    assert not threshold_area(surface, HERE, 100, goal="households", capacity=2500).notes


def test_shares_of_customers_are_told_in_percent(surface: Surface, customers: Customers) -> None:
    layer = penetration_layer(surface, customers, by="county", capacity=2500)
    titles, first = _table(layer).splitlines()[:2]
    assert "penetration at capacity" in titles
    assert first.count("%") == 2
    assert "%" in _table(decay_layer(surface, customers, HERE, bands_km=[2, 4, 6, 8])).splitlines()[1]


def test_every_line_has_its_speed_from_one_source(travel: Travel) -> None:
    note = next(note for note in travel.network.notes if note.startswith("speeds of lines"))
    lines = next(note for note in travel.network.notes if note.endswith(" lines"))
    told = [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) (?:by|at)", note)]
    assert sum(told) == int(lines.split()[-2].replace(",", ""))


def _call(demo: Path, *words: str) -> Any:
    given = [word.replace("SURFACE", str(demo / "surface.parquet")) for word in words]
    return CliRunner().invoke(app, ["trade-area", *given], standalone_mode=False)


@pytest.mark.parametrize("form", ["json", "csv", "geojson", "geoparquet", "table"])
def test_results_in_every_form(demo: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / "areas"
    words = ["ring", "SURFACE", "--site", "a=-122.16,37.44", "--radius-km", "5", "--format", form, "-o", str(out)]
    result = _call(demo, *words)
    assert result.exception is None
    if form == "json":
        told = json.loads(out.read_text())
        assert {"area", "households", "estimate", "low", "high", "suppressed", "provenance"} <= set(told)
    elif form in ("geojson", "geoparquet"):
        frame = gpd.read_parquet(out) if form == "geoparquet" else gpd.read_file(out)
        assert frame.geometry.iloc[0].contains(shapely.Point(-122.16, 37.44))
        if form == "geoparquet":
            assert json.loads(pq.read_schema(out).metadata[b"geoscore"])["sources"]
    else:
        assert "a, 5 km" in out.read_text()
        assert form == "table" or out.read_text().splitlines()[0].endswith(",purpose,ledger")


def test_a_drawn_area_asked_again_gives_the_same_answer(demo: Path, tmp_path: Path, surface: Surface) -> None:
    path = tmp_path / "area.geojson"
    words = ["time", "SURFACE", "--site", "a=-122.16,37.44", "--minutes", "10", "--network", "sample", "--map"]
    result = _call(demo, *words, str(tmp_path / "map.html"), "--format", "geojson", "-o", str(path))
    assert result.exception is None
    told = json.loads(path.read_text())["features"][0]["properties"]
    assert surface.query(area=path, capacity=2500).estimate == pytest.approx(told["estimate"], rel=1e-6)
    page = (tmp_path / "map.html").read_text()
    packed = re.search(r'<script type="text/plain" id="figures">(.*?)</script>', page, re.DOTALL)
    assert "a, 10 min" in page or (packed and b"a, 10 min" in gzip.decompress(base64.b64decode(packed[1])))


def test_a_closed_site_is_left_out_of_the_map(demo: Path, tmp_path: Path) -> None:
    words = ["market", "SURFACE", "--sites", str(OFFICES), "--coefficient", "cost=-2", "--coefficient", "staff=1"]
    result = _call(demo, *words, "--close", "Oakland", "--map", str(tmp_path / "map.html"))
    assert result.exception is None
    assert "-100.0%" in result.stdout
    assert "not on the map, for no place is theirs: Oakland" in result.stdout
    assert (tmp_path / "map.html").exists()


def _examples() -> list[list[str]]:
    group = app.registered_groups
    trade = next(item.typer_instance for item in group if item.name == "trade-area")
    assert trade is not None
    found = []
    for command in trade.registered_commands:
        text = " ".join((command.callback.__doc__ or "").split())  # type: ignore[union-attr]
        assert "geoscore trade-area " in text, command.callback
        found.append(shlex.split(text[text.index("geoscore trade-area ") :])[2:])
    return found


def test_every_option_is_told_in_the_documents() -> None:
    text = (ROOT / "docs" / "trade-areas.md").read_text()
    listed = (ROOT / "docs" / "command-line.md").read_text()
    group = typer.main.get_command(app).commands["trade-area"]  # type: ignore[attr-defined]
    for name, command in group.commands.items():
        assert f"geoscore trade-area {name}" in text
        for parameter in command.params:
            for option in parameter.opts:
                told = f"`{option}" in text and f"`{option}`" in listed
                assert not option.startswith("--") or told, f"{name} {option}"


@pytest.mark.parametrize("words", _examples(), ids=lambda words: words[0])
def test_the_example_of_every_help_runs(demo: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = _call(demo, *(word.replace("out/demo/surface.parquet", "SURFACE") for word in words))
    assert result.exception is None
    assert result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ring", "SURFACE", "--radius-km", "5"], "there is no site"),
        (["ring", "SURFACE", "--site", "a=1", "--radius-km", "5"], "NAME=LON,LAT"),
        (["ring", "SURFACE", "--site", "-122.16,37.44", "--radius-km", "-5"], "no size of a trade area"),
        (["ring", "SURFACE", "--site", "37.44,-122.16", "--radius-km", "5"], "longitude first"),
        (["ring", "SURFACE", "--site", "a=-122,37", "--site", "b=-122,37", "--radius-km", "5"], "stand at one point"),
        (["ring", "SURFACE", "--site", "a=-122,37", "--site", "a=-123,37", "--radius-km", "5"], "are called 'a'"),
        (["time", "SURFACE", "--site", "a=-122.16,37.44", "--minutes", "5"], "--network FILE and --matrix FILE"),
        (["time", "SURFACE", "--site", "a=-122.16,37.44", "--minutes", "5", "--network", "no.gpkg"], "no network"),
        (["time", "SURFACE", "--site", "a=-122.16,37.44", "--minutes", "999", "--network", "sample"], "no size"),
        (["threshold", "SURFACE", "--site", "a=-122.16,37.44"], "say what to grow until"),
        (["customers", "SURFACE", "--customers", "no.csv"], "there is no file"),
        (["market", "SURFACE", "--sites", "no.csv", "--coefficient", "cost=-2"], "no file"),
        (["market", "SURFACE", "--sites", str(OFFICES)], "one of --model FILE and --coefficient"),
        (["market", "SURFACE", "--sites", str(OFFICES), "--coefficient", "x"], "NAME=NUMBER"),
        (
            ["market", "SURFACE", "--sites", str(OFFICES), "--coefficient", "cost=-2", "--coefficient", "size=1"],
            "'size'",
        ),
        (["market", "SURFACE", "--sites", str(OFFICES), "--model", "no.json"], "there is no model"),
        (["access", "SURFACE", "--sites", str(OFFICES), "--supply", "beds", "--catchment", "5"], "no 'beds'"),
        (["twins", "SURFACE"], "which area to match"),
        (["hotspots", "SURFACE", "--map", "hot.html"], "too many to draw by name"),
        (["ring", "SURFACE", "--site", "a=-122.16,37.44", "--radius-km", "5", "--map", "a.pdf"], "written as .html"),
        (["territories", "SURFACE", "--count", "99999"], "ask for fewer"),
        (["sites", "SURFACE", "--count", "3", "--pool", "2"], "3 sites of 2 candidates"),
        (
            ["huff", "--flows", "no.csv", "--origin", "a", "--site", "b", "--flow", "c", "--cost", "d"],
            "there is no file",
        ),
    ],
)
def test_mistakes_are_told(demo: Path, words: list[str], message: str) -> None:
    result = _call(demo, *words)
    assert result.exception is not None
    assert message in str(result.exception)


def test_flows_in_csv_spreadsheet_and_parquet_are_one(tmp_path: Path) -> None:
    table = pd.read_csv(OFFICES.parent / "visits.csv", dtype={"zip": str})
    table.to_parquet(tmp_path / "v.parquet")
    wanted: dict[str, Any] = {"origin": "zip", "site": "office", "flow": "visits", "cost": "minutes"}

    def fitted(path: Path, **more: Any) -> dict[str, float]:
        flows, rows = read_flows(path, **{**wanted, "attributes": ["staff"], **more})
        assert rows == 1245
        return fit_huff(flows).coefficients

    expected = fitted(OFFICES.parent / "visits.csv")
    assert fitted(tmp_path / "v.parquet") == expected
    table["visits"] = "$" + table["visits"].astype(str) + ".00"
    table.to_csv(tmp_path / "dollars.csv", index=False)
    assert fitted(tmp_path / "dollars.csv") == expected
    with pytest.raises(InputError, match=r"column 'visit' missing in .*; did you mean 'visits'"):
        fitted(tmp_path / "v.parquet", flow="visit")


def test_huff_as_json(demo: Path) -> None:
    words = ["huff", "--flows", str(OFFICES.parent / "visits.csv"), "--origin", "zip", "--site", "office", "--flow"]
    words += ["visits", "--cost", "minutes", "--attribute", "staff", "--attribute", "square_meters", "--format", "json"]
    for method in ("mle", "mci", "least-squares"):
        told = json.loads(_call(demo, *words, "--method", method).stdout)
        assert list(told["coefficients"]) == list(told["standard_errors"]) == ["minutes", "staff", "square_meters"]
        assert told["converged"] is True
        assert told["log_likelihood"] < 0 < told["r2_shares"] < 1
        assert told["rows_read"] == told["rows_used"] + sum(told["rows_rejected"].values())
    truth = {"minutes": -1.5, "staff": 0.8, "square_meters": 0.4}
    fitted = json.loads(_call(demo, *words).stdout)
    assert all(low <= truth[name] <= high for name, (low, high) in fitted["intervals"].items())


def test_federal_contributors_are_no_customers(tmp_path: Path) -> None:
    path = tmp_path / "itcont.csv"
    path.write_text("CMTE_ID,AMNDT_IND,RPT_TP,TRANSACTION_TP,ZIP_CODE\nC1,N,Q1,15,94301\n")
    with pytest.raises(PolicyError, match="FEC"):
        read_columns(path)


def test_cells_of_customers_are_parents(customers: Customers, surface: Surface) -> None:
    assert len(np.unique(parent_cells(customers.cells, resolution=surface.note.resolution))) < len(customers.cells)
