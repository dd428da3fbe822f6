"""What of a study is still to be done: packs to train, and runs to score."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple, TypeAlias

from distaff.plugins.registry import content_id
from distaff.runs import Run, Study, side_by_side
from distaff.scoring.protocol import Answers, Scoring
from distaff.scoring.protocol import scoring as scoring  # noqa: PLC0414  (others take it from here)
from distaff.store.store import Store
from distaff.store.studies import load_study as load_study  # noqa: PLC0414  (others take it from here)

DENSE_STEPS = 100  # small dense networks' updates in the time of one of a convolutional network


class Train(NamedTuple):
    """A pack to train: the runs of one that are missing. Which runs are put together depends on the study alone."""

    name: str
    runs: tuple[Run, ...]
    whole: tuple[Run, ...]  # what is missing and what is there: the pack as it may have begun

    @property
    def updates(self) -> int:
        """Updates of all its models together."""
        return len(self.runs) * self.runs[0].updates


class Ask(NamedTuple):
    """A trained run to score: what it has not been asked yet."""

    name: str
    run: Run
    scoring: Scoring
    pictures: bool = False  # whether to draw it as well


Job: TypeAlias = Train | Ask


class Plan(NamedTuple):
    """Missing work, and counts of what is there."""

    packs: tuple[Train, ...]  # the longest first, so that no core waits at the end
    unscored: tuple[Ask, ...]
    runs: int
    trained: int
    done: int  # trained and scored
    failed: int

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All that is missing, in the order in which it is begun."""
        return (*self.packs, *self.unscored)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.packs and not self.unscored


class Listing(NamedTuple):
    """The names in a store, read once: complete runs, and what failed."""

    runs: frozenset[str]
    failed: frozenset[str]  # ids of runs, and id-scoring of scorings


def listing(store: Store) -> Listing:
    """What a store holds by name; reads two folders and no file."""
    runs = [name for name in _names(store.folder / "runs") if not name.startswith(".")]
    failed = [name.removesuffix(".json") for name in _names(store.folder / "failed") if name.endswith(".json")]
    return Listing(frozenset(runs), frozenset(failed))


def plan(study: Study, store: Store, ids: frozenset[str] | None = None) -> Plan:
    """What is missing of `study` in `store`, or of those of its runs that `ids` names."""
    there, asked = listing(store), scoring(study)
    known = Answers(store, asked)
    wanted = {run.id: run for run in study.runs}
    if ids is not None:
        wanted = {id: run for id, run in wanted.items() if id in ids}
    missing = {id for id in wanted if id not in there.runs and id not in there.failed}
    packs = []
    for chunk in chunks(study) if missing else ():
        of_chunk = tuple(run for run in chunk if run.id in missing)
        if of_chunk:
            packs.append(Train(pack_id(chunk), of_chunk, chunk))
    drawn = sorted({run.seed for run in study.runs})[: study.pictures]
    asks, trained, failed = [], 0, len(there.failed & wanted.keys())
    for id, run in wanted.items():
        if id in there.runs:
            trained += 1
            rest = known.missing(id, _answered(store, id))
            if rest.metrics and f"{id}-{rest.id}" in there.failed:
                failed += 1
            elif rest.metrics:
                asks.append(Ask(f"{id}-{rest.id}", run, rest, run.seed in drawn))
    unanswered = len(asks) + failed - len(there.failed & wanted.keys())
    return Plan(
        tuple(sorted(packs, key=_cost, reverse=True)), tuple(asks), len(wanted), trained, trained - unanswered, failed
    )


def chunks(study: Study) -> list[tuple[Run, ...]]:
    """All packs of a study, whatever of them is there."""
    together: dict[object, list[Run]] = defaultdict(list)
    for run in study.runs:
        together[side_by_side(run)].append(run)
    return [tuple(runs[i : i + study.pack]) for runs in together.values() for i in range(0, len(runs), study.pack)]


def pack_id(runs: tuple[Run, ...]) -> str:
    """Names a pack, its claim and its resume point by the runs in it."""
    return content_id([run.id for run in runs])


def failures(study: Study, store: Store) -> list[tuple[Run, str, str]]:
    """Every failed run of `study` with its reason and the name of its record."""
    names = sorted(listing(store).failed)
    runs = {run.id: run for run in study.runs}
    of_study = [(runs[name.partition("-")[0]], name) for name in names if name.partition("-")[0] in runs]
    return [(run, store.failure(name) or "", name) for run, name in of_study]


def retry(study: Study, store: Store, ids: frozenset[str] | None = None) -> int:
    """Forget the failures of `study`, or of those of its runs that `ids` names, so that they are tried again."""
    again = [name for run, _, name in failures(study, store) if ids is None or run.id in ids]
    for name in again:
        (store.folder / "failed" / f"{name}.json").unlink(missing_ok=True)
    return len(again)


def _names(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


def _answered(store: Store, id: str) -> list[str]:
    return [name for name in os.listdir(store.run_folder(id)) if name.startswith("scores-")]


def _cost(pack: Train) -> float:
    """Convolutions first: one step of them costs a hundred of the small dense networks'."""
    return pack.updates * (DENSE_STEPS if pack.runs[0].network.name.startswith("conv") else 1)
