"""burgess: the network of "Understanding disentangling in beta-VAE", which many later models of dSprites have."""

from __future__ import annotations

import torch
from torch import nn

from distaff.errors import DistaffError
from distaff.networks import VAE, check_sizes, network
from distaff.networks.layers.upsample import Upsample


@network(
    paper="https://arxiv.org/abs/1804.03599",
    cost=80,
    ranges={"latents": "[1, inf)", "width": "[1, inf)", "hidden": "[1, inf)"},
)
def burgess(shape: tuple[int, int, int], *, latents: int = 10, width: int = 32, hidden: int = 256) -> VAE:
    """Four convolutions and two dense layers each way (Burgess et al., 2018, Appendix A), for Bernoulli pixels.

    Encoder: 4x4 convolutions of stride 2 with `width` channels, two dense layers of `hidden` units, all ReLU, then mean
    and log-variance. Decoder: two dense layers of `hidden` units and one of 4x4x`width`, then 4x4 transposed
    convolutions of stride 2 with width, width, width, c channels. 252,052 and 249,953 parameters at c = 1. Weights are
    drawn as those of all networks here; the models of others are Kaiming-uniform. Raises `DistaffError` if images are
    not 64 x 64.
    """
    check_sizes("burgess", latents=latents, width=width, hidden=hidden)
    height, across, channels = shape
    if (height, across) != (64, 64):
        raise DistaffError(f"burgess is made for 64 x 64 pixels, not {height} x {across}: take mlp for other sizes")
    with torch.device("meta"):
        encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(width, width, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(width, width, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(width, width, 4, 2, 1), nn.ReLU(),
            nn.Flatten(-3),
            nn.Linear(16 * width, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, 2 * latents),
        )  # fmt: skip
        decoder = nn.Sequential(
            nn.Linear(latents, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, 16 * width), nn.ReLU(),
            nn.Unflatten(-1, (width, 4, 4)),
            Upsample(width, width), nn.ReLU(),
            Upsample(width, width), nn.ReLU(),
            Upsample(width, width), nn.ReLU(),
            Upsample(width, channels),
        )  # fmt: skip
        return VAE(encoder, decoder)
