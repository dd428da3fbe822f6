"""What a study is doing: counts, rate and time left, read from its store, whoever works on it and since when."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import Any, NamedTuple

from distaff.runs import Run, Study
from distaff.store.store import Store
from distaff.study.leases import Claims
from distaff.study.pace import Estimate, Pace, from_store, kind
from distaff.study.plan import Ask, Plan, Train, listing, plan
from distaff.study.work import progress_of

WINDOW = 60.0  # seconds over which the rate is taken
LOOKS = 20  # a full look at the store takes at most this fraction of the time


class Seen(NamedTuple):
    """A moment of a study; updates are of single models."""

    updates: int
    all_updates: int
    scored: int
    runs: int
    failed: int
    rate: float  # updates a second, by all workers
    left: Estimate  # of all workers together
    active: list[str]  # what is being done, a line a worker


class Watch:
    """Follows a study through its store; `look` is cheap enough for twice a second."""

    def __init__(self, study: Study, store: Store, ids: frozenset[str] | None = None) -> None:
        self.study, self.store, self.ids = study, store, ids
        self.claims = Claims(store.folder / "claims")
        self.updates = {run.id: run.updates for run in study.runs if ids is None or run.id in ids}
        self.ahead: dict[str, tuple[int, int]] = {}  # packs in progress: updates done when last seen, and in all
        self.gains: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self.looked, self.took = -1e9, 0.0
        self.todo, self.pace, self.trained = Plan((), (), 0, 0, 0, 0), Pace({}, {}), 0

    def look(self) -> Seen:
        """The moment of now."""
        now = time.monotonic()
        if now - self.looked > LOOKS * self.took:
            self._look_fully()
            self.looked, self.took = now, time.monotonic() - now
        parts = self._parts()
        ahead = {pack.name: (self._advance(pack, parts[pack.name]), pack.updates) for pack in self.todo.packs}
        self._gain(now, ahead)
        active = self._active(ahead)
        under_way, missing = (sum(numbers) for numbers in zip(*ahead.values(), strict=True)) if ahead else (0, 0)
        left = self._left(max(1, len(active)))
        done, runs, failed = self.todo.done, len(self.updates), self.todo.failed
        return Seen(self.trained + under_way, self.trained + missing, done, runs, failed, self._rate(now), left, active)

    def _look_fully(self) -> None:
        self.todo = plan(self.study, self.store, self.ids)
        there = listing(self.store).runs
        self.pace = from_store(self.store, self.study, there)
        missing = {run.id for pack in self.todo.packs for run in pack.runs}  # some may be there by now: counted once
        self.trained = sum(updates for id, updates in self.updates.items() if id in there and id not in missing)

    def _parts(self) -> dict[str, list[dict[str, Any]]]:
        """How far the parts of each pack have come, as their workers tell it."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for path in (self.store.folder / "packs").glob("[!.]*.progress"):
            if told := progress_of(path):
                found[path.stem.partition("-")[0]].append(told)
        return found

    def _advance(self, pack: Train, parts: list[dict[str, Any]]) -> int:
        """Updates of a pack's models; a model that stands in two parts was copied from one into the other."""
        if not parts:
            return pack.updates if self.store.has(pack.runs[-1].id) else 0
        done: dict[str, int] = {}
        for told in parts:
            self.pace.update[kind(pack.runs[0])] = told["seconds"] / max(1, told["updates"] * told["models"])
            for id in told.get("runs") or [run.id for run in pack.runs]:
                done[id] = max(done.get(id, 0), int(told["updates"]))
        return sum(run.updates if self.store.has(run.id) else done.get(run.id, 0) for run in pack.runs)

    def _gain(self, now: float, ahead: dict[str, tuple[int, int]]) -> None:
        """Add what packs have gained since the last look; where a resumed pack stands at first is no gain."""
        gained = 0
        for name, (before, whole) in self.ahead.items():
            gained += max(0, ahead.get(name, (whole, whole))[0] - before)
        self.ahead = ahead
        self.gains.append((now, self.gains[-1][1] + gained))
        while len(self.gains) > 2 and now - self.gains[0][0] > WINDOW:
            self.gains.popleft()

    def _rate(self, now: float) -> float:
        since, before = self.gains[0]
        return (self.gains[-1][1] - before) / max(now - since, 1e-9)

    def _left(self, workers: int) -> Estimate:
        seconds, whole = self.pace.estimate(self.todo)
        done = sum(self.ahead[pack.name][0] * self.pace.update.get(kind(pack.runs[0]), 0) for pack in self.todo.packs)
        return Estimate((seconds - done) / workers, whole)

    def _active(self, ahead: dict[str, tuple[int, int]]) -> list[str]:
        jobs = {job.name: job for job in self.todo.jobs}
        held = self.claims.held()
        mine = {name: jobs[name] for name in held if name in jobs and not self.claims.dead(held[name])}
        return [_line(job, ahead.get(name, (0, 1))[0]) for name, job in sorted(mine.items())]


def _line(job: Train | Ask, ahead: int) -> str:
    if isinstance(job, Ask):
        return f"scores {_told([job.run])}"
    return f"trains {_told(list(job.runs))}: {ahead / job.updates:.0%}"


def _told(runs: list[Run]) -> str:
    if len(runs) == 1:
        return f"{runs[0].method} on {runs[0].dataset}, seed {runs[0].seed}"
    methods = list(dict.fromkeys(run.method.name for run in runs))
    return f"{len(runs)} models of {', '.join(methods)} on {runs[0].dataset}"
