"""Checkpoints of a pack: what is trained next in the memory available, and from which update on.

A pack has one checkpoint, packs/NAME.safetensors, where all that is missing of it is trained side by side. Where
memory is short it is trained in sub-packs, each with a checkpoint of its own, packs/NAME-SUBPACK.safetensors. A
checkpoint that holds more models than fit, from a worker with more memory, stays as it is: the models that come next
are copied out of it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from distaff.atomic import write
from distaff.runs import Run, structure
from distaff.store.store import Store
from distaff.study.plan import Train, pack_id


class Checkpoint(NamedTuple):
    """The state of some models of a pack: their ids in the order in which they are stacked, and their update."""

    path: Path
    runs: tuple[str, ...]
    step: int


class SubPack(NamedTuple):
    """Runs to be trained side by side, the path of their checkpoint, and the checkpoint that it is extracted from."""

    runs: tuple[Run, ...]
    path: Path
    source: Checkpoint | None = None

    @property
    def progress_path(self) -> Path:
        """The file that records how far the sub-pack has come."""
        return self.path.with_suffix(".progress")


def next_subpack(store: Store, job: Train, most: int) -> SubPack | None:
    """The runs of `job` to train next, at most so many: those that have come furthest, then those not yet begun."""
    remaining = [run for run in job.runs if not training_ended(store, run)]
    if not remaining:
        return None
    base, existing = store.folder / "packs" / job.name, checkpoints(store, job.name)
    for checkpoint in existing:
        begun = [run for run in remaining if run.id in checkpoint.runs]
        if begun:
            runs = _first_of_even_parts(begun, most)
            if len(runs) == len(checkpoint.runs):
                return SubPack(runs, checkpoint.path)
            return SubPack(runs, _subpack_path(base, runs), checkpoint)
    runs = _first_of_even_parts(remaining, most)
    is_part = existing or len(runs) < len(remaining)
    return SubPack(runs, _subpack_path(base, runs) if is_part else base.with_suffix(".safetensors"))


def checkpoints(store: Store, name: str) -> list[Checkpoint]:
    """The checkpoints of pack `name`, the furthest and then the smallest first; torn ones are set aside."""
    folder, readable = store.folder / "packs", []
    for path in (folder / f"{name}.safetensors", *sorted(folder.glob(f"{name}-*.safetensors"))):
        metadata = _metadata(path)
        if "runs" in metadata:
            readable.append(Checkpoint(path, tuple(json.loads(metadata["runs"])), int(metadata["step"])))
        elif path.exists():
            (store.folder / "damaged").mkdir(exist_ok=True)
            os.replace(path, store.folder / "damaged" / path.name)
    return sorted(readable, key=lambda checkpoint: (-checkpoint.step, len(checkpoint.runs)))


def updates_on_disk(store: Store, job: Train) -> int:
    """Updates of single models of a pack that cannot be lost: of finished models, and of those in checkpoints."""
    steps: dict[str, int] = {}
    for checkpoint in reversed(checkpoints(store, job.name)):
        steps.update(dict.fromkeys(checkpoint.runs, checkpoint.step))
    return sum(run.updates if training_ended(store, run) else steps.get(run.id, 0) for run in job.whole)


def training_ended(store: Store, run: Run) -> bool:
    """Whether training `run` has come to its end, good or bad."""
    return store.has(run.id) or (store.folder / "failed" / f"{run.id}.json").exists()


def extract(subpack: SubPack, whole: Iterable[Run]) -> None:
    """Copy the models of `subpack` out of the checkpoint that holds them; `whole` are the runs of the pack."""
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import save

    source = subpack.source
    assert source is not None
    ids = {run.id for run in subpack.runs}
    places = [place for place, id in enumerate(source.runs) if id in ids]
    source_columns = curve_columns(run for run in whole if run.id in source.runs)
    kept_columns = [source_columns.index(name) for name in curve_columns(subpack.runs)]
    with safe_open(source.path, "np") as file:
        names = [name for name in file.keys() if name != "curve"]  # noqa: SIM118  (it is not a mapping)
        curve = file.get_tensor("curve")[:, places][:, :, kept_columns]
        models = {name: np.concatenate([file.get_slice(name)[k : k + 1] for k in places]) for name in names}
    metadata = {"step": str(source.step), "runs": json.dumps([source.runs[k] for k in places])}
    write(subpack.path, save({**models, "curve": np.ascontiguousarray(curve)}, metadata))


def curve_columns(runs: Iterable[Run]) -> list[str]:
    """The columns of a pack's curves, found a method at a time, in the memory of one model."""
    from distaff.training.fit import columns_of
    from distaff.training.pack import pack

    kinds = {structure(run): run for run in runs}.values()
    columns = dict.fromkeys(name for run in kinds for name in columns_of(pack((replace(run, seed=0),))))
    terms = sorted(name for name in columns if name.startswith("term."))
    return [name for name in columns if name not in terms] + terms


def remove_obsolete(store: Store, name: str, whole: Iterable[Run]) -> None:
    """Remove the checkpoints of pack `name` that nobody will resume: all of their models are finished."""
    ended = {run.id for run in whole if training_ended(store, run)}
    for checkpoint in checkpoints(store, name):
        if ended.issuperset(checkpoint.runs):
            checkpoint.path.unlink(missing_ok=True)
            checkpoint.path.with_suffix(".progress").unlink(missing_ok=True)


def _subpack_path(base: Path, runs: tuple[Run, ...]) -> Path:
    return base.with_name(f"{base.name}-{pack_id(runs)}.safetensors")


def _first_of_even_parts(runs: Sequence[Run], most: int) -> tuple[Run, ...]:
    """The first of as few parts as memory allows, all of about one size."""
    return tuple(runs[: math.ceil(len(runs) / math.ceil(len(runs) / most))])


def _metadata(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return {}
    try:
        with safe_open(path, "np") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError):
        return {}
