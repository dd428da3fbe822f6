"""Scores of a trained run: encode once, ask each metric about mean and about sampled codes, keep the answers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any

from distaff.atomic import write
from distaff.metrics.evaluate import evaluate_table, split_record
from distaff.runs import Run
from distaff.scoring.answer import REPRESENTATIONS, GridCodes, Rows, encoded, row_of
from distaff.scoring.final_losses import BATCHES, final_losses, recorded
from distaff.scoring.protocol import Scoring
from distaff.store.files import read_json, sealed
from distaff.store.provenance import provenance
from distaff.store.store import FORMAT, Store
from distaff.trained import Model
from distaff.types import Params

KEEP_SECONDS = 5.0  # time between writes of answers so far: what an interrupt can cost beside the metric at hand


def score_run(store: Store, id: str, scoring: Scoring) -> None:
    """Answer `scoring` for run `id` and keep it as one file; if it is there already, do nothing.

    Answers so far stand in packs/ in the meantime, so that an interrupted run is not asked again what it has answered.
    """
    path = store.run_folder(id) / scoring.file
    if path.exists():
        return
    so_far = store.folder / "packs" / f"{id}-{scoring.id}.json"
    kept = read_json(so_far) if so_far.exists() else {"seconds": {}, "scores": []}
    seconds: dict[str, float] = kept["seconds"]
    written = time.monotonic()

    def keep(found: Rows) -> None:
        nonlocal written
        if time.monotonic() - written > KEEP_SECONDS:
            write(so_far, sealed({"seconds": seconds, "scores": found}))
            written = time.monotonic()

    model = store.model(id)
    codes = encoded(model, scoring.cells, scoring.metrics)
    found = scores_of(codes, scoring, kept["scores"], keep, seconds)
    losses = {} if recorded(store, id) else {"losses": _final(model, seconds)}
    told = {"format": FORMAT, "run": id, "asked": scoring.told(), "made": {**provenance(), "seconds": seconds}}
    split = split_record(scoring.metrics, codes.table("mean", scoring))
    write(path, sealed({**told, "split": split, **losses, "scores": found}))
    so_far.unlink(missing_ok=True)


def _final(model: Model, seconds: dict[str, float]) -> dict[str, float | None]:
    """The losses of the final model as a file of scores keeps them, null where one is not finite."""
    began = time.perf_counter()
    found = final_losses(model)
    seconds["losses"] = round(time.perf_counter() - began, 4)
    return {"batches": BATCHES, **{name: value if math.isfinite(value) else None for name, value in found.items()}}


def answers(
    run: Run,
    params: Params,
    scoring: Scoring,
    kept: Iterable[dict[str, Any]] = (),
    keep: Callable[[Rows], None] = lambda _: None,
    seconds: dict[str, float] | None = None,
    jobs: int = 1,
) -> Rows:
    """Every metric of `scoring` on both representations: a row a number, null with a reason where it is not finite.

    `kept` holds rows that are known already; `keep` is called with all rows after each metric, `seconds` filled.
    """
    return scores_of(encoded(Model(run, params), scoring.cells, scoring.metrics), scoring, kept, keep, seconds, jobs)


def scores_of(
    codes: GridCodes,
    scoring: Scoring,
    kept: Iterable[dict[str, Any]] = (),
    keep: Callable[[Rows], None] = lambda _: None,
    seconds: dict[str, float] | None = None,
    jobs: int = 1,
) -> Rows:
    """The same, of codes that are there already."""
    tables = {representation: codes.table(representation, scoring, jobs) for representation in REPRESENTATIONS}
    found = list(kept)
    known = {(row.get("spec", row["metric"].partition(".")[0]), row["representation"]) for row in found}
    for spec in scoring.metrics:
        for representation in REPRESENTATIONS:
            if (str(spec), representation) in known:
                continue
            began = time.perf_counter()
            score = evaluate_table(spec, tables[representation])
            numbers = {spec.name: float(score), **{f"{spec.name}.{part}": v for part, v in score.parts.items()}}
            found += [row_of(spec, representation, name, value, score.reason) for name, value in numbers.items()]
            if seconds is not None:
                took = seconds.get(str(spec), 0.0) + time.perf_counter() - began
                seconds[str(spec)] = round(took, 4)
            keep(found)
    return found
