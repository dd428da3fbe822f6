"""critic: FactorVAE's discriminator between codes and codes whose dimensions were shuffled."""

from __future__ import annotations

import torch
from torch import nn

from distaff.networks import check_sizes, network


@network(paper="https://arxiv.org/abs/1802.05983", ranges={"width": "[1, inf)", "depth": "[1, inf)"})
def critic(latents: int, *, width: int = 1000, depth: int = 6) -> nn.Module:
    """`depth` dense layers of `width` units, leaky ReLU of slope 0.2, to two logits: real codes and shuffled ones.

    The defaults are those of Kim and Mnih (2018) and of the 2019 study: 5,018,002 parameters at 10 latents.
    """
    check_sizes("critic", width=width, depth=depth)
    layers: list[nn.Module] = []
    with torch.device("meta"):
        for before in [latents] + [width] * (depth - 1):
            layers += [nn.Linear(before, width), nn.LeakyReLU(0.2)]
        return nn.Sequential(*layers, nn.Linear(width, 2))
