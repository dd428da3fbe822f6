"""`distaff explore`: a store in the browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro

from distaff.errors import DistaffError


def explore(
    store: Annotated[Path, tyro.conf.Positional],
    /,
    host: str = "127.0.0.1",
    port: int = 8642,
    browser: bool = True,
    trust: bool = False,
) -> None:
    """Open a store in the browser: filter its runs, choose two scores, brush, click a run, move its latents.

    Example: distaff explore out/quick

    Args:
        store: the store, a folder.
        host: the address to listen on; by default only this machine can connect.
        port: the port; 0 selects a free one.
        browser: open a browser where there is a screen.
        trust: run the plug-in files that the store carries and this machine lacks; read them before.
    """
    try:
        from distaff.explore.serve import serve
    except ImportError as error:
        raise DistaffError(f"{error.name} is missing: pip install 'distaff[explore]'") from error
    from distaff.share.plugins import with_plugins_of

    print(f"reading the runs of {store}", file=sys.stderr)
    with with_plugins_of(store, trust, lambda text: print(text, file=sys.stderr)):
        serve(store, host, port, browser, lambda address: print(f"{address}  (Ctrl-C ends it)", flush=True))
