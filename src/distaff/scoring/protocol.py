"""The evaluation protocol of a study, and which scores in the files of a run follow it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from distaff.errors import DistaffError
from distaff.plugins.recorded import recorded, version_of
from distaff.plugins.registry import METRICS, metric_or_task
from distaff.plugins.spec import Spec, canonical, content_id
from distaff.runs import Study
from distaff.sampling import DISJOINT, OF_2019, ROWS, TEST_ROWS, check_sampling, sampling_in
from distaff.store.files import read_json
from distaff.store.listing import listing
from distaff.store.store import Store
from distaff.store.studies import recorded_metric
from distaff.weather import names_in

MAX_SEARCHED = 14  # metrics beyond which the subsets are too many to try


@dataclass(frozen=True)
class EvaluationProtocol:
    """What is evaluated of every run: metrics, how many rows they see, how these are drawn, and from what.

    Files of scores that do not say how rows were drawn are of the time when there was one way, that of 2019.
    """

    metrics: tuple[Spec, ...]
    rows: int = ROWS
    test_rows: int = TEST_ROWS
    grid_rows: int = 100_000  # of larger grids, this many rows are drawn once for all runs
    sampling: str = DISJOINT

    def __post_init__(self) -> None:
        check_sampling(self.rows, self.test_rows, self.sampling)

    @property
    def id(self) -> str:
        """Sixteen digits for the protocol: they name the file of its scores."""
        return content_id([[m.identity for m in self.metrics], *sampling_key(self.sizes)])

    @property
    def file(self) -> str:
        """The name of the file that holds the scores of a run under this protocol."""
        return f"scores-{self.id}.json"

    @property
    def sizes(self) -> dict[str, int | str]:
        """What must agree between two evaluations before their scores can stand in one file.

        The keys are those of files of scores, where `cells` is the number of grid rows.
        """
        return {"rows": self.rows, "test_rows": self.test_rows, "cells": self.grid_rows, "sampling": self.sampling}

    def record(self) -> dict[str, Any]:
        """The protocol as JSON: texts for people, identities (with versions) for comparing."""
        texts = {str(m): m.identity for m in self.metrics}
        return {"metrics": texts, **self.sizes}

    def covered(self, record: dict[str, Any]) -> frozenset[Spec]:
        """Which of the metrics were evaluated, in the same way, under the protocol of which a file holds `record`."""
        if sampling_key(record) != sampling_key(self.sizes):
            return frozenset()
        return frozenset(m for m in self.metrics if record["metrics"].get(str(m)) == m.identity)

    def without(self, evaluated: frozenset[Spec]) -> EvaluationProtocol:
        """The same protocol with the other metrics only."""
        return replace(self, metrics=tuple(m for m in self.metrics if m not in evaluated))


def sampling_key(sizes: Mapping[str, Any]) -> list[Any]:
    """The sizes and the sampling of an evaluation, as ids hash them: those of 2019 came without a name for it."""
    sampling = sampling_in(sizes)
    return [sizes["rows"], sizes["test_rows"], sizes["cells"], *([] if sampling == OF_2019 else [sampling])]


def protocol_of(study: Study, store: Store | None = None) -> EvaluationProtocol:
    """The protocol by which `study` evaluates every run.

    A metric that is not here is the one by which `store`, if it is given, has scores: they can be read without it.
    """
    metrics = tuple(_metric(text, study, store) for text in study.metrics)
    return EvaluationProtocol(metrics, study.rows, study.test_rows, study.grid_rows, study.sampling)


def _metric(text: str, study: Study, store: Store | None) -> Spec:
    try:
        return metric_or_task(text)
    except (DistaffError, SyntaxError):  # its file is gone, or is no plug-in any more
        identity = store and (recorded_metric(store.folder, study.name, text) or _newest_identity(store, text))
        if not identity:
            raise
        return recorded(METRICS.kind, text, identity)


def _newest_identity(store: Store, text: str) -> str | None:
    """The identity of the highest version of a metric by which the store has scores."""
    found = {metrics[text] for metrics in (one.metrics for one in evaluations_of(store).values()) if text in metrics}
    return max(found, key=newest, default=None)


def newest(identity: str) -> tuple[int, str]:
    """The order of the identities of one metric: by version, and never by chance."""
    return version_of(identity) or 0, identity


class Evaluation(NamedTuple):
    """What a file of scores says of its evaluation: metrics with their identities, sampling, and sizes.

    Of format 1, which does not say it, there are no identities; it had the first version of every metric.
    """

    metrics: dict[str, str]
    sampling: str
    sizes: tuple[int, ...]


def evaluations_of(store: Store, files: Mapping[str, Iterable[str]] | None = None) -> dict[str, Evaluation]:
    """The evaluation of each file of scores, by its name, which hashes it: of each name, one file is read.

    `files` are the names that each run has, by default those of all runs.
    """
    if files is None:
        folders = [store.run_folder(id) for id in sorted(listing(store).runs)]
        files = {folder.name: sorted(path.name for path in folder.glob("scores-*.json")) for folder in folders}
    known: dict[str, Evaluation] = {}
    for id, names in files.items():
        for name in names:
            if name not in known:
                known[name] = _evaluation(read_json(store.run_folder(id) / name).get("asked"))
    return known


def _evaluation(record: dict[str, Any] | None) -> Evaluation:
    sizes = tuple(int(record[key]) for key in ("rows", "test_rows", "cells")) if record else ()
    return Evaluation(dict(record["metrics"]) if record else {}, sampling_in(record), sizes)


class ScoreFiles:
    """Which metrics of a protocol each file of scores holds, by the file's name: of each name, one file is read."""

    def __init__(self, store: Store, protocol: EvaluationProtocol) -> None:
        self.store, self.protocol = store, protocol
        self.known: dict[str, frozenset[Spec]] = {protocol.file: frozenset(protocol.metrics)}

    def metrics_in(self, id: str, file: str) -> frozenset[Spec]:
        """The metrics of the protocol whose scores `file` of run `id` holds."""
        if file not in self.known:
            record = read_json(self.store.run_folder(id) / file).get("asked")
            self.known[file] = self.protocol.covered(record) if record else self._by_name(file)
        return self.known[file]

    def missing(self, id: str, files: Iterable[str]) -> EvaluationProtocol:
        """The part of the protocol whose scores are not in `files` of run `id`."""
        return self.protocol.without(frozenset().union(*(self.metrics_in(id, file) for file in files)))

    def rows(self, id: str) -> list[dict[str, Any]]:
        """The scores of run `id` under the protocol; a metric that failed and was not evaluated since has a null."""
        rows: list[dict[str, Any]] = []
        losses: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        seen: frozenset[Spec] = frozenset()
        for name in score_file_names(self.store, id):
            content = read_json(self.store.run_folder(id) / name)
            fresh = self.metrics_in(id, name) - seen  # one may stand in two files while `store compact` is at work
            in_file = content["asked"]["metrics"] if "asked" in content else None  # nobody knows what is beside ours
            scores = [row for row in content["scores"] if not is_failed(row)]
            if fresh and in_file and len(fresh) == len(in_file):
                rows += scores
            else:
                rows += [row for row in scores if any(is_score_of(row, spec) for spec in fresh)]
            if len(scores) < len(content["scores"]) and sampling_key(content["asked"]) == sampling_key(
                self.protocol.sizes
            ):
                failed += [row for row in content["scores"] if is_failed(row)]
            seen |= fresh
            losses = losses or loss_rows(content)
        lacking = [spec for spec in self.protocol.metrics if spec not in seen]
        return [*rows, *(row for row in _each_once(failed) if any(is_score_of(row, spec) for spec in lacking)), *losses]

    def _by_name(self, file: str) -> frozenset[Spec]:
        """A file of format 1 has no record of its protocol: the metrics of ours whose ids give its name, if some do.

        It is of the time when every metric was in its first version, and holds no scores of a later one.
        """
        metrics, sizes = self.protocol.metrics, sampling_key(self.protocol.sizes)
        first = {metric: canonical({**json.loads(metric.identity), "version": 1}) for metric in metrics}
        counts = range(len(metrics), 0, -1) if len(metrics) <= MAX_SEARCHED else ()
        parts = (part for count in counts for part in itertools.combinations(metrics, count))
        named = (part for part in parts if f"scores-{content_id([[first[m] for m in part], *sizes])}.json" == file)
        return frozenset(metric for metric in next(named, ()) if first[metric] == metric.identity)


