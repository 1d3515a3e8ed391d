"""An object store for tests: the part of S3 that reading needs, over a folder's files, reached from here alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "AKIDEXAMPLE"


class _Store(BaseHTTPRequestHandler):
    """HEAD and GET of objects, with ranges; HEAD and listing of buckets; errors as S3 says them."""

    folder: Path

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, *, body: bool) -> None:
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path).strip("/").partition("/")
        if f"Credential={KEY}/" not in self.headers.get("Authorization", ""):
            return self._error(403, "AccessDenied", body=body)
        if not bucket or not (self.folder / bucket).is_dir():
            return self._error(404, "NoSuchBucket", body=body)
        if not key:
            return self._send(200, self._listing(bucket, parse_qs(url.query).get("prefix", [""])[0]), body=body)
        file = self.folder / bucket / key
        if not file.is_file():
            return self._error(404, "NoSuchKey", body=body)
        content, status, extra = file.read_bytes(), 200, {}
        if wanted := self.headers.get("Range"):
            first, last = wanted.removeprefix("bytes=").split("-")
            status, extra = 206, {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
            content = content[int(first) : int(last or len(content)) + 1]
        return self._send(status, content, body=body, extra=extra)

    def _listing(self, bucket: str, prefix: str) -> bytes:
        keys = sorted(path.relative_to(self.folder / bucket).as_posix() for path in (self.folder / bucket).rglob("*"))
        found = "".join(
            f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in keys if key.startswith(prefix)
        )
        count = f"<KeyCount>{found.count('<Key>')}</KeyCount>"
        return f"<ListBucketResult><Name>{bucket}</Name>{count}{found}</ListBucketResult>".encode()

    def _error(self, status: int, code: str, *, body: bool) -> None:
        self._send(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode(), body=body)

    def _send(self, status: int, content: bytes, *, body: bool, extra: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/xml", **(extra or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
        self.end_headers()
        if body:
            self.wfile.write(content)


@contextmanager
def object_store(folder: Path) -> Iterator[str]:
    """Serve the folders of a folder as buckets; give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Store", (_Store,), {"folder": folder}))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
