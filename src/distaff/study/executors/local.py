"""local: as many workers as this machine has cores and memory for; one that dies is replaced.

Where there are GPUs, one worker trains on each, and the others score.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

from distaff.errors import DistaffError
from distaff.study.executors.memory import available, kills, total
from distaff.study.faults.deaths import Death, cause_of_death, died
from distaff.study.launch import LaunchRequest
from distaff.study.leases import Leases, host, leases_of, stopped
from distaff.study.worker import STOPPED
from distaff.training.device import gpus, resolve_device
from distaff.weather import retrying

WORKER_BYTES = 1_500_000_000  # where the request has none: torch, numba and half a dozen convolutional models
LOW = 0.05  # the share of memory below which a worker is stopped, to go on later
LOOK_SECONDS = 0.5
STOP_SECONDS = 30.0
ALONE_SECONDS = 1.5  # that we outlive a worker before its death counts: what kills both kills us in between
TOO_MANY = 10  # deaths a minute and worker: not the jobs', the machine's


class Worker(NamedTuple):
    """A process, the slot that it fills, and the file that its messages go to."""

    slot: int
    process: subprocess.Popen[bytes]
    log: IO[bytes]


def run_local(request: LaunchRequest, tick: Callable[[], None] = lambda: None) -> None:
    """Do all the work that is requested; `tick` is called twice a second.

    Each worker keeps to `request.memory`, or else to an equal share of what is free.

    An interrupt makes the workers keep their state and stop, and waits for them; a second one does not wait. Raises
    `DistaffError` when the store cannot be written to or workers die one after the other.
    """
    target = request.workers or cores_and_memory(request.memory or WORKER_BYTES)
    share = request.memory or max(WORKER_BYTES, available() // target)
    request, leases = request._replace(memory=share), leases_of(request.folder, request.patience)
    on_gpus = gpus() if resolve_device(request.device) == "cuda" else 0
    least = on_gpus + 1 if on_gpus else 1  # one to score beside those that train
    target = max(target, least)
    deaths: list[float] = []
    watched = _Deaths(request.folder, leases)
    killed, running, finishing = kills(), [_start(request, slot, on_gpus) for slot in range(target)], False
    try:
        while running or (watched.seen and not finishing):
            time.sleep(LOOK_SECONDS)
            watched.record_those_we_outlived()
            hung, stopped_by_others = _kill_hung(running, leases)
            ended = [worker for worker in running if worker.process.poll() is not None]
            running = [worker for worker in running if worker not in ended]
            for worker in ended:
                finishing |= worker.process.returncode == 0
                messages = _last_words(worker)
                if died(worker.process.returncode):
                    if worker.process.pid not in stopped_by_others:
                        watched.see(worker, worker.process.pid in hung, messages)
                    deaths = [when for when in deaths if time.monotonic() - when < 60] + [time.monotonic()]
            if len(deaths) > TOO_MANY * target:
                raise DistaffError(
                    "workers die one after the other; `distaff study status` lists the runs at which they died"
                )
            short = kills() > killed or available() < LOW * total()
            if short and len(running) <= target:  # one at a time: the last that was stopped is gone
                killed, target = kills(), max(least, target - 1)
                _request_stop([worker for worker in running if worker.slot >= target])
            if not finishing:
                waiting = {death.slot for _, death in watched.seen}  # whoever comes next is to know of the death
                free = set(range(target)) - {worker.slot for worker in running} - waiting
                running += [_start(request, slot, on_gpus) for slot in sorted(free)]
            tick()
        watched.record_those_we_outlived(0.0)
    finally:
        _stop(running)


class _Deaths:
    """The deaths of our workers: noted when they are seen, and recorded once we have outlived them for a while."""

    def __init__(self, folder: Path, leases: Leases) -> None:
        self.folder, self.leases, self.killed = folder, leases, kills()
        self.seen: list[tuple[float, Death]] = []

    def see(self, worker: Worker, hung: bool, messages: list[str]) -> None:
        """Note the jobs that a worker held when it died, and what it died of."""
        short, self.killed = kills() > self.killed, kills()
        cause = cause_of_death(worker.process.returncode, short, hung, messages)
        death = Death(self.folder, self.leases.notes_of(worker.process.pid), cause, worker.slot)
        self.seen.append((time.monotonic(), death))

    def record_those_we_outlived(self, seconds: float = ALONE_SECONDS) -> None:
        """Record the deaths that are so many seconds ago."""
        due = [death for when, death in self.seen if time.monotonic() - when >= seconds]
        self.seen = [(when, death) for when, death in self.seen if death not in due]
        for death in due:
            death.record()


def cores_and_memory(each: int = WORKER_BYTES) -> int:
    """How many workers of so many bytes this machine has room for, at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, available() // each))


def _start(request: LaunchRequest, slot: int, on_gpus: int) -> Worker:
    """A worker in a process group of its own, so that Ctrl-C reaches it through us, once."""
    kinds = "train,score" if not on_gpus else "train" if slot < on_gpus else "score"
    gpu = {"CUDA_VISIBLE_DEVICES": _gpu(slot)} if slot < on_gpus else {}
    environment = {**os.environ, **gpu}
    log = retrying(tempfile.TemporaryFile)  # closed when the worker is gone
    process = retrying(
        lambda: subprocess.Popen(
            request.command(kinds),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            process_group=0,
            env=environment,
        )
    )
    return Worker(slot, process, log)


def _gpu(slot: int) -> str:
    """What torch calls the GPU of that slot, of those visible to us."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return visible.split(",")[slot] if visible else str(slot)


def _last_words(worker: Worker) -> list[str]:
    """The messages of a worker that ended; raises the last one, in one line, if it could not go on."""
    code = worker.process.returncode
    worker.log.seek(0)
    lines = worker.log.read().decode(errors="replace").strip().splitlines()
    _close(worker)
    if code > 0 and code != STOPPED:
        raise DistaffError(lines[-1] if lines else f"a worker ended with status {code} and without a message")
    return lines


def _kill_hung(running: list[Worker], leases: Leases) -> tuple[set[int], set[int]]:
    """Kill those of our workers whose heart stands still; their leases are then seen to have expired.

    Returns those that waited for ever, and those that somebody had stopped, for which no job is to blame.
    """
    ours = [lease for lease in leases.held().values() if lease.owner.get("host") == host()]
    still = {int(lease.owner["pid"]) for lease in ours if leases.expired(lease)}
    hung: set[int] = set()
    stopped_by_others: set[int] = set()
    for worker in running:
        if worker.process.pid in still and worker.process.poll() is None:
            (stopped_by_others if stopped(worker.process.pid) else hung).add(worker.process.pid)
            worker.process.kill()
            worker.process.wait()
    return hung, stopped_by_others


def _request_stop(workers: list[Worker]) -> None:
    for worker in workers:
        worker.process.send_signal(signal.SIGTERM)


def _stop(running: list[Worker]) -> None:
    """Request workers to stop with their state, and wait; a second interrupt, or too long a wait, kills them."""
    until = time.monotonic() + STOP_SECONDS
    try:
        _request_stop(running)
        for worker in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(max(0.1, until - time.monotonic()))
    finally:
        for worker in running:
            worker.process.kill()
            worker.process.wait()
            _close(worker)


def _close(worker: Worker) -> None:
    worker.log.close()
    if worker.process.stdin:
        worker.process.stdin.close()
