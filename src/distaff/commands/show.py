"""`distaff show`: what a model looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


def show(run: Annotated[str, tyro.conf.Positional], /, store: Path = Path("out"), out: Path | None = None) -> None:
    """Draw a run: images and reconstructions, samples, traversals, a GIF, which latent carries which factor.

    Example: distaff show c093ed08 --store out/quick

    Args:
        run: the folder of a run, its id, or the first digits of its id.
        store: where to look for an id: a store, or a folder of stores.
        out: the folder to draw into; by default that of the run.
    """
    from distaff.commands.find_run import find_run
    from distaff.pictures.draw import draw_pictures

    holder, id = find_run(run, store)
    for path in draw_pictures(holder.model(id), out or holder.run_folder(id)):
        print(path)
