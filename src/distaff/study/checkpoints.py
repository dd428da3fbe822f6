"""Checkpoints of a pack: what is trained next in the memory available, and from which update on.

A pack has one checkpoint, packs/NAME.safetensors, where all that is missing of it is trained side by side. Where
memory is short, or where one of its runs raises, it is trained in sub-packs, each with a checkpoint of its own,
packs/NAME-SUBPACK.safetensors. A checkpoint that holds other models as well stays as it is: the models that come next
are copied out of it. The checkpoint of a run that failed stays until a command removes it: what was done is not lost.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from distaff.atomic import write
from distaff.errors import DistaffError
from distaff.runs import Run, structure
from distaff.store.store import Store
from distaff.study.faults.spare import is_spare, name_in_store, spares
from distaff.study.plan import Train, pack_id
from distaff.training.seal import BLANK, KEY, check_seal, metadata_of, sealed
from distaff.untrusted.regular import read_bytes
from distaff.weather import is_there, names_in, remove, retrying

SUFFIX = ".safetensors"
DIVERGED = "diverged"  # the one failure that is the result of a training, and leaves nothing to go on from


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
    step: int = 0  # the update that its checkpoint has reached

    @property
    def name(self) -> str:
        """What the deaths at it go by."""
        return pack_id(self.runs)

    @property
    def progress_path(self) -> Path:
        """The file that records how far the sub-pack has come."""
        return self.path.with_suffix(".progress")


def next_subpack(
    store: Store,
    job: Train,
    most: int,
    part: Callable[[tuple[Run, ...]], tuple[Run, ...]] = lambda runs: runs,
) -> SubPack | None:
    """The runs of `job` to train next, at most so many: those that have come furthest, then those not yet begun.

    `part` gives those of some runs that may be trained side by side.
    """
    remaining = tuple(run for run in job.runs if not training_ended(store, run))
    if not remaining:
        return None
    base, existing = store.folder / "packs" / job.name, checkpoints(store, job.name)
    for checkpoint in existing:
        begun = tuple(run for run in remaining if run.id in checkpoint.runs)
        if begun and is_whole(store, checkpoint):
            runs = _first_of_even_parts(part(begun), most)
            if len(runs) < len(checkpoint.runs):
                return SubPack(runs, _subpack_path(base, runs), checkpoint, checkpoint.step)
            if is_spare(checkpoint.path):
                path = base.with_name(name_in_store(store.folder, checkpoint.path))
                return SubPack(runs, path, checkpoint, checkpoint.step)
            return SubPack(runs, checkpoint.path, step=checkpoint.step)
    runs = _first_of_even_parts(part(remaining), most)
    is_part = existing or len(runs) < len(remaining)
    return SubPack(runs, _subpack_path(base, runs) if is_part else base.with_suffix(SUFFIX))


def checkpoints(store: Store, name: str) -> list[Checkpoint]:
    """The checkpoints of pack `name`, the furthest and then the smallest first; torn ones are set aside."""
    folder, readable = store.folder / "packs", []
    inside = [folder / one for one in names_in(folder) if _is_of(one, name)]
    for path in (*inside, *spares(store.folder, name)):
        metadata = _metadata(path)
        if metadata is None:
            metadata = _metadata(path)  # a second look: what is whole then was not torn
        if metadata is None:
            _set_aside(store, path)
        elif "runs" in metadata:
            readable.append(Checkpoint(path, tuple(json.loads(metadata["runs"])), int(metadata["step"])))
    return sorted(readable, key=lambda checkpoint: (-checkpoint.step, len(checkpoint.runs), is_spare(checkpoint.path)))


def is_whole(store: Store, checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is what was written, byte for byte; if not, it is set aside."""
    for _ in range(2):  # what a second look finds whole is not damaged
        try:
            check_seal(read_bytes(checkpoint.path))
        except (DistaffError, FileNotFoundError):
            continue
        return True
    _set_aside(store, checkpoint.path)
    return False


def checkpoint_of(store: Store, name: str, run: Run) -> str | None:
    """Where the furthest state of a run of pack `name` stands, as its record of failure names it."""
    of_run = [checkpoint.path for checkpoint in checkpoints(store, name) if run.id in checkpoint.runs]
    if not of_run:
        return None
    return str(of_run[0] if is_spare(of_run[0]) else of_run[0].relative_to(store.folder))


def extract_alone(store: Store, job: Train, run: Run) -> str | None:
    """Give a run of a pack a checkpoint of its own, if it is in one with others; returns where its state stands."""
    holding = [one for one in checkpoints(store, job.name) if run.id in one.runs and is_whole(store, one)]
    if holding and (len(holding[0].runs) > 1 or is_spare(holding[0].path)):
        path = _subpack_path(store.folder / "packs" / job.name, (run,))
        extract(SubPack((run,), path, holding[0], holding[0].step), job.whole)
    return checkpoint_of(store, job.name, run)


def bring_home(store: Store, name: str) -> Path:
    """Where the checkpoint of a run that is trained by itself stands, copied there if it was kept outside the store."""
    path = store.folder / "packs" / f"{name}{SUFFIX}"
    existing = [one for one in checkpoints(store, name) if is_whole(store, one)]
    if existing and is_spare(existing[0].path):
        write(path, read_bytes(existing[0].path))
        remove(existing[0].path)
    return path


