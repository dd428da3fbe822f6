"""What is asked of every run, which files hold which answers, and what of them a study means."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from distaff.plugins.registry import Spec, content_id, metric_or_task
from distaff.runs import Study
from distaff.store.files import read_json
from distaff.store.store import Store

MANY = 14  # metrics beyond which the subsets are too many to try


@dataclass(frozen=True)
class Scoring:
    """What is asked of every run: metrics, how many rows they are given, and how many cells of the grid are encoded."""

    metrics: tuple[Spec, ...]
    rows: int = 10_000
    test_rows: int = 5_000
    cells: int = 100_000  # of larger grids, this many cells are drawn once for all runs

    @property
    def id(self) -> str:
        """Sixteen digits for the question: they name the file of its answers."""
        return content_id([[m.identity for m in self.metrics], self.rows, self.test_rows, self.cells])

    @property
    def file(self) -> str:
        """The name of the file that answers it."""
        return f"scores-{self.id}.json"

    @property
    def sizes(self) -> dict[str, int]:
        """What must agree between two questions before their answers can stand in one file."""
        return {"rows": self.rows, "test_rows": self.test_rows, "cells": self.cells}

    def told(self) -> dict[str, Any]:
        """The question as JSON: texts for people, identities (with versions) for comparing."""
        texts = {str(m): m.identity for m in self.metrics}
        return {"metrics": texts, **self.sizes}

    def covered(self, told: dict[str, Any]) -> frozenset[Spec]:
        """Which of the metrics a file answers that was asked `told`."""
        if any(told.get(name) != value for name, value in self.sizes.items()):
            return frozenset()
        return frozenset(m for m in self.metrics if told["metrics"].get(str(m)) == m.identity)

    def without(self, answered: frozenset[Spec]) -> Scoring:
        """The same question about the other metrics."""
        return replace(self, metrics=tuple(m for m in self.metrics if m not in answered))


def scoring(study: Study) -> Scoring:
    """The question that the study asks of every run."""
    return Scoring(tuple(metric_or_task(text) for text in study.metrics), study.rows, study.test_rows, study.cells)


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
        return found

    def _by_name(self, file: str) -> frozenset[Spec]:
        """A file of format 1 does not say what was asked: the metrics among ours that give its name, if some do."""
        metrics = self.scoring.metrics
        sizes = range(len(metrics) - 1, 0, -1) if len(metrics) <= MANY else ()
        parts = (part for size in sizes for part in itertools.combinations(metrics, size))
        return next(
            (frozenset(part) for part in parts if replace(self.scoring, metrics=part).file == file), frozenset()
        )


def scores(store: Store, id: str) -> list[dict[str, Any]]:
    """All scores that were kept of run `id`, whatever was asked."""
    return [row for path in sorted(store.run_folder(id).glob("scores-*.json")) for row in read_json(path)["scores"]]


def is_of(row: dict[str, Any], spec: Spec) -> bool:
    """Whether `row` answers `spec`; rows say their specification where it is more than a name."""
    return bool(row["spec"] == str(spec) if "spec" in row else row["metric"].partition(".")[0] == spec.name)
