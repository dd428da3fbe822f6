"""Scores between the runs of one setting, which no run has by itself: evaluated once, stored in cache/."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from distaff.draws import generator
from distaff.metrics.between import udr
from distaff.metrics.latents import kl
from distaff.plugins.spec import content_id
from distaff.runs import Run
from distaff.seal import FORMAT
from distaff.store.cache import cached_record
from distaff.store.store import Store
from distaff.trained import dataset_of

ROWS = 1_000  # images that the codes of all models are compared on: the old library's
VERSION = 2  # of what the file holds: part of its name


def udr_of_runs(runs: Sequence[Run], store: Store, log: Callable[[str], None] = lambda _: None) -> dict[str, float]:
    """The UDR (lasso; Duan et al., 2020) of each of `runs` that is finished with a finished run of another seed, by id.

    Codes are means of 1,000 images, the same for all. A seed that is added later changes those of its setting, which
    are then evaluated again. `log` hears of each setting that is not in the store yet.
    """
    settings: dict[Run, list[Run]] = defaultdict(list)
    for run in runs:
        if store.has(run.id):
            settings[replace(run, seed=0)].append(run)
    scores: dict[str, float] = {}
    for seeds in settings.values():
        if len(seeds) > 1:
            scores |= _of_setting(store, sorted(seeds, key=lambda run: run.seed), log)
    return scores


def _of_setting(store: Store, runs: Sequence[Run], log: Callable[[str], None]) -> dict[str, float]:
    ids = [run.id for run in runs]
    path = store.folder / "cache" / f"udr-{content_id([VERSION, ROWS, ids])}.json"

    def make() -> dict[str, Any]:
        log(f"comparing the {len(runs)} seeds of {runs[0].method} on {runs[0].dataset}, once")
        return {"format": FORMAT, "scores": dict(zip(ids, _udr(store, runs), strict=True))}

    scores: dict[str, float] = cached_record(path, make)["scores"]
    return scores


def _udr(store: Store, runs: Sequence[Run]) -> list[float]:
    n = len(dataset_of(runs[0].dataset))
    rows = np.sort(generator("udr", 0).choice(n, size=min(ROWS, n), replace=False))
    codes = [store.model(run.id).encode(rows) for run in runs]
    scores: list[float] = udr([one.mean for one in codes], np.stack([kl(*one) for one in codes])).scores.tolist()
    return scores
