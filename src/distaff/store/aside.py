"""A folder aside, inside a store, for work that takes several files: whoever comes next removes what a killed one left.

It stands in `runs`, on the disk of the results, so that what is whole in it can appear under its name by a rename. A
file in it is locked while its process lives: the system frees the lock when that ends, however it ends.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from distaff.atomic import ASIDE, try_lock
from distaff.errors import DistaffError
from distaff.store.store import Store
from distaff.weather import described

PREFIX, LOCK = ".aside-", "lock"
PLACES = ("runs", "runs/*", "failed", "packs", "studies", "cache", "plugins/*")


@contextlib.contextmanager
def folder_aside(store: Store) -> Iterator[Path]:
    """A new folder in `store`, which is gone when its block ends; those of processes that were killed go first."""
    remove_dead_folders(store)
    folder = store.folder / "runs" / f"{PREFIX}{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    with (folder / LOCK).open("w+b") as lock:
        with contextlib.suppress(OSError):  # a disk without locks: nobody will take the folder for a dead one's
            try_lock(lock)
        try:
            yield folder
        except OSError as error:
            raise DistaffError(
                f"{store.folder} cannot be written to ({described(error)}): make room, and do it again"
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_dead_folders(store: Store) -> int:
    """Remove the folders aside whose processes are gone; returns how many there were."""
    return sum(_remove_if_dead(folder) for folder in (store.folder / "runs").glob(f"{PREFIX}*"))


def remove_litter(store: Store) -> int:
    """Remove all that killed processes left: folders aside, and files that were never finished; returns how many.

    To be called where nobody works on the store: not every disk knows the locks of other machines.
    """
    removed = remove_dead_folders(store)
    for folder in (store.folder, *(folder for place in PLACES for folder in store.folder.glob(place))):
        removed += sum(_remove_if_unfinished(path) for path in folder.glob(".*") if ASIDE.fullmatch(path.name))
    return removed


def _remove_if_dead(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("r+b") as lock:
            dead = try_lock(lock)
    except FileNotFoundError:  # killed before it made the file, or gone by now
        dead = folder.is_dir() and not any(folder.iterdir())
    except OSError:  # a disk without locks: nobody knows
        return False
    if dead:
        shutil.rmtree(folder, ignore_errors=True)
    return dead


def _remove_if_unfinished(path: Path) -> bool:
    """Remove a file aside that no process of this machine writes, or the folder of a run that was never finished."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return True
    try:
        with os.fdopen(os.open(path, os.O_RDWR), "r+b") as file:
            dead = try_lock(file)
            if dead:
                path.unlink(missing_ok=True)
            return dead
    except OSError:  # gone by now, or a disk without locks
        return False
