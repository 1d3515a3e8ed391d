"""Gazetteers from files of the layouts that people have; a half-written one is seen, and built again."""

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely import LineString, MultiLineString, Point, Polygon, box

from geoscore.errors import InputError, InputNotFoundError
from geoscore.gazetteer_files import build_gazetteer
from geoscore.reference.gazetteer import open_gazetteer

WEST, NORTH = -122.25, 37.77

OPEN_ADDRESSES = """LON,LAT,NUMBER,STREET,UNIT,CITY,DISTRICT,REGION,POSTCODE,ID,HASH
-122.2500,37.77,101,OAK ST,,ALAMEDA,,CA,94501,1,a1
-122.2490,37.77,201,OAK ST,,ALAMEDA,,CA,94501,2,a2
-122.2480,37.77,301,OAK ST,B,ALAMEDA,,CA,94501,3,a3
"""


def addrfeat(folder: Path, rows: list[dict[str, object]], *, crs: int | None = 4269, suffix: str = ".shp") -> Path:
    """Write segments in the layout of TIGER/Line ADDRFEAT."""
    usual = {
        "TLID": 1, "LINEARID": "1", "FULLNAME": "Oak St", "LFROMHN": "101", "LTOHN": "199", "RFROMHN": "100",
        "RTOHN": "198", "ZIPL": "94501", "ZIPR": "94502", "EDGE_MTFCC": "S1400", "PARITYL": "O", "PARITYR": "E",
        "LFROMTYP": None, "LTOTYP": None, "OFFSETL": "N", "OFFSETR": "N",
    }  # fmt: skip
    lines = [row.pop("geometry", LineString([(WEST, NORTH), (WEST + 0.001, NORTH)])) for row in rows]
    frame = gpd.GeoDataFrame([usual | row for row in rows], geometry=lines, crs=crs)
    path = folder / f"tl_2023_06001_addrfeat{suffix}"
    frame.to_file(path)
    return path


def test_open_addresses_as_csv_and_as_lines_of_geojson(tmp_path: Path) -> None:
    (tmp_path / "oa.csv").write_text(OPEN_ADDRESSES)
    rows = pd.read_csv(tmp_path / "oa.csv", dtype=str, keep_default_na=False)
    lines = []
    for row in rows.to_dict("records"):
        point = {"type": "Point", "coordinates": [float(row.pop("LON")), float(row.pop("LAT"))]}
        properties = {name.lower(): value for name, value in row.items()}
        lines.append(json.dumps({"type": "Feature", "properties": properties, "geometry": point}))
    (tmp_path / "oa.geojson").write_text("\n".join(lines) + "\n")
    for name in ("oa.csv", "oa.geojson"):
        built = build_gazetteer([tmp_path / name], out=tmp_path / "g")
        assert (built.streets, built.points, built.zips) == (1, 3, 1)
        street = open_gazetteer(tmp_path / "g").streets.iloc[0]
        assert (street["name"], street["suffix"], street["lowest"], street["highest"]) == ("OAK", "ST", 101, 301)
        assert (list(street["cities"]), list(street["zips"])) == (["ALAMEDA"], ["94501"])


@pytest.mark.parametrize("suffix", [".shp", ".gpkg"])
def test_address_ranges_of_tiger(tmp_path: Path, suffix: str) -> None:
    rows: list[dict[str, object]] = [
        {},
        {"FULLNAME": "Elm Ave", "RFROMHN": None, "RTOHN": None, "PARITYL": None, "LFROMHN": "1", "LTOHN": "98"},
        {"FULLNAME": "Bad St", "LFROMHN": "A1", "LTOHN": "A9", "RFROMHN": None, "RTOHN": "12"},
        {"FULLNAME": None},
    ]
    path = addrfeat(tmp_path, rows, suffix=suffix)
    built = build_gazetteer([path], out=tmp_path / "g")
    segments = open_gazetteer(tmp_path / "g").segments
    assert built.segments == len(segments) == 3
    assert sorted(zip(segments["side"], segments["parity"], segments["zip"], strict=True)) == [
        ("L", "B", "94501"), ("L", "O", "94501"), ("R", "E", "94502")
    ]  # fmt: skip
    assert built.files[0]["rejected"] == {"a side without a name, or with numbers that are none": 3}
    assert "reprojected from NAD83" in " ".join(built.notes)


