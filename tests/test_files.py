"""Files as people have them are read whole, and rows that cannot be read are told."""

import functools
import gzip
import http.server
import sqlite3
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shapely import Point, box

from geoscore.errors import InputError, InputNotFoundError
from geoscore.ingest.files import read_file
from geoscore.reference.synth_files import write_xlsx


def rows(path: Path, **options: str) -> tuple[list[str], list[dict], list[int], list]:
    raw = read_file(path, **options)
    data, numbers = [], []
    for batch, at in raw.batches:
        data += batch.to_pylist()
        numbers += at.tolist()
    return raw.names, data, numbers, raw.rejected


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_any_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"name{delimiter}zip\r\nPeña{delimiter}94301\r\n".encode(encoding))
    names, data, _, _ = rows(path)
    assert names == ["name", "zip"]
    assert data == [{"name": "Peña", "zip": "94301"}]


def test_ragged_rows_are_rejected_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('zip,name\n1,a\n2\n3,"c,\nd"\n4,e,f\n5,g\n')
    _, data, numbers, rejected = rows(path)
    assert [row["zip"] for row in data] == ["1", "3", "5"]
    assert numbers == [1, 3, 5]
    assert [(row, reason) for row, reason, _ in rejected] == [
        (2, "wrong number of columns"),
        (4, "wrong number of columns"),
    ]


def test_row_numbers_hold_over_several_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoscore.ingest.delimited.BLOCK_BYTES", 64)
    path = tmp_path / "a.csv"
    path.write_text("zip,name\n" + "".join(f"{i}\n" if i % 7 == 0 else f"{i},name\n" for i in range(1, 200)))
    _, data, numbers, rejected = rows(path)
    assert [int(row["zip"]) for row in data] == numbers == [i for i in range(1, 200) if i % 7]
    assert [row for row, _, _ in rejected] == [i for i in range(1, 200) if i % 7 == 0]


@pytest.mark.parametrize("text", ['1,"a\n' + "2,b\n" * 300, '"1,a\n' + "2,b\n" * 300 + '3,"c"\n'])
def test_a_quote_left_open_is_said_with_its_row(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text("zip,name\n" + text)
    with pytest.raises(InputError, match="row 1: a quote is opened and not closed"):
        rows(tmp_path / "a.csv")


def test_a_compressed_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"zip\n94301\n"))
    assert rows(path)[1] == [{"zip": "94301"}]


def test_a_line_of_ten_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("zip,note\n94301," + "x" * 10_000_000 + "\n94110,y\n")
    _, data, _, _ = rows(path)
    assert [row["zip"] for row in data] == ["94301", "94110"]


def test_json_lines_with_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"zip": 94301, "home": {"city": "Palo Alto"}}\n{"zip":\n\n[1]\n{"zip": "94110", "age": 4.0}\n')
    names, data, numbers, rejected = rows(path)
    assert names == ["zip", "home.city", "age"]
    assert [row["zip"] for row in data] == ["94301", "94110"]
    assert data[1]["age"] == "4"
    assert numbers == [1, 4]
    assert [(row, reason) for row, reason, _ in rejected] == [(2, "not valid JSON"), (3, "not a JSON object")]


def test_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_xlsx(path, ("Zip", "Gift"), [{"Zip": "02138", "Gift": 250.0}, {"Zip": None, "Gift": 1.5}])
    names, data, _, _ = rows(path)
    assert names == ["Zip", "Gift"]
    assert data == [{"Zip": "02138", "Gift": "250"}, {"Zip": None, "Gift": "1.5"}]
    with pytest.raises(InputError, match="no sheet 'Gifts'; it has Donors"):
        read_file(path, sheet="Gifts")


def test_a_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 150_000_000)
    with pytest.raises(InputError, match="would unpack to 150,000,000 bytes"):
        read_file(path)


