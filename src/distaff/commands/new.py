"""`distaff new`: the file of a new plug-in, which works as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


def new(
    kind: Annotated[str, tyro.conf.Positional],
    name: Annotated[str, tyro.conf.Positional],
    /,
    folder: Path | None = None,
) -> None:
    """Write the file of a new plug-in: a small one that works, to change into yours.

    Example: distaff new method my_idea

    Args:
        kind: method, metric, dataset, network, critic, task or figure.
        name: of the plug-in, its function and its file.
        folder: where the file goes; by default plugins/methods, plugins/metrics, ...
    """
    from distaff.testing.files import registry_named
    from distaff.testing.new_plugin import write_new

    path = write_new(kind, name, folder)
    registry = registry_named(kind)
    print(f"wrote {path}")
    if path.parent.name == registry.plural:
        print(f"check it:  DISTAFF_PLUGINS={path.parent.parent} distaff check {name}")
        print(f"use it:    export DISTAFF_PLUGINS={path.parent.parent.resolve()}; distaff list {registry.plural}")
    else:
        print(f"check it:  distaff check {path}")
        print(f"use it:    move it into a folder {registry.plural}/, whose own folder DISTAFF_PLUGINS names")
