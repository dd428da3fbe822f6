"""The jobs of a study, each idempotent, and the loop of a worker: what every executor runs, as often as it likes."""

from __future__ import annotations

import json
import shutil
import time
import traceback
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from distaff.atomic import process_token, write
from distaff.errors import DistaffError
from distaff.runs import Run, Study
from distaff.store.files import NO_PLACE, read_json
from distaff.store.provenance import joules, spent
from distaff.store.store import Store
from distaff.study.checkpoints import (
    SubPack,
    extract,
    next_subpack,
    remove_obsolete,
    training_ended,
    updates_on_disk,
)
from distaff.study.launch import CHECKPOINT_SECONDS
from distaff.study.leases import DEATHS, Leases, leases_of
from distaff.study.plan import Evaluate, Job, Train, plan
from distaff.study.stop import Stop
from distaff.training.device import resolve_device, usable_memory

KINDS = ("train", "score")
PROGRESS_SECONDS = 0.5  # time between writes of how far a pack has come
IDLE_SECONDS = 1.0  # time between looks at a study whose rest others work on


class Limits(NamedTuple):
    """What bounds a worker: seconds of training between checkpoints, bytes of memory (0: no bound), the device."""

    checkpoint_seconds: float = CHECKPOINT_SECONDS
    memory: int = 0
    device: str = "cpu"


LIMITS = Limits()


def work(
    store: Store,
    study: Study,
    *,
    kinds: tuple[str, ...] = KINDS,
    ids: frozenset[str] | None = None,
    leases: Leases | None = None,
    stop: Stop | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    memory: int = 0,
    device: str = "cpu",
) -> int:
    """Do the jobs of `study` that nobody else does until none is left; returns how many were done here.

    With `memory`, the bytes that this process may take, packs that need more are trained in sub-packs; so they are on
    `device` cuda where the GPU has less than they need, and there `memory` does not count.
    Any number of processes may do so on one store. What a job raises is recorded as the failure of its runs, except
    for a place that cannot be written to: that ends the work with a `DistaffError`, and no run is to blame.
    """
    leases, stop, done = leases or leases_of(store.folder), stop or Stop(), 0
    limits = Limits(checkpoint_seconds, memory, resolve_device(device) if "train" in kinds else "cpu")
    while True:
        todo = plan(study, store, ids)
        jobs = [job for job in todo.jobs if job_kind(job) in kinds]
        done_now = sum(_attempt(store, job, leases, stop, limits) for job in jobs)
        done += done_now
        stop.check()
        if todo.empty:
            return done
        if not done_now:
            time.sleep(IDLE_SECONDS)


def job_kind(job: Job) -> str:
    """Whether a job trains or scores."""
    return "train" if isinstance(job, Train) else "score"


def is_done(store: Store, job: Job) -> bool:
    """Whether the result of `job` is there already."""
    if isinstance(job, Evaluate):
        return (store.run_folder(job.run.id) / job.protocol.file).exists() or _failed(store, job.name)
    return all(training_ended(store, run) for run in job.runs)


def train(store: Store, job: Train, stop: Stop, limits: Limits = LIMITS) -> None:
    """Train what is missing of a pack and store it; in sub-packs where memory is short, and from its checkpoints."""
    most = _side_by_side(job.runs[0], limits) or len(job.whole)
    while subpack := next_subpack(store, job, most):
        _train_subpack(store, job, subpack, stop, limits)
        remove_obsolete(store, job.name, job.whole)


def _side_by_side(run: Run, limits: Limits) -> int:
    """How many models like `run` there is room for; 0 where nothing bounds them."""
    from distaff.training.memory import models_beside, models_within

    if limits.device != "cpu":
        return models_within(run, usable_memory())
    return models_beside(run, limits.memory) if limits.memory else 0


