"""What a score is worth before any training, and where noise and a perfect code stand: asked once, then kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff import data
from distaff.draws import generator
from distaff.encode import encode
from distaff.errors import DistaffError
from distaff.metrics.latents import not_passive
from distaff.metrics.reliability.reach import perfect_codes
from distaff.networks import initial
from distaff.plugins.registry import METRICS, NETWORKS, content_id
from distaff.runs import Run
from distaff.scoring.answer import Rows, ask, cells_of, row_of
from distaff.scoring.protocol import Scoring, is_of
from distaff.store.files import read_json, sealed, write
from distaff.store.store import Store
from distaff.train.pack import latents

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
    standard normal codes; `perfect`, each factor as a code of its own. Downstream tasks are not asked. Kept as
    untrained-<hash of the data set>.json; what it lacks is asked and added, but for networks whose images are not on
    this machine. `tell` hears of work before it is done.
    """
    metrics = tuple(spec for spec in scoring.metrics if spec.kind == METRICS.kind) or (METRICS.parse("mig"),)
    asked = replace(scoring, metrics=metrics, cells=min(scoring.cells, CELLS))
    path = store.folder / f"untrained-{content_id(run.dataset.identity)}.json"
    found = _kept(path, run, asked)
    for thing in ((PERFECT, 0), (NOISE, 0), *((UNTRAINED, seed) for seed in range(models))):
        known = [
            row for row in found if (row.get("of", UNTRAINED), row["seed"], row["representation"]) == (*thing, MEAN)
        ]
        if lacking := [spec for spec in metrics if not any(is_of(row, spec) for row in known)]:
            tell(f"asking {TOLD[thing[0]]} of {run.dataset}, once" + f": {thing[1] + 1}" * (thing[0] == UNTRAINED))
            try:
                cells, factors = _rows(run, asked.cells)
                codes, active = _codes(run, factors, cells, *thing)
            except DistaffError as error:  # a store can be read where its images are not: what is known has to do
                tell(f"left out, since {error}")
                break
            for spec in lacking:
                score = ask(spec, codes, factors, active, asked, generator(spec.name, 0))
                row = row_of(spec, MEAN, spec.name, float(score), score.reason)
                found.append({"of": thing[0], "seed": thing[1], **row})
            write(path, sealed({"network": str(run.network), "asked": asked.told(), "scores": found}))
    return found


def _kept(path: Path, run: Run, asked: Scoring) -> Rows:
    """What the file holds that answers the same question; the first such files held MIG alone, and no question."""
    told = read_json(path) if path.exists() else {}
    if told.get("network") != str(run.network):
        return []
    covered = asked.covered(told["asked"]) if "asked" in told else {METRICS.parse("mig")}
    return [row for row in told["scores"] if any(is_of(row, spec) for spec in covered)]


@functools.lru_cache(maxsize=1)
def _rows(run: Run, most: int) -> tuple[NDArray[np.int64], pl.DataFrame]:
    dataset = data.load(str(run.dataset))
    cells = cells_of(dataset, most)
    return cells, pl.DataFrame(dataset.factors.values(cells), schema=list(dataset.factors.names))


def _codes(
    run: Run, factors: pl.DataFrame, cells: NDArray[np.int64], of: str, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Codes [n d] of the cells, and which of them [d] carry anything."""
    if of == UNTRAINED:
        dataset = data.load(str(run.dataset))
        vae = NETWORKS.bind(run.network)(dataset.shape)
        found = encode(vae, initial(vae, seed), dataset, cells)
        return found.mean, not_passive(found.mean, found.logvar)
    if of == PERFECT:
        codes = perfect_codes(factors)
    else:
        codes = generator("noise", 0).standard_normal((len(cells), latents(run)), dtype=np.float32)
    return codes, np.ones(codes.shape[1], dtype=bool)
