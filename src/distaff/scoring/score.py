"""Scores of a trained run: encode once, ask each metric about mean and about sampled codes, keep the answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from distaff import data
from distaff.draws import generator
from distaff.encode import encode
from distaff.metrics.latents import not_passive
from distaff.plugins.registry import NETWORKS
from distaff.runs import Run
from distaff.scoring.answer import REPRESENTATIONS, Rows, Sampled, ask, cells_of, row_of
from distaff.scoring.protocol import Scoring
from distaff.store.files import read_json, sealed, write
from distaff.store.provenance import provenance
from distaff.store.store import FORMAT, Store
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

    found = answers(store.run(id), store.params(id), scoring, kept["scores"], keep, seconds)
    told = {"format": FORMAT, "run": id, "asked": scoring.told(), "made": {**provenance(), "seconds": seconds}}
    write(path, sealed({**told, "scores": found}))
    so_far.unlink(missing_ok=True)


def answers(
    run: Run,
    params: Params,
    scoring: Scoring,
    kept: Iterable[dict[str, Any]] = (),
    keep: Callable[[Rows], None] = lambda _: None,
    seconds: dict[str, float] | None = None,
) -> Rows:
    """Every metric of `scoring` on both representations: a row a number, null with a reason where it is not finite.

    `kept` holds rows that are known already; `keep` is called with all rows after each metric, `seconds` filled.
    """
    dataset = data.load(str(run.dataset))
    cells = cells_of(dataset, scoring.cells)
    codes = encode(NETWORKS.bind(run.network)(dataset.shape), params, dataset, cells)
    factors = pl.DataFrame(dataset.factors.values(cells), schema=list(dataset.factors.names))
    active = not_passive(codes.mean, codes.logvar)
    found = list(kept)
    known = {(row.get("spec", row["metric"].partition(".")[0]), row["representation"]) for row in found}
    for spec in scoring.metrics:
        for representation in REPRESENTATIONS:
            if (str(spec), representation) in known:
                continue
            began = time.perf_counter()
            draw = generator(spec.name, 0)
            table = codes.mean if representation == "mean" else Sampled(codes, draw)
            score = ask(spec, table, factors, active, scoring, draw)
            numbers = {spec.name: float(score), **{f"{spec.name}.{part}": v for part, v in score.parts.items()}}
            found += [row_of(spec, representation, name, value, score.reason) for name, value in numbers.items()]
            if seconds is not None:
                took = seconds.get(str(spec), 0.0) + time.perf_counter() - began
                seconds[str(spec)] = round(took, 4)
            keep(found)
    return found