def test_zip_areas_and_parcels_in_a_system_of_meters(tmp_path: Path) -> None:
    zips = gpd.GeoDataFrame(
        {"ZCTA5CE20": ["94501", "94502"], "households": [900, 100]},
        geometry=[box(WEST, NORTH, WEST + 0.02, NORTH + 0.02), box(WEST, NORTH - 0.02, WEST + 0.02, NORTH)],
        crs=4326,
    )
    zips.to_crs(26910).to_file(tmp_path / "zcta.gpkg")
    parcels = gpd.GeoDataFrame(
        {"APN": ["1", "2"], "SITUS_ADDR": ["5 Oak St", "7 Oak St"], "SITUS_ZIP": ["94501", "94501"]},
        geometry=[box(WEST + i * 1e-4, NORTH, WEST + (i + 1) * 1e-4, NORTH + 1e-4) for i in range(2)],
        crs=4326,
    )
    parcels.to_crs(2227).to_file(tmp_path / "parcels.gpkg")
    built = build_gazetteer([tmp_path / "zcta.gpkg", tmp_path / "parcels.gpkg"], out=tmp_path / "g")
    assert (built.points, built.zips) == (2, 2)
    gazetteer = open_gazetteer(tmp_path / "g")
    assert gazetteer.points["longitude"].iloc[0] == pytest.approx(WEST + 0.5e-4, abs=1e-6)
    places = gazetteer.places.set_index("place")
    assert places.loc["94501", "households"] == 900
    # half the radius of a disk of the same area: 1.76 by 2.22 km
    assert places.loc["94501", "sigma_m"] == pytest.approx((1.762e3 * 2.22e3 / 3.1416) ** 0.5 / 2, rel=0.01)


def test_broken_and_empty_shapes_are_counted_and_bow_ties_mended(tmp_path: Path) -> None:
    bow_tie = Polygon([(WEST, NORTH), (WEST + 0.02, NORTH + 0.02), (WEST + 0.02, NORTH), (WEST, NORTH + 0.02)])
    frame = gpd.GeoDataFrame({"zip": ["94501", "94502", "x"]}, geometry=[bow_tie, None, box(0, 0, 1, 1)], crs=4326)
    frame.to_file(tmp_path / "zips.geojson")
    built = build_gazetteer([tmp_path / "zips.geojson"], out=tmp_path / "g")
    assert built.zips == 1
    assert built.files[0]["read"] == 3
    assert built.files[0]["rejected"] == {"no shape, or an empty one": 1, "an area whose ZIP has not five digits": 1}


def test_shapes_that_cannot_be_placed_are_refused(tmp_path: Path) -> None:
    points = gpd.GeoDataFrame({"street": ["1 Oak St"]}, geometry=[Point(600_000, 4_000_000)], crs=26910)
    points.to_file(tmp_path / "points.shp")
    (tmp_path / "points.prj").unlink()
    with pytest.raises(InputError, match=r"add a \.prj file"):
        build_gazetteer([tmp_path / "points.shp"], out=tmp_path / "g")
    roads = gpd.GeoDataFrame({"name": ["Oak"]}, geometry=[LineString([(0, 0), (1, 1)])], crs=4326)
    roads.to_file(tmp_path / "roads.gpkg")
    with pytest.raises(InputError, match="lines without FULLNAME"):
        build_gazetteer([tmp_path / "roads.gpkg"], out=tmp_path / "g")
    (tmp_path / "broken.geojson").write_text('{"type": "FeatureCollection", "features": [{')
    with pytest.raises(InputError, match="cannot be read as shapes"):
        build_gazetteer([tmp_path / "broken.geojson"], out=tmp_path / "g")
    (tmp_path / "plain.csv").write_text("name,amount\nAnn,5\nBo,6\n")
    with pytest.raises(InputError, match="no addresses with longitude and latitude"):
        build_gazetteer([tmp_path / "plain.csv"], out=tmp_path / "g")


