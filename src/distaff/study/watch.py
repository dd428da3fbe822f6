"""Progress of a study: counts, rate and time left, read from its store, whoever works on it and since when."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import Any, NamedTuple

from distaff.runs import Run, Study
from distaff.store.listing import listing
from distaff.store.store import Store
from distaff.study.leases import leases_of
from distaff.study.pace import Estimate, Pace, recorded_pace, run_kind
from distaff.study.plan import Evaluate, Plan, Train, plan
from distaff.study.progress import read_progress

WINDOW = 60.0  # seconds over which the rate is taken
READ_EVERY = 20  # times as long as reading the store takes: it is read in full at most that often


class Progress(NamedTuple):
    """How far a study has come; updates are of single models."""

    updates: int
    all_updates: int
    scored: int
    runs: int
    failed: int
    rate: float  # updates a second, by all workers
    left: Estimate  # of all workers together
    active: list[str]  # what is being done, a line a worker


class Watch:
    """Follows a study through its store; `progress` is cheap enough for twice a second."""

    def __init__(self, study: Study, store: Store, ids: frozenset[str] | None = None) -> None:
        self.study, self.store, self.ids = study, store, ids
        self.leases = leases_of(store.folder)
        self.updates = {run.id: run.updates for run in study.runs if ids is None or run.id in ids}
        self.in_packs: dict[str, tuple[int, int]] = {}  # by pack: updates done at the last look, and in all
        self.gains: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self.last_read, self.read_seconds = -1e9, 0.0
        self.todo, self.pace, self.trained = Plan((), (), 0, 0, 0, 0), Pace({}, {}), 0

    def progress(self) -> Progress:
        """How far the study has come by now."""
        now = time.monotonic()
        if now - self.last_read > READ_EVERY * self.read_seconds:
            self._read_store()
            self.last_read, self.read_seconds = now, time.monotonic() - now
        records = self._progress_records()
        in_packs = {pack.name: (self._updates_done(pack, records[pack.name]), pack.updates) for pack in self.todo.packs}
        self._add_gains(now, in_packs)
        active = self._active(in_packs)
        return Progress(
            updates=self.trained + sum(done for done, _ in in_packs.values()),
            all_updates=self.trained + sum(whole for _, whole in in_packs.values()),
            scored=self.todo.done,
            runs=len(self.updates),
            failed=self.todo.failed,
            rate=self._rate(now),
            left=self._left(max(1, len(active))),
            active=active,
        )

    def _read_store(self) -> None:
        self.todo = plan(self.study, self.store, self.ids)
        stored = listing(self.store).runs
        self.pace = recorded_pace(self.store, self.study, stored)
        missing = {run.id for pack in self.todo.packs for run in pack.runs}  # some may be there by now: counted once
        self.trained = sum(updates for id, updates in self.updates.items() if id in stored and id not in missing)

    def _progress_records(self) -> dict[str, list[dict[str, Any]]]:
        """How far the sub-packs of each pack have come, as their workers record it."""
        records: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for path in (self.store.folder / "packs").glob("[!.]*.progress"):
            if record := read_progress(path):
                records[path.stem.partition("-")[0]].append(record)
        return records

    def _updates_done(self, pack: Train, records: list[dict[str, Any]]) -> int:
        """Updates of a pack's models; a model that stands in two sub-packs was copied from one into the other."""
        if not records:
            return pack.updates if self.store.has(pack.runs[-1].id) else 0
        done: dict[str, int] = {}
        for record in records:
            self.pace.update[run_kind(pack.runs[0])] = record["seconds"] / max(1, record["updates"] * record["models"])
            for id in record.get("runs") or [run.id for run in pack.runs]:
                done[id] = max(done.get(id, 0), int(record["updates"]))
        return sum(run.updates if self.store.has(run.id) else done.get(run.id, 0) for run in pack.runs)

    def _add_gains(self, now: float, in_packs: dict[str, tuple[int, int]]) -> None:
        """Add what packs have gained since the last look; where a resumed pack stands at first is no gain."""
        gained = 0
        for name, (before, whole) in self.in_packs.items():
            gained += max(0, in_packs.get(name, (whole, whole))[0] - before)
        self.in_packs = in_packs
        self.gains.append((now, self.gains[-1][1] + gained))
        while len(self.gains) > 2 and now - self.gains[0][0] > WINDOW:
            self.gains.popleft()

    def _rate(self, now: float) -> float:
        since, before = self.gains[0]
        return (self.gains[-1][1] - before) / max(now - since, 1e-9)

    def _left(self, workers: int) -> Estimate:
        seconds, whole = self.pace.estimate(self.todo)
        done = sum(
            self.in_packs[pack.name][0] * self.pace.update.get(run_kind(pack.runs[0]), 0) for pack in self.todo.packs
        )
        return Estimate((seconds - done) / workers, whole)

    def _active(self, in_packs: dict[str, tuple[int, int]]) -> list[str]:
        jobs = {job.name: job for job in self.todo.jobs}
        held = self.leases.held()
        active = {name: jobs[name] for name in held if name in jobs and not self.leases.expired(held[name])}
        return [_line(job, in_packs.get(name, (0, 1))[0]) for name, job in sorted(active.items())]


def _line(job: Train | Evaluate, updates: int) -> str:
    if isinstance(job, Evaluate):
        return f"scores {_text([job.run])}"
    return f"trains {_text(list(job.runs))}: {updates / job.updates:.0%}"


def _text(runs: list[Run]) -> str:
    if len(runs) == 1:
        return f"{runs[0].method} on {runs[0].dataset}, seed {runs[0].seed}"
    methods = list(dict.fromkeys(run.method.name for run in runs))
    return f"{len(runs)} models of {', '.join(methods)} on {runs[0].dataset}"
