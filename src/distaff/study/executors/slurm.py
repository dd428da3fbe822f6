"""slurm: workers as an array of jobs, submitted by submitit; one that is preempted or out of time is queued again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distaff.errors import DistaffError
from distaff.store.store import Store
from distaff.store.studies import kept_study
from distaff.study.executors.attached import follow
from distaff.study.launch import Order
from distaff.study.plan import plan
from distaff.study.select import only

WORKERS = 100
LOOK_SECONDS = 2.0
MINUTES = 1_440  # of a job, where the options say nothing; submitit's own default is 5
TIMEOUTS = 10_000  # times that a job may run out of time and be queued again
SHARED = ("timeout_min", "cpus_per_task", "gpus_per_node", "mem_gb", "nodes")  # submitit's names; others are sbatch's


@dataclass(frozen=True)
class Task:
    """What a job of the array runs; submitit asks it what to queue when SLURM takes the job's node away."""

    words: list[str]

    def __call__(self) -> None:
        """Run the worker to its end."""
        if said := follow(self.words):
            raise DistaffError(said)

    def checkpoint(self) -> Any:
        """The same once more: its job goes on from the resume point."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def run_slurm(order: Order, tick: Callable[[], None] = lambda: None, cluster: str | None = None) -> None:
    """Do all that is ordered by an array of jobs, as many at a time as `order.workers`.

    `order.options` are sbatch's, as in "partition=gpu,time=1440"; what submitit keeps stands beside the store, in
    NAME-slurm. With GPUs in `gres`, packs go to an array with them and scores to one without. An interrupt cancels the
    jobs; a terminal that is closed does not. Raises `DistaffError` when an array ends and nothing came of it.
    """
    try:
        import submitit
    except ImportError as error:
        raise DistaffError("this executor needs submitit: pip install 'distaff[slurm]'") from error
    left = _left(order)
    while left:
        jobs = []
        for kinds, options in _arrays(_options(order.options)):
            executor = submitit.AutoExecutor(_folder(order), cluster=cluster, slurm_max_num_timeout=TIMEOUTS)
            number = min(order.workers or WORKERS, left)
            executor.update_parameters(timeout_min=MINUTES)
            executor.update_parameters(name=f"distaff-{order.study}", slurm_array_parallelism=number, **options)
            with executor.batch():
                jobs += [executor.submit(Task(order.command(kinds))) for _ in range(number)]
        _wait(jobs, tick)
        before, left = left, _left(order)
        if left >= before:
            raise DistaffError(f"the jobs ended and nothing came of it: their logs are in {_folder(order)}")


def _wait(jobs: list[Any], tick: Callable[[], None]) -> None:
    """Until every job has ended; their results, which are pickled, are not looked at: the store says what was done."""
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
    found: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            raise DistaffError(f"--slurm {part!r}: write options as name=value, as in partition=gpu,time=1440")
        name = name.strip().lstrip("-").replace("-", "_")
        found[name if name in SHARED else f"slurm_{name}"] = int(value) if value.isdigit() else value
    return found


def _left(order: Order) -> int:
    """Jobs that are still to be done."""
    study = kept_study(order.folder / "studies" / f"{order.study}.json")
    todo = plan(study, Store(order.folder), only(study, order.only) if order.only else None)
    return len(todo.unscored) + sum(len(pack.runs) for pack in todo.packs)


def _folder(order: Order) -> Path:
    return order.folder.absolute().with_name(f"{order.folder.name}-slurm")
