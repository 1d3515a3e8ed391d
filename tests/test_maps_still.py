"""Still maps: a shape for every cell, a legend, a scale bar, and nothing that runs; as SVG, PNG and PDF."""

import itertools
import re
import sys
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest
import shapely
import shapely.geometry
from PIL import Image
from test_maps_page import BASEMAP, CELLS, TRIANGLE, made_up_note, made_up_surface

from geoscore import schemas
from geoscore.errors import InputError, SurfaceError
from geoscore.maps import MEASURES, MapLayer, map_svg, read_layers, save_picture, scene_from_surface
from geoscore.maps.palette import LAYERS, rgb
from geoscore.maps.picture import _compose, picture_size
from geoscore.maps.scene import _words
from geoscore.query import Surface
from geoscore.reference.basemap import Place
from geoscore.spatial.cells import cells_from_points

HOSTILE = "</text><script>alert(1)</script>"
SURFACE = Surface(made_up_surface(), made_up_note())


def scene(**how):
    return scene_from_surface(SURFACE.table, note=SURFACE.note, **{"basemap": BASEMAP, **how})


def test_a_still_map_draws_every_cell_and_says_what_is_hidden() -> None:
    svg = map_svg(SURFACE.table, note=SURFACE.note, capacity=2500)
    drawn = re.findall(r'<path d="([^"]*)" fill="#[0-9a-f]{6}" stroke="#fff"', svg)
    assert sum(path.count("Z") for path in drawn) == len(CELLS)
    assert f"hidden (&lt; {SURFACE.note.k})" in svg
    assert re.search(r"\d km \([\d.]+ miles\)", svg)


def test_hostile_names_stay_text() -> None:
    layer = MapLayer(HOSTILE, TRIANGLE)
    svg = map_svg(SURFACE.table, note=made_up_note(title=HOSTILE, purpose=HOSTILE), layers=(layer,), standalone=True)
    assert "<script" not in svg
    assert svg.count("&lt;script&gt;") >= 3


def test_a_still_map_of_nothing_is_a_map() -> None:
    assert map_svg(SURFACE.table.slice(0, 0), note=SURFACE.note, capacity=2500).startswith("<svg")


def test_a_scene_is_true_to_scale_and_tells_the_query_s_figures() -> None:
    made = scene()
    area = sum(cell.area for cell in made.cells) / len(made.cells)
    assert area == pytest.approx(5.0, rel=0.2)  # km2 of a cell of resolution 7
    answer = SURFACE.query(capacity=2500)
    assert f"{answer.estimate:,.0f} of {answer.households:,.0f} households" in made.headline
    assert f"{answer.low:,.0f} to {answer.high:,.0f}" in made.headline
    closer = scene(focus=(-122.17, 37.43, -122.15, 37.45))
    assert closer.size_km[0] < made.size_km[0]
    assert len(closer.cells) < len(made.cells)


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_has_classes_in_its_own_words(measure: str) -> None:
    made = scene(measure=measure, capacity=(400.0, 2500.0))
    assert len(made.words) == len(made.colors) > 1
    assert "$400 to under $2,500" in made.legend
    assert ("%" in made.words[0]) == (measure == "share")
    with pytest.raises(SurfaceError, match="measure"):
        scene(measure="sum")


@pytest.mark.parametrize(("size", "dots"), [("slide", (1920, 1080)), ("print", (2130, 2580)), ("600x400", (600, 400))])
def test_a_picture_has_its_size_its_colors_and_always_the_same_bytes(size, dots, tmp_path: Path) -> None:
    made = scene(layers=(MapLayer("Ring", TRIANGLE),))
    for name in ("a.png", "b.png"):
        save_picture(made, tmp_path / name, size=size)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert picture.shape[:2] == dots[::-1]
    for color in made.colors:
        assert (picture == rgb(color)).all(axis=2).sum() > 50, color


