"""A small model to show the theorem on: seconds of one core, and disentangled enough to have something to lose."""

from __future__ import annotations

from distaff.runs import Optim, Run, run
from distaff.train.fit import fit
from distaff.types import Params

UPDATES = 2_000


def trained(updates: int = UPDATES) -> tuple[Run, Params]:
    """A beta-VAE on toy, and its weights after `updates` updates."""
    one = run("toy", "beta_vae(beta=1)", "mlp(latents=6, width=64)", updates=updates, optim=Optim(lr=1e-3))
    return one, fit((one,))[0].params
