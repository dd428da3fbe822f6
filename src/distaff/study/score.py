"""Scores of a trained run: encode once, draw rows, ask each metric about mean and about sampled codes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff import data
from distaff.encode import Codes, encode
from distaff.metrics import Score
from distaff.metrics._draws import generator
from distaff.models import initial
from distaff.registry import METRICS, NETWORKS, Spec, content_id
from distaff.spec import Run
from distaff.study.store import Store, read_json, write
from distaff.types import Params

REPRESENTATIONS = ("mean", "sampled")


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


@dataclass(frozen=True)
class Sampled:
    """Sampled codes of a table of rows: `table[rows]` draws anew at each look-up."""

    codes: Codes
    generator: np.random.Generator

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        flat = np.asarray(rows).ravel()
        drawn = Codes(self.codes.mean[flat], self.codes.logvar[flat]).sample(self.generator)
        return drawn.reshape(*np.shape(rows), drawn.shape[-1])


def score_run(store: Store, id: str, scoring: Scoring) -> None:
    """Answer `scoring` for run `id` and keep it as one file; if it is there already, do nothing."""
    path = store.run_folder(id) / f"scores-{scoring.id}.json"
    if path.exists():
        return
    found = answers(store.run(id), store.params(id), scoring)
    write(path, json.dumps({"run": id, "scores": found}, indent=1, allow_nan=False).encode())


def scores(store: Store, id: str) -> list[dict[str, Any]]:
    """All scores that were kept of run `id`."""
    return [row for path in sorted(store.run_folder(id).glob("scores-*.json")) for row in read_json(path)["scores"]]


def answers(run: Run, params: Params, scoring: Scoring) -> list[dict[str, Any]]:
    """Every metric of `scoring` on both representations: a row a number, null with a reason where it is not finite."""
    dataset = data.load(str(run.dataset))
    cells = _cells(len(dataset), scoring.cells)
    codes = encode(NETWORKS.bind(run.network)(dataset.shape), params, dataset, cells)
    factors = dataset.factors.values(cells)
    found: list[dict[str, Any]] = []
    for spec in scoring.metrics:
        for representation in REPRESENTATIONS:
            draw = generator(spec.name, 0)
            table = codes.mean if representation == "mean" else Sampled(codes, draw)
            score = _ask(spec, table, factors, scoring, draw)
            numbers = {spec.name: float(score), **{f"{spec.name}.{part}": v for part, v in score.parts.items()}}
            found += [_row(representation, name, value, score.reason) for name, value in numbers.items()]
    return found


def _ask(spec: Spec, table: Any, factors: NDArray[np.int64], scoring: Scoring, draw: np.random.Generator) -> Score:
    """One metric, given the rows that it declares to need."""
    function, marks = METRICS.bind(spec), METRICS.plugin(spec.name).marks
    if marks["rows"] == "grid":
        return function(table, factors)  # type: ignore[no-any-return]
    train = draw.integers(len(factors), size=scoring.rows)
    if not marks.get("test_rows"):
        return function(table[train], factors[train])  # type: ignore[no-any-return]
    test = draw.integers(len(factors), size=scoring.test_rows)
    return function(table[train], factors[train], (table[test], factors[test]))  # type: ignore[no-any-return]


def _cells(n: int, most: int) -> NDArray[np.int64]:
    if n <= most:
        return np.arange(n)
    return np.sort(generator("cells", 0).choice(n, size=most, replace=False))


def _row(representation: str, metric: str, value: float, reason: str | None) -> dict[str, Any]:
    finite = math.isfinite(value)
    row: dict[str, Any] = {"representation": representation, "metric": metric, "value": value if finite else None}
    return row if finite else {**row, "reason": reason or "not a number"}


def untrained(store: Store, run: Run, scoring: Scoring, models: int = 20) -> list[dict[str, Any]]:
    """MIG of `models` networks of `run` at update 0, seeds 0, 1, ...: what a score is worth before any training.

    Kept in the store as untrained-<dataset>.json, and read from there the next time.
    """
    path = store.folder / f"untrained-{run.dataset}.json"
    if not path.exists():
        vae = NETWORKS.bind(run.network)(data.load(str(run.dataset)).shape)
        asked = Scoring((METRICS.parse("mig"),), scoring.rows, scoring.test_rows, scoring.cells)
        found = [
            {"seed": seed, **{k: row[k] for k in ("representation", "metric", "value")}}
            for seed in range(models)
            for row in answers(run, initial(vae, seed), asked)
            if row["metric"] == "mig"
        ]
        write(path, json.dumps({"network": str(run.network), "scores": found}, indent=1, allow_nan=False).encode())
    return list(read_json(path)["scores"])