@pytest.mark.parametrize("dots", [(1100, 800), (1200, 900), (700, 500)])
def test_a_legend_keeps_clear_of_the_footer_on_small_sheets(dots: tuple[int, int]) -> None:
    from matplotlib.figure import Figure

    note = replace(made_up_note(), title="A name of a map that takes several lines of a narrow column to be told")
    made = scene_from_surface(made_up_surface(), note=note, capacity=2500.0, basemap=BASEMAP)
    figure = Figure(figsize=(dots[0] / 150, dots[1] / 150), dpi=150)
    _compose(figure, made, wide=dots[0] / 150, high=dots[1] / 150)
    texts = {text.get_text(): text.get_window_extent() for text in figure.texts}
    legend = next(box for words, box in texts.items() if words.startswith("hidden"))
    footer = next(box for words, box in texts.items() if words.replace("\n", " ").startswith(made.footer[:12]))
    assert made.hides
    assert legend.y0 > footer.y1


def test_layers_have_colors_of_their_own_that_all_kinds_of_vision_tell_apart() -> None:
    moved = shapely.box(-122.3, 37.3, -122.2, 37.4)
    made = scene(layers=(MapLayer("Ring", TRIANGLE), MapLayer("Box", moved)))
    assert len(set(made.layer_colors)) == 2
    assert {label.text: label.color for label in made.labels if label.kind == "layer"} == dict(
        zip(("Ring", "Box"), made.layer_colors, strict=True)
    )
    svg = map_svg(SURFACE.table, note=SURFACE.note, layers=(MapLayer("Ring", TRIANGLE), MapLayer("Box", moved)))
    assert all(f'stroke="{color}"' in svg for color in made.layer_colors)
    for colors in LAYERS.values():
        for vision in (np.eye(3), *VISIONS):
            told = [_lab(color, vision) for color in colors]
            assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(told, 2)) > 15


# Machado, Oliveira and Fernandes, IEEE Transactions on Visualization 15 (2009), 1291-1298: protanopia, deuteranopia and
# tritanopia, in linear RGB
VISIONS = np.array(
    [
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ]
)


