"""Networks: an encoder and a decoder as ordinary modules, written for one model, with weights drawn from a seed.

A file of this folder is a network: one function of its name, under `@network(...)`, that builds modules for images of
a given shape. Modules carry structure only (they are built on the meta device); weights live outside, in a dictionary
of tensors by name, so that the same module runs one model or a stack of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from distaff import rng
from distaff.types import Params


def network(
    *, paper: str, version: int = 1, since: Mapping[str, Any] | None = None
) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """Mark a function as a network; the arguments are as in `distaff.methods.method`."""
    del paper, version, since
    return lambda function: function


class VAE(nn.Module):
    """An encoder to mean and log-variance, and a decoder to logits of the pixels [b c h w]."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def encode(self, x: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b d"]]:
        """Mean and log-variance of q(z|x), a diagonal normal."""
        mean, logvar = self.encoder(x).chunk(2, dim=-1)
        return mean, logvar

    def decode(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b c h w"]:
        """Logits of p(x|z), one Bernoulli a pixel and channel; their sigmoid is the picture."""
        logits: Tensor = self.decoder(z)
        return logits

    def forward(
        self, x: Float[Tensor, "b c h w"], noise: Float[Tensor, "b d"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "b d"], Float[Tensor, "b d"], Float[Tensor, "b d"]]:
        """E_q[-log p(x|z)] (nats, summed over pixels, mean over the batch), mean, logvar, z = mean + std * noise."""
        mean, logvar = self.encode(x)
        z = mean + torch.exp(0.5 * logvar) * noise
        return bernoulli_nll(self.decode(z), x), mean, logvar, z


def bernoulli_nll(logits: Float[Tensor, "b c h w"], x: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """-log p(x|z) of Bernoulli pixels with targets in [0, 1], summed over an image, mean over the batch, in nats."""
    pixels: Tensor = _Bernoulli.apply(logits, x)  # type: ignore[no-untyped-call]
    return pixels.flatten(1).sum(1).mean()


class _Bernoulli(torch.autograd.Function):
    """log(1 + e^l) - x l of each pixel, with the gradient sigmoid(l) - x that autograd would take ten passes for."""

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, x: Tensor) -> Tensor:
        return torch.nn.functional.softplus(logits, threshold=60).sub_(logits * x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        del output
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:
        logits, x = ctx.saved_tensors
        return torch.sigmoid(logits).sub_(x).mul_(above), None


def initial(module: nn.Module, seed: int, part: int = 0) -> Params:
    """The weights of `module` at update 0: Glorot-uniform (Glorot and Bengio, 2010), biases zero, as in the 2019 study.

    Weights are U(-a, a) with a = sqrt(6 / ((fan_in + fan_out) * receptive field)), drawn from the stream `init` of
    `seed`, one step a tensor; `part` keeps modules of one run (network 0, critic 1) apart.
    """
    params: Params = {}
    for index, (name, parameter) in enumerate(module.named_parameters()):
        if parameter.ndim == 1:
            params[name] = torch.zeros(parameter.shape)
            continue
        fans = (parameter.shape[0] + parameter.shape[1]) * math.prod(parameter.shape[2:])
        bound = math.sqrt(6 / fans)
        params[name] = (2 * rng.uniform(seed, "init", (part << 16) + index, tuple(parameter.shape)) - 1) * bound
    return params
