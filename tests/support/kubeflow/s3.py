"""An S3 store over a directory: it lists objects (ListObjectsV2), which is all that a look needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

_ITEM = "<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>{}</Size></Contents>"
_FORBIDDEN = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@contextmanager
def serving_objects(directory: Path, *, forbidden: bool = False) -> Iterator[str]:
    """Serve buckets, the directory's own directories; yields the endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            prefix = parse_qs(url.query).get("prefix", [""])[0]
            bucket = directory / url.path.strip("/")
            files = sorted(path for path in bucket.rglob("*") if path.is_file())
            keys = [(path.relative_to(bucket).as_posix(), path.stat().st_size) for path in files]
            items = "".join(_ITEM.format(escape(key), size) for key, size in keys if key.startswith(prefix))
            self._send(403 if forbidden else 200, _FORBIDDEN if forbidden else f"<ListBucketResult>{items}</ListBucketResult>")

        def do_HEAD(self) -> None:
            self._send(403 if forbidden else 404, "")

        def _send(self, status: int, text: str) -> None:
            data = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode() if text else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
