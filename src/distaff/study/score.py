"""Scores of a trained run: encode once, draw rows, ask each metric about mean and about sampled codes."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff import data
from distaff.data import Dataset
from distaff.encode import Codes, encode
from distaff.metrics import Score
from distaff.metrics._draws import generator
from distaff.metrics.latents import not_passive
from distaff.registry import NETWORKS, Spec, registry_of
from distaff.spec import Run
from distaff.study.asked import Scoring as Scoring  # noqa: PLC0414  (others take it from here)
from distaff.study.asked import scores as scores  # noqa: PLC0414  (others take it from here)
from distaff.study.files import read_json, sealed, write
from distaff.study.provenance import provenance
from distaff.study.store import FORMAT, Store
from distaff.types import Params

LOOKS = 10  # at a row of a small set that is observed anew each time: colour, noise
REPRESENTATIONS = ("mean", "sampled")
KEEP_SECONDS = 5.0  # time between writes of answers so far: what an interrupt can cost beside the metric at hand
Rows = list[dict[str, Any]]


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
    """Answer `scoring` for run `id` and keep it as one file; if it is there already, do nothing.

    Answers so far stand in packs/ in the meantime, so that an interrupted run is not asked again what it has answered.
    """
    path = store.run_folder(id) / scoring.file
    if path.exists():
        return
    so_far = store.folder / "packs" / f"{id}-{scoring.id}.json"
    kept = read_json(so_far) if so_far.exists() else {"seconds": {}, "scores": []}
    seconds: dict[str, float] = kept["seconds"]
    written = time.monotonic()

    def keep(found: Rows) -> None:
        nonlocal written
        if time.monotonic() - written > KEEP_SECONDS:
            write(so_far, sealed({"seconds": seconds, "scores": found}))
            written = time.monotonic()

    found = answers(store.run(id), store.params(id), scoring, kept["scores"], keep, seconds)
    told = {"format": FORMAT, "run": id, "asked": scoring.told(), "made": {**provenance(), "seconds": seconds}}
    write(path, sealed({**told, "scores": found}))
    so_far.unlink(missing_ok=True)


def answers(
    run: Run,
    params: Params,
    scoring: Scoring,
    kept: Iterable[dict[str, Any]] = (),
    keep: Callable[[Rows], None] = lambda _: None,
    seconds: dict[str, float] | None = None,
) -> Rows:
    """Every metric of `scoring` on both representations: a row a number, null with a reason where it is not finite.

    `kept` holds rows that are known already; `keep` is called with all rows after each metric, `seconds` filled.
    """
    dataset = data.load(str(run.dataset))
    cells = _cells(dataset, scoring.cells)
    codes = encode(NETWORKS.bind(run.network)(dataset.shape), params, dataset, cells)
    factors = pl.DataFrame(dataset.factors.values(cells), schema=list(dataset.factors.names))
    active = not_passive(codes.mean, codes.logvar)
    found = list(kept)
    known = {(row.get("spec", row["metric"].partition(".")[0]), row["representation"]) for row in found}
    for spec in scoring.metrics:
        for representation in REPRESENTATIONS:
            if (str(spec), representation) in known:
                continue
            began = time.perf_counter()
            draw = generator(spec.name, 0)
            table = codes.mean if representation == "mean" else Sampled(codes, draw)
            score = _ask(spec, table, factors, active, scoring, draw)
            numbers = {spec.name: float(score), **{f"{spec.name}.{part}": v for part, v in score.parts.items()}}
            found += [_row(spec, representation, name, value, score.reason) for name, value in numbers.items()]
            if seconds is not None:
                took = seconds.get(str(spec), 0.0) + time.perf_counter() - began
                seconds[str(spec)] = round(took, 4)
            keep(found)
    return found


def _ask(
    spec: Spec,
    table: Any,
    factors: pl.DataFrame,
    active: NDArray[np.bool_],
    scoring: Scoring,
    draw: np.random.Generator,
) -> Score:
    """One metric or task, given the rows that it declares to need; active latents are those the encoder uses."""
    function, marks = registry_of(spec).bind(spec), registry_of(spec).plugin(spec.name).marks
    if dict(spec.values).get("dims") == "active":
        function = functools.partial(function, active=active)
    if marks["rows"] == "grid":
        return function(table, factors)  # type: ignore[no-any-return]
    train = draw.integers(len(factors), size=scoring.rows)
    if not marks.get("test_rows"):
        return function(table[train], factors[train])  # type: ignore[no-any-return]
    test = draw.integers(len(factors), size=scoring.test_rows)
    return function(table[train], factors[train], (table[test], factors[test]))  # type: ignore[no-any-return]


def _cells(dataset: Dataset, most: int) -> NDArray[np.int64]:
    """The rows to encode: all, or `most` of them; what looks different each time several times, where that fits."""
    n = len(dataset)
    if n <= most:
        looks = min(LOOKS, most // n) if dataset.nuisance else 1
        return np.tile(np.arange(n), looks)
    return np.sort(generator("cells", 0).choice(n, size=most, replace=False))


def _row(spec: Spec, representation: str, metric: str, value: float, reason: str | None) -> dict[str, Any]:
    finite = math.isfinite(value)
    row: dict[str, Any] = {"representation": representation, "metric": metric, "value": value if finite else None}
    if str(spec) != spec.name:
        row["spec"] = str(spec)
    return row if finite else {**row, "reason": reason or "not a number"}
