"""Two stores into one, and a part of a store as a store of its own; nothing that is there is ever written over."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from distaff.atomic import write
from distaff.errors import DistaffError
from distaff.store.files import digest
from distaff.store.listing import listing
from distaff.store.store import Store
from distaff.untrusted.regular import read_bytes

WEIGHTS = "model.safetensors"


class Merged(NamedTuple):
    """What was copied, and runs that both stores have with different weights (other devices, other versions)."""

    runs: int
    files: int
    different: list[str]


def merge(source: Store, target: Store, ids: Iterable[str] | None = None, weights: bool = True) -> Merged:
    """Copy the runs of `source` (those of `ids`), their scores, failures and studies to `target`.

    A run that `target` has already keeps its files and only gets the scores that it lacks, and those only if its
    weights are the same: scores of other weights are not its own.
    """
    if not (source.folder / "runs").is_dir():
        raise DistaffError(f"{source.folder} is not a store: it has no folder `runs`")
    stored, requested = listing(source), None if ids is None else frozenset(ids)
    runs, files, different = 0, 0, []
    for id in sorted(stored.runs if requested is None else stored.runs & requested):
        if not target.has(id):
            paths = sorted(path for path in source.run_folder(id).iterdir() if weights or path.name != WEIGHTS)
            target.add(id, {path.name: read_bytes(path) for path in paths})
            runs += 1
        elif _weights(source, id) != _weights(target, id):
            different.append(id)
        else:
            files += _copy_missing(source.run_folder(id), target.run_folder(id), "scores-*.json")
    for name in stored.failed:
        id = name.partition("-")[0]
        if (requested is None or id in requested) and not (target.has(id) and name == id):
            files += _copy_missing(source.folder / "failed", target.folder / "failed", f"{name}.json")
    files += _copy_missing(source.folder / "studies", target.folder / "studies", "*.json")
    files += _copy_missing(source.folder, target.folder, "untrained-*.json")
    return Merged(runs, files, different)


def _copy_missing(source: Path, target: Path, pattern: str) -> int:
    missing = [path for path in sorted(source.glob(pattern)) if not (target / path.name).exists()]
    for path in missing:
        write(target / path.name, read_bytes(path))
    return len(missing)


def _weights(store: Store, id: str) -> str | None:
    """The checksum of a run's weights, which its provenance keeps when the weights themselves are gone."""
    recorded = store.provenance(id).get("files", {}).get(WEIGHTS)
    if recorded is not None:
        return str(recorded)
    path = store.run_folder(id) / WEIGHTS
    return digest(read_bytes(path)) if path.exists() else None
