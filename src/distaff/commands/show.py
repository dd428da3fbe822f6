"""`distaff show`: what a model looks like."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro


def show(
    run: Annotated[str, tyro.conf.Positional],
    /,
    store: Path = Path("out"),
    out: Path | None = None,
    trust: bool = False,
) -> None:
    """Draw a run: images and reconstructions, samples, traversals, a GIF, which latent carries which factor.

    Example: distaff show c093ed08 --store out/quick

    Args:
        run: the folder of a run, its id, or the first digits of its id.
        store: where to look for an id: a store, or a folder of stores.
        out: the folder to draw into; by default that of the run.
        trust: run the plug-in files that the store carries and this machine lacks; read them before.
    """
    from distaff.commands.find_run import find_run
    from distaff.pictures.draw import draw_pictures
    from distaff.share.plugins import with_plugins_of
    from distaff.untrusted.names import check_own

    holder, id = find_run(run, store)
    check_own(holder.run_folder(id))
    with with_plugins_of(holder.folder, trust, partial(print, file=sys.stderr)):
        for path in draw_pictures(holder.model(id), out or holder.run_folder(id)):
            print(path)