def training_ended(store: Store, run: Run) -> bool:
    """Whether training `run` has come to its end, good or bad."""
    return store.has(run.id) or is_there(store.folder / "failed" / f"{run.id}.json")


def extract(subpack: SubPack, whole: Iterable[Run]) -> None:
    """Copy the models of `subpack` out of the checkpoint that holds them; `whole` are the runs of the pack."""
    source = subpack.source
    assert source is not None
    write(subpack.path, sealed(extracted(source, {run.id for run in subpack.runs}, whole)))
    if is_spare(source.path) and len(source.runs) == len(subpack.runs):
        remove(source.path)


def extracted(source: Checkpoint, ids: Collection[str], whole: Iterable[Run]) -> bytes:
    """The models `ids` out of a checkpoint, as a checkpoint of their own that is not sealed yet."""
    from safetensors.numpy import save

    places = [place for place, id in enumerate(source.runs) if id in ids]
    models, columns = retrying(lambda: _sliced(source, places))
    if columns is None:  # of an earlier version
        source_columns = curve_columns(run for run in whole if run.id in source.runs)
        columns = curve_columns(run for run in whole if run.id in ids)
        models["curve"] = models["curve"][:, :, [source_columns.index(name) for name in columns]].copy()
    metadata = {
        "step": str(source.step),
        "runs": json.dumps([source.runs[k] for k in places]),
        "columns": json.dumps(columns),
        KEY: BLANK,
    }
    return save(models, metadata)


def _sliced(source: Checkpoint, places: list[int]) -> tuple[dict[str, Any], list[str] | None]:
    """The tensors of the models in these places, read without the others, and the columns of their curves."""
    import numpy as np
    from safetensors import safe_open

    with safe_open(source.path, "np") as file:
        columns = (file.metadata() or {}).get("columns")
        names = [name for name in file.keys() if name != "curve"]  # noqa: SIM118  (it is not a mapping)
        models = {name: np.concatenate([file.get_slice(name)[k : k + 1] for k in places]) for name in names}
        models["curve"] = np.ascontiguousarray(file.get_tensor("curve")[:, places])
    return models, None if columns is None else json.loads(columns)


def curve_columns(runs: Iterable[Run]) -> list[str]:
    """The columns of a pack's curves, found a method at a time, in the memory of one model."""
    from distaff.training.fit import columns_of
    from distaff.training.pack import pack

    kinds = {structure(run): run for run in runs}.values()
    columns = dict.fromkeys(name for run in kinds for name in columns_of(pack((replace(run, seed=0),))))
    terms = sorted(name for name in columns if name.startswith("term."))
    return [name for name in columns if name not in terms] + terms


def remove_obsolete(store: Store, name: str, whole: Iterable[Run]) -> None:
    """Remove the checkpoints of pack `name` of which no model is needed: finished, diverged, or in another as far.

    A model whose run failed in any other way is needed: `study retry` goes on from it.
    """
    needed = {run.id for run in whole if not _is_finished(store, run.id)}
    kept: set[str] = set()
    for checkpoint in checkpoints(store, name):  # the furthest and the smallest first
        unique = needed.intersection(checkpoint.runs) - kept
        kept |= unique
        if not unique:
            remove(checkpoint.path)
            remove(checkpoint.path.with_suffix(".progress"))


def remove_of_failed(store: Store, name: str, ids: Collection[str]) -> None:
    """Remove the checkpoints of pack `name` that hold one of the runs `ids`, which are trained from the start."""
    for checkpoint in checkpoints(store, name):
        if not set(ids).isdisjoint(checkpoint.runs):
            remove(checkpoint.path)


def _is_finished(store: Store, id: str) -> bool:
    """Whether a run is trained, or came to an end from which nothing goes on."""
    return store.has(id) or store.failure_kind(id) == DIVERGED


def _subpack_path(base: Path, runs: tuple[Run, ...]) -> Path:
    return base.with_name(f"{base.name}-{pack_id(runs)}.safetensors")


def _first_of_even_parts(runs: Sequence[Run], most: int) -> tuple[Run, ...]:
    """The first of as few parts as memory allows, all of about one size."""
    return tuple(runs[: math.ceil(len(runs) / math.ceil(len(runs) / most))])


def _is_of(file: str, pack: str) -> bool:
    """Whether a file in packs/ is a checkpoint of `pack`."""
    return file.endswith(SUFFIX) and file.startswith((f"{pack}.", f"{pack}-"))


def _metadata(path: Path) -> dict[str, Any] | None:
    """The metadata of a checkpoint, {} of one that is gone, and None of a file that is none."""

    def header() -> bytes:
        with path.open("rb") as file:
            start = file.read(8)
            length = min(int.from_bytes(start, "little"), os.fstat(file.fileno()).st_size)
            return start + file.read(length)

    try:
        return metadata_of(retrying(header))
    except FileNotFoundError:
        return {}
    except DistaffError:
        return None


def _set_aside(store: Store, path: Path) -> None:
    """Move a damaged checkpoint to damaged/; one outside the store stays where it is, as it may be anybody's."""
    if is_spare(path):
        return
    folder, number = store.folder / "damaged", 0
    while is_there(target := folder / (f"{path.name}.{number}" if number else path.name)):
        number += 1
    folder.mkdir(exist_ok=True)
    try:
        retrying(lambda: os.replace(path, target))
    except FileNotFoundError:  # another worker was first
        return
