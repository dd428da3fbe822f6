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

from distaff.errors import DistaffError
from distaff.runs import Run, Study
from distaff.store.files import NO_PLACE, read_json, token
from distaff.store.provenance import joules, spent
from distaff.store.store import Store
from distaff.study.checkpoints import Part, advance, cut, next_part, tidy
from distaff.study.checkpoints import finished as ended
from distaff.study.launch import KEEP_SECONDS
from distaff.study.leases import DEATHS, Claims
from distaff.study.plan import Ask, Job, Train, plan
from distaff.study.stop import Stop
from distaff.train.device import resolve_device, usable_memory

KINDS = ("train", "score")
TOLD_SECONDS = 0.5  # time between writes of how far a pack has come
IDLE_SECONDS = 1.0  # time between looks at a study whose rest others work on


class Limits(NamedTuple):
    """What a worker keeps to: seconds of training between resume points, bytes of memory (0: no bound), the device."""

    keep_seconds: float = KEEP_SECONDS
    memory: int = 0
    device: str = "cpu"


LIMITS = Limits()


def work(
    store: Store,
    study: Study,
    *,
    kinds: tuple[str, ...] = KINDS,
    ids: frozenset[str] | None = None,
    claims: Claims | None = None,
    stop: Stop | None = None,
    keep_seconds: float = KEEP_SECONDS,
    memory: int = 0,
    device: str = "cpu",
) -> int:
    """Do the jobs of `study` that nobody else does until none is left; returns how many were done here.

    With `memory`, the bytes that this process may take, packs that need more are trained in parts; so they are on
    `device` cuda where the GPU has less than they need, and there `memory` does not count.
    Any number of processes may do so on one store. What a job raises is recorded as the failure of its runs, except
    for a place that cannot be written to: that ends the work with a `DistaffError`, and no run is to blame.
    """
    claims, stop, done = claims or Claims(store.folder / "claims"), stop or Stop(), 0
    limits = Limits(keep_seconds, memory, resolve_device(device) if "train" in kinds else "cpu")
    while True:
        todo = plan(study, store, ids)
        mine = [job for job in todo.jobs if kind(job) in kinds]
        taken = sum(_attempt(store, job, claims, stop, limits) for job in mine)
        done += taken
        stop.check()
        if todo.empty:
            return done
        if not taken:
            time.sleep(IDLE_SECONDS)


def kind(job: Job) -> str:
    """Whether a job trains or scores."""
    return "train" if isinstance(job, Train) else "score"


def finished(store: Store, job: Job) -> bool:
    """Whether the result of `job` is there already."""
    if isinstance(job, Ask):
        return (store.run_folder(job.run.id) / job.scoring.file).exists() or _failed(store, job.name)
    return all(ended(store, run) for run in job.runs)


def train(store: Store, job: Train, stop: Stop, limits: Limits = LIMITS) -> None:
    """Train what is missing of a pack side by side, in parts where memory is short, from its resume points; keep it."""
    most = _side_by_side(job.runs[0], limits) or len(job.whole)
    while part := next_part(store, job, most):
        _train_part(store, job, part, stop, limits)
        tidy(store, job.name, job.whole)


def _side_by_side(run: Run, limits: Limits) -> int:
    """How many models like `run` there is room for; 0 where nothing bounds them."""
    from distaff.train.memory import models_beside, models_within

    if limits.device != "cpu":
        return models_within(run, usable_memory())
    return models_beside(run, limits.memory) if limits.memory else 0


