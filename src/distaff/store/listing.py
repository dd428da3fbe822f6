"""The names in a store: its runs and its failures, from two folders and no file."""

from __future__ import annotations

from typing import NamedTuple

from distaff.store.store import Store
from distaff.weather import names_in


class StoreListing(NamedTuple):
    """The names in a store, read once: complete runs, and what failed."""

    runs: frozenset[str]
    failed: frozenset[str]  # ids of runs, and id-scoring of scorings


def listing(store: Store) -> StoreListing:
    """The names of the runs and failures of a store; reads two folders and no file."""
    runs = [name for name in names_in(store.folder / "runs") if not name.startswith(".")]
    failed = [name.removesuffix(".json") for name in names_in(store.folder / "failed") if _is_record(name)]
    return StoreListing(frozenset(runs), frozenset(failed))


def _is_record(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")
