"""Scores of a trained run: encode once, evaluate each metric on mean and on sampled codes, write the scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from distaff.atomic import write
from distaff.metrics.evaluate import EvaluationTable, evaluate_table, split_record
from distaff.plugins.spec import Spec
from distaff.runs import Run
from distaff.scoring.encoded import Encoded, forget_encoded, read_encoded
from distaff.scoring.final_losses import BATCHES, final_losses, has_final_losses
from distaff.scoring.grid_codes import REPRESENTATIONS, GridCodes, ScoreRows, encode_grid, failed_row, score_row
from distaff.scoring.protocol import EvaluationProtocol, is_failed, is_score_of
from distaff.seal import FORMAT, sealed
from distaff.store.files import read_json
from distaff.store.provenance import provenance
from distaff.store.sources import keep_plugins, sources
from distaff.store.store import Store
from distaff.trained import Model
from distaff.types import Params
from distaff.weather import is_there, remove, weather_in

SAVE_SECONDS = 5.0  # time between writes of the scores so far: what an interrupt can cost beside the metric at hand


def score_run(
    store: Store,
    id: str,
    protocol: EvaluationProtocol,
    left_out: Mapping[str, str] | None = None,
    record_failure: Callable[[dict[Spec, Exception]], None] | None = None,
) -> None:
    """Evaluate run `id` by `protocol` and write its scores as one file; if the file exists already, do nothing.

    The scores so far stand in packs/ in the meantime, so that after an interrupt no metric is evaluated twice.
    `left_out` names what is missing beside the scores, such as pictures, with reasons. A metric that raises is passed
    to `record_failure` with the others that do; the file holds a failed row for it, and is that of the rest of the
    protocol. Without `record_failure` its error is raised.
    """
    if is_there(store.run_folder(id) / protocol.file):
        return
    so_far = store.folder / "packs" / f"{id}-{protocol.id}.json"
    earlier = read_json(so_far) if is_there(so_far) else {"seconds": {}, "scores": []}
    seconds: dict[str, float] = earlier["seconds"]
    written = time.monotonic()

    def save(rows: ScoreRows) -> None:
        nonlocal written
        if time.monotonic() - written > SAVE_SECONDS:
            write(so_far, sealed({"seconds": seconds, "scores": rows}))
            written = time.monotonic()

    failed: dict[Spec, Exception] = {}
    model = store.model(id)
    encoded = read_encoded(store, model, protocol)
    codes = encoded.codes if encoded else encode_grid(model, protocol.grid_rows, protocol.metrics)
    rows = evaluate_codes(codes, protocol, earlier["scores"], save, seconds, failed=failed if record_failure else None)
    losses = {} if has_final_losses(store, id) else {"losses": _losses(model, encoded, seconds)}
    if failed and record_failure:
        record_failure(failed)  # first: without the record, the metric would be missing and be tried at once
    done = protocol.without(frozenset(failed))
    keep_plugins(store.folder, done.metrics)
    made = {**provenance(), **sources(done.metrics), "seconds": seconds}
    made |= {"encoded_on": encoded.device} if encoded else {}
    record = {"format": FORMAT, "run": id, "asked": done.record(), "made": made}
    split = split_record(done.metrics, codes.table("mean", done))
    without = {"left_out": dict(left_out)} if left_out else {}
    rows = [row for row in rows if is_failed(row) or any(is_score_of(row, spec) for spec in done.metrics)]
    if not is_there(path := store.run_folder(id) / done.file):  # as it is when all that was tried again raised again
        write(path, sealed({**record, "split": split, **losses, **without, "scores": rows}))
    remove(so_far)
    forget_encoded(store, id)


def _losses(model: Model, encoded: Encoded | None, seconds: dict[str, float]) -> dict[str, float | None]:
    """The losses of the final model as a file of scores holds them, null where one is not finite."""
    began = time.perf_counter()
    losses = encoded.losses if encoded else final_losses(model)
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
    failed: dict[Spec, Exception] | None = None,
) -> ScoreRows:
    """The same, of codes that are there already.

    What a metric raises is raised; with `failed`, it is kept there, the metric has a failed row, and the others go on.
    A fault of the place is raised in any case.
    """
    tables = {representation: codes.table(representation, protocol, jobs) for representation in REPRESENTATIONS}
    rows = list(earlier)
    known = {(row.get("spec", row["metric"].partition(".")[0]), row["representation"]) for row in rows}
    failures: ScoreRows = []
    for spec in protocol.metrics:
        for representation in REPRESENTATIONS:
            if (str(spec), representation) in known:
                continue
            began = time.perf_counter()
            try:
                rows += _rows_of(spec, representation, tables[representation])
            except Exception as error:
                if failed is None or weather_in(error) is not None:
                    raise
                failed.setdefault(spec, error)
                failures.append(failed_row(spec, representation, error))
                continue
            if seconds is not None:
                took = seconds.get(str(spec), 0.0) + time.perf_counter() - began
                seconds[str(spec)] = round(took, 4)
            save(rows)
    return [*rows, *failures]


def _rows_of(spec: Spec, representation: str, table: EvaluationTable) -> ScoreRows:
    """A score and its parts as rows."""
    score = evaluate_table(spec, table)
    numbers = {spec.name: float(score), **{f"{spec.name}.{part}": v for part, v in score.parts.items()}}
    return [score_row(spec, representation, name, value, score.reason) for name, value in numbers.items()]
