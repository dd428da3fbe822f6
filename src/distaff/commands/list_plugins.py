"""`distaff list`: the plug-ins that are available."""

from __future__ import annotations

from typing import Annotated

import tyro


def list_plugins(kind: Annotated[str, tyro.conf.Positional] = "all", /) -> None:
    """List the plug-ins of each kind, with their parameters and one sentence each.

    Example: distaff list methods

    Args:
        kind: data, networks, critics, methods, metrics, tasks, figures, or all.
    """
    from rich.console import Console
    from rich.table import Table

    from distaff.errors import unknown
    from distaff.plugins.file import REQUIRED
    from distaff.plugins.registry import KINDS

    if kind != "all" and kind not in KINDS:
        raise unknown("kind", kind, [*KINDS, "all"])
    console = Console()
    for folder, registry in KINDS.items():
        if kind in ("all", folder):
            table = Table("name", "parameters", "description", title=folder, title_justify="left", box=None)
            for name in registry.names():
                plugin = registry.plugin(name)
                parameters = [p.name if p.default is REQUIRED else f"{p.name}={p.default!r}" for p in plugin.parameters]
                table.add_row(name, ", ".join(parameters), plugin.summary.replace("[", "\\["))
            console.print(table, "")
