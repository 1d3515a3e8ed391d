"""Files as people have them are read whole, and rows that cannot be read are told."""

import gzip
import weakref
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geoscore.errors import InputError, InputNotFoundError
from geoscore.ingest import delimited
from geoscore.ingest.files import read_file
from geoscore.ingest.headers import find_header
from geoscore.reference.synth_workbook import Sheet


def write_xlsx(path: Path, columns: tuple[str, ...], rows: list[dict[str, object]]) -> None:
    with Sheet(columns) as sheet:
        sheet.add([row[name] for name in columns] for row in rows)
        sheet.save(path)


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


@pytest.mark.parametrize("delimiter", ["^", "~"])
def test_rare_delimiters(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "a.txt").write_text(f"name{delimiter}zip\nPat, Kim{delimiter}94301\n")
    assert rows(tmp_path / "a.txt")[1] == [{"name": "Pat, Kim", "zip": "94301"}]


def test_single_quotes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("'name','city'\n'O''Brien','Reno, NV'\n'Kim','Elko'\n")
    assert rows(path)[1] == [{"name": "O'Brien", "city": "Reno, NV"}, {"name": "Kim", "city": "Elko"}]
    path.write_text("name,note\nO'Brien,it's 'fine'\n'Ilima,x\n")
    assert [row["name"] for row in rows(path)[1]] == ["O'Brien", "'Ilima"]


@pytest.mark.parametrize(
    ("text", "names", "note"),
    [
        ("zip,name,\n1,a,\n2,b,\n", ["zip", "name"], False),
        ("zip,name\n1,a,\n2,b,\n", ["zip", "name"], False),
        ("zip,name,\n1,a\n2,b\n", ["zip", "name"], False),
        ("zip,name,\n1,a,\n2,b,x\n", ["zip", "name", "column_3"], True),
        ("zip,,name\n1,,a\n2,,b\n", ["zip", "name"], False),
    ],
)
def test_a_column_without_name(tmp_path: Path, text: str, names: list[str], note: bool) -> None:  # noqa: FBT001
    (tmp_path / "a.csv").write_text(text)
    found, data, numbers, rejected = rows(tmp_path / "a.csv")
    assert found == names
    assert [(row["zip"], row["name"]) for row in data] == [("1", "a"), ("2", "b")]
    assert numbers == [1, 2]
    assert not rejected
    notes = ["column 3 has no name; it is called column_3"] if note else []
    assert read_file(tmp_path / "a.csv").notes == notes


def test_a_header_of_two_lines_keeps_the_row_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('zip,"full\nname"\n1,a\n2\n3,c\n')
    names, data, numbers, rejected = rows(tmp_path / "a.csv")
    assert names == ["zip", "full\nname"]
    assert [row["zip"] for row in data] == ["1", "3"]
    assert numbers == [1, 3]
    assert [row for row, _, _ in rejected] == [2]


def test_lone_carriage_returns_end_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"zip,name\r1,a\r2\r3,c\r")
    _, data, numbers, rejected = rows(tmp_path / "a.csv")
    assert [row["zip"] for row in data] == ["1", "3"]
    assert numbers == [1, 3]
    assert [row for row, _, _ in rejected] == [2]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    for suffix, text in ((".csv", "name,zip\nPeña,94301\n"), (".jsonl", '{"name": "Peña", "zip": 94301}\n')):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(text.encode(encoding))
        assert rows(path)[1] == [{"name": "Peña", "zip": "94301"}]
        assert read_file(path).notes == [f"read as {encoding}"]


def test_two_encodings_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("name,zip\nPeña,1\nIñez,2\nKim,3\n".encode() + "Muñoz,4\r\n".encode("cp1252"))
    assert [row["name"] for row in rows(path)[1]] == ["Peña", "Iñez", "Kim", "Muñoz"]
    assert read_file(path).notes == ["lines in two encodings: 1 read as Windows-1252, the others as UTF-8"]


@pytest.mark.parametrize("name", ["a.zip", "a.csv.zip"])
def test_a_zipped_file(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__MACOSX/._donors.csv", "x")
        archive.writestr("list/donors.csv", "zip\n94301\n")
    assert rows(tmp_path / name)[1] == [{"zip": "94301"}]
    with zipfile.ZipFile(tmp_path / name, "a") as archive:
        archive.writestr("more.csv", "zip\n94301\n")
    with pytest.raises(InputError, match="exactly one file, it holds 2"):
        read_file(tmp_path / name)


def test_a_locked_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "zip\n94301\n")
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag of a locked file, at its head and in the list at the end
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="locked with a password"):
        read_file(path)


