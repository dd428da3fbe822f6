"""What of a study is still to be done: packs to train, and runs to score."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple, TypeAlias

from distaff.plugins.registry import NETWORKS
from distaff.plugins.spec import content_id
from distaff.runs import Run, Study, side_by_side
from distaff.scoring.protocol import EvaluationProtocol, ScoreFiles, protocol_of, score_file_names
from distaff.store.listing import listing
from distaff.store.store import Store


class Train(NamedTuple):
    """A pack to train: the runs of one that are missing. Which runs are put together depends on the study alone."""

    name: str
    runs: tuple[Run, ...]
    whole: tuple[Run, ...]  # what is missing and what is there: the pack as it may have begun

    @property
    def updates(self) -> int:
        """Updates of all its models together."""
        return len(self.runs) * self.runs[0].updates


class Evaluate(NamedTuple):
    """A trained run to score: those evaluations of the protocol that it lacks."""

    name: str
    run: Run
    protocol: EvaluationProtocol
    pictures: bool = False  # whether to draw it as well


Job: TypeAlias = Train | Evaluate


class Plan(NamedTuple):
    """Missing work, and counts of what is there."""

    packs: tuple[Train, ...]  # the longest first, so that no core waits at the end
    unscored: tuple[Evaluate, ...]
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

    @property
    def complete(self) -> bool:
        """Whether every run is trained and scored, and none failed."""
        return self.empty and self.done == self.runs


def plan(study: Study, store: Store, ids: frozenset[str] | None = None) -> Plan:
    """What is missing of `study` in `store`, or of those of its runs that `ids` names."""
    stored, score_files = listing(store), ScoreFiles(store, protocol_of(study, store))
    requested = {run.id: run for run in study.runs if ids is None or run.id in ids}
    missing = {id for id in requested if id not in stored.runs and id not in stored.failed}
    packs = []
    for whole in packs_of(study) if missing else ():
        runs = tuple(run for run in whole if run.id in missing)
        if runs:
            packs.append(Train(pack_id(whole), runs, whole))
    drawn_seeds = sorted({run.seed for run in study.runs})[: study.pictures]
    evaluations, trained, scoring_failed = [], 0, 0
    for id, run in requested.items():
        if id in stored.runs:
            trained += 1
            rest = score_files.missing(id, score_file_names(store, id))
            if rest.metrics and f"{id}-{rest.id}" in stored.failed:
                scoring_failed += 1
            elif rest.metrics:
                evaluations.append(Evaluate(f"{id}-{rest.id}", run, rest, run.seed in drawn_seeds))
    return Plan(
        tuple(sorted(packs, key=_cost, reverse=True)),
        tuple(evaluations),
        runs=len(requested),
        trained=trained,
        done=trained - len(evaluations) - scoring_failed,
        failed=len(stored.failed & requested.keys()) + scoring_failed,
    )


def packs_of(study: Study) -> list[tuple[Run, ...]]:
    """All packs of a study, whatever of them is there."""
    together: dict[object, list[Run]] = defaultdict(list)
    for run in study.runs:
        together[side_by_side(run)].append(run)
    return [tuple(runs[i : i + study.pack]) for runs in together.values() for i in range(0, len(runs), study.pack)]


def pack_id(runs: tuple[Run, ...]) -> str:
    """Names a pack, its lease and its checkpoint by the runs in it."""
    return content_id([run.id for run in runs])


def _cost(pack: Train) -> float:
    """The time that a pack takes, as far as the decorator of its network says: it orders packs, the longest first."""
    name = pack.runs[0].network.name
    cost: float = NETWORKS.plugin(name).marks.get("cost", 1.0) if name in NETWORKS.names() else 1.0
    return pack.updates * cost
