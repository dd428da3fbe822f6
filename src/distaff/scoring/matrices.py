"""What each code of a run tells of each factor, for what no single number shows: asked once, kept in cache/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distaff.atomic import write
from distaff.metrics.evaluate import splits
from distaff.metrics.groups import matrices
from distaff.plugins.registry import METRICS
from distaff.plugins.spec import content_id
from distaff.runs import Run
from distaff.scoring.answer import encoded
from distaff.scoring.protocol import Scoring, sampling_key
from distaff.store.files import read_json, sealed
from distaff.store.store import Store

VERSION = 2  # of what the file holds: part of its name; 1 had rows of its own


def links(
    store: Store, run: Run, scoring: Scoring, tell: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """The matrices of mean codes of `run` as rows: matrix (importance, information, accuracy), code, factor, value.

    They are those of `distaff.metrics.groups.matrices` on the rows by which `unified_scores` is evaluated. Kept in
    cache/ of the store; `tell` hears of what is not there yet. Raises `DistaffError` where no factor varies or a code
    is not finite.
    """
    asked = sampling_key(scoring.sizes)
    path = store.folder / "cache" / f"matrices-{content_id([VERSION, run.id, asked])}.json"
    if not path.exists():
        tell(f"asking what each code of {run.method} on {run.dataset} tells of each factor, once")
        write(path, sealed({"run": run.id, "links": _links(store, run, scoring)}))
    found: list[dict[str, Any]] = read_json(path)["links"]
    return found


def _links(store: Store, run: Run, scoring: Scoring) -> list[dict[str, Any]]:
    given = encoded(store.model(run.id), scoring.cells).table("mean", scoring)
    train, test = splits(METRICS.parse("unified_scores"), given)
    found = matrices(given.codes[train], given.factors[train], (given.codes[test], given.factors[test]))
    return [
        {"matrix": name, "code": code, "factor": factor, "value": float(value)}
        for name, matrix in found.by_measure.items()
        for code, row in enumerate(matrix)
        for factor, value in zip(found.factors, row, strict=True)
    ]
