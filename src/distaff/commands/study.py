"""`distaff study`: plan, run and follow a study."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.extras import SubcommandApp

from distaff.commands.study_options import Execution, Selection
from distaff.errors import DistaffError

if TYPE_CHECKING:
    from distaff.runs import Study
    from distaff.store.store import Store
    from distaff.study.pace import Pace
    from distaff.study.plan import Plan

app = SubcommandApp()


LOCAL, ALL = Execution(), Selection()


@app.command(name="run")
def study_run(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    selection: Annotated[Selection, tyro.conf.arg(name="")] = ALL,
    execution: Annotated[Execution, tyro.conf.arg(name="")] = LOCAL,
    dry_run: bool = False,
) -> None:
    """Train and score all that is missing of a study; run it again to go on where it stopped.

    Runs at which workers died are tried again, other failures by `distaff study retry`. Exit status 1 where a run is
    missing or failed, 2 where the machine or the store does not let it go on. Example: distaff study run
    studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`.
        selection: the store and the runs.
        execution: what does the work.
        dry_run: print the plan, and do nothing.
    """
    from distaff.commands.study_progress import run_and_show, show_failures, summary
    from distaff.study.faults.failures import forget_deaths
    from distaff.study.plan import plan

    study, store, ids = _load(file, selection)
    if not dry_run and (again := forget_deaths(study, store, ids)):
        print(f"{again} at which workers died are tried again")
    now = plan(study, store, ids)
    if dry_run:
        _show_plan(study, store, now, execution.memory)
        return
    if now.empty:
        print(f"nothing to do: {summary(now)}")
        show_failures(file, study, store, now, ids)
    else:
        now = run_and_show(file, study, store, selection.only, execution)
    if not now.complete:
        sys.exit(1)


@app.command(name="plan")
def study_plan(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    selection: Annotated[Selection, tyro.conf.arg(name="")] = ALL,
    measure: bool = False,
    memory: str = "",
) -> None:
    """Print what is missing of a study, how long it takes one worker of this machine, and how much memory it needs.

    Times come from the runs that are there already. Example: distaff study plan studies/quick.py --measure

    Args:
        file: a Python file that defines `study = Study(...)`.
        selection: the store and the runs.
        measure: time this machine: train a pack of each kind for a few seconds, and score an untrained model.
        memory: of a worker, as in 2GB: how many models are then trained side by side.
    """
    from distaff.study.pace import measured_pace
    from distaff.study.plan import plan

    study, store, ids = _load(file, selection, reading=True)
    todo = plan(study, store, ids)
    _show_plan(study, store, todo, memory, measured_pace(study, todo) if measure else None)


@app.command(name="status")
def study_status(
    file: Annotated[Path, tyro.conf.Positional], /, selection: Annotated[Selection, tyro.conf.arg(name="")] = ALL
) -> None:
    """Print how much of a study is done, what runs and how fast, and what failed and why.

    Example: distaff study status studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`.
        selection: the store and the runs.
    """
    from distaff.commands.study_progress import amount
    from distaff.study.faults.failures import failures
    from distaff.study.watch import Watch

    study, store, ids = _load(file, selection, reading=True)
    progress = Watch(study, store, ids).progress()
    counts = f"{progress.scored} of {progress.runs} runs trained and scored, {progress.failed} failed"
    print(f"{study.name}: {counts}, in {store.folder}")
    print(f"updates: {progress.updates:,} of {progress.all_updates:,}")
    if progress.active:
        print(f"time left: {amount(progress.left)} at {len(progress.active)} jobs")
    for line in progress.active:
        print(f"now: {line}")
    for one in failures(study, store, ids):
        kept = f" (its state is in {one.checkpoint})" if one.checkpoint else ""
        print(f"failed: {one.run.method} on {one.run.dataset}, seed {one.run.seed}: {one.reason}{kept}")


@app.command(name="retry")
def study_retry(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    selection: Annotated[Selection, tyro.conf.arg(name="")] = ALL,
    execution: Annotated[Execution, tyro.conf.arg(name="")] = LOCAL,
    from_scratch: bool = False,
) -> None:
    """Run what failed once more, from its checkpoints, and all else that is missing.

    Example: distaff study retry studies/quick.py --only method=factor_vae

    Args:
        file: a Python file that defines `study = Study(...)`.
        selection: the store and the runs.
        execution: what does the work.
        from_scratch: delete the checkpoints of what failed, and train it from the start.
    """
    from distaff.study.faults.failures import retry

    study, store, ids = _load(file, selection)
    print(f"{retry(study, store, ids, from_scratch=from_scratch)} failures are tried again")
    study_run(file, selection, execution)


@app.command(name="index")
def study_index(file: Annotated[Path, tyro.conf.Positional], number: Annotated[int, tyro.conf.Positional], /) -> None:
    """Print which run has a number in a study; those of unsupervised_2019 are the old library's model numbers.

    Example: distaff study index studies/unsupervised_2019.py 5432

    Args:
        file: a Python file that defines `study = Study(...)`.
        number: counted from 0.
    """
    from distaff.store.studies import load_study

    study = load_study(file)
    if not 0 <= number < len(study.runs):
        raise DistaffError(f"{study.name} has runs 0 to {len(study.runs) - 1}, not {number}")
    run = study.runs[number]
    print(f"{number}: {run.method} on {run.dataset}, seed {run.seed}, {run.updates:,} updates; id {run.id}")


@app.command(name="find")
def study_find(
    file: Annotated[Path, tyro.conf.Positional],
    method: Annotated[str, tyro.conf.Positional],
    /,
    dataset: str = "",
    seed: int | None = None,
) -> None:
    """Print which numbers the runs of a method have in a study.

    Example: distaff study find studies/unsupervised_2019.py "beta_vae(beta=4)" --dataset cars3d --seed 7

    Args:
        file: a Python file that defines `study = Study(...)`.
        method: a method, by name or with its parameters.
        dataset: only runs on this data set.
        seed: only runs of this seed.
    """
    from distaff.store.studies import load_study
    from distaff.study.select import select

    study = load_study(file)
    conditions = [f"method={method}", f"dataset={dataset}" if dataset else "", "" if seed is None else f"seed={seed}"]
    ids = select(study, ",".join(filter(None, conditions)))
    for number, run in enumerate(study.runs):
        if run.id in ids:
            print(f"{number}: {run.method} on {run.dataset}, seed {run.seed}; id {run.id}")


def _load(file: Path, selection: Selection, *, reading: bool = False) -> tuple[Study, Store, frozenset[str] | None]:
    from distaff.scoring.notices import out_of_date
    from distaff.store.changes import changes, refuse_replaced_data, replaced_data
    from distaff.store.formats import readable
    from distaff.store.store import Store
    from distaff.store.studies import load_or_read_study
    from distaff.study.select import select

    study, note = load_or_read_study(file, selection.out, stored=reading)
    store = readable(Store(selection.out or Path("out") / study.name))
    ids = select(study, selection.only) if selection.only else None
    if not reading:
        refuse_replaced_data(study, store, ids)
    for line in (note, *replaced_data(study, store, ids), *changes(study, store, ids), *out_of_date(study, store)):
        if line:
            print(line, file=sys.stderr)
    return study, store, ids


def _show_plan(study: Study, store: Store, todo: Plan, memory: str, measured: Pace | None = None) -> None:
    from distaff.commands.study_progress import show_plan
    from distaff.store.listing import listing
    from distaff.study.launch import bytes_in
    from distaff.study.pace import recorded_pace

    pace = measured or recorded_pace(store, study, listing(store).runs)
    show_plan(study, todo, pace, bytes_in(memory))
