"""ray: workers as tasks of a Ray cluster, which starts them anew elsewhere when their node is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distaff.errors import DistaffError
from distaff.study.executors.attached import follow
from distaff.study.launch import Order

LOOK_SECONDS = 0.5
STOP_SECONDS = 30.0


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
        ray.init(address=order.address or "local", log_to_driver=False, include_dashboard=False)
    waiting = [_start(ray, words, gpus) for words, gpus in _workers(order, ray)]
    try:
        while waiting:
            done, waiting = ray.wait(waiting, timeout=LOOK_SECONDS)
            for said in ray.get(done):
                if said:
                    raise DistaffError(said)
            tick()
    finally:
        for task in waiting:
            ray.cancel(task)
        if waiting:
            ray.wait(waiting, num_returns=len(waiting), timeout=STOP_SECONDS)
        if ours:
            ray.shutdown()


def _workers(order: Order, ray: Any) -> list[tuple[list[str], int]]:
    """The words of each worker, and the GPUs it takes."""
    there = ray.cluster_resources()
    gpus, cores = int(there.get("GPU", 0)), order.workers or int(there.get("CPU", 1))
    if not gpus or order.device == "cpu":
        return [(order.command(), 0)] * cores
    return [(order.command("train"), 1)] * gpus + [(order.command("score"), 0)] * max(1, cores - gpus)


def _start(ray: Any, words: list[str], gpus: int) -> Any:
    """A task that is tried again for as long as it is nodes that fail."""
    return ray.remote(num_cpus=1, num_gpus=gpus, max_retries=-1)(follow).remote(words)
