"""A store with a few trained and scored runs of toy, made in seconds."""

from __future__ import annotations

from pathlib import Path

from distaff.plugins.registry import METRICS
from distaff.runs import Optim, run
from distaff.scoring.protocol import EvaluationProtocol
from distaff.scoring.score import score_run
from distaff.store.store import Store
from distaff.training.fit import fit

METHODS = ("beta_vae(beta=0.2)", "beta_vae(beta=1)", "dip_vae_i")


def small_store(folder: Path, updates: int = 300) -> Store:
    """Three methods, one seed; MIG, Modularity and total correlation of each."""
    store = Store(folder)
    runs = [run("toy", method, "mlp(width=32, latents=4)", updates=updates, optim=Optim(lr=3e-3)) for method in METHODS]
    metrics = tuple(METRICS.parse(name) for name in ("mig", "modularity", "gaussian_total_correlation"))
    for trained in fit(tuple(runs)):
        store.put(trained, 1.0)
        score_run(store, trained.run.id, EvaluationProtocol(metrics, rows=500, test_rows=200))
    return store
