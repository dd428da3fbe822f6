"""A whole study, trained and scored: the call behind `distaff study run`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from distaff.errors import DistaffError, unknown
from distaff.runs import Study
from distaff.store.changes import refuse_replaced_data
from distaff.store.formats import readable
from distaff.store.store import Store
from distaff.store.studies import save_study
from distaff.study.executors.start import EXECUTORS, start
from distaff.study.faults.failures import forget_deaths
from distaff.study.launch import CHECKPOINT_SECONDS, LaunchRequest, bytes_in
from distaff.study.plan import Plan, plan
from distaff.study.prune import remove_leftovers
from distaff.study.rehearsal import rehearse
from distaff.study.select import select
from distaff.study.work import in_one_line
from distaff.training.device import resolve_device, slow_precision


def run_study(
    study: Study,
    store: Store | str | Path | None = None,
    *,
    only: str = "",
    on: str = "local",
    workers: int = 0,
    memory: str = "",
    device: str = "auto",
    address: str = "",
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    slurm: str = "",
    rehearsal: bool = True,
    tick: Callable[[], None] = lambda: None,
    log: Callable[[str], None] = lambda _: None,
) -> Plan:
    """Train and score all that a store lacks of a study; returns the plan of what is still missing, if anything.

    Args:
        study: the runs and their evaluation.
        store: the folder of results; by default out/NAME.
        only: conditions on runs, such as "method=beta_vae,seed<5".
        on: local (this machine), ray (a Ray cluster) or slurm (array jobs).
        workers: processes; 0 takes one for each core that has memory (local) or is in the cluster (ray), 100 (slurm).
        memory: of each worker, as in "2GB"; by default an equal share of what is free (local), or no bound.
        device: that trains: cpu, cuda, or auto for a GPU where a worker sees one.
        address: of a Ray cluster; without one, Ray starts on this machine.
        checkpoint_seconds: training between two checkpoints: what a crash can cost.
        slurm: options for sbatch, as in "partition=gpu,time=1440".
        rehearsal: whether each kind of run is first tried for one update, stored, evaluated and drawn.
        tick: called twice a second while the workers run.
        log: called with each warning of the rehearsal: a plug-in that raises, whose runs will fail.

    Calling it again continues where it stopped, and tries runs again at which workers died; what failed in another
    way waits for `distaff study retry`. Raises `DistaffError` where the store cannot be written to or is of a later
    format, where runs in it were trained on other data of the same name, and, before any training, for all that the
    rehearsal finds wrong with the study or the machine.
    """
    if on not in EXECUTORS:
        raise unknown("executor", on, EXECUTORS)
    store = store if isinstance(store, Store) else Store(Path(store or Path("out") / study.name))
    ids = select(study, only) if only else None
    readable(store)
    refuse_replaced_data(study, store, ids)
    if rehearsal:
        for warning in rehearse(study, plan(study, store, ids)):
            log(warning)
    if on == "local":  # of the machines of others nothing is known here
        for warning in {slow_precision(run.precision, resolve_device(device)) for run in study.runs} - {""}:
            log(warning)
    try:
        save_study(store.folder, study)
    except OSError as error:
        raise DistaffError(
            f"{store.folder} cannot be written to ({error.strerror}): name another with --out"
        ) from error
    with in_one_line(store):
        forget_deaths(study, store, ids)
    request = LaunchRequest(
        store.folder,
        study.name,
        only,
        workers,
        checkpoint_seconds,
        address=address,
        options=slurm,
        memory=bytes_in(memory),
        device=device,
    )
    with in_one_line(store):
        start(on, request, tick)
        remove_leftovers(store, [study])
        return plan(study, store, ids)