def test_lines_of_several_parts_keep_them_all(tmp_path: Path) -> None:
    parts = MultiLineString([[(WEST, NORTH), (WEST + 0.001, NORTH)], [(WEST + 0.002, NORTH), (WEST + 0.003, NORTH)]])
    built = build_gazetteer([addrfeat(tmp_path, [{"geometry": parts}], suffix=".gpkg")], out=tmp_path / "g")
    assert built.segments == 4
    lines = shapely.from_wkb(open_gazetteer(tmp_path / "g").segments["line"].to_numpy())
    assert {shapely.get_type_id(line) for line in lines} == {1}


def test_a_point_far_from_all_others_of_its_zip_is_left_out_and_said(tmp_path: Path) -> None:
    rows = [f"{i} Oak St,Alameda,94501,{WEST + i * 1e-5},{NORTH}" for i in range(1, 30)]
    text = "address,city,zip,longitude,latitude\n" + "\n".join([*rows, f"40 Oak St,Alameda,94501,{WEST},38.9"])
    (tmp_path / "a.csv").write_text(text + "\n")
    built = build_gazetteer([tmp_path / "a.csv"], out=tmp_path / "g")
    assert built.points == 29
    assert "1 points were left out" in " ".join(built.notes)


def test_a_half_written_gazetteer_is_seen_and_built_again(tmp_path: Path) -> None:
    (tmp_path / "oa.csv").write_text(OPEN_ADDRESSES)
    out = tmp_path / "g"
    build_gazetteer([tmp_path / "oa.csv"], out=out)
    whole = (out / "points.parquet").read_bytes()
    for damage in (whole[:100], b"", None):
        if damage is None:
            (out / "points.parquet").unlink(missing_ok=True)
        else:
            (out / "points.parquet").write_bytes(damage)
        with pytest.raises(InputError, match="no whole gazetteer; build it again with `geoscore gazetteer build"):
            open_gazetteer(out)
        build_gazetteer([tmp_path / "oa.csv"], out=out)
        assert len(open_gazetteer(out).points) == 3
    (out / "gazetteer.json").write_text("{")
    with pytest.raises(InputError, match="no whole gazetteer"):
        open_gazetteer(out)
    with pytest.raises(InputNotFoundError, match="there is no gazetteer"):
        open_gazetteer(tmp_path / "nowhere")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".gazetteer")] == []


def test_a_folder_with_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "oa.csv").write_text(OPEN_ADDRESSES)
    precious = tmp_path / "mine"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds something that is no gazetteer"):
        build_gazetteer([tmp_path / "oa.csv"], out=precious)
    assert (precious / "thesis.txt").read_text() == "years of work"


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    header, *rows = OPEN_ADDRESSES.strip().splitlines()
    (tmp_path / "a.csv").write_text("\n".join([header, *rows]) + "\n")
    (tmp_path / "b.csv").write_text("\n".join([header, *rows[::-1]]) + "\n")
    frames = []
    for name in ("a.csv", "b.csv"):
        build_gazetteer([tmp_path / name], out=tmp_path / "g")
        opened = open_gazetteer(tmp_path / "g")
        frames.append((opened.points, opened.streets.drop(columns=["cities", "zips"])))
    pd.testing.assert_frame_equal(frames[0][0], frames[1][0])
    pd.testing.assert_frame_equal(frames[0][1], frames[1][1])
