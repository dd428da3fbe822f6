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
ON_A_GPU = 64  # such batches that go through a GPU at once


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
def encode_rows(
    network: VAE, dataset: Dataset, rows: Int[np.ndarray, "n"], *, seed: int = 0, device: str = "cpu"
) -> Codes:
    """The codes of `rows` by a network that holds its weights, on `device`, as `distaff.networks.loaded` gives it.

    What a data set draws anew at every look comes from the stream `evaluate` of `seed`, the same on every device.
    """
    keep_freed()
    pairs = [network.encode(x) for x in input_batches(dataset, rows, seed, device)]
    means, logvars = zip(*pairs, strict=True)
    return Codes(torch.cat(means).cpu().numpy(), torch.cat(logvars).cpu().numpy())


@torch.no_grad()
def decode_codes(network: VAE, z: Float[np.ndarray, "n d"]) -> Float32[np.ndarray, "n h w c"]:
    """E[x|z] of codes, in [0, 1], by a network that holds its weights."""
    codes = torch.from_numpy(np.array(z, dtype=np.float32))
    images: Float32[np.ndarray, "n h w c"] = (
        torch.cat([network.picture(some) for some in torch.split(codes, BATCH)]).movedim(1, -1).numpy()
    )
    return images


def input_batches(dataset: Dataset, rows: Int[np.ndarray, "n"], seed: int = 0, device: str = "cpu") -> Iterator[Tensor]:
    """What a network on `device` is shown at `rows`, batch by batch: float32 [b c h w] in [0, 1]."""
    size = BATCH if device == "cpu" else BATCH * ON_A_GPU
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        u = _nuisance(dataset, seed, start, len(some)).to(device) if dataset.nuisance else None
        yield dataset.batch(some, u, device)


def _nuisance(dataset: Dataset, seed: int, start: int, n: int) -> Tensor:
    """The uniforms of `n` rows from `start`: a draw for each `BATCH` of them, however many go through at once."""
    counts = [min(BATCH, n - before) for before in range(0, n, BATCH)]
    return torch.cat(
        [rng.uniform(seed, "evaluate", start + i * BATCH, (b, *dataset.nuisance)) for i, b in enumerate(counts)]
    )
