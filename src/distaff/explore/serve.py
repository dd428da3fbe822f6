"""Serving the explorer: on this machine alone unless another address is given."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn

from distaff.errors import DistaffError
from distaff.explore.app import app

LAST_PORT = 2**16 - 1


def serve(folder: Path, host: str, port: int, browser: bool, ready: Callable[[str], None]) -> None:
    """Serve on `host` and `port` (0: any that is free) until interrupted; `ready` is called with the address.

    With `browser`, one is opened where there is a screen.

    Raises `DistaffError` if the port is taken or the store holds no run.
    """
    if not host:
        raise DistaffError("--host is empty: name the address to listen on, such as 127.0.0.1, or 0.0.0.0 for all")
    if not 0 <= port <= LAST_PORT:  # the system would take its last sixteen bits
        raise DistaffError(f"--port {port}: ports are from 0, which takes a free one, to {LAST_PORT}")
    with TemporaryDirectory(prefix="distaff-explore-") as drawn:
        application = app(folder, Path(drawn), (host,))
        with _listener(host, port) as listener:
            address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"
            ready(address)
            screen = sys.platform != "linux" or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
            if browser and screen:
                webbrowser.open(address)
            with contextlib.suppress(KeyboardInterrupt):  # the ordinary way to end it
                config = uvicorn.Config(application, log_level="warning", lifespan="off")
                uvicorn.Server(config).run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    """A socket that is declared as TCP: asyncio then sends at once, and does not wait 40 ms for an acknowledgement."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen()
    except OSError as error:
        message = f"{host}:{port} cannot be used ({error.strerror}): try --port 0, which takes a free one"
        raise DistaffError(message) from error
    except UnicodeError as error:
        raise DistaffError(f"{host[:200]!r} is no name of a machine") from error
    return listener
