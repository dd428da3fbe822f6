"""The one door for formats: a store that a later version of distaff wrote to is refused before anything is done.

Every command and function that reads a whole store, or writes to one, comes through here first. A record says its
format in its first lines, so a look at those of 12,600 runs takes a second.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from distaff.errors import DistaffError
from distaff.seal import FORMAT, NewerFormatError
from distaff.store.store import Store

HEAD = 512  # bytes of a record in which its format stands
FORMAT_KEY = re.compile(rb'"format"\s*:\s*(\d+)')
PLACES = ("", "failed", "studies", "packs")


def opened(folder: Path | str) -> Store:
    """The store in `folder`; raises `DistaffError` if it is none, or one of a later format."""
    folder = Path(folder)
    if not (folder / "runs").is_dir():
        raise DistaffError(f"{folder} is not a store: it has no folder `runs`")
    return readable(Store(folder))


def readable(store: Store) -> Store:
    """`store` itself, which need not exist yet; raises `DistaffError` if any record in it is of a later format."""
    for path in _records(store.folder):
        with contextlib.suppress(FileNotFoundError):  # another process may finish its work meanwhile
            if (found := FORMAT_KEY.search(_head(path))) and int(found[1]) > FORMAT:
                raise NewerFormatError(
                    f"{path} is of format {int(found[1])}, and this version reads up to {FORMAT}: update distaff"
                )
    return store


def _records(folder: Path) -> Iterator[str]:
    for place in PLACES:
        yield from _json_files(folder / place)
    for run in _entries(folder / "runs"):
        if run.is_dir() and not run.name.startswith("."):
            yield from _json_files(Path(run.path))


def _json_files(folder: Path) -> Iterator[str]:
    """The paths of regular files alone: to open a pipe waits for ever."""
    yield from (one.path for one in _entries(folder) if one.name.endswith(".json") and one.is_file())


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _head(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, HEAD)
    finally:
        os.close(handle)
