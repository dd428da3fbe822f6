"""The names in a store: its runs and its failures, from two folders and no file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from distaff.store.store import Store


class StoreListing(NamedTuple):
    """The names in a store, read once: complete runs, and what failed."""

    runs: frozenset[str]
    failed: frozenset[str]  # ids of runs, and id-scoring of scorings


def listing(store: Store) -> StoreListing:
    """The names of the runs and failures of a store; reads two folders and no file."""
    runs = [name for name in _names(store.folder / "runs") if not name.startswith(".")]
    failed = [name.removesuffix(".json") for name in _names(store.folder / "failed") if name.endswith(".json")]
    return StoreListing(frozenset(runs), frozenset(failed))


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []
