"""`distaff theory`: Theorem 1, carried out."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path


def theory(
    run: str | None = None, store: Path = Path("out"), out: Path = Path("out/theory"), trust: bool = False
) -> None:
    """Show Theorem 1 of Locatello et al. (2019) on priors and on a trained model, as a page that opens from disk.

    Example: distaff theory

    Args:
        run: the folder of a run, its id, or the first digits of its id; without one a small model of toy is trained.
        store: where to look for an id: a store, or a folder of stores.
        out: the folder of the page.
        trust: run the plug-in files that the store carries and this machine lacks; read them before.
    """
    from distaff.commands.find_run import find_run
    from distaff.share.plugins import with_plugins_of
    from distaff.theory.page import build

    if run is None:
        from distaff.theory.example import trained

        print(build(trained(), out))
        return
    holder, id = find_run(run, store)
    with with_plugins_of(holder.folder, trust, partial(print, file=sys.stderr)):
        print(build(holder.model(id), out))