def _train_subpack(store: Store, job: Train, subpack: SubPack, stop: Stop, limits: Limits) -> None:
    from distaff.training.fit import fit

    before = _seconds_so_far(subpack)
    if subpack.source:
        extract(subpack, job.whole)
    began, energy, last = time.monotonic(), joules(), 0.0
    sizes = {"models": len(subpack.runs), "runs": [run.id for run in subpack.runs]}

    def progress(done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > PROGRESS_SECONDS or done == of:
            last = now
            write_progress(subpack.progress_path, {"updates": done, **sizes, "seconds": round(before + now - began, 3)})
        stop.check()

    trained = fit(
        subpack.runs,
        checkpoint=subpack.path,
        progress=progress,
        device=limits.device,
        checkpoint_seconds=limits.checkpoint_seconds,
    )
    seconds = before + time.monotonic() - began
    record = {"pack": job.name, "models": len(subpack.runs), "joules_of_machine": spent(energy, joules())}
    for one in trained:
        store.put(one, seconds / len(subpack.runs), record)
    subpack.path.unlink(missing_ok=True)
    subpack.progress_path.unlink(missing_ok=True)


def _seconds_so_far(subpack: SubPack) -> float:
    """What the models of a sub-pack that is begun have taken so far."""
    checkpoint = subpack.source.path if subpack.source else subpack.path
    record = read_progress(checkpoint.with_suffix(".progress")) if checkpoint.exists() else {}
    return float(record["seconds"]) * len(subpack.runs) / record["models"] if record else 0.0


def score(store: Store, job: Evaluate, stop: Stop) -> None:
    """Do the evaluations that a run lacks, and draw it where the study requests pictures."""
    from distaff.scoring.score import score_run

    with stop.interruptible():
        if job.pictures and find_spec("vl_convert"):  # without the [report] extra, scores are all there is
            _draw(store, job.run)
        score_run(store, job.run.id, job.protocol)


def _draw(store: Store, run: Run) -> None:
    from distaff.pictures.draw import FACTORS, draw_pictures

    folder, aside = store.run_folder(run.id), store.folder / "packs" / f".{run.id}.{process_token()}"
    if (folder / FACTORS).exists():  # the last of them
        return
    try:
        for path in draw_pictures(store.model(run.id), aside):
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_progress(path: Path, record: dict[str, Any]) -> None:
    """Record how far a pack has come: lost without harm, so it is not forced to the disk."""
    write(path, json.dumps(record).encode(), fsync=False)


def read_progress(path: Path) -> dict[str, Any]:
    """The record that `write_progress` wrote, or an empty one."""
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):  # not begun, finished this moment, or damaged: it only serves the display
        return {}
    return record


def _attempt(store: Store, job: Job, leases: Leases, stop: Stop, limits: Limits) -> bool:
    """Do `job` if it is neither done nor held by another worker; returns whether it was done here."""
    stop.check()
    try:
        if is_done(store, job):
            return False
        lease = leases.acquire(job.name, _progress_on_disk(store, job))
    except OSError as error:
        raise _cannot_write(store, error) from error
    if lease is None:
        return False
    try:
        if is_done(store, job):  # between the look and the lease
            return False
        if lease.stuck:
            _record_failure(store, job, f"{DEATHS} workers in a row died at it without progress: out of memory?")
        elif isinstance(job, Train):
            _record_errors(store, job, lambda: train(store, job, stop, limits))
        else:
            _record_errors(store, job, lambda: score(store, job, stop))
    finally:
        lease.release()
    return True


def _record_errors(store: Store, job: Job, action: Callable[[], None]) -> None:
    try:
        action()
    except Exception as error:  # whatever a plug-in raises is its run's failure, and the study goes on
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and cause.errno in NO_PLACE:
            raise _cannot_write(store, cause) from error
        reason = str(error) if isinstance(error, DistaffError) else f"{type(error).__name__}: {error}"
        _record_failure(store, job, reason, traceback.format_exc())


def _record_failure(store: Store, job: Job, reason: str, trace: str | None = None) -> None:
    if isinstance(job, Evaluate):
        store.fail(job.run, f"scoring: {reason}", job.name, trace)
        return
    for run in job.runs:
        if not store.has(run.id):
            store.fail(run, reason, trace=trace)


def _failed(store: Store, name: str) -> bool:
    return (store.folder / "failed" / f"{name}.json").exists()


def _progress_on_disk(store: Store, job: Job) -> int:
    """How far a job has come for good: updates, or scores, that are on the disk."""
    if isinstance(job, Train):
        return updates_on_disk(store, job)
    so_far = store.folder / "packs" / f"{job.name}.json"
    return len(read_json(so_far)["scores"]) if so_far.exists() else 0


def _cannot_write(store: Store, error: OSError) -> DistaffError:
    return DistaffError(
        f"{store.folder} cannot be written to ({error.strerror or error}): nothing is lost, the same command goes on"
    )
