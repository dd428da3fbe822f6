"""A trained model ready to be looked at: a decoder of plain arrays, and the codes of some rows of its data set."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from distaff import data, rng
from distaff.data import Dataset
from distaff.draws import generator
from distaff.encode import BATCH, Codes, encode
from distaff.networks import VAE
from distaff.plugins.registry import NETWORKS
from distaff.runs import Run
from distaff.types import Params

Decode: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]

ROWS = 2_000  # rows of a large grid that are encoded: enough for the mean of 8 x 8 groups of values


class Seen(NamedTuple):
    """A model with what it makes of some rows of its data set."""

    dataset: Dataset
    decode: Decode
    rows: NDArray[np.int64]  # [n]
    codes: Codes  # [n d]
    factors: NDArray[np.int64]  # [n f]


def network(run: Run) -> tuple[Dataset, VAE]:
    """The data set of `run`, and its network for images of that shape."""
    dataset = data.load(str(run.dataset))
    return dataset, NETWORKS.bind(run.network)(dataset.shape)


def decoder(vae: VAE, params: Params) -> Decode:
    """codes [b d] -> images [b h w c] in 0..1: what the likelihood of `vae` expects of each pixel.

    It holds a network of its own with these weights, so that threads may share it.
    """
    own = copy.deepcopy(vae)
    weights = {name.removeprefix("decoder."): part for name, part in params.items() if name.startswith("decoder.")}
    own.decoder.load_state_dict(weights, assign=True)

    @torch.no_grad()
    def decode(codes: NDArray[np.float32]) -> NDArray[np.float32]:
        some = torch.split(torch.from_numpy(np.ascontiguousarray(codes, dtype=np.float32)), BATCH)
        return torch.cat([own.picture(z) for z in some]).movedim(1, -1).numpy()

    return decode


def observed(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the network is shown at `rows`, [b h w c]; what is drawn anew at every look is as `encode` draws it."""
    looks = []
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        u = rng.uniform(0, "evaluate", start, (len(some), *dataset.nuisance)) if dataset.nuisance else None
        looks.append(dataset.batch(some, u))
    return torch.cat(looks).movedim(1, -1).numpy()


def see(run: Run, params: Params, rows: int = ROWS) -> Seen:
    """Encode the whole grid of the run's data set, or `rows` draws of it; the same rows for every run of a set."""
    dataset, vae = network(run)
    n = len(dataset)
    chosen = np.arange(n) if n <= rows else generator("pictures", 0).integers(n, size=rows)
    codes = encode(vae, params, dataset, chosen)
    return Seen(dataset, decoder(vae, params), chosen, codes, dataset.factors.values(chosen))


def middle(seen: Seen) -> NDArray[np.float32]:
    """The code [d] of one image from which latents are moved: that nearest to the median of all, so at no one's end."""
    codes = seen.codes.mean
    nearest: NDArray[np.float32] = codes[np.square(codes - np.median(codes, axis=0)).sum(1).argmin()]
    return nearest
