"""Codes of images and images of codes: a network with its weights, on rows of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from distaff import rng
from distaff.data import Dataset
from distaff.heap import keep_freed
from distaff.networks import VAE, loaded
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


def encode(network: VAE, params: Params, dataset: Dataset, rows: Int[np.ndarray, "n"], *, seed: int = 0) -> Codes:
    """The codes that `network` with the weights `params` gives `rows`; the module itself is left as it is."""
    return encode_rows(loaded(network, params), dataset, rows, seed=seed)


@torch.no_grad()
def encode_rows(network: VAE, dataset: Dataset, rows: Int[np.ndarray, "n"], *, seed: int = 0) -> Codes:
    """The codes of `rows` by a network that holds its weights, as `distaff.networks.loaded` gives it.

    What a data set draws anew at every look comes from the stream `evaluate` of `seed`.
    """
    keep_freed()
    pairs = [network.encode(x) for x in input_batches(dataset, rows, seed)]
    means, logvars = zip(*pairs, strict=True)
    return Codes(torch.cat(means).numpy(), torch.cat(logvars).numpy())


@torch.no_grad()
def decode_codes(network: VAE, z: Float[np.ndarray, "n d"]) -> Float32[np.ndarray, "n h w c"]:
    """E[x|z] of codes, in [0, 1], by a network that holds its weights."""
    codes = torch.from_numpy(np.array(z, dtype=np.float32))
    images: Float32[np.ndarray, "n h w c"] = (
        torch.cat([network.picture(some) for some in torch.split(codes, BATCH)]).movedim(1, -1).numpy()
    )
    return images


def input_batches(dataset: Dataset, rows: Int[np.ndarray, "n"], seed: int = 0) -> Iterator[Tensor]:
    """What a network is shown at `rows`, batch by batch: float32 [b c h w] in [0, 1]."""
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        u = rng.uniform(seed, "evaluate", start, (len(some), *dataset.nuisance)) if dataset.nuisance else None
        yield dataset.batch(some, u)
