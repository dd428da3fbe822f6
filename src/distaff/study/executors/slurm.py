"""slurm: workers as an array of jobs, submitted by submitit; one that is preempted or out of time is queued again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distaff.errors import DistaffError
from distaff.store.store import Store
from distaff.store.studies import read_study
from distaff.study.executors.attached import run_attached
from distaff.study.launch import LaunchRequest
from distaff.study.plan import plan
from distaff.study.select import select

WORKERS = 100
LOOK_SECONDS = 2.0
MINUTES = 1_440  # of a job, where the options have none; submitit's own default is 5
TIMEOUTS = 10_000  # times that a job may run out of time and be queued again
SHARED = ("timeout_min", "cpus_per_task", "gpus_per_node", "mem_gb", "nodes")  # submitit's names; others are sbatch's


@dataclass(frozen=True)
class WorkerTask:
    """What a job of the array runs; submitit calls its `checkpoint` when SLURM takes the job's node away."""

    command: list[str]
    folder: Path  # of the store

    def __call__(self) -> None:
        """Run the worker to its end."""
        if message := run_attached(self.command, self.folder):
            raise DistaffError(message)

    def checkpoint(self) -> Any:
        """What submitit queues then: the same worker, which goes on from the checkpoints of the store."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def run_slurm(request: LaunchRequest, tick: Callable[[], None] = lambda: None, cluster: str | None = None) -> None:
    """Do all the work that is requested by an array of jobs, as many at a time as `request.workers`.

    `request.options` are sbatch's, as in "partition=gpu,time=1440"; what submitit keeps stands beside the store, in
    NAME-slurm. With GPUs in `gres`, packs go to an array with them and scores to one without. An interrupt cancels the
    jobs; a terminal that is closed does not. Raises `DistaffError` when an array ends without a result.
    """
    try:
        import submitit
    except ImportError as error:
        raise DistaffError("this executor needs submitit: pip install 'distaff[slurm]'") from error
    remaining = _remaining(request)
    while remaining:
        jobs = []
        for kinds, options in _arrays(_options(request.options)):
            executor = submitit.AutoExecutor(_folder(request), cluster=cluster, slurm_max_num_timeout=TIMEOUTS)
            number = min(request.workers or WORKERS, remaining)
            executor.update_parameters(timeout_min=MINUTES)
            executor.update_parameters(name=f"distaff-{request.study}", slurm_array_parallelism=number, **options)
            with executor.batch():
                jobs += [
                    executor.submit(WorkerTask(request.command(kinds), request.folder.absolute()))
                    for _ in range(number)
                ]
        _wait(jobs, tick)
        before, remaining = remaining, _remaining(request)
        if remaining >= before:
            raise DistaffError(f"the jobs ended without a result: their logs are in {_folder(request)}")


def _wait(jobs: list[Any], tick: Callable[[], None]) -> None:
    """Until every job has ended; their results, which are pickled, are not looked at: the store holds what was done."""
    try:
        while not all(job.done() for job in jobs):
            time.sleep(LOOK_SECONDS)
            tick()
    except KeyboardInterrupt:
        for job in jobs:
            job.cancel(check=False)
        raise


def _arrays(options: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The kinds of jobs of each array with its options: scores need no GPU."""
    gpu = [name for name in ("slurm_gres", "gpus_per_node") if name in options]
    if not gpu:
        return [("train,score", options)]
    return [("train", options), ("score", {name: value for name, value in options.items() if name not in gpu})]


def _options(text: str) -> dict[str, Any]:
    """Options of sbatch as submitit names them; numbers as numbers."""
    options: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            raise DistaffError(f"--slurm {part!r}: write options as name=value, as in partition=gpu,time=1440")
        name = name.strip().lstrip("-").replace("-", "_")
        options[name if name in SHARED else f"slurm_{name}"] = int(value) if value.isdigit() else value
    return options


def _remaining(request: LaunchRequest) -> int:
    """Jobs that are still to be done."""
    study = read_study(request.folder / "studies" / f"{request.study}.json")
    todo = plan(study, Store(request.folder), select(study, request.only) if request.only else None)
    return len(todo.unscored) + sum(len(pack.runs) for pack in todo.packs)


def _folder(request: LaunchRequest) -> Path:
    return request.folder.absolute().with_name(f"{request.folder.name}-slurm")
