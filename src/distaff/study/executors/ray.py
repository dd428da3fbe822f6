"""ray: workers as tasks of a Ray cluster, which starts them anew elsewhere when their node is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

from distaff.errors import DistaffError
from distaff.study.order import Order
from distaff.study.worker import STOPPED

LOOK_SECONDS = 0.5


def run_ray(order: Order, tick: Callable[[], None] = lambda: None) -> None:
    """Do all that is ordered on the Ray cluster at `order.address`, or on one that is started here.

    The store must be in a folder that all nodes share. Where the cluster has GPUs, workers that train take one each,
    and the others score. Raises `DistaffError` when a worker cannot go on.
    """
    try:
        import ray
    except ImportError as error:
        raise DistaffError("this executor needs Ray: pip install 'distaff[ray]'") from error
    ours = not ray.is_initialized()
    if ours:
        ray.init(address=order.address or None, log_to_driver=False, configure_logging=False)
    waiting = [_start(ray, words, gpus) for words, gpus in _workers(order, ray.cluster_resources())]
    try:
        while waiting:
            done, waiting = ray.wait(waiting, timeout=LOOK_SECONDS)
            for said in ray.get(done):
                if said:
                    raise DistaffError(said)
            tick()
    finally:
        for task in waiting:
            ray.cancel(task, force=False)
        ray.wait(waiting, num_returns=len(waiting), timeout=30) if waiting else None
        if ours:
            ray.shutdown()


def _workers(order: Order, there: dict[str, float]) -> list[tuple[list[str], int]]:
    """The words of each worker, and the GPUs it takes."""
    gpus, cores = int(there.get("GPU", 0)), order.workers or int(there.get("CPU", 1))
    if not gpus:
        return [(order.command(), 0)] * cores
    return [(order.command("train"), 1)] * gpus + [(order.command("score"), 0)] * max(1, cores - gpus)


def _start(ray: Any, words: list[str], gpus: int) -> Any:
    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=-1, retry_exceptions=False)(follow)
    return task.remote(words)


def follow(words: list[str]) -> str:
    """Run a worker to its end, and return what it said if it could not go on; one that is killed is started again.

    When Ray ends this task, the worker sees its stdin close, keeps its state and stops.
    """
    while True:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            said = process.communicate_stderr() if False else _wait(process)
        except BaseException:
            process.terminate()
            process.wait(30)
            raise
        if process.returncode in (0, STOPPED):
            return ""
        if process.returncode > 0:
            return said or f"a worker ended with status {process.returncode} and said nothing"
