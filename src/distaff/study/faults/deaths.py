"""Deaths of workers at a job: which runs they trained, as those who saw the deaths record them.

A worker that is killed with its command, its machine or its process group leaves a lease that expires, and nobody is
to blame. Only a parent that outlives its worker can tell that the worker alone died, of memory or of itself: it records
so in packs/JOB.deaths. Deaths count as long as the runs make no progress on the disk. After three, the runs of a pack
are trained apart, by method and then one by one, until the one that kills its workers is alone and is recorded.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distaff.atomic import write
from distaff.runs import Run, structure
from distaff.store.files import read_json, sealed
from distaff.weather import is_there, remove

DEATHS = 3  # of workers at the same runs without progress: it is the runs that kill them
DEATHS_APART = 2  # of workers at a part of a pack that killed three
REQUESTS = {
    signal.SIGTERM,
    signal.SIGINT,
    *(getattr(signal, n) for n in ("SIGHUP", "SIGALRM", "SIGQUIT") if hasattr(signal, n)),
}
TOGETHER, BY_METHOD, ALONE = 0, 1, 2  # how runs are trained: side by side, with those of their method, one by one


@dataclass
class Deaths:
    """The deaths at a job, and which of its runs are trained apart because of them."""

    path: Path
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)  # by what was done: its progress, and deaths there
    apart: dict[str, int] = field(default_factory=dict)  # by run: BY_METHOD or ALONE
    last: str = ""  # what the last worker died of

    @classmethod
    def of(cls, folder: Path, job: str) -> Deaths:
        """What is recorded of the deaths at `job` of the store in `folder`."""
        path = folder / "packs" / f"{job}.deaths"
        if not is_there(path):
            return cls(path)
        record = read_json(path)
        counts = {what: (int(progress), int(number)) for what, (progress, number) in record["deaths"].items()}
        return cls(path, counts, {id: int(how) for id, how in record["apart"].items()}, str(record["last"]))

    def at(self, what: str, progress: int) -> int:
        """How many workers died at `what`, one after the other, since it came as far as `progress`."""
        of_progress, number = self.counts.get(what, (progress, 0))
        return number if of_progress == progress else 0

    def add(self, what: str, progress: int, how: str) -> None:
        """Record another death."""
        self.counts[what] = progress, self.at(what, progress) + 1
        self.last = how
        self._write()

    def kills(self, runs: tuple[Run, ...], what: str, progress: int) -> bool:
        """Whether `runs`, which are called `what`, have killed as many workers as is bearable."""
        most = DEATHS_APART if runs[0].id in self.apart else DEATHS
        return self.at(what, progress) >= most

    def part(self, runs: tuple[Run, ...]) -> tuple[Run, ...]:
        """The first of `runs` that may be trained side by side."""
        first = runs[0]
        how = self.apart.get(first.id, TOGETHER)
        if how == ALONE:
            return (first,)
        alike = [run for run in runs if self.apart.get(run.id, TOGETHER) == how]
        return tuple(run for run in alike if how == TOGETHER or structure(run) == structure(first))

    def separate(self, runs: tuple[Run, ...], *, keep: bool) -> None:
        """Train `runs` in smaller parts from now on; with `keep`, whoever takes the job over does so too."""
        how = BY_METHOD if len({structure(run) for run in runs}) > 1 else ALONE
        self.apart |= {run.id: how for run in runs}
        if keep:
            self._write()

    def forget(self) -> None:
        """Remove the record: the job is done."""
        remove(self.path)

    def _write(self) -> None:
        record: dict[str, Any] = {"deaths": {what: list(at) for what, at in self.counts.items()}}
        write(self.path, sealed({**record, "apart": self.apart, "last": self.last}))


class Death:
    """A worker that died while its parent lived: at which jobs, of what, and which of its workers it was."""

    def __init__(self, folder: Path, notes: Iterable[tuple[str, dict[str, Any]]], how: str, slot: int = 0) -> None:
        self.folder, self.notes, self.how, self.slot = folder, list(notes), how, slot

    def record(self) -> None:
        """Write the death down for those who take the jobs over."""
        for job, note in self.notes:
            Deaths.of(self.folder, job).add(str(note["at"]), int(note["progress"]), self.how)


def died(code: int) -> bool:
    """Whether a process with this return code was killed: not by a request to end, which is nobody's fault."""
    return code < 0 and -code not in REQUESTS


def cause_of_death(code: int, short_of_memory: bool, hung: bool, messages: list[str]) -> str:
    """What a process died of, in words: `code` is its return code, `messages` what it wrote last."""
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"status {code}"
    how = "its heart stood still" if hung else f"killed by {name}"
    memory = ", while memory was short" if short_of_memory else ""
    return f"{how}{memory}" + (f": {messages[-1]}" if messages else "")


def note(what: str, progress: int) -> dict[str, Any]:
    """What a lease holds of the work of its owner: what a parent records if the owner dies of it."""
    return {"at": what, "progress": progress}


def read_note(line: bytes) -> dict[str, Any] | None:
    """The note in a line of a lease, if it holds one."""
    try:
        value = json.loads(line.rstrip(b"."))
    except ValueError:
        return None
    return value if isinstance(value, dict) and "at" in value else None
