"""A metric asked again and again of one run, each time with other rows: how much of a score is its draw."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl

from distaff import data
from distaff.draws import generator
from distaff.encode import encode
from distaff.metrics.latents import not_passive
from distaff.plugins.registry import METRICS, NETWORKS, Spec, content_id
from distaff.runs import Run
from distaff.scoring.answer import ask, cells_of
from distaff.scoring.protocol import Scoring
from distaff.store.files import read_json, sealed, write
from distaff.store.store import Store

DRAWS = 10
SHARES = (1 / 16, 1 / 4, 1.0)  # of the rows that the study asks with: by four, the noise of a mean halves
VERSION = 1  # of what the file holds: part of its name


def repeated(
    store: Store, run: Run, scoring: Scoring, tell: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Answers of the metrics of `scoring` on mean codes of `run`: metric, rows, draw and value, null if not finite.

    Ten draws at a sixteenth, a quarter and all of the rows of `scoring`. Tasks, and metrics that look up the grid and
    take no rows, are left out. Kept in cache/ of the store; `tell` hears of what is not there yet.
    """
    asked = replace(scoring, metrics=tuple(spec for spec in scoring.metrics if _takes_rows(spec)))
    path = store.folder / "cache" / f"repeats-{content_id([VERSION, DRAWS, SHARES, run.id, asked.id])}.json"
    if not path.exists():
        tell(f"asking every metric {DRAWS * len(SHARES)} times of {run.method} on {run.dataset}, once")
        write(path, sealed({"run": run.id, "answers": _answers(store, run, asked)}))
    found: list[dict[str, Any]] = read_json(path)["answers"]
    return found


def _takes_rows(spec: Spec) -> bool:
    return spec.kind == METRICS.kind and METRICS.plugin(spec.name).marks["rows"] != "grid"


def _answers(store: Store, run: Run, asked: Scoring) -> list[dict[str, Any]]:
    dataset = data.load(str(run.dataset))
    cells = cells_of(dataset, asked.cells)
    codes = encode(NETWORKS.bind(run.network)(dataset.shape), store.params(run.id), dataset, cells)
    factors = pl.DataFrame(dataset.factors.values(cells), schema=list(dataset.factors.names))
    active, found = not_passive(codes.mean, codes.logvar), []
    for share in SHARES:
        some = replace(asked, rows=max(1, round(share * asked.rows)), test_rows=max(1, round(share * asked.test_rows)))
        for spec in asked.metrics:
            for draw in range(1, DRAWS + 1):  # 0 is that of the scores
                value = float(ask(spec, codes.mean, factors, active, some, generator(spec.name, draw)))
                finite = value if math.isfinite(value) else None
                found.append({"metric": str(spec), "rows": some.rows, "draw": draw, "value": finite})
    return found
