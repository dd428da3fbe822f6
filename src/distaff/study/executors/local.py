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
from typing import IO, NamedTuple

from distaff.errors import DistaffError
from distaff.study.executors.memory import available, kills, total
from distaff.study.launch import Order
from distaff.study.leases import Claims, host
from distaff.study.worker import STOPPED
from distaff.train.device import gpus, resolve_device

WORKER_BYTES = 1_500_000_000  # where none is asked for: torch, numba and half a dozen convolutional models
LOW = 0.05  # the share of memory below which a worker is stopped, to go on later
LOOK_SECONDS = 0.5
STOP_SECONDS = 30.0
TOO_MANY = 10  # deaths a minute and worker: not the jobs', the machine's


class Worker(NamedTuple):
    """A process, the place that it fills among the wanted ones, and the file that its last words go to."""

    place: int
    process: subprocess.Popen[bytes]
    words: IO[bytes]


def run_local(order: Order, tick: Callable[[], None] = lambda: None) -> None:
    """Do all that is ordered; `tick` is called twice a second.

    Each worker keeps to `order.memory`, or else to an equal share of what is free.

    An interrupt asks the workers to keep their state and waits for them; a second one does not wait. Raises
    `DistaffError` when the store cannot be written to or workers die one after the other.
    """
    wanted = order.workers or cores_and_memory(order.memory or WORKER_BYTES)
    share = order.memory or max(WORKER_BYTES, available() // wanted)
    order, claims = order._replace(memory=share), Claims(order.folder / "claims", order.patience)
    on_gpus = gpus() if resolve_device(order.device) == "cuda" else 0
    least = on_gpus + 1 if on_gpus else 1  # one to score beside those that train
    wanted = max(wanted, least)
    deaths: list[float] = []
    killed, running, finishing = kills(), [_start(order, place, on_gpus) for place in range(wanted)], False
    try:
        while running:
            time.sleep(LOOK_SECONDS)
            _end_hung(running, claims)
            ended = [worker for worker in running if worker.process.poll() is not None]
            running = [worker for worker in running if worker not in ended]
            for worker in ended:
                finishing |= worker.process.returncode == 0
                if _died(worker):
                    deaths = [when for when in deaths if time.monotonic() - when < 60] + [time.monotonic()]
            if len(deaths) > TOO_MANY * wanted:
                raise DistaffError("workers die one after the other; `distaff study status` says at which runs")
            short = kills() > killed or available() < LOW * total()
            if short and len(running) <= wanted:  # one at a time: the last that was stopped is gone
                killed, wanted = kills(), max(least, wanted - 1)
                _ask_to_stop([worker for worker in running if worker.place >= wanted])
            if not finishing:
                free = set(range(wanted)) - {worker.place for worker in running}
                running += [_start(order, place, on_gpus) for place in sorted(free)]
            tick()
    finally:
        _stop(running)


def cores_and_memory(each: int = WORKER_BYTES) -> int:
    """Workers of so many bytes that this machine has room for, at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, available() // each))


def _start(order: Order, place: int, on_gpus: int) -> Worker:
    """A worker in a process group of its own, so that Ctrl-C reaches it through us, once."""
    kinds = "train,score" if not on_gpus else "train" if place < on_gpus else "score"
    seen = {"CUDA_VISIBLE_DEVICES": _gpu(place)} if place < on_gpus else {}
    words, environment = order.command(kinds), {**os.environ, **seen}
    log = tempfile.TemporaryFile()  # noqa: SIM115  (closed when the worker is gone)
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, process_group=0, env=environment
    )
    return Worker(place, process, log)


def _gpu(place: int) -> str:
    """What torch calls the GPU of that place, of those that we may see."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return seen.split(",")[place] if seen else str(place)


def _died(worker: Worker) -> bool:
    """Whether a worker that ended died at a job; raises what it said if it could not go on."""
    code = worker.process.returncode
    worker.words.seek(0)
    said = worker.words.read().decode(errors="replace").strip().splitlines()
    _close(worker)
    if code > 0 and code != STOPPED:
        raise DistaffError(said[-1] if said else f"a worker ended with status {code} and said nothing")
    return code < 0


def _end_hung(running: list[Worker], claims: Claims) -> None:
    """Kill those of our workers whose heart stands still; their claims are then seen to be dead."""
    ours = [claim for claim in claims.held().values() if claim.owner.get("host") == host()]
    hung = {int(claim.owner["pid"]) for claim in ours if claims.dead(claim)}
    for worker in running:
        if worker.process.pid in hung:
            worker.process.kill()


def _ask_to_stop(workers: list[Worker]) -> None:
    for worker in workers:
        worker.process.send_signal(signal.SIGTERM)


def _stop(running: list[Worker]) -> None:
    """Ask workers to keep their state, and wait for them; a second interrupt, or too long a wait, ends them."""
    until = time.monotonic() + STOP_SECONDS
    try:
        _ask_to_stop(running)
        for worker in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(max(0.1, until - time.monotonic()))
    finally:
        for worker in running:
            worker.process.kill()
            worker.process.wait()
            _close(worker)


def _close(worker: Worker) -> None:
    worker.words.close()
    if worker.process.stdin:
        worker.process.stdin.close()
