"""The baselines of a study: noise and a perfect code, and untrained networks beside them, measured once and kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.atomic import write
from distaff.errors import DistaffError
from distaff.metrics.baselines import noise_codes, perfect_codes
from distaff.metrics.evaluate import EvaluationTable, evaluate_table, evaluation_table
from distaff.plugins.registry import METRICS
from distaff.plugins.spec import content_id
from distaff.runs import Run
from distaff.scoring.answer import Rows, cells_of, encoded, row_of
from distaff.scoring.protocol import Scoring, is_of
from distaff.store.files import read_json, sealed
from distaff.store.store import Store
from distaff.trained import dataset_of, untrained
from distaff.training.pack import latents

MODELS = 20
CELLS = 20_000  # of a large grid: encoding the 100,000 of a run would take half a minute a model, for the same floor
UNTRAINED, NOISE, PERFECT = "untrained", "noise", "perfect"
TOLD = {UNTRAINED: "untrained networks", NOISE: "noise", PERFECT: "a perfect code"}
MEAN = "mean"


def floors(
    store: Store, run: Run, scoring: Scoring, models: int = MODELS, tell: Callable[[str], None] = lambda _: None
) -> Rows:
    """Every metric of `scoring` on mean codes that no training made, for the data set and the network of `run`.

    Rows say what they are `of`: `untrained` networks, seeds 0, 1, ... of `models`, as `run` was at update 0; `noise`,
    standard normal codes; `perfect`, each factor as a code of its own. Downstream tasks are left out. Kept as
    untrained-<hash of data set, network and sampling>.json; what it lacks is measured and added, but for networks whose
    images are not on this machine. `tell` hears of work before it is done.
    """
    metrics = tuple(spec for spec in scoring.metrics if spec.kind == METRICS.kind) or (METRICS.parse("mig"),)
    asked = replace(scoring, metrics=metrics, cells=min(scoring.cells, CELLS))
    path = store.folder / f"untrained-{content_id([run.dataset.identity, run.network.identity, asked.sampling])}.json"
    found = _kept(path, run, asked) or _kept(_before(store, run), run, asked)
    for thing in ((PERFECT, 0), (NOISE, 0), *((UNTRAINED, seed) for seed in range(models))):
        known = [
            row for row in found if (row.get("of", UNTRAINED), row["seed"], row["representation"]) == (*thing, MEAN)
        ]
        if lacking := [spec for spec in metrics if not any(is_of(row, spec) for row in known)]:
            tell(f"evaluating {TOLD[thing[0]]} of {run.dataset}, once" + f": {thing[1] + 1}" * (thing[0] == UNTRAINED))
            try:
                given = _table(run, asked, *thing)
            except DistaffError as error:  # a store can be read where its images are not: what is known has to do
                tell(f"left out, since {error}")
                break
            for spec in lacking:
                score = evaluate_table(spec, given)
                row = row_of(spec, MEAN, spec.name, float(score), score.reason)
                found.append({"of": thing[0], "seed": thing[1], **row})
            write(path, sealed({"network": str(run.network), "asked": asked.told(), "scores": found}))
    return found


def _before(store: Store, run: Run) -> Path:
    """Where earlier versions kept them, whose files were named by the data set alone."""
    return store.folder / f"untrained-{content_id(run.dataset.identity)}.json"


def _kept(path: Path, run: Run, asked: Scoring) -> Rows:
    """What the file holds that answers the same question; the first such files held MIG alone, and no question."""
    told = read_json(path) if path.exists() else {}
    if told.get("network") != str(run.network):
        return []
    covered = asked.covered(told["asked"]) if "asked" in told else {METRICS.parse("mig")}
    return [row for row in told["scores"] if any(is_of(row, spec) for spec in covered)]


def _table(run: Run, asked: Scoring, of: str, seed: int) -> EvaluationTable:
    """What metrics see of a network before training, of noise or of a perfect code."""
    if of == UNTRAINED:
        return encoded(untrained(replace(run, seed=seed)), asked.cells).table(MEAN, asked)
    rows, factors = _rows(run, asked.cells)
    codes = perfect_codes(factors) if of == PERFECT else noise_codes(len(rows), latents(run))
    return evaluation_table(
        codes, factors, images=rows, rows=asked.rows, test_rows=asked.test_rows, sampling=asked.sampling,
        active=np.ones(codes.shape[1], dtype=bool),
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def _rows(run: Run, most: int) -> tuple[NDArray[np.int64], pl.DataFrame]:
    dataset = dataset_of(run.dataset)
    rows = cells_of(dataset, most)
    return rows, dataset.factors.table(rows)
