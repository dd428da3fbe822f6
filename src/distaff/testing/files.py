"""Which plug-in a name or a file means, and the checks of its kind."""

from __future__ import annotations

import ast
import os
import tempfile
from pathlib import Path

from distaff.errors import DistaffError, unknown
from distaff.plugins.registry import EXTRA_FOLDERS, KINDS, Registry

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
    known = registry.names()
    if path.stem in known and registry.plugin(path.stem).path.resolve() == path:
        return registry.kind, path.stem
    if path.stem in known:
        other = registry.plugin(path.stem).path
        raise DistaffError(f"two files are named {registry.kind} {path.stem!r}: {path} and {other}; rename one of them")
    _add(registry, path)
    return registry.kind, path.stem


def _registry_of(path: Path) -> Registry:
    """The kind of a file: that of its folder where it says so, else that of the decorator of the function in it."""
    if path.parent.name in KINDS:
        return KINDS[path.parent.name]
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except SyntaxError as error:
        raise DistaffError(f"{path}:{error.lineno}: {error.msg}") from error
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == path.stem:
            for line in node.decorator_list:
                called = line.func if isinstance(line, ast.Call) else line
                word = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                if word == "network" and node.args.args[:1] and node.args.args[0].arg == "latents":
                    word = "critic"  # it is built from the number of latents, a network from the shape of images
                if word in BY_KIND:
                    return BY_KIND[word]
            raise DistaffError(f"{path}: {node.name} has none of the decorator lines @{', @'.join(BY_KIND)}(...)")
    raise DistaffError(f"{path}: a plug-in is a function of its file's name, and there is no function {path.stem}")


def _add(registry: Registry, path: Path) -> None:
    """Add a file to the plug-ins of this process: its folder, or one made for it where it is in no such folder."""
    folder = path.parent.parent
    if path.parent.name != registry.plural:
        folder = Path(tempfile.mkdtemp(prefix="distaff-check-"))
        (folder / registry.plural).mkdir()
        (folder / registry.plural / path.name).symlink_to(path)
    known = os.environ.get(EXTRA_FOLDERS, "")
    os.environ[EXTRA_FOLDERS] = f"{known}{os.pathsep}{folder}" if known else str(folder)
