"""What failed in a study: its kinds, how to go on from each, and how failures are forgotten, to be tried again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from distaff.runs import Run, Study
from distaff.store.listing import listing
from distaff.store.store import Store, kind_of_failure
from distaff.study.checkpoints import remove_of_failed
from distaff.study.faults.deaths import Deaths
from distaff.study.plan import Plan, pack_id, packs_of
from distaff.weather import remove

DIED = "died"  # workers died at it: the one kind that the next command tries again by itself
RETRY = "`distaff study retry {file}` tries again, from the checkpoint where there is one"
REMEDIES = {  # how to go on, by kind
    "diverged": "a smaller learning rate or other parameters make another run",
    "plugin": f"mend the plug-in; then {RETRY}",
    "data": f"mend or fetch the data set; then {RETRY}",
    "memory": f"a smaller network or batch needs less; {RETRY}",
    DIED: "`distaff study run {file}` tries again",
    "error": RETRY,
}


class Failure(NamedTuple):
    """A run that failed, or one of its evaluations, by the name of its record."""

    run: Run
    name: str
    kind: str
    reason: str
    checkpoint: str | None


def failures(study: Study, store: Store, ids: Collection[str] | None = None) -> list[Failure]:
    """Every failed run of `study`, or those that `ids` names."""
    runs = {run.id: run for run in study.runs if ids is None or run.id in ids}
    found = []
    for name in sorted(listing(store).failed):
        run = runs.get(name.partition("-")[0])
        record = store.failure_record(name) if run else None
        if run and record:
            found.append(Failure(run, name, kind_of_failure(record), str(record["reason"]), record.get("checkpoint")))
    return found


def retry(study: Study, store: Store, ids: Collection[str] | None = None, *, from_scratch: bool = False) -> int:
    """Forget the failures of `study`, or of those of its runs that `ids` names, so that they are tried again.

    Their training goes on from its checkpoints; with `from_scratch`, those are removed.
    """
    again = failures(study, store, ids)
    if from_scratch:
        failed = {one.name for one in again if one.name == one.run.id}
        for pack in packs_of(study):
            if of_pack := failed.intersection(run.id for run in pack):
                remove_of_failed(store, pack_id(pack), of_pack)
    _forget(study, store, again)
    return len(again)


def forget_deaths(study: Study, store: Store, ids: Collection[str] | None = None) -> int:
    """Let the runs at which workers died be tried again, as every new command does; returns how many there are."""
    again = [one for one in failures(study, store, ids) if one.kind == DIED]
    _forget(study, store, again)
    return len(again)


def summary_lines(study: Study, store: Store, now: Plan, file: str, ids: Collection[str] | None = None) -> list[str]:
    """A line for each kind of failure: how many, the first reason, how to go on; and one for what is missing."""
    kinds: dict[str, list[Failure]] = defaultdict(list)
    for one in failures(study, store, ids):
        kinds[one.kind].append(one)
    lines = [_line(kind, of_kind, file) for kind, of_kind in sorted(kinds.items())]
    if missing := now.runs - now.done - now.failed:
        lines.append(f"{missing} missing: `distaff study run {file}` goes on")
    return lines


def _line(kind: str, of_kind: list[Failure], file: str) -> str:
    first = of_kind[0]
    where = f"{first.run.method} on {first.run.dataset}, seed {first.run.seed}"
    remedy = REMEDIES.get(kind, RETRY).format(file=file)
    return f"{len(of_kind)} failed ({kind}), first {where}: {' '.join(first.reason.split())}. To go on: {remedy}"


def _forget(study: Study, store: Store, again: list[Failure]) -> None:
    """Remove records of failures, and the deaths at their jobs, which would fail them again at once."""
    names = {one.name for one in again}
    for pack in packs_of(study):
        if not names.isdisjoint(run.id for run in pack):
            Deaths.of(store.folder, pack_id(pack)).forget()
    for name in sorted(names):
        Deaths.of(store.folder, name).forget()
        remove(store.folder / "failed" / f"{name}.json")
