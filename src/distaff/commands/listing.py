"""`distaff list`: what there is."""

from __future__ import annotations

from typing import Annotated

import tyro


def list_(kind: Annotated[str, tyro.conf.Positional] = "all", /) -> None:
    """What there is: data sets, networks, methods, metrics, figures, each with its parameters and one sentence.

    Example: distaff list methods

    Args:
        kind: data, models, methods, metrics, report/figures, or all.
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
            table = Table("name", "parameters", "what it is", title=folder, title_justify="left", box=None)
            for name in registry.names():
                plugin = registry.plugin(name)
                told = [p.name if p.default is REQUIRED else f"{p.name}={p.default!r}" for p in plugin.parameters]
                table.add_row(name, ", ".join(told), plugin.summary.replace("[", "\\["))
            console.print(table, "")
