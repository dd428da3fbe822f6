"""What a person sees of a study: the plan in numbers, and its progress while it runs."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from distaff.commands.how import How
from distaff.errors import DistaffError, unknown
from distaff.runs import Study
from distaff.store.store import Store
from distaff.study.pace import Estimate, Pace, kind
from distaff.study.plan import Plan, Train, plan
from distaff.study.watch import Seen, Watch

if TYPE_CHECKING:
    from rich.console import Group

LINE_SECONDS = 30.0  # time between lines where the output is no terminal


def follow(file: Path, study: Study, store: Store, only: str, how: How) -> None:
    """Run what is missing of `study` and show how it goes; SIGTERM stops it as Ctrl-C does."""
    from distaff.store.provenance import COMMAND
    from distaff.store.studies import keep_study
    from distaff.study.executors.start import EXECUTORS, start
    from distaff.study.launch import Order, bytes_in
    from distaff.study.prune import tidy
    from distaff.study.select import only as select

    if how.on not in EXECUTORS:
        raise unknown("executor", how.on, EXECUTORS)
    signal.signal(signal.SIGTERM, _interrupt)
    os.environ[COMMAND] = shlex.join(["distaff", *sys.argv[1:]])
    try:
        keep_study(store.folder, study)
    except OSError as error:
        raise DistaffError(
            f"{store.folder} cannot be written to ({error.strerror}): name another with --out"
        ) from error
    ids = select(study, only) if only else None
    order = Order(
        store.folder, study.name, only, how.workers, how.keep_seconds, address=how.address, options=how.slurm,
        memory=bytes_in(how.memory), device=how.device,
    )  # fmt: skip
    with Screen(Watch(study, store, ids)) as screen:
        start(how.on, order, screen.tick)
    tidy(store, [study])
    now = plan(study, store, ids)
    print(f"{told(now)}, in {store.folder}")
    if now.failed:
        print(f"`distaff study status {file}` says why; `distaff study retry {file}` tries them again")


def told(now: Plan) -> str:
    """A plan in one line."""
    return f"{now.done} of {now.runs} runs are trained and scored, {now.failed} failed"


def show_plan(study: Study, todo: Plan, pace: Pace, memory: int = 0) -> None:
    """Print what is missing, kind by kind, with the time that it takes one worker, and the memory of its models."""
    from rich.console import Console
    from rich.table import Table

    heads = ("data set", "network", "method", "runs", "updates", "ms an update", "MB a model", "side by side")
    table = Table(*heads, box=None)
    rows: dict[tuple[tuple[str, str, str], str], list[Train]] = defaultdict(list)
    for pack in todo.packs:
        for method in dict.fromkeys(run.method.name for run in pack.runs):
            rows[kind(pack.runs[0]), method].append(pack)
    for (of_kind, method), packs in rows.items():
        runs = [run for pack in packs for run in pack.runs if run.method.name == method]
        each = pace.update.get(of_kind)
        shown = "?" if each is None else f"{1000 * each:.2f}"
        updates = sum(run.updates for run in runs)
        table.add_row(*of_kind[:2], method, f"{len(runs):,}", f"{updates:,}", shown, *_memory(packs, memory))
    if todo.packs:
        Console().print(table)
    missing = sum(len(pack.runs) for pack in todo.packs)
    print(f"{study.name}: {told(todo)}; to train {missing:,}, to score {missing + len(todo.unscored):,}")
    seconds, whole = pace.estimate(todo)
    if seconds and not todo.empty:
        print(f"one worker takes {amount(pace.estimate(todo))}; more workers share it")
    if not whole:
        print("some of it was never timed: --measure does, for a few seconds a kind")


def _memory(packs: list[Train], memory: int) -> tuple[str, str]:
    """Megabytes of a model, and how many of the largest pack stand side by side in a worker of so much memory."""
    from distaff.train.memory import bytes_of, models_beside

    largest = max((pack.runs for pack in packs), key=len)
    beside = models_beside(largest[0], memory) if memory else len(largest)
    return f"{bytes_of(largest[0]) / 1e6:,.1f}", f"{min(beside, len(largest))}"


class Screen:
    """The progress of a study: bars on a terminal, a line now and then elsewhere."""

    def __init__(self, watch: Watch) -> None:
        from rich.live import Live

        self.watch = watch
        self.live = Live(refresh_per_second=4) if sys.stdout.isatty() else None
        self.lined = -LINE_SECONDS

    def __enter__(self) -> Screen:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def tick(self) -> None:
        """Show how things stand."""
        seen = self.watch.look()
        if self.live:
            self.live.update(_picture(seen))
        elif time.monotonic() - self.lined > LINE_SECONDS:
            self.lined = time.monotonic()
            print("; ".join([*_figures(seen), *seen.active]), flush=True)


def _picture(seen: Seen) -> Group:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    rate, trained, scored, left = _figures(seen)
    bars = Table.grid(padding=(0, 2))
    bars.add_row("training", ProgressBar(max(1, seen.all_updates), seen.updates, width=40), f"{trained}, {rate}")
    bars.add_row("scoring", ProgressBar(max(1, seen.runs), seen.scored, width=40), f"{scored}, {left}")
    return Group(bars, *seen.active)


def _figures(seen: Seen) -> list[str]:
    return [
        f"{seen.rate:,.0f} updates/s",
        f"{seen.updates:,} of {seen.all_updates:,} updates",
        f"{seen.scored} of {seen.runs} runs scored, {seen.failed} failed",
        f"{amount(seen.left)} left",
    ]


def amount(estimate: Estimate) -> str:
    """An estimate as people say it."""
    return ("" if estimate.whole else "at least ") + duration(estimate.seconds)


def duration(seconds: float) -> str:
    """Seconds as people say them: 45 s, 12 min, 3.5 h, 12 days."""
    for size, unit in ((86400, "days"), (3600, "h")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
