"""mlp: fully connected encoder and decoder, for images of any size."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from distaff.networks import VAE, check_sizes, network


@network(
    paper="https://arxiv.org/abs/1811.12359",
    since={"likelihood": "bernoulli"},
    ranges={
        "latents": "[1, inf)",
        "width": "[1, inf)",
        "depth": "[1, inf)",
        "likelihood": ("bernoulli", "bernoulli_tanh", "l2", "l2_tanh"),
    },
)
def mlp(
    shape: tuple[int, int, int],
    *,
    latents: int = 10,
    width: int = 1200,
    depth: int = 2,
    likelihood: str = "bernoulli",
) -> VAE:
    """`depth` ReLU layers of `width` units to mean and log-variance, and `depth` + 1 tanh layers back to logits.

    The defaults are the old library's fc_encoder and fc_decoder (1200-1200, and 1200-1200-1200 with tanh). A network
    of another width or depth, `mlp(width=64)`, keeps their form.
    `likelihood` is bernoulli, bernoulli_tanh, l2 or l2_tanh.
    """
    check_sizes("mlp", latents=latents, width=width, depth=depth)
    height, across, channels = shape
    pixels = height * across * channels
    with torch.device("meta"):
        encoder = nn.Sequential(nn.Flatten(-3), *_stack(pixels, [width] * depth, 2 * latents, nn.ReLU))
        decoder = nn.Sequential(
            *_stack(latents, [width] * (depth + 1), pixels, nn.Tanh), nn.Unflatten(-1, (channels, height, across))
        )
        return VAE(encoder, decoder, likelihood)


def _stack(inputs: int, widths: list[int], outputs: int, activation: type[nn.Module]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in pairwise([inputs, *widths]):
        layers += [nn.Linear(before, after), activation()]
    return [*layers, nn.Linear([inputs, *widths][-1], outputs)]
