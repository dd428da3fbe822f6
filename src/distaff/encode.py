"""Codes of images: the weights of a model on rows of a data set."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int
from torch.func import functional_call

from distaff import rng
from distaff.data import Dataset
from distaff.heap import keep_freed
from distaff.networks import VAE
from distaff.types import Params

BATCH = 64  # of conv64, what a core's cache holds best


class Codes(NamedTuple):
    """Mean and log-variance of q(z|x) of some rows, from which sampled codes are drawn anew at each look."""

    mean: Float32[np.ndarray, "n d"]
    logvar: Float32[np.ndarray, "n d"]

    def sample(self, generator: np.random.Generator) -> Float32[np.ndarray, "n d"]:
        """z = mean + std * noise, one draw a row."""
        noise = generator.standard_normal(self.mean.shape, dtype=np.float32)
        drawn: Float32[np.ndarray, "n d"] = self.mean + np.exp(0.5 * self.logvar) * noise
        return drawn


@torch.no_grad()
def encode(vae: VAE, params: Params, dataset: Dataset, rows: Int[np.ndarray, "n"], *, seed: int = 0) -> Codes:
    """The codes of `rows`; what a data set draws anew at every look comes from the stream `evaluate` of `seed`."""
    keep_freed()
    own = {name.removeprefix("encoder."): weights for name, weights in params.items() if name.startswith("encoder.")}
    means, logvars = [], []
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        u = rng.uniform(seed, "evaluate", start, (len(some), *dataset.nuisance)) if dataset.nuisance else None
        mean, logvar = functional_call(vae.encoder, own, (dataset.batch(some, u),)).chunk(2, dim=-1)
        means.append(mean.numpy())
        logvars.append(logvar.numpy())
    return Codes(np.concatenate(means), np.concatenate(logvars))
