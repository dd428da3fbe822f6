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
class Place:
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


def places() -> tuple[Place, ...]:
    """All places beside the package, in the order in which they are searched."""
    return (*_named(os.environ.get(EXTRA_PLUGINS, "")), *_installed(tuple(sys.path)))


def found(place: Place, kind: str, plural: str, name: str | None = None) -> Iterator[Found]:
    """The plug-ins of a kind that a place holds, or the one called `name`."""
    if place.wrong:
        return
    if place.path.suffix == ".py":
        if name in (None, place.path.stem) and kind == _kind(place.path, _stamp(place.path)):
            yield Found(place.path.stem, place.path, place.module)
        return
    yield from in_folder(place.path / plural, f"{place.module}.{plural}" if place.module else None, name)


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
    """What is wrong with places as a whole: one that is not there, a file that is no plug-in."""
    of_places = [place.wrong for place in places() if place.wrong]
    files = [place.path for place in places() if not place.wrong and place.path.suffix == ".py"]
    undecorated = [path for path in files if _kind(path, _stamp(path)) is None]
    wrong = "no function stands under a decorator line such as @metric(...), so it is no plug-in"
    return [*of_places, *(f"{path}: {wrong}" for path in undecorated)]


def _named(variable: str) -> Iterator[Place]:
    for part in filter(None, variable.split(os.pathsep)):
        path = Path(part).expanduser().absolute()  # as Python names the file that it imports
        if path.is_dir() or (path.is_file() and path.suffix == ".py"):
            yield Place(path)
        else:
            said = "is not a Python file" if path.exists() else "is not there"
            yield Place(path, wrong=f"{EXTRA_PLUGINS} names {part}, which {said}: name files (.py) and folders")


@functools.lru_cache(maxsize=16)
def _installed(search_path: tuple[str, ...]) -> tuple[Place, ...]:
    """The places of installed packages, by their metadata: nothing of them is imported."""
    del search_path  # the key
    points = importlib.metadata.entry_points(group=ENTRY_POINTS)
    return tuple(_place_of(point.name, point.module) for point in sorted(points, key=lambda one: (one.name, one.value)))


def _place_of(name: str, module: str) -> Place:
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    folders = [Path(one) for one in (spec.submodule_search_locations or ())] if spec else []
    if spec and spec.origin and not folders and not rest:
        return Place(Path(spec.origin), module)
    for folder in folders:
        place = folder.joinpath(*rest)
        if place.is_dir():
            return Place(place, module)
        if place.with_suffix(".py").is_file():
            return Place(place.with_suffix(".py"), module)
    wrong = f"the entry point {name} of {ENTRY_POINTS} names {module}, which is neither a package nor a module here"
    return Place(Path(*module.split(".")), module, wrong)


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