def scores_of_run(store: Store, id: str, sampling: str | None = None) -> list[dict[str, Any]]:
    """All scores in the files of run `id`, or those of rows drawn by one sampling, and its final losses."""
    files = [read_json(store.run_folder(id) / name) for name in score_file_names(store, id)]
    sampled = [row for file in files if sampling in (None, sampling_in(file.get("asked"))) for row in file["scores"]]
    scores = [row for row in sampled if not is_failed(row)]
    evaluated = {_subject(row) for row in scores}
    failed = [row for row in _each_once(row for row in sampled if is_failed(row)) if _subject(row) not in evaluated]
    return [*scores, *failed, *(row for file in files for row in loss_rows(file))]


def score_file_names(store: Store, id: str) -> list[str]:
    """The names of the files of scores of run `id`, in order."""
    return [name for name in names_in(store.run_folder(id)) if name.startswith("scores-")]


def is_failed(row: dict[str, Any]) -> bool:
    """Whether a row of a file of scores is that of a metric which raised, and is to be evaluated again."""
    return bool(row.get("failed"))


def _subject(row: dict[str, Any]) -> tuple[str, str]:
    """The metric and the representation of a row."""
    return spec_text(row), row["representation"]


def _each_once(failed: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last failed row of each metric and representation."""
    return list({_subject(row): row for row in failed}.values())


def loss_rows(file: dict[str, Any]) -> list[dict[str, Any]]:
    """The losses of the final model in a file of scores, as rows: train.nll, train.kl and train.elbo."""
    losses = file.get("losses", {})
    names = [name for name in ("nll", "kl", "elbo") if name in losses]
    return [{"representation": "mean", "metric": f"train.{name}", "value": losses[name]} for name in names]


def split_records_of_run(store: Store, id: str) -> dict[str, dict[str, Any]]:
    """The records of the rows of the scores of run `id`, by sampling; files of earlier versions have none."""
    records: dict[str, dict[str, Any]] = {}
    for name in score_file_names(store, id):
        split = read_json(store.run_folder(id) / name).get("split")
        if split and (split["test"] or split["sampling"] not in records):
            records[split["sampling"]] = split
    return records


def spec_text(row: Mapping[str, Any]) -> str:
    """The specification that a row is a score of."""
    return str(row.get("spec", row["metric"].partition(".")[0]))


def is_score_of(row: dict[str, Any], spec: Spec) -> bool:
    """Whether `row` is a score of `spec`; rows say their specification where it is more than a name."""
    return bool(row["spec"] == str(spec) if "spec" in row else row["metric"].partition(".")[0] == spec.name)
