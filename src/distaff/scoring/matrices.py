"""What each code of a run tells of each factor, for what no single number shows: asked once, kept in cache/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from distaff import data
from distaff.draws import generator
from distaff.encode import encode
from distaff.metrics.groups import matrices
from distaff.plugins.registry import NETWORKS, content_id
from distaff.runs import Run
from distaff.scoring.answer import cells_of
from distaff.scoring.protocol import Scoring
from distaff.store.files import read_json, sealed, write
from distaff.store.store import Store

VERSION = 1  # of what the file holds: part of its name


def links(
    store: Store, run: Run, scoring: Scoring, tell: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """The matrices of mean codes of `run` as rows: matrix (importance, information, accuracy), code, factor, value.

    They are those of `distaff.metrics.groups.matrices` on as many rows as `scoring` asks for. Kept in cache/ of the
    store; `tell` hears of what is not there yet. Raises `DistaffError` where no factor varies or a code is not finite.
    """
    asked = [scoring.rows, scoring.test_rows, scoring.cells]
    path = store.folder / "cache" / f"matrices-{content_id([VERSION, run.id, asked])}.json"
    if not path.exists():
        tell(f"asking what each code of {run.method} on {run.dataset} tells of each factor, once")
        write(path, sealed({"run": run.id, "links": _links(store, run, scoring)}))
    found: list[dict[str, Any]] = read_json(path)["links"]
    return found


def _links(store: Store, run: Run, scoring: Scoring) -> list[dict[str, Any]]:
    dataset, draw = data.load(str(run.dataset)), generator("matrices", 0)
    cells = cells_of(dataset, scoring.cells)
    codes = encode(NETWORKS.bind(run.network)(dataset.shape), store.params(run.id), dataset, cells).mean
    factors = pl.DataFrame(dataset.factors.values(cells), schema=list(dataset.factors.names))
    train, test = (draw.integers(len(cells), size=n) for n in (scoring.rows, scoring.test_rows))
    found = matrices(codes[train], factors[train], (codes[test], factors[test]))
    return [
        {"matrix": name, "code": code, "factor": factor, "value": float(value)}
        for name, matrix in found.by_measure.items()
        for code, row in enumerate(matrix)
        for factor, value in zip(found.factors, row, strict=True)
    ]
