"""A new plug-in from a template: a small one that works, in the form that ours have, and passes its checks."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from distaff.errors import DistaffError
from distaff.plugins.registry import Registry
from distaff.testing.files import registry_named

TEMPLATES = Path(__file__).parent / "templates"
PLACEHOLDER = "my_idea"
DEFAULT = Path("plugins")


def text_of(kind: str, name: str) -> str:
    """The text of the file of a new plug-in; raises `DistaffError` for a name that a plug-in cannot have."""
    registry = registry_named(kind)
    template = (TEMPLATES / f"{registry.kind}.txt").read_text(encoding="utf-8")
    _check_name(registry, name, template)
    return template.replace(PLACEHOLDER, name).replace(PLACEHOLDER.replace("_", " "), name.replace("_", " "))


def write_new(kind: str, name: str, folder: Path | None = None) -> Path:
    """Write the file of a new plug-in, by default into plugins/<kinds>/, and return its path.

    Raises `DistaffError` where a file or a plug-in of that name is there already.
    """
    registry = registry_named(kind)
    text = text_of(kind, name)
    if name in registry.names():
        raise DistaffError(
            f"there is a {registry.kind} {name} already: {registry.plugin(name).path}; take another name"
        )
    path = (folder or DEFAULT / registry.plural) / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise DistaffError(f"{path} is there already, and stays as it is: take another name or --folder") from error
    return path


def _check_name(registry: Registry, name: str, template: str) -> None:
    example = f"as in: distaff new {registry.kind} {PLACEHOLDER}"
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or name.startswith("_"):
        raise DistaffError(f"{name!r} is no name of a function: letters, digits and underscores, {example}")
    if name != name.lower():
        raise DistaffError(f"{name!r} has capitals: write {name.lower()!r}, for plug-ins are functions")
    if name in registry.beside or (name != PLACEHOLDER and re.search(rf"\b{name}\b", template)):
        raise DistaffError(f"{name!r} means something else in the file of a {registry.kind}: take another name")