@pytest.mark.parametrize("size", [100, 40_000])
def test_a_truncated_gzip(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"zip,name\n" + b"".join(b"%d,%x\n" % (i, i * i) for i in range(50_000)))[:size])
    with pytest.raises(InputError, match="cut off or damaged"):
        rows(path)


def test_a_spreadsheet_with_a_column_without_name(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_xlsx(path, ("Zip", "", " "), [{"Zip": "02138", "": "x", " ": None}])
    assert rows(path)[:2] == (["Zip", "column_2"], [{"Zip": "02138", "column_2": "x"}])


def test_a_workbook_that_is_called_csv(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", ("Zip",), [{"Zip": "02138"}])
    (tmp_path / "a.csv").write_bytes((tmp_path / "a.xlsx").read_bytes())
    with pytest.raises(InputError, match="is a spreadsheet or a zip, not text"):
        read_file(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"\n <!doctype html><html><body>Log in</body></html>", "is a web page"),
        ("a.csv", b"Pat,94301,pat@example.org\nKim,94110,kim@example.org\n", "first row looks like data"),
        ("a.csv", gzip.compress(b"zip\n1\n"), "is compressed"),
        ("a.csv", b"PAR1\x15..", "is a Parquet file"),
        ("a.csv", b"name,zip, name\na,1,b\n", "two columns of .* are called 'name'"),
        ("a.csv.gz", b"zip\n1\n", "cut off or damaged"),
        ("a.zip", b"zip\n1\n", "no whole zip file"),
        ("a.parquet.gz", b"x", "only text files are read compressed"),
    ],
)
def test_bad_files_are_said(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        rows(tmp_path / name)


def test_a_header_of_very_many_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",".join(f"par{i}" for i in range(20_000)) + "\n" + "1," * 19_999 + "1\n")
    names, data, _, rejected = rows(tmp_path / "a.csv")
    assert (len(names), len(data), rejected) == (20_000, 1, [])


def test_an_unknown_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("name\nPeña\n".encode())
    with pytest.raises(InputError, match="there is no encoding 'klingon'"):
        read_file(tmp_path / "a.csv", encoding="klingon")
    with pytest.raises(InputError, match="not in the encoding ascii"):
        rows(tmp_path / "a.csv", encoding="ascii")


def test_no_thread_holds_on_to_a_handler_once_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a thread of Arrow's that lets go of it while Python shuts down ends the program by abort
    held: list[weakref.ref[Any]] = []

    def watched(refuse: Any) -> Any:
        handler = partial(refuse)
        held.append(weakref.ref(handler))
        return handler

    monkeypatch.setattr(delimited, "partial", watched)
    (tmp_path / "a.csv").write_text("name,size\na,1\nb,2\nc\n")
    for _ in range(50):
        raw = delimited.read_delimited(tmp_path / "a.csv")
        assert sum(batch.num_rows for batch, _ in raw.batches) == 2
        assert len(raw.rejected) == 1
    assert len(held) == 50
    assert not any(handler() for handler in held)


def test_titles_above_the_header_of_a_spreadsheet_are_left_out(tmp_path: Path) -> None:
    rows = [["Exported 10/20/2026", "", ""], ["", "", ""], ["Name", "Zip", "Gift"], ["Ann Lee", "94301", 25.0]]
    names = ("Donors FY26", " ", "  ")
    write_xlsx(tmp_path / "a.xlsx", names, [dict(zip(names, row, strict=True)) for row in rows])
    raw = read_file(tmp_path / "a.xlsx")
    assert raw.names == ["Name", "Zip", "Gift"]
    assert raw.notes == ["3 lines above the header left out"]
    assert [(batch.to_pylist(), list(rows)) for batch, rows in raw.batches] == [
        ([{"Name": "Ann Lee", "Zip": "94301", "Gift": "25"}], [1])
    ]


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([["Name", "", ""], ["Ann Lee", "94301", "25"]], 0),  # a household is no header
        ([["Name", "", ""], ["Ann Lee", "Oak St", "Napa"]], 0),  # nor is one without numbers
        ([["List", ""], ["Name", "Zip"], ["Ann", "94301"]], 0),  # two columns tell no title from a name
        ([["List", "", ""], ["Name", "City", "Zip"], ["Ann", "Napa", "94301"]], 1),
    ],
)
def test_a_header_is_told_from_titles_and_households(rows: list[list[str]], place: int) -> None:
    assert find_header(rows) == place
