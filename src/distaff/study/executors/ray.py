"""ray: workers as tasks of a Ray cluster, which starts them anew elsewhere when their node is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from distaff.errors import DistaffError
from distaff.study.executors.attached import run_attached
from distaff.study.launch import LaunchRequest

LOOK_SECONDS = 0.5
NODES_LOST = 1_000  # times that a task is started anew elsewhere: no job may take node after node down for ever
STOP_SECONDS = 30.0


def run_ray(request: LaunchRequest, tick: Callable[[], None] = lambda: None) -> None:
    """Do all the work that is requested on the Ray cluster at `request.address`, or on one that is started here.

    The store must be in a folder that all nodes share. Where the cluster has GPUs, workers that train take one each,
    and the others score. Raises `DistaffError` when a worker cannot go on.
    """
    try:
        import ray
    except ImportError as error:
        raise DistaffError("this executor needs Ray: pip install 'distaff[ray]'") from error
    ours = not ray.is_initialized()
    if ours:
        ray.init(address=request.address or "local", log_to_driver=False, include_dashboard=False)
    waiting = [_start(ray, command, request.folder.absolute(), gpus) for command, gpus in _workers(request, ray)]
    try:
        while waiting:
            done, waiting = ray.wait(waiting, timeout=LOOK_SECONDS)
            try:
                messages = ray.get(done)
            except ray.exceptions.RayError as error:
                raise DistaffError(f"Ray lost a worker: {str(error).strip().splitlines()[0]}") from error
            for message in filter(None, messages):
                raise DistaffError(message)
            tick()
    finally:
        for task in waiting:
            ray.cancel(task)
        if waiting:
            ray.wait(waiting, num_returns=len(waiting), timeout=STOP_SECONDS)
        if ours:
            ray.shutdown()


def _workers(request: LaunchRequest, ray: Any) -> list[tuple[list[str], int]]:
    """The command of each worker, and the GPUs it takes."""
    resources = ray.cluster_resources()
    gpus, cores = int(resources.get("GPU", 0)), request.workers or int(resources.get("CPU", 1))
    if not gpus or request.device == "cpu":
        return [(request.command(), 0)] * cores
    return [(request.command("train"), 1)] * gpus + [(request.command("score"), 0)] * max(1, cores - gpus)


def _start(ray: Any, command: list[str], folder: Path, gpus: int) -> Any:
    """A task that is tried again where it is nodes that fail; a worker that fails alone it starts again itself."""
    return ray.remote(num_cpus=1, num_gpus=gpus, max_retries=NODES_LOST)(run_attached).remote(command, folder)
