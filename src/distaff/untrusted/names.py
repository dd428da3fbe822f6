"""Names in the files of strangers: what they name stays inside its folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from distaff.errors import DistaffError


def points_out(name: str) -> bool:
    """Whether a name is absolute, goes up, or is none at all, read as a name of any system."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    up = ".." in posix.parts or ".." in windows.parts
    return up or posix.is_absolute() or bool(windows.drive or windows.root) or "\0" in name or not posix.parts


def inside(folder: Path, name: str, where: str) -> Path:
    """The path of `name` in `folder`; raises `DistaffError`, with the place `where`, if it leads out of that.

    Links inside the folder are followed, as long as they stay there.
    """
    if points_out(name):
        raise DistaffError(f"{where}: {name[:200]!r} leads out of {folder}: name files inside it")
    path, step = folder / name, folder
    for part in PurePosixPath(name).parts:
        step = step / part
        if step.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            raise DistaffError(f"{where}: {name[:200]!r} is a link out of {folder}: put the file itself there")
    return path


def check_own(*folders: Path) -> None:
    """Raise `DistaffError` for a folder that is written into and is a link: it leads out of a store of a stranger."""
    for folder in folders:
        if folder.is_symlink():
            raise DistaffError(f"{folder} is a link, and would be written into: put the folder itself there")
