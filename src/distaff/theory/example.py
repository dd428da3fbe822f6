"""A small model to show the theorem on: seconds of one core, and disentangled enough to have something to lose."""

from __future__ import annotations

from distaff.runs import Optim, run
from distaff.trained import Model
from distaff.training.fit import fit

UPDATES = 2_000


def trained(updates: int = UPDATES) -> Model:
    """A beta-VAE on toy after `updates` updates."""
    one = run("toy", "beta_vae(beta=1)", "mlp(latents=6, width=64)", updates=updates, optim=Optim(lr=1e-3))
    return fit((one,))[0].model
