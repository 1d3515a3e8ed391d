"""The Census API is asked as it wants to be, and its answer is a file that a run reads; all against a stub."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from geoscore.errors import InputError
from geoscore.reference.census_download import download_tables
from geoscore.reference.census_tables import read_table


class Stub(BaseHTTPRequestHandler):
    """A Census API with two block groups in every county."""

    seen: ClassVar[list[Any]] = []
    answer: ClassVar[tuple[int, str] | None] = None

    def do_GET(self) -> None:
        """Answer as the API does."""
        query = parse_qs(urlsplit(self.path).query)
        Stub.seen.append((urlsplit(self.path).path, query))
        county = query["in"][0].split("county:")[-1]
        table = query["get"][0][6:-1]
        rows = [[f"{table}_001E", f"{table}_001M", "GEO_ID"]]
        rows += [[str(400 + i), "30", f"1500000US06{county}427100{i}"] for i in (1, 2)]
        status, text = Stub.answer or (200, json.dumps(rows))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    Stub.seen, Stub.answer = [], None
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/data"
    server.shutdown()
    server.server_close()
    thread.join()


def test_tables_of_counties_become_one_file(api: str, tmp_path: Path) -> None:
    out = tmp_path / "a.json"
    asked = {"year": 2023, "state": "06", "counties": ["001", "013"], "tables": ["B19001", "B25003"], "url": api}
    assert download_tables(out, key="secret", **asked) == 4
    path, query = Stub.seen[0]
    assert path == "/data/2023/acs/acs5"
    assert query == {
        "get": ["group(B19001)"], "for": ["block group:*"], "in": ["state:06 county:001"], "key": ["secret"],
    }  # fmt: skip
    table = read_table(out)
    assert table.estimates.shape == (4, 2)
    assert table.margins["B25003_001"].tolist() == [30.0] * 4
    assert "secret" not in out.read_text()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((400, "error: unknown variable"), "refuses with status 400: error: unknown variable"),
        ((200, "<html>Missing Key</html>"), "asks for a valid key"),
        ((204, ""), "has no block group of B19001"),
    ],
)
def test_what_the_api_refuses_is_told(api: str, tmp_path: Path, answer: tuple[int, str], words: str) -> None:
    Stub.answer = answer
    with pytest.raises(InputError, match=words):
        download_tables(tmp_path / "a.json", year=2023, state="06", counties=["001"], url=api)
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"state": "CA"}, "two digits"), ({"year": 2001}, "begin with 2009"), ({"level": "block"}, "none of")],
)
def test_questions_that_cannot_be_asked(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    asked: dict[str, Any] = {"year": 2023, "state": "06", "counties": ["001"], "url": "http://127.0.0.1:9"}
    with pytest.raises(InputError, match=words):
        download_tables(tmp_path / "a.json", **(asked | changes))
