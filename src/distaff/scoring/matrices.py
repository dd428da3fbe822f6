"""How informative each code of a run is of each factor, in matrices: evaluated once, stored in cache/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distaff.metrics.evaluate import splits
from distaff.metrics.groups import matrices
from distaff.plugins.registry import METRICS
from distaff.plugins.spec import content_id
from distaff.runs import Run
from distaff.scoring.grid_codes import encode_grid
from distaff.scoring.protocol import EvaluationProtocol, sampling_key
from distaff.seal import FORMAT
from distaff.store.cache import cached_record
from distaff.store.store import Store

VERSION = 2  # of what the file holds: part of its name; 1 had rows of its own


def matrix_rows(
    store: Store, run: Run, protocol: EvaluationProtocol, log: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """The matrices of mean codes of `run` as rows: matrix (importance, information, accuracy), code, factor, value.

    They are those of `distaff.metrics.groups.matrices` on the rows by which `unified_scores` is evaluated. Stored in
    cache/ of the store; `log` hears of what is not there yet. Raises `DistaffError` where no factor varies or a code
    is not finite.
    """
    sampling = sampling_key(protocol.sizes)
    path = store.folder / "cache" / f"matrices-{content_id([VERSION, run.id, sampling])}.json"

    def make() -> dict[str, Any]:
        log(f"measuring how informative each code of {run.method} on {run.dataset} is of each factor, once")
        return {"format": FORMAT, "run": run.id, "links": _evaluate(store, run, protocol)}

    rows: list[dict[str, Any]] = cached_record(path, make)["links"]
    return rows


def _evaluate(store: Store, run: Run, protocol: EvaluationProtocol) -> list[dict[str, Any]]:
    table = encode_grid(store.model(run.id), protocol.grid_rows).table("mean", protocol)
    train, test = splits(METRICS.parse("unified_scores"), table)
    measured = matrices(table.codes[train], table.factors[train], (table.codes[test], table.factors[test]))
    return [
        {"matrix": name, "code": code, "factor": factor, "value": float(value)}
        for name, matrix in measured.by_measure.items()
        for code, row in enumerate(matrix)
        for factor, value in zip(measured.factors, row, strict=True)
    ]
