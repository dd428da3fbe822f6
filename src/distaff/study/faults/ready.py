"""Whether a store is ready for results, before the first update: what would fail at the end fails now."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from distaff.atomic import process_token, write
from distaff.runs import Run
from distaff.store.provenance import provenance
from distaff.store.store import Store
from distaff.training.memory import bytes_on_disk
from distaff.weather import is_there, remove, retrying

PLACES = ("runs", "failed", "packs")  # where a worker writes results


def check_place(store: Store) -> None:
    """Write, rename and remove a file in each folder of results, and make a record of provenance.

    Raises `OSError` where one of them does not bear it.
    """
    provenance()
    for place in PLACES:
        if place == "failed" and not is_there(store.folder / place):
            continue  # it stays away as long as nothing failed, and is made where the others are
        path = store.folder / place / f".ready.{process_token()}"
        write(path, b"ready", fsync=False)
        remove(path)


def check_room(store: Store, runs: tuple[Run, ...]) -> None:
    """Raise `OSError` where the checkpoint and the results of `runs`, side by side, have no room in `store`."""
    need = bytes_on_disk(runs)
    _try_length(store.folder / "packs" / f".room.{process_token()}", need)
    usage = retrying(lambda: shutil.disk_usage(store.folder))
    if usage.total and usage.free < need:
        text = (
            f"{os.strerror(errno.ENOSPC)}: {len(runs)} models need {need / 1e6:,.0f} MB, {usage.free / 1e6:,.0f} free"
        )
        raise OSError(errno.ENOSPC, text, str(store.folder))


def _try_length(path: Path, length: int) -> None:
    """Make a file of so many bytes, none of which is written: a limit on the size of files shows."""
    write(path, b"", fsync=False)  # it makes the folder
    try:
        retrying(lambda: os.truncate(path, length))
    finally:
        remove(path)
