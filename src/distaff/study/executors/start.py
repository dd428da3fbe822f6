"""Which executor does the work: each starts workers, watches over them, and returns when nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable

from distaff.errors import unknown
from distaff.study.launch import Order

EXECUTORS = ("local", "ray", "slurm")


def start(on: str, order: Order, tick: Callable[[], None]) -> None:
    """Do all that is ordered by the executor `on`; `tick` is called now and then."""
    if on not in EXECUTORS:
        raise unknown("executor", on, EXECUTORS)
    if on == "local":
        from distaff.study.executors.local import run_local as run
    elif on == "ray":
        from distaff.study.executors.ray import run_ray as run
    else:
        from distaff.study.executors.slurm import run_slurm as run
    run(order, tick)
