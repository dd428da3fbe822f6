"""A process that scores what is trained; before there is anything, it compiles what it will need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from distaff.codes import Codes
from distaff.draws import generator
from distaff.runs import Study
from distaff.scoring.grid_codes import GridCodes, grid_rows_of
from distaff.scoring.protocol import protocol_of
from distaff.scoring.score import evaluate_codes
from distaff.store.store import Store
from distaff.study.stop import Stop
from distaff.study.work import work
from distaff.trained import dataset_of

ROWS = {"rows": 300, "test_rows": 200, "grid_rows": 1_000}  # enough for every metric to run


def score_all(store: Store, study: Study, stop: Stop, log: Callable[[str], object]) -> None:
    """Score the runs of `study` as they come, until none is left."""
    _warm_up(study)
    work(store, study, kinds=("score",), stop=stop)
    log("nothing is left to score")


def _warm_up(study: Study) -> None:
    """Evaluate random codes once: numba compiles while the first models are still being trained."""
    protocol = replace(protocol_of(study), **ROWS)
    dataset = dataset_of(study.runs[0].dataset)
    rows = grid_rows_of(dataset, protocol.grid_rows)
    noise = generator("warm up", 0).standard_normal((2, len(rows), 4)).astype(np.float32)
    evaluate_codes(GridCodes(rows, dataset.factors.table(rows), Codes(*noise)), protocol, failed={})
