"""The text of a plug-in that is not the package's: what was imported of it, and the checksum that runs record of it."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from distaff.errors import DistaffError
from distaff.seal import digest

if TYPE_CHECKING:
    from distaff.plugins.registry import Registry

IMPORTED = "__distaff_source__"  # of a module that was made of a plug-in's file: the bytes that it was made of


class Source(NamedTuple):
    """The file of a plug-in and the SHA-256 of its text."""

    path: Path
    sha256: str

    @property
    def short(self) -> str:
        """The first sixteen digits of its checksum."""
        return self.sha256[:16]


def source_of(registry: Registry, name: str) -> Source | None:
    """The source of the plug-in `name` as its file is now; None for a plug-in of the package, whose version counts."""
    found = _file_of(registry, name)
    return None if found is None else Source(found, digest(_content(found, *_stamp(found))))


def imported_source(registry: Registry, name: str) -> tuple[Source, bytes] | None:
    """The source that this process works with, and its text: what it imported, else the file as it is now."""
    module = sys.modules.get(f"distaff_plugins.{registry.plural}.{name}")
    found = _file_of(registry, name)
    content = getattr(module, IMPORTED, None)
    if content is None and found is not None:
        content = _content(found, *_stamp(found))
    if content is None:
        return None
    path = found or Path(str(getattr(module, "__file__", f"{name}.py")))
    return Source(path, digest(content)), content


def is_packaged(registry: Registry, name: str) -> bool:
    """Whether the package itself brings the plug-in `name`."""
    return name in _packaged(registry)


@functools.cache
def _packaged(registry: Registry) -> frozenset[str]:
    return frozenset(registry.packaged())


def _file_of(registry: Registry, name: str) -> Path | None:
    """The file of a plug-in that is not the package's; None for others, and for one that is not here."""
    if is_packaged(registry, name):
        return None
    try:
        return registry.plugin(name).path
    except (DistaffError, SyntaxError):
        return None


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=256)
def _content(path: Path, size: int, modified: int) -> bytes:
    del size, modified  # part of the key
    return path.read_bytes()
