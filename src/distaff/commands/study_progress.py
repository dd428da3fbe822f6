"""A study on the screen: its plan in numbers, and its progress while it runs."""

from __future__ import annotations

import dataclasses
import os
import shlex
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from distaff.commands.study_options import Execution
from distaff.runs import Study
from distaff.store.store import Store
from distaff.study.pace import Estimate, Pace, run_kind
from distaff.study.plan import Plan, Train
from distaff.study.watch import Progress, Watch

if TYPE_CHECKING:
    from rich.console import Group

LINE_SECONDS = 30.0  # time between lines where the output is no terminal


def run_and_show(file: Path, study: Study, store: Store, only: str, execution: Execution) -> Plan:
    """Run what is missing of `study` and show its progress; SIGTERM stops it as Ctrl-C does.

    Returns the plan of what is still missing.
    """
    from distaff.store.provenance import COMMAND
    from distaff.study.run import run_study
    from distaff.study.select import select

    signal.signal(signal.SIGTERM, _interrupt)
    os.environ[COMMAND] = shlex.join(["distaff", *sys.argv[1:]])
    ids = select(study, only) if only else None
    with Screen(Watch(study, store, ids)) as screen:
        options = dataclasses.asdict(execution)
        now = run_study(study, store, only=only, tick=screen.tick, log=_warn, **options)
    print(f"{summary(now)}, in {store.folder}")
    show_failures(file, study, store, now, ids)
    return now


def show_failures(file: Path, study: Study, store: Store, now: Plan, ids: frozenset[str] | None) -> None:
    """Print a line for each kind of failure and for what is missing, with how to go on; nothing where all is there."""
    from distaff.study.faults.failures import summary_lines

    if not now.complete:
        for line in summary_lines(study, store, now, str(file), ids):
            print(line)
        print(f"`distaff study status {file}` lists every reason")


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)


def summary(now: Plan) -> str:
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
            rows[run_kind(pack.runs[0]), method].append(pack)
    for (kind, method), packs in rows.items():
        runs = [run for pack in packs for run in pack.runs if run.method.name == method]
        seconds_each = pace.update.get(kind)
        shown = "?" if seconds_each is None else f"{1000 * seconds_each:.2f}"
        updates = sum(run.updates for run in runs)
        table.add_row(*kind[:2], method, f"{len(runs):,}", f"{updates:,}", shown, *_memory(packs, memory))
    if todo.packs:
        Console().print(table)
    missing = sum(len(pack.runs) for pack in todo.packs)
    print(f"{study.name}: {summary(todo)}; to train {missing:,}, to score {missing + len(todo.unscored):,}")
    seconds, whole = pace.estimate(todo)
    if seconds and not todo.empty:
        print(f"one worker takes {amount(pace.estimate(todo))}; more workers share it")
    if not whole:
        print("some of it was never timed: --measure times it, for a few seconds a kind")


def _memory(packs: list[Train], memory: int) -> tuple[str, str]:
    """Megabytes of a model, and how many of the largest pack stand side by side in a worker of so much memory."""
    from distaff.training.memory import bytes_of, models_beside

    largest = max((pack.runs for pack in packs), key=len)
    beside = models_beside(largest[0], memory) if memory else len(largest)
    return f"{bytes_of(largest[0]) / 1e6:,.1f}", f"{min(beside, len(largest))}"


class Screen:
    """The progress of a study: bars on a terminal, a line now and then elsewhere."""

    def __init__(self, watch: Watch) -> None:
        from rich.live import Live

        self.watch = watch
        self.live = Live(refresh_per_second=4) if sys.stdout.isatty() else None
        self.last_line = -LINE_SECONDS

    def __enter__(self) -> Screen:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def tick(self) -> None:
        """Show the progress of now."""
        progress = self.watch.progress()
        if self.live:
            self.live.update(_bars(progress))
        elif time.monotonic() - self.last_line > LINE_SECONDS:
            self.last_line = time.monotonic()
            print("; ".join([*_figures(progress), *progress.active]), flush=True)


def _bars(progress: Progress) -> Group:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    rate, trained, scored, left = _figures(progress)
    bars = Table.grid(padding=(0, 2))
    bars.add_row(
        "training", ProgressBar(max(1, progress.all_updates), progress.updates, width=40), f"{trained}, {rate}"
    )
    bars.add_row("scoring", ProgressBar(max(1, progress.runs), progress.scored, width=40), f"{scored}, {left}")
    return Group(bars, *progress.active)


def _figures(progress: Progress) -> list[str]:
    return [
        f"{progress.rate:,.0f} updates/s",
        f"{progress.updates:,} of {progress.all_updates:,} updates",
        f"{progress.scored} of {progress.runs} runs scored, {progress.failed} failed",
        f"{amount(progress.left)} left",
    ]


def amount(estimate: Estimate) -> str:
    """An estimate as text, with a mark where it does not cover all work."""
    return ("" if estimate.whole else "at least ") + duration(estimate.seconds)


def duration(seconds: float) -> str:
    """Seconds in the unit that people use: 45 s, 12 min, 3.5 h, 12 days."""
    for size, unit in ((86400, "days"), (3600, "h")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