def test_a_truncated_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"zip": ["94301"] * 1000}), path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="no whole Parquet file"):
        read_file(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n\n", "no header"),
        ("a.csv", b"\x00\x01\x02zip", "not a text file"),
        ("a.xlsx", b"zip,name\n", "cannot be read as a spreadsheet"),
        ("a.docx", b"x", "no reader for .docx"),
        ("a.csv", b"zip,zip\n1,2\n", "two columns"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        rows(tmp_path / name)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no file"):
        read_file(tmp_path / "a.csv")
    with pytest.raises(InputError, match="is a folder"):
        read_file(tmp_path)


def test_two_encodings_in_one_file_are_both_read_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("name,zip\nPeña,94301\nIñez,94302\n".encode() + "Muñoz,94303\n".encode("cp1252"))
    raw = read_file(path)
    names = [name for batch, _ in raw.batches for name in batch.column("name").to_pylist()]
    assert names == ["Peña", "Iñez", "Muñoz"]
    assert any("two encodings: 1 read as Windows-1252" in note for note in raw.notes)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("zip^name\n94301^Lee\n94302^Diaz\n", {"zip": "94301", "name": "Lee"}),
        ("zip~name\n94301~Lee\n94302~Diaz\n", {"zip": "94301", "name": "Lee"}),
        ("name,zip\n'Lee, Ann','94301'\n'Diaz, Bo','94302'\n", {"name": "Lee, Ann", "zip": "94301"}),
        ("zip,,x\n94301,a,b\n", {"zip": "94301", "column_2": "a", "x": "b"}),
    ],
)
def test_separators_quotes_and_columns_without_a_name(tmp_path: Path, text: str, data: dict[str, str]) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert rows(tmp_path / "a.csv")[1][0] == data


def test_a_file_without_a_header_is_said_to_be_one_and_years_are_no_data(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("94301,ann@example.org\n94302,bo@example.org\n")
    with pytest.raises(InputError, match="first row looks like data"):
        read_file(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("zip,2019,2020\n94301,1,2\n")
    assert read_file(tmp_path / "b.csv").names == ["zip", "2019", "2020"]


def test_a_table_of_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as base:
        base.execute("create table donors (zip text, gift real)")
        base.execute("insert into donors values ('02138', 250.0)")
        base.execute("create table log (at text)")
        base.commit()
    assert rows(path)[1] == [{"zip": "02138", "gift": "250"}]
    assert read_file(path, sheet="log").names == ["at"]
    with pytest.raises(InputError, match="no table 'x'; it has donors, log"):
        read_file(path, sheet="x")


def test_a_table_of_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as base:
        base.execute("create table donors as select '02138' as zip, 250 as gift union all select '94301', 5 order by 1")
        base.execute("create table log as select 1 as at")
    assert rows(path, sheet="donors")[1] == [{"zip": "02138", "gift": 250}, {"zip": "94301", "gift": 5}]
    with pytest.raises(InputError, match="several tables; name one with sheet: donors, log"):
        read_file(path)


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a.gpkg"])
def test_points_of_geographic_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    shapes = [Point(-122.16, 37.44), box(0, 0, 1, 1)]
    frame = gpd.GeoDataFrame({"owner": ["Lee", "Diaz"]}, geometry=shapes, crs="EPSG:4326")
    if name == "a.gpkg":
        frame.to_crs("EPSG:3857").to_file(path)
    else:
        path.write_text(frame.to_json())
    _, data, _, rejected = rows(path)
    assert [row["owner"] for row in data] == ["Lee"]
    assert float(data[0]["longitude"]) == pytest.approx(-122.16)
    assert [(row, reason) for row, reason, _ in rejected] == [(2, "not a point")]


@pytest.mark.parametrize(
    "text", ['[{"zip": "94301"}, {"zip": "94302"}]', '{"n": 2, "people": [{"zip": 94301}, {"zip": 94302}]}']
)
def test_arrays_of_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert rows(tmp_path / "a.json")[1] == [{"zip": "94301"}, {"zip": "94302"}]


def test_the_one_file_of_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("list/donors.csv", "zip\n94301\n")
    assert rows(path)[1] == [{"zip": "94301"}]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", "zip\n")
    with pytest.raises(InputError, match="must hold exactly one file"):
        read_file(path)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve the files of a folder to this machine alone."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_file_at_an_address(tmp_path: Path, address: str) -> None:
    (tmp_path / "a.csv").write_text("zip\n94301\n")
    (tmp_path / "b.html").write_text("<html></html>")
    assert rows(Path(f"{address}/a.csv"))[1] == [{"zip": "94301"}]
    with pytest.raises(InputError, match="answers 404"):
        read_file(Path(f"{address}/c.csv"))
    with pytest.raises(InputError, match="is a web page"):
        read_file(Path(f"{address}/b.html"))
