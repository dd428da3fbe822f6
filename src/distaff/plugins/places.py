"""Where plug-ins are found: the package, files and folders that an environment variable names, installed packages."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distaff.plugins.file import kind_of

EXTRA_PLUGINS = "DISTAFF_PLUGINS"  # environment variable: files, and folders that hold methods/, metrics/, ...
ENTRY_POINTS = "distaff.plugins"  # of installed packages: each names a package with such folders, or a module


@dataclass(frozen=True)
class Source:
    """A folder that holds methods/, metrics/, ..., or one file; `module` is its dotted name where it can be imported.

    `wrong` states why it holds nothing, where that is so.
    """

    path: Path
    module: str | None = None
    wrong: str = ""


@dataclass(frozen=True)
class Found:
    """The file of a plug-in, and the module that it is, if it belongs to a package that can be imported."""

    name: str
    path: Path
    module: str | None


def sources() -> tuple[Source, ...]:
    """All places beside the package, in the order in which they are searched."""
    return (*_named(os.environ.get(EXTRA_PLUGINS, "")), *_installed(tuple(sys.path)))


def found(source: Source, kind: str, plural: str, name: str | None = None) -> Iterator[Found]:
    """The plug-ins of a kind that a source holds, or the one called `name`."""
    if source.wrong:
        return
    if source.path.suffix == ".py":
        if name in (None, source.path.stem) and kind == _kind(source.path, _stamp(source.path)):
            yield Found(source.path.stem, source.path, source.module)
        return
    yield from in_folder(source.path / plural, f"{source.module}.{plural}" if source.module else None, name)


def in_folder(folder: Path, module: str | None, name: str | None = None) -> Iterator[Found]:
    """The files of a folder that may be plug-ins, or that of `name`."""
    if name is None:
        paths = sorted(folder.glob("[!_]*.py"))
    else:
        path = folder / f"{name}.py"
        paths = [path] if not name.startswith("_") and path.is_file() else []
    for path in paths:
        yield Found(path.stem, path, f"{module}.{path.stem}" if module else None)


def troubles() -> list[str]:
    """What is wrong with sources as a whole: one that is not there, a file that is no plug-in."""
    of_sources = [source.wrong for source in sources() if source.wrong]
    files = [source.path for source in sources() if not source.wrong and source.path.suffix == ".py"]
    undecorated = [path for path in files if _kind(path, _stamp(path)) is None]
    wrong = "no function stands under a decorator line such as @metric(...), so it is no plug-in"
    return [*of_sources, *(f"{path}: {wrong}" for path in undecorated)]


def _named(variable: str) -> Iterator[Source]:
    for part in filter(None, variable.split(os.pathsep)):
        path = Path(part).expanduser().absolute()  # as Python names the file that it imports
        if path.is_dir() or (path.is_file() and path.suffix == ".py"):
            yield Source(path)
        else:
            said = "is not a Python file" if path.exists() else "is not there"
            yield Source(path, wrong=f"{EXTRA_PLUGINS} names {part}, which {said}: name files (.py) and folders")


@functools.lru_cache(maxsize=16)
def _installed(search_path: tuple[str, ...]) -> tuple[Source, ...]:
    """The sources of installed packages, by their metadata: nothing of them is imported."""
    del search_path  # the key
    points = importlib.metadata.entry_points(group=ENTRY_POINTS)
    return tuple(
        _source_of(point.name, point.module) for point in sorted(points, key=lambda one: (one.name, one.value))
    )


def _source_of(name: str, module: str) -> Source:
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    folders = [Path(one) for one in (spec.submodule_search_locations or ())] if spec else []
    if spec and spec.origin and not folders and not rest:
        return Source(Path(spec.origin), module)
    for folder in folders:
        place = folder.joinpath(*rest)
        if place.is_dir():
            return Source(place, module)
        if place.with_suffix(".py").is_file():
            return Source(place.with_suffix(".py"), module)
    wrong = f"the entry point {name} of {ENTRY_POINTS} names {module}, which is neither a package nor a module here"
    return Source(Path(*module.split(".")), module, wrong)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=256)
def _kind(path: Path, stamp: tuple[int, int]) -> str | None:
    del stamp  # the key: a file that changed is read again
    return kind_of(path)
