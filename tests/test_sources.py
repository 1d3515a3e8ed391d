"""JSON, databases and addresses are read as tables of households like any other file."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import duckdb
import geopandas as gpd
import pytest
from shapely import Point

from geoscore.errors import InputError
from geoscore.ingest.download import forget_copies
from geoscore.ingest.files import read_file
from geoscore.ledger import verify_ledger
from geoscore.pipeline import run
from geoscore.project import open_project


def rows(path: Path, **options: str) -> tuple[list[str], list[dict], list[int], list]:
    raw = read_file(path, **options)
    data, numbers = [], []
    for batch, at in raw.batches:
        data += batch.to_pylist()
        numbers += at.tolist()
    return raw.names, data, numbers, raw.rejected


def feature(geometry: dict | None, **properties: object) -> dict:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def point(*place: float) -> dict:
    return {"type": "Point", "coordinates": place}


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: {"total": 3, "errors": [], "data": data}])
def test_a_list_of_objects(tmp_path: Path, wrap) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(wrap([{"zip": 94301, "home": {"city": "Palo Alto"}}, [1], {"age": 4.0, "tags": [1]}])))
    names, data, numbers, rejected = rows(path)
    assert names == ["zip", "home.city", "age", "tags"]
    assert data[0] == {"zip": "94301", "home.city": "Palo Alto", "age": None, "tags": None}
    assert (data[1]["age"], data[1]["tags"]) == ("4", "[1]")
    assert numbers == [1, 3]
    assert rejected == [(2, "not a JSON object", "list")]


def test_json_lines_that_are_called_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"zip": 1}\n{"zip": 2}\n')
    assert rows(tmp_path / "a.json")[1] == [{"zip": "1"}, {"zip": "2"}]


@pytest.mark.parametrize("name", ["a.geojson", "a.json"])
def test_geojson_points(tmp_path: Path, name: str) -> None:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    features = [
        feature(point(-122.1, 37.4), zip="94301", longitude="x"),
        feature(None, zip="94302"),
        feature(square, zip="94303"),
        feature({"type": "MultiPoint", "coordinates": [[-122.3, 37.5, 9]]}, zip="94304"),
        feature(point(-122.1), zip="94305"),
    ]
    (tmp_path / name).write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    names, data, numbers, rejected = rows(tmp_path / name)
    assert names == ["zip", "longitude", "latitude"]
    assert data == [
        {"zip": "94301", "longitude": "-122.1", "latitude": "37.4"},
        {"zip": "94304", "longitude": "-122.3", "latitude": "37.5"},
    ]
    assert numbers == [1, 4]
    assert rejected == [(2, "no point", "no geometry"), (3, "no point", "Polygon"), (5, "no point", "Point")]


def test_geojson_in_another_system(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    collection = {"type": "FeatureCollection", "crs": crs, "features": [feature(point(-13580977.9, 4501000.0), zip=1)]}
    (tmp_path / "a.geojson").write_text(json.dumps(collection))
    raw = read_file(tmp_path / "a.geojson")
    ((batch, _),) = raw.batches
    assert float(batch.to_pylist()[0]["longitude"]) == pytest.approx(-122.0, abs=1e-4)
    assert raw.notes == ["points brought from WGS 84 / Pseudo-Mercator to longitude and latitude"]
    crs["properties"]["name"] = "EPSG:0"
    (tmp_path / "a.geojson").write_text(json.dumps(collection))
    with pytest.raises(InputError, match="a coordinate system that is not known: EPSG:0"):
        read_file(tmp_path / "a.geojson")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"zip": ', "is not valid JSON"),
        ("[1, 2]", "holds no list of JSON objects"),
        ('{"zip": 1}', "holds no list of JSON objects"),
        ('{"a": [{"zip": 1}], "b": [{"zip": 1}]}', "several lists of objects .a, b."),
        ('{"type": "FeatureCollection", "features": []}', "without a feature"),
        ('[{"zip": ' + "[" * 100_000, "is not valid JSON"),
    ],
)
def test_json_that_cannot_be_read_is_said(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=words):
        read_file(tmp_path / "a.json")


def test_geojson_of_lines_alone_is_said(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature(line)]}))
    with pytest.raises(InputError, match="is GeoJSON without a point"):
        read_file(tmp_path / "a.geojson")


def make_sqlite(path: Path, *scripts: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("".join(scripts))
    return path


DONORS = (
    "create table donors (zip, gift real, note blob); insert into donors values ('02138', 250, x'41'), (null, 1.5, '');"
)


@pytest.mark.parametrize("name", ["a.sqlite", "a.sqlite3", "a 100%?.db"])
def test_sqlite(tmp_path: Path, name: str) -> None:
    path = make_sqlite(tmp_path / name, DONORS, "create table empty (a); create view big as select * from donors;")
    names, data, numbers, rejected = rows(path)
    assert names == ["zip", "gift", "note"]
    assert data == [{"zip": "02138", "gift": "250", "note": "A"}, {"zip": None, "gift": "1.5", "note": None}]
    assert (numbers, rejected) == ([1, 2], [])
    assert rows(path, sheet="big")[1] == data
    assert read_file(path).notes == ["table 'donors' of 3"]
    with pytest.raises(InputError, match="no table 'gifts'; it has big, donors, empty"):
        read_file(path, sheet="gifts")


def test_sqlite_with_several_tables(tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "a.db", DONORS, "create table members as select * from donors; create table x (a);")
    with pytest.raises(InputError, match=r"several tables; name one with sheet: donors, members$"):
        read_file(path)


def test_sqlite_in_several_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoscore.ingest.databases.BATCH_ROWS", 7)
    values = ",".join(f"({i})" for i in range(1, 31))
    path = make_sqlite(tmp_path / "a.db", "create table t (n); insert into t values ", values)
    _, data, numbers, _ = rows(path)
    assert [int(row["n"]) for row in data] == numbers == list(range(1, 31))


@pytest.mark.parametrize("suffix", [".sqlite", ".gpkg", ".duckdb"])
def test_what_is_no_database_is_said(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("zip,name\n94301,Pat\n" * 1000)
    with pytest.raises(InputError, match=r"cannot be read as an? (SQLite|DuckDB) database|is not a GeoPackage"):
        read_file(path)


@pytest.mark.parametrize("name", ["a.duckdb", "a.ddb"])
def test_duckdb(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with duckdb.connect(path) as connection:
        connection.execute("create table donors as select '0' || n as zip, n + 0.5::double as gift from range(3) t(n)")
        connection.execute("create table nobody (a int)")
        connection.execute("create view secret as select * from read_text('/etc/hostname')")
    names, data, numbers, _ = rows(path)
    assert names == ["zip", "gift"]
    assert data[2] == {"zip": "02", "gift": 2.5}
    assert numbers == [1, 2, 3]
    with pytest.raises(InputError, match="cannot be read as a DuckDB database"):
        read_file(path, sheet="secret")
    with duckdb.connect(path) as connection:
        connection.execute("create table members as select * from donors")
    with pytest.raises(InputError, match=r"several tables; name one with sheet: donors, members$"):
        read_file(path)
    assert rows(path, sheet="members")[1] == data


def make_geopackage(path: Path, layer: str, shapes: list, crs: int | None = 4326) -> Path:
    frame = gpd.GeoDataFrame({"zip": [f"9430{i}" for i in range(len(shapes))]}, geometry=shapes, crs=crs)
    frame.to_file(path, layer=layer, engine="pyogrio", mode="a" if path.exists() else "w")
    return path


def test_geopackage(tmp_path: Path) -> None:
    shapes = [Point(-122.1, 37.4), None, Point(), Point(-122.3, 37.5, 9)]
    path = make_geopackage(tmp_path / "a.gpkg", "homes", shapes)
    names, data, numbers, rejected = rows(path)
    assert names == ["fid", "zip", "longitude", "latitude"]
    assert [(row["zip"], row["longitude"], row["latitude"]) for row in data] == [
        ("94300", "-122.1", "37.4"),
        ("94303", "-122.3", "37.5"),
    ]
    assert numbers == [1, 4]
    assert rejected == [(2, "no point", "no geometry"), (3, "no point", "Point")]
    assert read_file(path).notes == []


def test_geopackage_in_another_system(tmp_path: Path) -> None:
    path = make_geopackage(tmp_path / "a.gpkg", "homes", [Point(572_000.0, 4_140_000.0)], crs=26910)
    raw = read_file(path)
    ((batch, _),) = raw.batches
    (row,) = batch.to_pylist()
    assert float(row["longitude"]) == pytest.approx(-122.187, abs=1e-3)
    assert float(row["latitude"]) == pytest.approx(37.404, abs=1e-3)
    assert raw.notes == ["points brought from NAD83 / UTM zone 10N to longitude and latitude"]


def test_geopackage_with_several_layers(tmp_path: Path) -> None:
    path = make_geopackage(tmp_path / "a.gpkg", "homes", [Point(-122.1, 37.4)])
    make_geopackage(path, "areas", [Point(0, 0).buffer(1)])
    assert rows(path)[1][0]["zip"] == "94300"
    make_geopackage(path, "offices", [Point(-122.1, 37.4), Point(-122.1, 37.4)])
    with pytest.raises(InputError, match=r"several point layers; name one with sheet: homes, offices$"):
        read_file(path)
    assert rows(path, sheet="offices")[2] == [1, 2]
    with pytest.raises(InputError, match="no point layer 'areas'"):
        read_file(path, sheet="areas")


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """Serve a folder; give its address and the folder."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path.startswith("/export"):
                self._send(b"zip\n94301\n", {"Content-Disposition": 'attachment; filename="../my donors.csv"'})
            elif self.path.startswith("/typed"):
                self._send(b'[{"zip": 94301}]', {"Content-Type": "application/json; charset=utf-8"})
            elif self.path.startswith("/short.csv"):
                self._send(b"zip\n94301\n", {"Content-Length": "100"})
            elif self.path.startswith("/locked.csv"):
                self.send_error(403)
            else:
                super().do_GET()

        def _send(self, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()
    forget_copies()


def test_a_web_address(web: tuple[str, Path]) -> None:
    address, folder = web
    (folder / "my list.csv").write_text("zip,name\n94301,Pat\n")
    path = Path(f"{address}/my list.csv?key=secret")
    assert "//" not in str(path)  # a path keeps one slash
    assert rows(path)[1] == [{"zip": "94301", "name": "Pat"}]
    (folder / "my list.csv").write_text("zip,name\n94110,Kim\n")
    assert rows(path)[1][0]["zip"] == "94301"
    forget_copies()
    assert rows(path)[1][0]["zip"] == "94110"


@pytest.mark.parametrize("place", ["export?id=1", "typed/list.php"])
def test_the_server_says_what_the_file_is(web: tuple[str, Path], place: str) -> None:
    assert rows(Path(f"{web[0]}/{place}"))[1] == [{"zip": "94301"}]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nothing.csv?key=secret", r"there is no file http://127.0.0.1:\d+/nothing.csv \(the server answers 404\)"),
        ("locked.csv", "the server answers 403 Forbidden; it needs a login"),
        ("page.csv", "is a web page, not a file"),
        ("short.csv", "was cut off after 10 of 100 bytes|cannot be downloaded: IncompleteRead"),
        ("large.csv", "is larger than 1e-06 GB"),
    ],
)
def test_a_download_that_fails_is_said(
    web: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, place: str, words: str
) -> None:
    monkeypatch.setattr("geoscore.ingest.download.MOST_BYTES", 1000)
    (web[1] / "page.csv").write_text("\n<!doctype HTML><title>Log in</title>")
    (web[1] / "large.csv").write_text("zip\n" * 1000)
    with pytest.raises(InputError, match=words):
        read_file(Path(f"{web[0]}/{place}"))


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(InputError, match=r"http://127.0.0.1:1/a.csv cannot be reached: .*refused"):
        read_file(Path("http://127.0.0.1:1/a.csv"))


def test_a_run_from_a_web_address(web: tuple[str, Path], make_project: Callable[..., Path], tmp_path: Path) -> None:
    address, folder = web
    project = make_project("Zip\n" + "94301\n" * 200, columns='zip = "Zip"')
    plan = project.read_text()
    (source,) = open_project(project).sources
    (folder / "donors.csv").write_bytes((project.parent / source.path).read_bytes())
    project.write_text(plan.replace(str(source.path), f"{address}/donors.csv?key=secret"))
    done = run(project, out=tmp_path / "out")
    assert f"{address}/donors.csv" in (done.out / "ledger.jsonl").read_text()
    assert not [file for file in done.out.rglob("*") if file.is_file() and b"key=secret" in file.read_bytes()]
    assert verify_ledger(done.out).elsewhere == (f"{address}/donors.csv",)