def _lab(color: str, vision: np.ndarray) -> np.ndarray:
    """Return a color in CIE L*a*b* as a kind of vision sees it."""
    value = np.array(rgb(color)) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = to_xyz @ np.clip(vision @ linear, 0, 1) / [0.9505, 1.0, 1.089]
    x, y, z = (np.cbrt(part) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_a_picture_is_written_as_it_is_asked(tmp_path: Path) -> None:
    SURFACE.save_picture(tmp_path / "a.svg", measure="share")
    assert "Share of households" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    SURFACE.save_picture(tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(InputError, match=r"\.png, \.pdf or \.svg"):
        SURFACE.save_picture(tmp_path / "a.jpg")
    for wrong in ("poster", "10x10", "99999x1"):
        with pytest.raises(InputError, match="slide, print, or dots"):
            picture_size(wrong)


def test_a_missing_part_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("matplotlib", "folium", "lonboard"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install 'geoscore\[pictures\]'"):
        SURFACE.save_picture(tmp_path / "a.png")
    for draw in (SURFACE.explore, SURFACE.lonboard_layer):
        with pytest.raises(InputError, match=r"pip install 'geoscore\[notebooks\]'"):
            draw()


def test_notebooks_show_surfaces_listings_and_answers() -> None:
    shown = SURFACE._repr_html_()
    assert shown.count("<svg") == 1
    assert "about" in shown
    table = SURFACE.at_least(2500).by("zip")._repr_html_()
    assert table.count("<tr>") == 3
    assert "94301" in table


@pytest.mark.parametrize("measure", MEASURES)
def test_folium_colors_the_cells_by_measure(measure: str) -> None:
    page = SURFACE.explore(measure=measure).get_root().render()
    assert f"{CELLS[0]:x}" in page
    assert "tile.openstreetmap" not in page
    assert "#aaaeb2" in page  # the hidden one
    cells = SURFACE.to_geopandas(capacity=2500)
    assert len(cells) == len(CELLS)
    answer = SURFACE.query(cell=CELLS[1], capacity=2500)
    assert cells.set_index("cell").loc[f"{CELLS[1]:x}"]["high"] == pytest.approx(answer.high)


def test_a_long_name_is_shortened_on_the_map_and_a_point_s_name_stands_over_it() -> None:
    west, south, east, north = (-122.25, 37.35, -122.05, 37.55)
    layers = (
        MapLayer("A wide area " * 9, TRIANGLE),
        MapLayer("Shop", {"type": "Point", "coordinates": [-122.15, 37.52]}),
    )
    made = scene(layers=layers, focus=(west, south, east, north))
    names = {label.text: label for label in made.labels if label.kind == "layer"}
    assert all(len(name) <= 28 for name in names)
    assert any(name.endswith("…") for name in names)
    (dot,) = [shape for shape in made.layers if shape.geom_type == "Point"]
    assert names["Shop"].at[1] - dot.y > 0.012 * made.size_km[0]


def test_the_largest_places_are_named_first_and_a_city_that_is_its_county_once() -> None:
    places = tuple(
        Place(name=f"{name}", longitude=-122.15 + 0.01 * i, latitude=37.44, size=100.0 - i)
        for i, name in enumerate(["Large", "Second", "Third", *(f"Small {n}" for n in range(30))])
    )
    county = BASEMAP.counties["features"][0]["properties"]["name"]
    middle = shapely.geometry.shape(BASEMAP.counties["features"][0]["geometry"]).representative_point()
    same = Place(name=county, longitude=middle.x, latitude=middle.y, size=1000.0)
    told = [label.text for label in scene(basemap=replace(BASEMAP, places=(same, *places))).labels]
    assert told[:2] == [county, "Large"]
    assert county.upper() not in told[1:]


def test_breaks_are_written_to_two_digits_as_on_the_page() -> None:
    words = _words((0.26, 3.0, 8.3, 15.0, 1200.0), measure="estimate")
    assert words == ("under 0.26", "0.26 to 3", "3 to 8.3", "8.3 to 15", "15 to 1,200", "1,200 and more")
    assert _words((0.0034, 0.05, 0.33), measure="share") == (
        "under 0.34%", "0.34% to 5%", "5% to 33%", "33% and more",
    )  # fmt: skip


def test_a_map_of_a_country_shows_where_nearly_all_live() -> None:
    mainland = [(-120.0 + 2 * x, 32.0 + 2 * y, 1000.0) for x in range(25) for y in range(8)]
    islands = [(-157.9, 21.3, 300.0), (-150.0, 61.0, 200.0), (173.2, 52.9, 20.0)]
    longitude, latitude, households = (np.array(part) for part in zip(*mainland, *islands, strict=True))
    cells = cells_from_points(longitude, latitude, resolution=5)
    ladder = [1.0] * len(schemas.LADDER)
    spread = [0.0, *ladder]
    rows = [
        [int(cell), None, None, float(n), ladder, spread, spread, spread, False, "cell"]
        for cell, n in zip(cells, households, strict=True)
    ]
    table = pa.Table.from_pylist([dict(zip(schemas.SURFACE.names, row, strict=True)) for row in rows], schemas.SURFACE)
    scene = scene_from_surface(table, note=made_up_note(resolution=5))
    assert 4000 < scene.size_km[0] < 5500  # not around the globe
    assert scene.outside == pytest.approx(520 / households.sum(), rel=1e-6)
    assert scene.resolution < 5  # hexagons that can be seen
    near = scene_from_surface(table, note=made_up_note(resolution=5), focus=(-121.0, 31.0, -119.0, 33.0))
    assert (near.outside, near.resolution) == (0.0, 5)


def test_layers_are_named_by_name_or_by_area(tmp_path: Path) -> None:
    shapes = gpd.GeoDataFrame(
        {"area": ["Ten minutes"], "households": [5]}, geometry=[shapely.geometry.shape(TRIANGLE)], crs=4326
    )
    for columns, told in (({}, "Ten minutes"), ({"name": "Ring"}, "Ring"), ({"area": 2.5}, "a 1")):
        shapes.assign(**columns).to_file(tmp_path / "a.geojson")
        assert [layer.name for layer in read_layers(tmp_path / "a.geojson")] == [told]
    assert read_layers(tmp_path / "a.geojson")[0].figures == {"area": 2.5, "households": 5}
