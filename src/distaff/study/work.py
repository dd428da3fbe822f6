"""The jobs of a study, each idempotent: its first question is whether the result is there already."""

from __future__ import annotations

import time
from pathlib import Path

from distaff.spec import Run
from distaff.study.plan import pack_id
from distaff.study.score import Scoring, score_run
from distaff.study.store import Store, write
from distaff.train.fit import fit


def train_pack(folder: Path, runs: tuple[Run, ...]) -> list[str]:
    """Train what is missing of `runs` side by side and keep it; returns the ids that can be scored."""
    store = Store(folder)
    missing = tuple(run for run in runs if not store.has(run.id) and not store.failure(run.id))
    if missing:
        name = folder / "packs" / pack_id(missing)
        resume, told = name.with_suffix(".safetensors"), name.with_suffix(".progress")
        began = time.monotonic()
        trained = fit(missing, resume=resume, progress=lambda done, _: write(told, str(done * len(missing)).encode()))
        for one in trained:
            store.put(one, (time.monotonic() - began) / len(missing))
        resume.unlink(missing_ok=True)
        told.unlink(missing_ok=True)
    return [run.id for run in runs if store.has(run.id)]


def score(folder: Path, id: str, scoring: Scoring) -> str:
    """Score run `id`; returns its id."""
    score_run(Store(folder), id, scoring)
    return id
