"""What the explorer answers at all: reading requests, for a name of this machine, with a policy on every response.

A page of the web can point a name of its own at this machine and have a browser ask for it; the Host that the browser
then sends is that name, and is refused.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
EVERY_ADDRESS = frozenset({"0.0.0.0", "::", ""})
METHODS = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def guard(app: ASGIApp, hosts: Sequence[str]) -> ASGIApp:
    """`app` for requests that name this machine or one of `hosts`, the addresses that are listened on."""
    names = LOCAL | {host.lower() for host in hosts}
    any_address = bool(names & EVERY_ADDRESS)
    if any_address:
        names |= {socket.gethostname().lower()}

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["type"] != "http":  # a web socket
            await send({"type": "websocket.close", "code": 1008})
        elif not named(Headers(scope=scope).get("host", ""), names, any_address):
            response = PlainTextResponse("this name is not one of this machine's", 400)
            await response(scope, receive, send_with_policy)
        elif scope["method"] not in METHODS:
            response = PlainTextResponse("only GET and HEAD are answered", 405, {"Allow": ", ".join(METHODS)})
            await response(scope, receive, send_with_policy)
        else:
            await app(scope, receive, send_with_policy)

    return guarded


def named(host: str, names: frozenset[str], any_address: bool) -> bool:
    """Whether a Host header names this machine: one of `names`, or an address as numbers where all are listened on.

    Names of the web can be pointed here, numbers cannot.
    """
    name = host.rsplit("]", 1)[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    name = name.lower().removesuffix(".")
    if name in names and name:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return any_address
