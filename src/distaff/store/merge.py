"""Two stores into one, and a part of a store as a store of its own; nothing that is there is ever written over."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from distaff.errors import DistaffError
from distaff.store.files import digest, write
from distaff.store.store import Store
from distaff.study.plan import listing

WEIGHTS = "model.safetensors"


class Merged(NamedTuple):
    """What came over, and runs that both stores have with different weights (other devices, other versions)."""

    runs: int
    files: int
    different: list[str]


def merge(source: Store, goal: Store, ids: Iterable[str] | None = None, weights: bool = True) -> Merged:
    """Bring the runs of `source` (those of `ids`), their scores, failures and studies to `goal`.

    A run that `goal` has already keeps its files and only gets the scores that it lacks, and those only if its weights
    are the same: scores of other weights are not its own.
    """
    if not (source.folder / "runs").is_dir():
        raise DistaffError(f"{source.folder} is no store: it has no folder `runs`")
    there, wanted = listing(source), None if ids is None else frozenset(ids)
    runs, files, different = 0, 0, []
    for id in sorted(there.runs if wanted is None else there.runs & wanted):
        if not goal.has(id):
            paths = sorted(path for path in source.run_folder(id).iterdir() if weights or path.name != WEIGHTS)
            goal.bring(id, {path.name: path.read_bytes() for path in paths})
            runs += 1
        elif _weights(source, id) != _weights(goal, id):
            different.append(id)
        else:
            files += _bring_missing(source.run_folder(id), goal.run_folder(id), "scores-*.json")
    for name in there.failed:
        id = name.partition("-")[0]
        if (wanted is None or id in wanted) and not (goal.has(id) and name == id):
            files += _bring_missing(source.folder / "failed", goal.folder / "failed", f"{name}.json")
    files += _bring_missing(source.folder / "studies", goal.folder / "studies", "*.json")
    files += _bring_missing(source.folder, goal.folder, "untrained-*.json")
    return Merged(runs, files, different)


def _bring_missing(source: Path, goal: Path, pattern: str) -> int:
    missing = [path for path in sorted(source.glob(pattern)) if not (goal / path.name).exists()]
    for path in missing:
        write(goal / path.name, path.read_bytes())
    return len(missing)


def _weights(store: Store, id: str) -> str | None:
    """The checksum of a run's weights, which its provenance keeps when the weights themselves are gone."""
    told = store.made(id).get("files", {}).get(WEIGHTS)
    if told is not None:
        return str(told)
    path = store.run_folder(id) / WEIGHTS
    return digest(path.read_bytes()) if path.exists() else None
