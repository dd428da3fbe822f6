"""How long things take: from runs that are there, from packs in progress, or measured on this machine."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from statistics import fmean
from typing import NamedTuple, TypeAlias

from distaff.runs import Run, Study
from distaff.scoring.protocol import EvaluationProtocol, protocol_of
from distaff.store.files import read_json
from distaff.store.store import Store
from distaff.study.plan import Plan, Train

RunKind: TypeAlias = tuple[str, str, str]
SAMPLES = 6  # runs of a kind that are looked at
TRIAL_SECONDS = 2.0  # how long a pack is trained to be measured


class Estimate(NamedTuple):
    """Seconds of one worker; `whole` says whether they cover all work, or only the kinds that were ever measured."""

    seconds: float
    whole: bool


class Pace(NamedTuple):
    """Seconds of one worker: for an update of one model, by kind of run, and for scoring a run, by data set."""

    update: dict[RunKind, float]
    score: dict[str, float]

    def estimate(self, todo: Plan) -> Estimate:
        """What `todo` takes one worker, scoring included, as far as it is known."""
        to_score = [run for pack in todo.packs for run in pack.runs] + [job.run for job in todo.unscored]
        train = [(pack.updates, self.update.get(run_kind(pack.runs[0]))) for pack in todo.packs]
        score = [self.score.get(str(run.dataset)) for run in to_score]
        seconds = sum(n * each for n, each in train if each is not None) + sum(
            each for each in score if each is not None
        )
        return Estimate(seconds, all(each is not None for _, each in train) and None not in score)


def run_kind(run: Run) -> RunKind:
    """What decides how long an update takes: data set, network and critic."""
    return str(run.dataset), str(run.network), str(run.critic or "")


def recorded_pace(store: Store, study: Study, trained: Iterable[str]) -> Pace:
    """The pace of runs of `study` that are there, from their provenance; a few of each kind are looked at."""
    stored, protocol = frozenset(trained), protocol_of(study, store)
    update: dict[RunKind, list[float]] = defaultdict(list)
    score: dict[str, list[float]] = defaultdict(list)
    for run in study.runs:
        if run.id in stored and len(update[run_kind(run)]) < SAMPLES:
            update[run_kind(run)].append(store.provenance(run.id)["seconds"] / run.updates)
        if run.id in stored and len(score[str(run.dataset)]) < SAMPLES:
            score[str(run.dataset)] += _recorded_scoring_seconds(store, run, protocol)
    return Pace({k: fmean(v) for k, v in update.items() if v}, {k: fmean(v) for k, v in score.items() if v})


def _recorded_scoring_seconds(store: Store, run: Run, protocol: EvaluationProtocol) -> list[float]:
    path = store.run_folder(run.id) / protocol.file
    by_metric = read_json(path).get("made", {}).get("seconds") if path.exists() else None
    return [sum(by_metric.values())] if by_metric else []


def measured_pace(study: Study, todo: Plan) -> Pace:
    """The pace of this machine, one worker: each kind of pack trained for seconds, and an untrained model scored."""
    update: dict[RunKind, float] = {}
    score: dict[str, float] = {}
    for pack in sorted(todo.packs, key=lambda pack: -len(pack.runs)):
        run = pack.runs[0]
        if run_kind(run) not in update:
            update[run_kind(run)] = _seconds_per_update(pack)
        if str(run.dataset) not in score:
            score[str(run.dataset)] = _seconds_to_score(run, protocol_of(study))
    for job in todo.unscored:
        if str(job.run.dataset) not in score:
            score[str(job.run.dataset)] = _seconds_to_score(job.run, job.protocol)
    return Pace(update, score)


def _seconds_per_update(pack: Train) -> float:
    """What longer training adds: the difference between two lengths, so that the start does not count."""
    few, took = 2, _time_fit(pack, 2)
    while True:
        more = 3 * few
        longer = _time_fit(pack, more)
        if longer - took > TRIAL_SECONDS:
            return (longer - took) / (more - few) / len(pack.runs)
        few, took = more, longer


def _time_fit(pack: Train, updates: int) -> float:
    from distaff.training.device import resolve_device
    from distaff.training.fit import fit

    began = time.perf_counter()
    fit(tuple(replace(run, updates=updates) for run in pack.runs), device=resolve_device("auto"))
    return time.perf_counter() - began


def _seconds_to_score(run: Run, protocol: EvaluationProtocol) -> float:
    from distaff.scoring.final_losses import final_losses
    from distaff.scoring.score import evaluate_run
    from distaff.trained import untrained

    first, second = (untrained(replace(run, seed=seed)) for seed in range(2))
    evaluate_run(run, first.params, protocol)  # compiles what is compiled once a process
    final_losses(first, batches=1)
    began = time.perf_counter()
    evaluate_run(run, second.params, protocol)  # other weights, whose codes nobody has computed
    final_losses(second)
    return time.perf_counter() - began
