"""`distaff study`: plan, run and follow a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.extras import SubcommandApp

from distaff.commands.how import How, Where
from distaff.errors import DistaffError

if TYPE_CHECKING:
    from distaff.runs import Study
    from distaff.store.store import Store
    from distaff.study.plan import Plan

app = SubcommandApp()


HERE, ALL = How(), Where()


@app.command(name="run")
def study_run(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    where: Annotated[Where, tyro.conf.arg(name="")] = ALL,
    how: Annotated[How, tyro.conf.arg(name="")] = HERE,
    dry_run: bool = False,
) -> None:
    """Train and score all that is missing of a study; run it again to go on where it stopped.

    Example: distaff study run studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`.
        where: the store and the runs.
        how: what does the work.
        dry_run: say what would be done, and do nothing.
    """
    from distaff.commands.follow import follow, told
    from distaff.study.plan import plan

    study, store, ids = _opened(file, where)
    todo = plan(study, store, ids)
    if dry_run:
        _show_plan(study, store, todo, how.memory)
        return
    if todo.empty:
        print(f"nothing to do: {told(todo)}")
        return
    follow(file, study, store, where.only, how)


@app.command(name="plan")
def study_plan(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    where: Annotated[Where, tyro.conf.arg(name="")] = ALL,
    measure: bool = False,
    memory: str = "",
) -> None:
    """Say what is missing of a study, how long it takes one worker of this machine, and how much memory it needs.

    Times come from the runs that are there already. Example: distaff study plan studies/quick.py --measure

    Args:
        file: a Python file that defines `study = Study(...)`.
        where: the store and the runs.
        measure: train a pack of each kind for a few seconds, and score an untrained model, to know.
        memory: of a worker, as in 2GB: how many models are then trained side by side.
    """
    from distaff.study.pace import measured
    from distaff.study.plan import plan

    study, store, ids = _opened(file, where)
    todo = plan(study, store, ids)
    _show_plan(study, store, todo, memory, measured(study, todo) if measure else None)


@app.command(name="status")
def study_status(
    file: Annotated[Path, tyro.conf.Positional], /, where: Annotated[Where, tyro.conf.arg(name="")] = ALL
) -> None:
    """Count what of a study is done, say what runs and how fast, and what failed and why.

    Example: distaff study status studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`.
        where: the store and the runs.
    """
    from distaff.commands.follow import amount
    from distaff.study.plan import failures
    from distaff.study.watch import Watch

    study, store, ids = _opened(file, where)
    seen = Watch(study, store, ids).look()
    print(
        f"{study.name}: {seen.scored} of {seen.runs} runs trained and scored, {seen.failed} failed, in {store.folder}"
    )
    print(f"updates: {seen.updates:,} of {seen.all_updates:,}")
    if seen.active:
        print(f"time left: {amount(seen.left)} at {len(seen.active)} jobs")
    for line in seen.active:
        print(f"now: {line}")
    for run, reason, _ in failures(study, store):
        if ids is None or run.id in ids:
            print(f"failed: {run.method} on {run.dataset}, seed {run.seed}: {reason}")


@app.command(name="retry")
def study_retry(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    where: Annotated[Where, tyro.conf.arg(name="")] = ALL,
    how: Annotated[How, tyro.conf.arg(name="")] = HERE,
) -> None:
    """Run what failed once more, and all else that is missing.

    Example: distaff study retry studies/quick.py --only method=factor_vae

    Args:
        file: a Python file that defines `study = Study(...)`.
        where: the store and the runs.
        how: what does the work.
    """
    from distaff.study.plan import retry

    study, store, ids = _opened(file, where)
    print(f"{retry(study, store, ids)} failures are tried again")
    study_run(file, where, how)


@app.command(name="index")
def study_index(file: Annotated[Path, tyro.conf.Positional], number: Annotated[int, tyro.conf.Positional], /) -> None:
    """Say which run has a number in a study; those of unsupervised_2019 are the old library's model numbers.

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
    """Say which numbers the runs of a method have in a study.

    Example: distaff study find studies/unsupervised_2019.py "beta_vae(beta=4)" --dataset cars3d --seed 7

    Args:
        file: a Python file that defines `study = Study(...)`.
        method: a method, by name or with its parameters.
        dataset: of this data set alone.
        seed: of this seed alone.
    """
    from distaff.store.studies import load_study
    from distaff.study.select import only

    study = load_study(file)
    conditions = [f"method={method}", f"dataset={dataset}" if dataset else "", "" if seed is None else f"seed={seed}"]
    ids = only(study, ",".join(filter(None, conditions)))
    for number, run in enumerate(study.runs):
        if run.id in ids:
            print(f"{number}: {run.method} on {run.dataset}, seed {run.seed}; id {run.id}")


def _opened(file: Path, where: Where) -> tuple[Study, Store, frozenset[str] | None]:
    from distaff.store.store import Store
    from distaff.store.studies import load_study
    from distaff.study.select import only

    study = load_study(file)
    store = Store(where.out or Path("out") / study.name)
    return study, store, only(study, where.only) if where.only else None


def _show_plan(study: Study, store: Store, todo: Plan, memory: str, measured: object = None) -> None:
    from distaff.commands.follow import show_plan
    from distaff.study.launch import bytes_in
    from distaff.study.pace import Pace, from_store
    from distaff.study.plan import listing

    pace = measured if isinstance(measured, Pace) else from_store(store, study, listing(store).runs)
    show_plan(study, todo, pace, bytes_in(memory))
