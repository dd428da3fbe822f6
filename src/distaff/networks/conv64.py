"""conv64: the convolutional encoder and decoder of the 2019 study, for images of 64 x 64 pixels."""

from __future__ import annotations

import torch
from torch import nn

from distaff.errors import DistaffError
from distaff.networks import VAE, check_sizes, network
from distaff.networks.layers.upsample import Upsample


@network(
    paper="https://arxiv.org/abs/1811.12359",
    cost=100,
    since={"last_kernel": 2, "likelihood": "bernoulli"},
    ranges={
        "latents": "[1, inf)",
        "width": "[1, inf)",
        "hidden": "[1, inf)",
        "last_kernel": "2 or 4",
        "likelihood": ("bernoulli", "bernoulli_tanh", "l2", "l2_tanh"),
    },
)
def conv64(
    shape: tuple[int, int, int],
    *,
    latents: int = 10,
    width: int = 32,
    hidden: int = 256,
    last_kernel: int = 2,
    likelihood: str = "bernoulli",
) -> VAE:
    """Four convolutions and a dense layer each way (Locatello et al., 2019, Table 2; kernels as in its code).

    Encoder: 4x4, 4x4, 2x2, 2x2 convolutions of stride 2 with width, width, 2 width, 2 width channels, a dense layer of
    `hidden` units, all ReLU, then mean and log-variance. (The code that was run has 2x2 for the last two, the paper
    prints 4x4: `last_kernel=4`.) Decoder: dense `hidden`, dense 4x4x(2 width), then 4x4 transposed convolutions of
    stride 2 with 2 width, width, width, c channels. `likelihood` is bernoulli, bernoulli_tanh, l2 or l2_tanh.
    Defaults are the study's: 309,204 and 381,313 parameters at c = 1. Raises `DistaffError` if images are not 64 x 64.
    """
    check_sizes("conv64", latents=latents, width=width, hidden=hidden)
    height, across, channels = shape
    if (height, across) != (64, 64):
        raise DistaffError(f"conv64 is made for 64 x 64 pixels, not {height} x {across}: take mlp for other sizes")
    if last_kernel not in (2, 4):
        raise DistaffError(f"conv64: last_kernel={last_kernel}, but it is 2 (the code) or 4 (the paper)")
    last = (last_kernel, 2, last_kernel // 2 - 1)  # kernel, stride, padding
    with torch.device("meta"):
        encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(width, width, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(width, 2 * width, *last), nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, *last), nn.ReLU(),
            nn.Flatten(-3),
            nn.Linear(32 * width, hidden), nn.ReLU(),
            nn.Linear(hidden, 2 * latents),
        )  # fmt: skip
        decoder = nn.Sequential(
            nn.Linear(latents, hidden), nn.ReLU(),
            nn.Linear(hidden, 32 * width), nn.ReLU(),
            nn.Unflatten(-1, (2 * width, 4, 4)),
            Upsample(2 * width, 2 * width), nn.ReLU(),
            Upsample(2 * width, width), nn.ReLU(),
            Upsample(width, width), nn.ReLU(),
            Upsample(width, channels),
        )  # fmt: skip
        return VAE(encoder, decoder, likelihood)
