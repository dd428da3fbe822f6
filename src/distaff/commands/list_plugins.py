"""`distaff list`: the plug-ins that are available."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from distaff.plugins.registry import Registry


def list_plugins(kind: Annotated[str, tyro.conf.Positional] = "all", /) -> None:
    """List the plug-ins of each kind, with their parameters and one sentence each; a broken one with what is wrong.

    Example: distaff list methods

    Args:
        kind: data, networks, critics, methods, metrics, tasks, figures, or all.
    """
    from rich.console import Console
    from rich.table import Table

    from distaff.errors import unknown
    from distaff.plugins.places import troubles
    from distaff.plugins.registry import KINDS

    if kind != "all" and kind not in KINDS:
        raise unknown("kind", kind, [*KINDS, "all"])
    console = Console()
    for folder, registry in KINDS.items():
        if kind in ("all", folder):
            table = Table("name", "parameters", "description", title=folder, title_justify="left", box=None)
            for name in registry.names():
                table.add_row(name, *_described(registry, name))
            console.print(table, "")
    for trouble in troubles():
        console.print(f"broken: {trouble}", markup=False)


def _described(registry: Registry, name: str) -> tuple[str, str]:
    """The parameters and the summary of a plug-in, or what is wrong with it."""
    from rich.markup import escape

    from distaff.errors import DistaffError
    from distaff.plugins.file import REQUIRED

    try:
        plugin = registry.plugin(name)
    except DistaffError as error:
        return "", escape(f"broken: {error}")
    parameters = [p.name if p.default is REQUIRED else f"{p.name}={p.default!r}" for p in plugin.parameters]
    return escape(", ".join(parameters)), escape(plugin.summary)
