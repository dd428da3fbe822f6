"""What is asked of every run, which files hold which answers, and what of them a study means."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from distaff.plugins.registry import metric_or_task
from distaff.plugins.spec import Spec, content_id
from distaff.runs import Study
from distaff.sampling import DISJOINT, OF_2019, ROWS, TEST_ROWS, check, sampling_in
from distaff.store.files import read_json
from distaff.store.store import Store

MANY = 14  # metrics beyond which the subsets are too many to try


@dataclass(frozen=True)
class Scoring:
    """What is evaluated of every run: metrics, how many rows they see, how these are drawn, and from what.

    Files of scores that do not say how rows were drawn are of the time when there was one way, that of 2019.
    """

    metrics: tuple[Spec, ...]
    rows: int = ROWS
    test_rows: int = TEST_ROWS
    cells: int = 100_000  # grid rows: of larger grids, this many are drawn once for all runs
    sampling: str = DISJOINT

    def __post_init__(self) -> None:
        check(self.rows, self.test_rows, self.sampling)

    @property
    def id(self) -> str:
        """Sixteen digits for the question: they name the file of its answers."""
        return content_id([[m.identity for m in self.metrics], *sampling_key(self.sizes)])

    @property
    def file(self) -> str:
        """The name of the file that answers it."""
        return f"scores-{self.id}.json"

    @property
    def sizes(self) -> dict[str, int | str]:
        """What must agree between two evaluations before their scores can stand in one file."""
        return {"rows": self.rows, "test_rows": self.test_rows, "cells": self.cells, "sampling": self.sampling}

    def told(self) -> dict[str, Any]:
        """The question as JSON: texts for people, identities (with versions) for comparing."""
        texts = {str(m): m.identity for m in self.metrics}
        return {"metrics": texts, **self.sizes}

    def covered(self, told: dict[str, Any]) -> frozenset[Spec]:
        """Which of the metrics a file answers that was asked `told`."""
        if sampling_key(told) != sampling_key(self.sizes):
            return frozenset()
        return frozenset(m for m in self.metrics if told["metrics"].get(str(m)) == m.identity)

    def without(self, answered: frozenset[Spec]) -> Scoring:
        """The same question about the other metrics."""
        return replace(self, metrics=tuple(m for m in self.metrics if m not in answered))


def sampling_key(sizes: Mapping[str, Any]) -> list[Any]:
    """The sizes and the sampling of an evaluation, as ids hash them: those of 2019 came without a name for it."""
    sampling = sampling_in(sizes)
    return [sizes["rows"], sizes["test_rows"], sizes["cells"], *([] if sampling == OF_2019 else [sampling])]


def scoring(study: Study) -> Scoring:
    """The question that the study asks of every run."""
    metrics = tuple(metric_or_task(text) for text in study.metrics)
    return Scoring(metrics, study.rows, study.test_rows, study.cells, study.sampling)


class Answers:
    """Which metrics of a scoring each file of scores answers, by the file's name: one file of a name is looked into."""

    def __init__(self, store: Store, scoring: Scoring) -> None:
        self.store, self.scoring = store, scoring
        self.known: dict[str, frozenset[Spec]] = {scoring.file: frozenset(scoring.metrics)}

    def of(self, id: str, file: str) -> frozenset[Spec]:
        """The metrics that `file` of run `id` answers."""
        if file not in self.known:
            told = read_json(self.store.run_folder(id) / file).get("asked")
            self.known[file] = self.scoring.covered(told) if told else self._by_name(file)
        return self.known[file]

    def missing(self, id: str, files: Iterable[str]) -> Scoring:
        """What of the scoring run `id` has not answered in `files`."""
        return self.scoring.without(frozenset().union(*(self.of(id, file) for file in files)))

    def rows(self, id: str) -> list[dict[str, Any]]:
        """The scores of run `id` that answer the scoring."""
        found: list[dict[str, Any]] = []
        losses: list[dict[str, Any]] = []
        have: frozenset[Spec] = frozenset()
        for path in sorted(self.store.run_folder(id).glob("scores-*.json")):
            told = read_json(path)
            fresh = self.of(id, path.name) - have  # a metric may stand in two files while `store compact` is at work
            asked = told["asked"]["metrics"] if "asked" in told else self.of(id, path.name)
            if fresh and len(fresh) == len(asked):
                found += told["scores"]
            else:
                found += [row for row in told["scores"] if any(is_of(row, spec) for spec in fresh)]
            have |= fresh
            losses = losses or losses_in(told)
        return [*found, *losses]

    def _by_name(self, file: str) -> frozenset[Spec]:
        """A file of format 1 does not say what was asked: the metrics among ours that give its name, if some do."""
        metrics = self.scoring.metrics
        sizes = range(len(metrics) - 1, 0, -1) if len(metrics) <= MANY else ()
        parts = (part for size in sizes for part in itertools.combinations(metrics, size))
        return next(
            (frozenset(part) for part in parts if replace(self.scoring, metrics=part).file == file), frozenset()
        )


def scores(store: Store, id: str, sampling: str | None = None) -> list[dict[str, Any]]:
    """All scores that were kept of run `id`, or those of rows drawn by one sampling, and its final losses."""
    files = [read_json(path) for path in sorted(store.run_folder(id).glob("scores-*.json"))]
    kept = [file for file in files if sampling in (None, sampling_in(file.get("asked")))]
    return [*(row for file in kept for row in file["scores"]), *(row for file in files for row in losses_in(file))]


def losses_in(file: dict[str, Any]) -> list[dict[str, Any]]:
    """The losses of the final model in a file of scores, as rows: train.nll, train.kl and train.elbo."""
    losses = file.get("losses", {})
    names = [name for name in ("nll", "kl", "elbo") if name in losses]
    return [{"representation": "mean", "metric": f"train.{name}", "value": losses[name]} for name in names]


def splits_of(store: Store, id: str) -> dict[str, dict[str, Any]]:
    """What the files of scores of run `id` record of their rows, by sampling; files of before have no record."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(store.run_folder(id).glob("scores-*.json")):
        split = read_json(path).get("split")
        if split and (split["test"] or split["sampling"] not in found):
            found[split["sampling"]] = split
    return found


def is_of(row: dict[str, Any], spec: Spec) -> bool:
    """Whether `row` answers `spec`; rows say their specification where it is more than a name."""
    return bool(row["spec"] == str(spec) if "spec" in row else row["metric"].partition(".")[0] == spec.name)
