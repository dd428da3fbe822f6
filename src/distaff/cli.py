"""The commands: what they need is imported inside them, so that help is instant."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.extras import SubcommandApp

from distaff.errors import DistaffError

app = SubcommandApp()
studies = SubcommandApp()  # the commands behind the word `study`


@app.command(name="list")
def list_(kind: Annotated[str, tyro.conf.Positional] = "all", /) -> None:
    """What there is: data sets, networks, methods, metrics, figures, each with its parameters and one sentence.

    Example: distaff list methods

    Args:
        kind: data, models, methods, metrics, report/figures, or all.
    """
    from rich.console import Console
    from rich.table import Table

    from distaff.errors import unknown
    from distaff.registry import KINDS, REQUIRED

    if kind != "all" and kind not in KINDS:
        raise unknown("kind", kind, [*KINDS, "all"])
    console = Console()
    for folder, registry in KINDS.items():
        if kind in ("all", folder):
            table = Table("name", "parameters", "what it is", title=folder, title_justify="left", box=None)
            for name in registry.names():
                plugin = registry.plugin(name)
                told = [p.name if p.default is REQUIRED else f"{p.name}={p.default!r}" for p in plugin.parameters]
                table.add_row(name, ", ".join(told), plugin.summary.replace("[", "\\["))
            console.print(table, "")


@app.command
def train(
    dataset: Annotated[str, tyro.conf.Positional],
    method: Annotated[str, tyro.conf.Positional],
    /,
    network: str = "conv64",
    critic: str = "critic",
    seed: int = 0,
    updates: int = 300_000,
    lr: float = 1e-4,
    out: Path = Path("out"),
) -> None:
    """Train one model and keep it as a run folder; run it again to go on where it stopped.

    Example: distaff train toy "beta_vae(beta=4)" --network "mlp(width=64, latents=6)" --updates 4000 --lr 1e-3

    Args:
        dataset: a data set, such as dsprites.
        method: a method with its parameters, such as "beta_vae(beta=4)".
        network: the encoder and decoder, such as conv64 or "mlp(width=64)".
        critic: the rival of FactorVAE, such as "critic(width=64, depth=3)"; other methods have none.
        seed: decides weights, images and noise; the same seed shows every method the same images.
        updates: updates of the parameters.
        lr: Adam's learning rate.
        out: the store, a folder.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from distaff.spec import Optim, run
    from distaff.study.store import Store
    from distaff.train.fit import fit

    one = run(dataset, method, network, critic, seed=seed, updates=updates, optim=Optim(lr=lr))
    store = Store(out)
    if store.has(one.id):
        print(f"already trained: {store.run_folder(one.id)}")
        return
    resume = out / "packs" / f"{one.id}.safetensors"
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(f"{one.method} on {one.dataset}", total=updates)
        (trained,) = fit((one,), resume=resume, progress=lambda done, _: bar.update(task, completed=done))
    store.put(trained, time.monotonic() - began)
    resume.unlink(missing_ok=True)
    if trained.diverged is not None:
        raise DistaffError(f"{one.method} was not finite from update {trained.diverged} on: try a smaller --lr")
    print(store.run_folder(one.id))


@app.command
def score(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    metrics: tuple[str, ...] = ("all",),
    json: Path | None = None,
) -> None:
    """Score codes that you already have: an npz file with `codes` [n d] and `factors` [n f].

    Example: distaff score codes.npz --metrics mig dci

    Args:
        file: the npz file; nothing in it may be a Python object.
        metrics: metrics with their parameters, such as "mig(bins=30)", or all.
        json: a file to write the numbers to.
    """
    from json import dumps

    from rich.console import Console
    from rich.table import Table

    from distaff.registry import METRICS

    codes, factors = _read_codes(file)
    specs = [METRICS.parse(text) for text in (METRICS.names() if metrics == ("all",) else metrics)]
    table, numbers = Table("metric", "score", "", box=None), {}
    for spec in specs:
        found = METRICS.bind(spec)(codes, factors)
        numbers[str(spec)] = {"value": float(found) if found.reason is None else None, "reason": found.reason}
        table.add_row(str(spec), f"{float(found):.4f}", found.reason or "")
    Console().print(table)
    if json is not None:
        json.write_text(dumps(numbers, indent=2), encoding="utf-8")


def _read_codes(file: Path) -> tuple[Any, Any]:
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in ("codes", "factors") if name in arrays}
    except (OSError, ValueError) as error:
        raise DistaffError(f"{file} cannot be read as an npz file without objects: {error}") from error
    if len(found) < 2 or len(found["codes"]) != len(found["factors"]):
        raise DistaffError(f"{file} must hold `codes` [n d] and `factors` [n f] with the same n")
    return found["codes"], found["factors"]


@app.command
def study(command: Annotated[str, tyro.conf.Positional] = "--help", /) -> None:
    """Run and follow a study: study run FILE, study status FILE; `distaff study --help` tells more.

    Args:
        command: run or status.
    """
    studies.cli(prog="distaff study", args=[command])


@studies.command(name="run")
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


@studies.command(name="status")
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


@app.command
def report(file: Annotated[Path, tyro.conf.Positional], /, out: Path | None = None) -> None:
    """Write the report of a study, finished or not: one page that opens from disk, with its figures and numbers.

    Example: distaff report studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`.
        out: the store; by default out/NAME. The report is its folder `report`.
    """
    from distaff.analysis.table import floor, runs, table
    from distaff.report.site import StudyFacts, build
    from distaff.study.plan import load_study
    from distaff.study.store import Store, provenance

    study = load_study(file)
    store = Store(out or Path("out") / study.name)
    made = {name: str(value) for name, value in provenance().items()}
    facts = StudyFacts(study.name, study.purpose, f"distaff study run {file}", len(study.runs), made)
    numbers = table(study, store)
    print(build(facts, numbers, runs(study, store), {}, store.folder / "report", floor(study, store)))


def main() -> None:
    """Run the command; a mistake that a person can mend is one line on stderr and exit status 2."""
    try:
        if sys.argv[1:2] == ["study"]:
            studies.cli(prog="distaff study", description="Plan, run and follow a study.", args=sys.argv[2:])
        else:
            app.cli(prog="distaff", description="Large studies of disentangled representations.")
    except DistaffError as error:
        print(f"distaff: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("distaff: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
