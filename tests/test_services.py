"""Services are asked only after a word, only for the rest, only once; a busy one is asked again. All against a stub."""

import csv
import io
import json
import threading
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest

from geoscore.errors import InputError, PolicyError
from geoscore.gazetteer_files import build_gazetteer
from geoscore.geocode_files import geocode_file
from geoscore.geocoding.services import Nominatim, open_service

GAZETTEER = (
    "address,city,zip,longitude,latitude\n1 Oak St,Alameda,94501,-122.25,37.77\n9 Oak St,Alameda,94501,-122.249,37.77\n"
)
PEOPLE = (
    "name,street,city,zip\nAnn Lee,5 Oak St,Alameda,94501\n"
    "Bo Diaz,7 Elm Ave Apt 3,Alameda,94501\nCy Wong,8 Fir Ln,Alameda,94501\n"
)


class Stub(BaseHTTPRequestHandler):
    """A Census Geocoder and a Nominatim that know one address each, and are busy at first."""

    seen: ClassVar[list[Any]] = []
    busy = 0
    status = 200

    def do_POST(self) -> None:
        """Answer a batch as the Census Geocoder does."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = BytesParser(policy=default).parsebytes(head + body)
        parts = {
            part.get_param("name", header="content-disposition"): part.get_content() for part in message.iter_parts()
        }
        rows = list(csv.reader(io.StringIO(parts["addressFile"])))
        Stub.seen.append((parts["benchmark"].strip(), rows))
        lines = []
        for row in rows:
            asked = ", ".join(row[1:])
            if "ELM" in row[1]:
                lines.append(
                    [row[0], asked, "Match", "Exact", "7 ELM AVE, ALAMEDA, CA, 94501", "-122.24,37.76", "1", "L"]
                )
            else:
                lines.append([row[0], asked, "No_Match"])
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(lines)
        self._answer(text.getvalue())

    def do_GET(self) -> None:
        """Answer one question as Nominatim does."""
        query = parse_qs(urlsplit(self.path).query)
        Stub.seen.append((self.headers["User-Agent"], query))
        found = [{"lon": "-122.23", "lat": "37.75", "addresstype": "house", "display_name": "8 Fir Lane"}]
        self._answer(json.dumps(found if "FIR" in query["street"][0] else []))

    def _answer(self, text: str) -> None:
        busy = Stub.busy > 0
        Stub.busy -= 1
        self.send_response(503 if busy else Stub.status)
        if busy:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(0 if busy else len(text)))
        self.end_headers()
        if not busy:
            self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def stub() -> Iterator[str]:
    Stub.seen, Stub.busy, Stub.status = [], 0, 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "points.csv").write_text(GAZETTEER)
    (tmp_path / "people.csv").write_text(PEOPLE)
    build_gazetteer([tmp_path / "points.csv"], out=tmp_path / "g")
    return tmp_path


def geocode(files: Path, services: list[str], *, consent: bool = True) -> tuple[dict[str, int], list[dict[str, Any]]]:
    out = files / "o.parquet"
    done = geocode_file(
        files / "people.csv", gazetteer=files / "g", out=out, services=services, addresses_may_leave=consent
    )
    return done.sent, pq.read_table(out).to_pylist()


def test_nothing_leaves_without_a_word(files: Path, stub: str) -> None:
    with pytest.raises(PolicyError, match="--addresses-may-leave"):
        geocode(files, [f"census={stub}"], consent=False)
    assert Stub.seen == []
    assert not (files / "g.answers.sqlite").exists()


def test_the_census_is_asked_for_the_rest_once_and_without_names_or_units(files: Path, stub: str) -> None:
    sent, rows = geocode(files, [f"census={stub}"])
    assert sent == {"census": 2}
    benchmark, asked = Stub.seen[0]
    assert benchmark == "Public_AR_Current"
    assert sorted(row[1:] for row in asked) == [
        ["7 ELM AVE", "ALAMEDA", "", "94501"],
        ["8 FIR LN", "ALAMEDA", "", "94501"],
    ]
    assert [row["precision"] for row in rows] == ["range", "range", "zip"]
    assert (rows[1]["longitude"], rows[1]["latitude"]) == (-122.24, 37.76)
    assert rows[1]["reason"] == "found by the service census"
    assert rows[1]["sigma_m"] == pytest.approx(172.0, abs=1.0)
    # asked again, the cache answers, also that nothing was found
    sent, again = geocode(files, [f"census={stub}"])
    assert (sent, again, len(Stub.seen)) == ({"census": 0}, rows, 1)
    assert (files / "g.answers.sqlite").stat().st_mode & 0o077 == 0


def test_a_second_service_gets_what_the_first_left(files: Path, stub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoscore.geocoding.services.PAUSE_SECONDS", 0.0)
    sent, rows = geocode(files, [f"census={stub}", f"nominatim={stub}"])
    assert sent == {"census": 2, "nominatim": 1}
    agent, query = Stub.seen[1]
    assert agent == "geoscore"
    assert (query["street"], query["postalcode"]) == (["8 FIR LN"], ["94501"])
    assert rows[2]["precision"] == "rooftop"


def test_a_busy_service_is_asked_again(files: Path, stub: str) -> None:
    Stub.busy = 2
    _, rows = geocode(files, [f"census={stub}"])
    assert rows[1]["precision"] == "range"
    assert len(Stub.seen) == 3


def test_a_service_that_refuses_or_is_not_there_ends_in_one_line(files: Path, stub: str) -> None:
    Stub.status = 403
    with pytest.raises(InputError, match="refuses with status 403"):
        geocode(files, [f"census={stub}"])
    for text, words in (("yahoo", "no service"), ("nominatim", "no service"), ("census=ftp://x", "no web address")):
        with pytest.raises(InputError, match=words):
            open_service(text, consent=True)


def test_a_nominatim_is_asked_no_more_than_once_a_pause(stub: str) -> None:
    import time

    service = Nominatim(stub, pause_seconds=0.2)
    start = time.monotonic()
    service.ask([{"street": "1 FIR LN", "city": "", "state": "", "zip": ""}] * 3)
    assert time.monotonic() - start >= 0.4
