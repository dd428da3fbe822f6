"""Scores of a trained run: encode once, evaluate each metric on mean and on sampled codes, write the scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any

from distaff.atomic import write
from distaff.metrics.evaluate import evaluate_table, split_record
from distaff.runs import Run
from distaff.scoring.final_losses import BATCHES, final_losses, has_final_losses
from distaff.scoring.grid_codes import REPRESENTATIONS, GridCodes, ScoreRows, encode_grid, score_row
from distaff.scoring.protocol import EvaluationProtocol
from distaff.seal import FORMAT, sealed
from distaff.store.files import read_json
from distaff.store.provenance import provenance
from distaff.store.sources import keep_plugins, sources
from distaff.store.store import Store
from distaff.trained import Model
from distaff.types import Params

SAVE_SECONDS = 5.0  # time between writes of the scores so far: what an interrupt can cost beside the metric at hand


def score_run(store: Store, id: str, protocol: EvaluationProtocol) -> None:
    """Evaluate run `id` by `protocol` and write its scores as one file; if the file exists already, do nothing.

    The scores so far stand in packs/ in the meantime, so that after an interrupt no metric is evaluated twice.
    """
    path = store.run_folder(id) / protocol.file
    if path.exists():
        return
    so_far = store.folder / "packs" / f"{id}-{protocol.id}.json"
    earlier = read_json(so_far) if so_far.exists() else {"seconds": {}, "scores": []}
    seconds: dict[str, float] = earlier["seconds"]
    written = time.monotonic()

    def save(rows: ScoreRows) -> None:
        nonlocal written
        if time.monotonic() - written > SAVE_SECONDS:
            write(so_far, sealed({"seconds": seconds, "scores": rows}))
            written = time.monotonic()

    model = store.model(id)
    codes = encode_grid(model, protocol.grid_rows, protocol.metrics)
    rows = evaluate_codes(codes, protocol, earlier["scores"], save, seconds)
    losses = {} if has_final_losses(store, id) else {"losses": _timed_losses(model, seconds)}
    keep_plugins(store.folder, protocol.metrics)
    made = {**provenance(), **sources(protocol.metrics), "seconds": seconds}
    record = {"format": FORMAT, "run": id, "asked": protocol.record(), "made": made}
    split = split_record(protocol.metrics, codes.table("mean", protocol))
    write(path, sealed({**record, "split": split, **losses, "scores": rows}))
    so_far.unlink(missing_ok=True)


def _timed_losses(model: Model, seconds: dict[str, float]) -> dict[str, float | None]:
    """The losses of the final model as a file of scores holds them, null where one is not finite."""
    began = time.perf_counter()
    losses = final_losses(model)
    seconds["losses"] = round(time.perf_counter() - began, 4)
    return {"batches": BATCHES, **{name: value if math.isfinite(value) else None for name, value in losses.items()}}


def evaluate_run(
    run: Run,
    params: Params,
    protocol: EvaluationProtocol,
    earlier: Iterable[dict[str, Any]] = (),
    save: Callable[[ScoreRows], None] = lambda _: None,
    seconds: dict[str, float] | None = None,
    jobs: int = 1,
) -> ScoreRows:
    """Every metric of `protocol` on both representations: a row a number, null with a reason where it is not finite.

    `earlier` holds rows that are known already; `save` is called with all rows after each metric, `seconds` filled.
    """
    codes = encode_grid(Model(run, params), protocol.grid_rows, protocol.metrics)
    return evaluate_codes(codes, protocol, earlier, save, seconds, jobs)


def evaluate_codes(
    codes: GridCodes,
    protocol: EvaluationProtocol,
    earlier: Iterable[dict[str, Any]] = (),
    save: Callable[[ScoreRows], None] = lambda _: None,
    seconds: dict[str, float] | None = None,
    jobs: int = 1,
) -> ScoreRows:
    """The same, of codes that are there already."""
    tables = {representation: codes.table(representation, protocol, jobs) for representation in REPRESENTATIONS}
    rows = list(earlier)
    known = {(row.get("spec", row["metric"].partition(".")[0]), row["representation"]) for row in rows}
    for spec in protocol.metrics:
        for representation in REPRESENTATIONS:
            if (str(spec), representation) in known:
                continue
            began = time.perf_counter()
            score = evaluate_table(spec, tables[representation])
            numbers = {spec.name: float(score), **{f"{spec.name}.{part}": v for part, v in score.parts.items()}}
            rows += [score_row(spec, representation, name, value, score.reason) for name, value in numbers.items()]
            if seconds is not None:
                took = seconds.get(str(spec), 0.0) + time.perf_counter() - began
                seconds[str(spec)] = round(took, 4)
            save(rows)
    return rows
