"""The explorer answers reading requests that name this machine, each response under its policy."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from distaff.explore.guard import HEADERS, guard


async def _inner(_: Any, __: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def request(hosts: list[str], host: str | None, method: str = "GET", kind: str = "http") -> tuple[int, dict[str, str]]:
    """The status and the headers of a request with this Host header."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [] if host is None else [(b"host", host.encode("latin-1"))]
    scope = {"type": kind, "method": method, "path": "/data.json", "headers": headers, "query_string": b""}
    asyncio.run(guard(_inner, hosts)(scope, None, send))  # type: ignore[arg-type]
    if sent[0]["type"] == "websocket.close":
        return 0, {}
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize(
    ("listens", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8642", 200),
        ("127.0.0.1", "localhost", 200),
        ("127.0.0.1", "LOCALHOST.:80", 200),
        ("127.0.0.1", "[::1]:8642", 200),
        ("127.0.0.1", "evil.example", 400),
        ("127.0.0.1", "127.0.0.1.evil.example:8642", 400),
        ("127.0.0.1", "localhost.evil.example", 400),
        ("127.0.0.1", "evil.example:127.0.0.1", 400),
        ("127.0.0.1", "10.0.0.7", 400),
        ("127.0.0.1", "", 400),
        ("127.0.0.1", None, 400),
        ("127.0.0.1", "[::1", 200),
        ("10.0.0.7", "10.0.0.7:8642", 200),
        ("10.0.0.7", "10.0.0.8:8642", 400),
        ("box.lab.example", "box.lab.example:8642", 200),
        ("0.0.0.0", "10.0.0.7:8642", 200),
        ("0.0.0.0", "[fe80::1]:8642", 200),
        ("0.0.0.0", socket.gethostname(), 200),
        ("0.0.0.0", "evil.example", 400),
        ("::", "evil.example:8642", 400),
        ("::", "", 400),
    ],
)
def test_a_name_that_the_web_points_at_this_machine_is_refused(listens: str, host: str | None, status: int) -> None:
    assert request([listens], host)[0] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "x"])
def test_only_reading_is_answered(method: str) -> None:
    assert request(["127.0.0.1"], "localhost", method)[0] == 405
    assert request(["127.0.0.1"], "localhost", "HEAD")[0] == 200
    assert request(["127.0.0.1"], "localhost", kind="websocket") == (0, {})


@pytest.mark.parametrize(("host", "method"), [("localhost", "GET"), ("evil.example", "GET"), ("localhost", "POST")])
def test_every_response_has_the_policy(host: str, method: str) -> None:
    headers = request(["127.0.0.1"], host, method)[1]
    for name, value in HEADERS.items():
        assert headers[name.lower()] == value
    policy = headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'", "base-uri"):
        assert part in policy
