"""A metric asked again and again of one run, each time with other rows: how much of a score is its draw."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from distaff.atomic import write
from distaff.metrics.evaluate import evaluate_table
from distaff.plugins.registry import METRICS
from distaff.plugins.spec import Spec, content_id
from distaff.runs import Run
from distaff.scoring.answer import encoded
from distaff.scoring.protocol import Scoring
from distaff.store.files import read_json, sealed
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
    codes = encoded(store.model(run.id), asked.cells)
    found = []
    for share in SHARES:
        some = replace(asked, rows=max(1, round(share * asked.rows)), test_rows=max(1, round(share * asked.test_rows)))
        given = codes.table("mean", some)
        for spec in asked.metrics:
            for draw in range(1, DRAWS + 1):  # 0 is that of the scores
                value = float(evaluate_table(spec, given, draw))
                finite = value if math.isfinite(value) else None
                found.append({"metric": str(spec), "rows": some.rows, "draw": draw, "value": finite})
    return found
