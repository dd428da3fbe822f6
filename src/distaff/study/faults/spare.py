"""Where a checkpoint goes when its store has no room: a private folder among the temporary files of this machine.

The next worker on this machine that trains the pack finds it there by the name of the store and of the pack, copies it
into the store, and removes it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from distaff.weather import names_in


def spare_path(store: Path, path: Path) -> Path | None:
    """Where the checkpoint `path` of the store goes instead; None where nobody else may be kept from such a place."""
    folder = _folder()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return folder / f"{_prefix(store)}{path.name}" if _private(folder) else None


def spares(store: Path, name: str) -> list[Path]:
    """The checkpoints of pack `name` that were kept on this machine for want of room in the store."""
    folder = _folder()
    if not _private(folder):
        return []
    prefix = f"{_prefix(store)}{name}"
    return [folder / one for one in names_in(folder) if one.startswith(prefix) and one.endswith(".safetensors")]


def name_in_store(store: Path, spare: Path) -> str:
    """The name that a spare checkpoint has in its store."""
    return spare.name.removeprefix(_prefix(store))


def is_spare(path: Path) -> bool:
    """Whether a checkpoint stands outside its store."""
    return path.parent == _folder()


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / f"distaff-{os.getuid() if hasattr(os, 'getuid') else 'checkpoints'}"


def _private(folder: Path) -> bool:
    """Whether the folder is ours and no link: the temporary folder is everybody's, and so are the names in it."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    ours = not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
    return stat.S_ISDIR(found.st_mode) and ours


def _prefix(store: Path) -> str:
    return hashlib.sha256(os.path.realpath(store).encode()).hexdigest()[:16] + "-"
