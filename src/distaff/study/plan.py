"""What of a study is still to be done: packs to train, and runs to score."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from distaff.errors import DistaffError
from distaff.registry import METRICS, content_id
from distaff.spec import Run, Study
from distaff.study.score import Scoring
from distaff.study.store import Store
from distaff.train.pack import key


class Plan(NamedTuple):
    """Missing work, and counts of what is there."""

    packs: tuple[tuple[Run, ...], ...]  # the longest first, so that no core waits at the end
    unscored: tuple[str, ...]  # ids of runs that are trained
    done: int
    failed: int


def load_study(path: Path) -> Study:
    """The `study` that a Python file defines; raises `DistaffError` if there is none."""
    if not path.exists():
        raise DistaffError(f"there is no study {path}: name a Python file that defines `study = Study(...)`")
    names: dict[str, object] = {"__name__": path.stem, "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    study = names.get("study")
    if not isinstance(study, Study):
        raise DistaffError(f"{path} must define `study = Study(...)`")
    return study


def scoring(study: Study) -> Scoring:
    """The question that the study asks of every run."""
    return Scoring(tuple(METRICS.parse(text) for text in study.metrics), study.rows, study.test_rows, study.cells)


def plan(study: Study, store: Store) -> Plan:
    """What is missing of `study` in `store`; how runs are put together depends on the study alone."""
    together: dict[object, list[Run]] = defaultdict(list)
    for run in study.runs:
        together[key(run)].append(run)
    chunks = [runs[i : i + study.pack] for runs in together.values() for i in range(0, len(runs), study.pack)]
    failed = {run.id for run in study.runs if store.failure(run.id)}
    wanted = [tuple(run for run in chunk if not store.has(run.id) and run.id not in failed) for chunk in chunks]
    packs = sorted((chunk for chunk in wanted if chunk), key=_cost, reverse=True)
    answer = f"scores-{scoring(study).id}.json"
    trained = [run.id for run in study.runs if store.has(run.id)]
    unscored = tuple(id for id in trained if not (store.run_folder(id) / answer).exists())
    return Plan(tuple(packs), unscored, len(trained) - len(unscored), len(failed))


def pack_id(runs: tuple[Run, ...]) -> str:
    """Names a pack's resume point by the runs in it."""
    return content_id([run.id for run in runs])


def _cost(runs: tuple[Run, ...]) -> tuple[bool, int]:
    """Convolutions first: one step of them costs a hundred of the small dense networks'."""
    return runs[0].network.name.startswith("conv"), len(runs) * runs[0].updates
