"""Which plug-in a name or a file means."""

from __future__ import annotations

import os
from pathlib import Path

from distaff.errors import DistaffError, unknown
from distaff.plugins.file import kind_of
from distaff.plugins.places import EXTRA_PLUGINS
from distaff.plugins.registry import KINDS, Registry

BY_KIND = {registry.kind: registry for registry in KINDS.values()}


def registry_named(kind: str) -> Registry:
    """Where plug-ins of a kind are found; `kind` is `method` or `methods`. Raises `DistaffError` for others."""
    registry = BY_KIND.get(kind) or KINDS.get(kind)
    if registry is None:
        raise unknown("kind", kind, BY_KIND)
    return registry


def plugin_meant(text: str, kind: str = "") -> tuple[str, str]:
    """The kind and the text of the plug-in that a person means: a file, a name, or a name with parameters.

    A file that is in no folder of plug-ins yet is added to them for the rest of this process. Raises `DistaffError`
    where there is none, or plug-ins of several kinds have that name and `kind` does not tell which.
    """
    if text.endswith(".py") or os.sep in text.partition("(")[0]:
        return _of_file(Path(text), kind)
    name = text.partition("(")[0].strip()
    kinds = [registry_named(kind)] if kind else list(KINDS.values())
    found = [registry for registry in kinds if name in registry.names()]
    if not found:
        raise unknown(kind or "plug-in", name, {name for registry in kinds for name in registry.names()})
    if len(found) > 1:
        raise DistaffError(
            f"{name} is a {' and a '.join(registry.kind for registry in found)}: say which with --kind {found[0].kind}"
        )
    return found[0].kind, text


def _of_file(path: Path, kind: str) -> tuple[str, str]:
    if not path.is_file():
        raise DistaffError(f"{path} is not a file: give the file of a plug-in, or the name of one")
    path = path.resolve()
    registry = registry_named(kind) if kind else _registry_of(path)
    if not _known(registry, path):
        named = os.environ.get(EXTRA_PLUGINS, "")
        os.environ[EXTRA_PLUGINS] = f"{named}{os.pathsep}{path}" if named else str(path)
    return registry.kind, path.stem


def _known(registry: Registry, path: Path) -> bool:
    """Whether a file is among the plug-ins already; raises `DistaffError` where another has its name."""
    if path.stem not in registry.names():
        return False
    other = registry.path(path.stem).resolve()
    if other != path:
        raise DistaffError(f"two files are named {registry.kind} {path.stem!r}: {path} and {other}; rename one of them")
    return True


def _registry_of(path: Path) -> Registry:
    """The kind of a file: that of its decorator line, or that of its folder."""
    kind = kind_of(path)
    if kind is not None:
        return BY_KIND[kind]
    if path.parent.name in KINDS:
        return KINDS[path.parent.name]
    lines = ", ".join(f"@{kind}(...)" for kind in BY_KIND if kind != "critic")
    raise DistaffError(f"{path}: a plug-in is a function of its file's name under one of the decorator lines {lines}")
