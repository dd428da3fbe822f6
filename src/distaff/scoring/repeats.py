"""A metric evaluated repeatedly on one run, each time on other rows: how much of a score is its draw."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from distaff.metrics.evaluate import evaluate_table
from distaff.plugins.registry import METRICS
from distaff.plugins.spec import Spec, content_id
from distaff.runs import Run
from distaff.scoring.grid_codes import encode_grid
from distaff.scoring.protocol import EvaluationProtocol
from distaff.seal import FORMAT
from distaff.store.cache import cached_record
from distaff.store.store import Store

DRAWS = 10
SHARES = (1 / 16, 1 / 4, 1.0)  # of the rows of the study's protocol: by four, the noise of a mean halves
VERSION = 1  # of what the file holds: part of its name


def repeated_scores(
    store: Store, run: Run, protocol: EvaluationProtocol, log: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Scores of the metrics of `protocol` on mean codes of `run`: metric, rows, draw and value, null if not finite.

    Ten draws at a sixteenth, a quarter and all of the rows of `protocol`. Tasks, and metrics that look up the grid and
    take no rows, are left out. Stored in cache/ of the store; `log` hears of what is not there yet.
    """
    repeatable = replace(protocol, metrics=tuple(spec for spec in protocol.metrics if _takes_rows(spec)))
    path = store.folder / "cache" / f"repeats-{content_id([VERSION, DRAWS, SHARES, run.id, repeatable.id])}.json"

    def make() -> dict[str, Any]:
        log(f"evaluating every metric {DRAWS * len(SHARES)} times on {run.method} on {run.dataset}, once")
        return {"format": FORMAT, "run": run.id, "answers": _evaluate(store, run, repeatable)}

    rows: list[dict[str, Any]] = cached_record(path, make)["answers"]
    return rows


def _takes_rows(spec: Spec) -> bool:
    return spec.kind == METRICS.kind and METRICS.plugin(spec.name).marks["rows"] != "grid"


def _evaluate(store: Store, run: Run, protocol: EvaluationProtocol) -> list[dict[str, Any]]:
    codes = encode_grid(store.model(run.id), protocol.grid_rows)
    scores = []
    for share in SHARES:
        rows, test_rows = (max(1, round(share * n)) for n in (protocol.rows, protocol.test_rows))
        table = codes.table("mean", replace(protocol, rows=rows, test_rows=test_rows))
        for spec in protocol.metrics:
            for draw in range(1, DRAWS + 1):  # 0 is that of the scores
                value = float(evaluate_table(spec, table, draw))
                finite = value if math.isfinite(value) else None
                scores.append({"metric": str(spec), "rows": rows, "draw": draw, "value": finite})
    return scores
