"""Resume points of a pack: what is trained next in the memory that there is, and from which update on.

A pack has one point, packs/NAME.safetensors, where all that is missing of it is trained side by side. Where memory is
short it is trained in parts, each with a point of its own, packs/NAME-PART.safetensors. A point that holds more models
than fit, from a worker with more memory, stays as it is and is cut: the models that come next are copied out of it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from distaff.runs import Run, structure
from distaff.store.files import write
from distaff.store.store import Store
from distaff.study.plan import Train, pack_id


class Point(NamedTuple):
    """The state of some models of a pack: their ids in the order in which they are stacked, and their update."""

    path: Path
    runs: tuple[str, ...]
    step: int


class Part(NamedTuple):
    """Runs to be trained side by side, where their state is kept, and the point that it is to be cut out of."""

    runs: tuple[Run, ...]
    path: Path
    source: Point | None = None

    @property
    def told(self) -> Path:
        """Where it is told how far the part has come."""
        return self.path.with_suffix(".progress")


def next_part(store: Store, job: Train, most: int) -> Part | None:
    """What of `job` is to be trained next, at most so many models: what has come furthest, then what is not begun."""
    left = [run for run in job.runs if not finished(store, run)]
    if not left:
        return None
    base, found = store.folder / "packs" / job.name, points(store, job.name)
    for point in found:
        begun = [run for run in left if run.id in point.runs]
        if begun:
            runs = _even(begun, most)
            if len(runs) == len(point.runs):
                return Part(runs, point.path)
            return Part(runs, _own(base, runs), point)
    runs = _even(left, most)
    return Part(runs, _own(base, runs) if found or len(runs) < len(left) else base.with_suffix(".safetensors"))


def points(store: Store, name: str) -> list[Point]:
    """The resume points of pack `name`, the furthest and then the smallest first; torn ones are set aside."""
    folder, found = store.folder / "packs", []
    for path in (folder / f"{name}.safetensors", *sorted(folder.glob(f"{name}-*.safetensors"))):
        about = _about(path)
        if "runs" in about:
            found.append(Point(path, tuple(json.loads(about["runs"])), int(about["step"])))
        elif path.exists():
            (store.folder / "damaged").mkdir(exist_ok=True)
            os.replace(path, store.folder / "damaged" / path.name)
    return sorted(found, key=lambda point: (-point.step, len(point.runs)))


def advance(store: Store, job: Train) -> int:
    """Updates of single models that a pack has for good: of those that are finished, and of its resume points."""
    kept: dict[str, int] = {}
    for point in reversed(points(store, job.name)):
        kept.update(dict.fromkeys(point.runs, point.step))
    return sum(run.updates if finished(store, run) else kept.get(run.id, 0) for run in job.whole)


def finished(store: Store, run: Run) -> bool:
    """Whether training `run` has come to its end, good or bad."""
    return store.has(run.id) or (store.folder / "failed" / f"{run.id}.json").exists()


def cut(part: Part, whole: Iterable[Run]) -> None:
    """Copy the models of `part` out of the point that holds them; `whole` are the runs of the pack."""
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import save

    source = part.source
    assert source is not None
    ids = {run.id for run in part.runs}
    places = [place for place, id in enumerate(source.runs) if id in ids]
    have = columns(run for run in whole if run.id in source.runs)
    own = [have.index(name) for name in columns(part.runs)]
    with safe_open(source.path, "np") as file:
        names = [name for name in file.keys() if name != "curve"]  # noqa: SIM118  (it is no mapping)
        curve = file.get_tensor("curve")[:, places][:, :, own]
        models = {name: np.concatenate([file.get_slice(name)[k : k + 1] for k in places]) for name in names}
    about = {"step": str(source.step), "runs": json.dumps([source.runs[k] for k in places])}
    write(part.path, save({**models, "curve": np.ascontiguousarray(curve)}, about))


def columns(runs: Iterable[Run]) -> list[str]:
    """The columns of a pack's curves, found a method at a time, in the memory of one model."""
    from distaff.train.fit import columns_of
    from distaff.train.pack import pack

    kinds = {structure(run): run for run in runs}.values()
    found = dict.fromkeys(name for run in kinds for name in columns_of(pack((replace(run, seed=0),))))
    terms = sorted(name for name in found if name.startswith("term."))
    return [name for name in found if name not in terms] + terms


def tidy(store: Store, name: str, whole: Iterable[Run]) -> None:
    """Remove the points of pack `name` that nobody will resume: all of their models are finished."""
    done = {run.id for run in whole if finished(store, run)}
    for point in points(store, name):
        if done.issuperset(point.runs):
            point.path.unlink(missing_ok=True)
            point.path.with_suffix(".progress").unlink(missing_ok=True)


def _own(base: Path, runs: tuple[Run, ...]) -> Path:
    return base.with_name(f"{base.name}-{pack_id(runs)}.safetensors")


def _even(runs: Sequence[Run], most: int) -> tuple[Run, ...]:
    """The first of as few parts as memory allows, all of about one size."""
    return tuple(runs[: math.ceil(len(runs) / math.ceil(len(runs) / most))])


def _about(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return {}
    try:
        with safe_open(path, "np") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError):
        return {}
