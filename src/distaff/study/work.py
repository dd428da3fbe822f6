"""The jobs of a study, each idempotent, and the loop of a worker: what every executor runs, as often as it likes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from distaff.errors import DistaffError
from distaff.runs import Study
from distaff.scoring.protocol import EvaluationProtocol, ScoreFiles, protocol_of, score_file_names
from distaff.store.store import Store
from distaff.study.checkpoints import training_ended
from distaff.study.faults.deaths import Deaths
from distaff.study.faults.ready import check_place
from distaff.study.launch import CHECKPOINT_SECONDS
from distaff.study.leases import Leases, leases_of
from distaff.study.plan import Evaluate, Job, Train, plan
from distaff.study.score_job import score
from distaff.study.stop import Stop
from distaff.study.train_pack import Limits, train
from distaff.training.checkpoint import NotSaved
from distaff.training.device import resolve_device
from distaff.weather import described, is_there, weather_in

KINDS = ("train", "score")
IDLE_SECONDS = 1.0  # time between looks at a study whose rest others work on
MOST_HALVINGS = 5  # of the time between checkpoints: one for each owner of the job that vanished


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
    Any number of processes may do so on one store. What a run raises is recorded as its failure. A fault of the place
    or the machine that does not pass ends the work with a `DistaffError`, and no run is to blame.
    """
    leases, stop, done, ready = leases or leases_of(store.folder), stop or Stop(), 0, False
    limits = Limits(checkpoint_seconds, memory, resolve_device(device) if "train" in kinds else "cpu")
    protocol = protocol_of(study, store) if study.metrics else None
    with in_one_line(store):
        while True:
            todo = plan(study, store, ids)
            if not ready and not todo.empty:
                check_place(store)
                ready = True
            jobs = [job for job in todo.jobs if job_kind(job) in kinds]
            done_now = sum(_attempt(store, job, leases, stop, limits, protocol) for job in jobs)
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
    """Whether the result of `job` is there already, or its failure."""
    if isinstance(job, Train):
        return all(training_ended(store, run) for run in job.runs)
    rest = ScoreFiles(store, job.protocol).missing(job.run.id, score_file_names(store, job.run.id))
    return not rest.metrics or is_there(store.folder / "failed" / f"{job.run.id}-{rest.id}.json")


@contextlib.contextmanager
def in_one_line(store: Store) -> Iterator[None]:
    """Report a fault of the place in one line, as a `DistaffError` that says that the same command goes on."""
    try:
        yield
    except NotSaved:  # it says what is lost, if anything
        raise
    except Exception as error:
        fault = weather_in(error)
        if fault is None and isinstance(error, OSError) and error.filename and not is_there(store.folder):
            fault = error  # the folder itself is gone
        if fault is None:
            raise
        place = fault.filename or store.folder
        nothing = "no run is to blame, nothing is lost, and the same command goes on"
        raise DistaffError(f"{place} cannot be read or written to ({described(fault)}): {nothing}") from error


def _attempt(
    store: Store, job: Job, leases: Leases, stop: Stop, limits: Limits, protocol: EvaluationProtocol | None
) -> bool:
    """Do `job` if it is neither done nor held by another worker; returns whether it was done here."""
    stop.check()
    if is_done(store, job):
        return False
    lease = leases.acquire(job.name)
    if lease is None:
        return False
    try:
        if is_done(store, job):  # between the look and the lease
            return False
        if isinstance(job, Evaluate):
            score(store, job, stop, lease)
        else:  # where owners vanish, checkpoints come sooner, so that any life is long enough to gain something
            seconds = limits.checkpoint_seconds / 2 ** min(lease.vanished, MOST_HALVINGS)
            train(store, job, stop, limits._replace(checkpoint_seconds=seconds), lease, protocol)
        Deaths.of(store.folder, job.name).forget()
    finally:
        lease.release()
    return True
