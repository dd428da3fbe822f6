"""`distaff study`: plan, run and follow a study."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import tyro
from tyro.extras import SubcommandApp

app = SubcommandApp()


@app.command(name="run")
def study_run(file: Annotated[Path, tyro.conf.Positional], /, out: Path | None = None, workers: int = 0) -> None:
    """Train and score all that is missing of a study, on every core; run it again to go on where it stopped.

    Example: distaff study run studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`.
        out: the store; by default out/NAME.
        workers: processes; 0 takes one for each core.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from distaff.study.executors.local import run_local
    from distaff.study.plan import load_study, pack_id, plan, scoring
    from distaff.study.store import Store

    study = load_study(file)
    folder = out or Path("out") / study.name
    todo = plan(study, Store(folder))
    if not todo.packs and not todo.unscored:
        print(f"nothing to do: {todo.done} of {len(study.runs)} runs are trained and scored, {todo.failed} failed")
        return
    steps = sum(len(pack) * pack[0].updates for pack in todo.packs)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn(),
               TimeRemainingColumn())  # fmt: skip
    names = [folder / "packs" / f"{pack_id(pack)}.progress" for pack in todo.packs]
    whole = dict(zip(names, (len(pack) * pack[0].updates for pack in todo.packs), strict=True))
    store, began = Store(folder), time.monotonic()
    with Progress(*columns) as bar:
        trained = bar.add_task("training", total=steps, told="")
        scored = bar.add_task("scoring", total=len(study.runs) - todo.done, told="")

        def tick(packs: int, _: int) -> None:
            now = plan(study, store)
            under_way = sum(int(path.read_text()) for path in names if path.exists())
            finished = sum(whole[name] for name in names) - sum(len(p) * p[0].updates for p in now.packs)
            rate = (finished + under_way) / (time.monotonic() - began)
            bar.update(trained, completed=finished + under_way, told=f"{packs} packs left, {rate:,.0f} updates/s")
            bar.update(scored, completed=now.done - todo.done, told=f"{now.done} of {len(study.runs)} runs")

        run_local(folder, todo, scoring(study), tick, workers or None)
    now = plan(study, store)
    print(f"{now.done} of {len(study.runs)} runs are trained and scored, {now.failed} failed, in {folder}")


@app.command(name="status")
def study_status(file: Annotated[Path, tyro.conf.Positional], /, out: Path | None = None) -> None:
    """Count what of a study is done, and say what failed and why.

    Example: distaff study status studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`.
        out: the store; by default out/NAME.
    """
    from distaff.study.plan import load_study, plan
    from distaff.study.store import Store

    study = load_study(file)
    store = Store(out or Path("out") / study.name)
    todo = plan(study, store)
    missing = sum(len(pack) for pack in todo.packs)
    print(f"{study.name}: {len(study.runs)} runs, {todo.done} done, {len(todo.unscored)} to score, {missing} to train")
    for run in study.runs:
        if reason := store.failure(run.id):
            print(f"failed: {run.method} on {run.dataset}, seed {run.seed}: {reason}")
