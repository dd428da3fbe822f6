"""The baselines of a study: noise and a perfect code, and untrained networks beside them, measured once and stored."""

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
from distaff.scoring.grid_codes import ScoreRows, encode_grid, grid_rows_of, score_row
from distaff.scoring.protocol import EvaluationProtocol, is_score_of
from distaff.seal import FORMAT, sealed
from distaff.store.files import read_json
from distaff.store.store import Store
from distaff.trained import dataset_of, untrained
from distaff.training.pack import latents

MODELS = 20
GRID_ROWS = 20_000  # of a large grid: the 100,000 of a run would take half a minute a model, for the same scores
UNTRAINED, NOISE, PERFECT = "untrained", "noise", "perfect"
IN_WORDS = {UNTRAINED: "untrained networks", NOISE: "noise", PERFECT: "a perfect code"}
MEAN = "mean"


def evaluate_baselines(
    store: Store,
    run: Run,
    protocol: EvaluationProtocol,
    models: int = MODELS,
    log: Callable[[str], None] = lambda _: None,
) -> ScoreRows:
    """Every metric of `protocol` on mean codes that no training made, for the data set and the network of `run`.

    Rows say what they are `of`: `untrained` networks, seeds 0, 1, ... of `models`, as `run` was at update 0; `noise`,
    standard normal codes; `perfect`, each factor as a code of its own. Downstream tasks are left out. Stored as
    untrained-<hash of data set, network and sampling>.json; what it lacks is measured and added, but for networks whose
    images are not on this machine. `log` hears of work before it is done.
    """
    here = METRICS.names()  # scores of a metric that is gone can be read, not made
    of_codes = tuple(spec for spec in protocol.metrics if spec.kind == METRICS.kind and spec.name in here)
    metrics = of_codes or (METRICS.parse("mig"),)
    protocol = replace(protocol, metrics=metrics, grid_rows=min(protocol.grid_rows, GRID_ROWS))
    path = (
        store.folder / f"untrained-{content_id([run.dataset.identity, run.network.identity, protocol.sampling])}.json"
    )
    rows = _stored(path, run, protocol) or _stored(_earlier_path(store, run), run, protocol)
    for baseline in ((PERFECT, 0), (NOISE, 0), *((UNTRAINED, seed) for seed in range(models))):
        known = [
            row for row in rows if (row.get("of", UNTRAINED), row["seed"], row["representation"]) == (*baseline, MEAN)
        ]
        if lacking := [spec for spec in metrics if not any(is_score_of(row, spec) for row in known)]:
            number = f": {baseline[1] + 1}" if baseline[0] == UNTRAINED else ""
            log(f"evaluating {IN_WORDS[baseline[0]]} of {run.dataset}, once{number}")
            try:
                codes = _table(run, protocol, *baseline)
            except DistaffError as error:  # a store can be read where its images are not: what is known has to do
                log(f"left out, since {error}")
                break
            for spec in lacking:
                score = evaluate_table(spec, codes)
                row = score_row(spec, MEAN, spec.name, float(score), score.reason)
                rows.append({"of": baseline[0], "seed": baseline[1], **row})
            content = {"format": FORMAT, "network": str(run.network), "asked": protocol.record(), "scores": rows}
            write(path, sealed(content))
    return rows


def _earlier_path(store: Store, run: Run) -> Path:
    """Where earlier versions wrote them, whose files were named by the data set alone."""
    return store.folder / f"untrained-{content_id(run.dataset.identity)}.json"


def _stored(path: Path, run: Run, protocol: EvaluationProtocol) -> ScoreRows:
    """The scores in the file that follow the protocol; the first such files held MIG alone, and no protocol."""
    content = read_json(path) if path.exists() else {}
    if content.get("network") != str(run.network):
        return []
    covered = protocol.covered(content["asked"]) if "asked" in content else {METRICS.parse("mig")}
    return [row for row in content["scores"] if any(is_score_of(row, spec) for spec in covered)]


def _table(run: Run, protocol: EvaluationProtocol, of: str, seed: int) -> EvaluationTable:
    """What metrics see of a network before training, of noise or of a perfect code."""
    if of == UNTRAINED:
        return encode_grid(untrained(replace(run, seed=seed)), protocol.grid_rows).table(MEAN, protocol)
    rows, factors = _rows(run, protocol.grid_rows)
    codes = perfect_codes(factors) if of == PERFECT else noise_codes(len(rows), latents(run))
    return evaluation_table(
        codes, factors, images=rows, rows=protocol.rows, test_rows=protocol.test_rows, sampling=protocol.sampling,
        active=np.ones(codes.shape[1], dtype=bool),
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def _rows(run: Run, most: int) -> tuple[NDArray[np.int64], pl.DataFrame]:
    dataset = dataset_of(run.dataset)
    rows = grid_rows_of(dataset, most)
    return rows, dataset.factors.table(rows)
