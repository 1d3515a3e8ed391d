"""Files as people have them are read whole, and rows that cannot be read are told."""

import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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
    monkeypatch.setattr("geoscore.ingest.files.BLOCK_BYTES", 64)
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
