"""A web server on this machine that fails as configured: cut connections, no ranges, pages of HTML, slowness."""

from __future__ import annotations

import contextlib
import hashlib
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Host(ThreadingHTTPServer):
    """A server of `content` by path; `fault` is how it fails, `ranges_requested` the range of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content: dict[str, bytes] = {}
        self.fault = ""
        self.cuts = 0  # connections that are yet to be cut
        self.ranges = True
        self.ranges_requested: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Host
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        host, requested = self.server, self.headers.get("Range")
        host.ranges_requested.append(requested)
        body = host.content.get(self.path.lstrip("/"))
        if host.fault == "503" or body is None:
            return self._send(503 if body else 404, b"<html>no</html>", {"Content-Type": "text/html"})
        if host.fault == "endless":
            return self._send_without_end()
        if host.fault.startswith("html"):
            kind = "text/html" if host.fault == "html" else "application/octet-stream"
            return self._send(200, b"<!DOCTYPE html><p>Sign in", {"Content-Type": kind})
        tag = f'"{hashlib.md5(body).hexdigest()}"'
        headers = {"ETag": tag, "Accept-Ranges": "bytes"} if host.ranges else {"Accept-Ranges": "none"}
        start = 0
        if requested and host.ranges and self.headers.get("If-Range") == tag:
            start = int(requested.removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return self._send(206 if start else 200, body[start:], headers)

    def _send_without_end(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):  # until the client has had enough
            while True:
                self.wfile.write(bytes(2**16))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.server.cuts and status < 300:
            self.server.cuts -= 1
            self.wfile.write(body[: len(body) // 3])
            self.close_connection = True
        elif self.server.fault == "slow":
            for at in range(0, len(body), 200_000):
                self.wfile.write(body[at : at + 200_000])
                self.wfile.flush()
                time.sleep(0.2)
        else:
            self.wfile.write(body)