def _train_part(store: Store, job: Train, part: Part, stop: Stop, limits: Limits) -> None:
    from distaff.train.fit import fit

    before = _seconds(part)
    if part.source:
        cut(part, job.whole)
    began, energy, last = time.monotonic(), joules(), 0.0
    sizes = {"models": len(part.runs), "runs": [run.id for run in part.runs]}

    def progress(done: int, of: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > TOLD_SECONDS or done == of:
            last = now
            tell(part.told, {"updates": done, **sizes, "seconds": round(before + now - began, 3)})
        stop.check()

    trained = fit(
        part.runs, checkpoint=part.path, progress=progress, device=limits.device, checkpoint_seconds=limits.keep_seconds
    )
    seconds = before + time.monotonic() - began
    more = {"pack": job.name, "models": len(part.runs), "joules_of_machine": spent(energy, joules())}
    for one in trained:
        store.put(one, seconds / len(part.runs), more)
    part.path.unlink(missing_ok=True)
    part.told.unlink(missing_ok=True)


def _seconds(part: Part) -> float:
    """What the models of a part that is begun have taken so far."""
    point = part.source.path if part.source else part.path
    told = progress_of(point.with_suffix(".progress")) if point.exists() else {}
    return float(told["seconds"]) * len(part.runs) / told["models"] if told else 0.0


def score(store: Store, job: Ask, stop: Stop) -> None:
    """Ask a run what it has not been asked yet, and draw it where that is wanted."""
    from distaff.scoring.score import score_run

    with stop.breakable():
        if job.pictures and find_spec("vl_convert"):  # without the [report] extra, scores are all there is
            _draw(store, job.run)
        score_run(store, job.run.id, job.scoring)


def _draw(store: Store, run: Run) -> None:
    from distaff.pictures.draw import FACTORS, draw

    folder, aside = store.run_folder(run.id), store.folder / "packs" / f".{run.id}.{token()}"
    if (folder / FACTORS).exists():  # the last of them
        return
    try:
        for path in draw(run, store.params(run.id), aside):
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def tell(path: Path, told: dict[str, Any]) -> None:
    """Say how far a pack has come: lost without harm, so it is not forced to the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{token()}")
    aside.write_text(json.dumps(told), encoding="utf-8")
    aside.replace(path)


def progress_of(path: Path) -> dict[str, Any]:
    """What `tell` wrote, or nothing."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):  # not begun, finished this moment, or spoilt: it only serves the display
        return {}
    return found


def _attempt(store: Store, job: Job, claims: Claims, stop: Stop, limits: Limits) -> bool:
    """Do `job` if it is neither done nor somebody else's; says whether it was done here."""
    stop.check()
    try:
        if finished(store, job):
            return False
        claim = claims.take(job.name, _advance(store, job))
    except OSError as error:
        raise _no_place(store, error) from error
    if claim is None:
        return False
    try:
        if finished(store, job):  # between the look and the claim
            return False
        if claim.stuck:
            _record(store, job, f"{DEATHS} workers died at it in a row without getting further: out of memory?")
        elif isinstance(job, Train):
            _guard(store, job, lambda: train(store, job, stop, limits))
        else:
            _guard(store, job, lambda: score(store, job, stop))
    finally:
        claim.release()
    return True


def _guard(store: Store, job: Job, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:  # whatever a plug-in raises is its run's failure, and the study goes on
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and cause.errno in NO_PLACE:
            raise _no_place(store, cause) from error
        told = str(error) if isinstance(error, DistaffError) else f"{type(error).__name__}: {error}"
        _record(store, job, told, traceback.format_exc())


def _record(store: Store, job: Job, reason: str, trace: str | None = None) -> None:
    if isinstance(job, Ask):
        store.fail(job.run, f"scoring: {reason}", job.name, trace)
        return
    for run in job.runs:
        if not store.has(run.id):
            store.fail(run, reason, trace=trace)


def _failed(store: Store, name: str) -> bool:
    return (store.folder / "failed" / f"{name}.json").exists()


def _advance(store: Store, job: Job) -> int:
    """How far a job has come for good: updates that are kept, or answers."""
    if isinstance(job, Train):
        return advance(store, job)
    so_far = store.folder / "packs" / f"{job.name}.json"
    return len(read_json(so_far)["scores"]) if so_far.exists() else 0


def _no_place(store: Store, error: OSError) -> DistaffError:
    return DistaffError(
        f"{store.folder} cannot be written to ({error.strerror or error}): nothing is lost, the same command goes on"
    )
