"""Scores between the runs of one setting, which no run has by itself: asked once, kept in cache/ of the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from distaff import data
from distaff.draws import generator
from distaff.encode import encode
from distaff.metrics.between import udr
from distaff.metrics.latents import kl
from distaff.plugins.registry import NETWORKS, content_id
from distaff.runs import Run
from distaff.store.files import read_json, sealed, write
from distaff.store.store import Store

ROWS = 1_000  # images that the codes of all models are compared on: the old library's
VERSION = 1  # of what the file holds: part of its name


def agreements(runs: Sequence[Run], store: Store, tell: Callable[[str], None] = lambda _: None) -> dict[str, float]:
    """The UDR (lasso; Duan et al., 2020) of each of `runs` that is finished with a finished run of another seed, by id.

    Codes are means of 1,000 images, the same for all. A seed that is added later changes those of its setting, which
    are then asked again. `tell` hears of each setting that is not in the store yet.
    """
    settings: dict[Run, list[Run]] = defaultdict(list)
    for run in runs:
        if store.has(run.id):
            settings[replace(run, seed=0)].append(run)
    found: dict[str, float] = {}
    for seeds in settings.values():
        if len(seeds) > 1:
            found |= _of_setting(store, sorted(seeds, key=lambda run: run.seed), tell)
    return found


def _of_setting(store: Store, runs: Sequence[Run], tell: Callable[[str], None]) -> dict[str, float]:
    ids = [run.id for run in runs]
    path = store.folder / "cache" / f"udr-{content_id([VERSION, ROWS, ids])}.json"
    if not path.exists():
        tell(f"comparing the {len(runs)} seeds of {runs[0].method} on {runs[0].dataset}, once")
        write(path, sealed({"scores": dict(zip(ids, _udr(store, runs), strict=True))}))
    scores: dict[str, float] = read_json(path)["scores"]
    return scores


def _udr(store: Store, runs: Sequence[Run]) -> list[float]:
    dataset = data.load(str(runs[0].dataset))
    rows = generator("udr", 0).choice(len(dataset), size=min(ROWS, len(dataset)), replace=False)
    vae = NETWORKS.bind(runs[0].network)(dataset.shape)
    codes = [encode(vae, store.params(run.id), dataset, rows) for run in runs]
    scores: list[float] = udr([one.mean for one in codes], np.stack([kl(*one) for one in codes])).scores.tolist()
    return scores
