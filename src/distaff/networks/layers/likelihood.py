"""Likelihoods: the distribution of the pixels that a decoder's raw numbers define, and its mean image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

CLIP = 1e-6  # the old library keeps probabilities of its tanh form this far from 0 and 1


class Likelihood(NamedTuple):
    """-log p(x|z) in nats, summed over an image, mean over the batch; and E[x|z], both of raw numbers [b c h w]."""

    nll: Callable[[Tensor, Tensor], Tensor]
    picture: Callable[[Tensor], Tensor]


def bernoulli_nll(raw: Float[Tensor, "*k b c h w"], x: Float[Tensor, "*k b c h w"]) -> Float[Tensor, "*k"]:
    """-x log p - (1 - x) log(1 - p) with p = sigmoid(raw) and targets anywhere in [0, 1]."""
    pixels: Tensor = _Bernoulli.apply(raw, x)  # type: ignore[no-untyped-call]
    return _over_image(pixels)


def tanh_bernoulli_nll(raw: Float[Tensor, "*k b c h w"], x: Float[Tensor, "*k b c h w"]) -> Float[Tensor, "*k"]:
    """The same with p = (tanh(raw) + 1) / 2, kept from 0 and 1."""
    p = _tanh_picture(raw).clamp(CLIP, 1 - CLIP)
    return _over_image(-x * p.log() - (1 - x) * torch.log1p(-p))


def l2(raw: Float[Tensor, "*k b c h w"], x: Float[Tensor, "*k b c h w"]) -> Float[Tensor, "*k"]:
    """(x - sigmoid(raw))^2, without the factor 1/2 of a unit normal, as in the old library."""
    return _over_image((x - torch.sigmoid(raw)).square())


def tanh_l2(raw: Float[Tensor, "*k b c h w"], x: Float[Tensor, "*k b c h w"]) -> Float[Tensor, "*k"]:
    """(x - (tanh(raw) + 1) / 2)^2."""
    return _over_image((x - _tanh_picture(raw)).square())


def _tanh_picture(raw: Tensor) -> Tensor:
    return (torch.tanh(raw) + 1) / 2


def _over_image(pixels: Tensor) -> Tensor:
    return pixels.flatten(-3).sum(-1).mean(-1)


LIKELIHOODS = {
    "bernoulli": Likelihood(bernoulli_nll, torch.sigmoid),
    "bernoulli_tanh": Likelihood(tanh_bernoulli_nll, _tanh_picture),
    "l2": Likelihood(l2, torch.sigmoid),
    "l2_tanh": Likelihood(tanh_l2, _tanh_picture),
}


class _Bernoulli(torch.autograd.Function):
    """log(1 + e^l) - x l of each pixel, with the gradient sigmoid(l) - x that autograd would take ten passes for."""

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, x: Tensor) -> Tensor:
        return softplus(logits, threshold=60).sub_(logits * x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        del output
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:
        logits, x = ctx.saved_tensors
        return torch.sigmoid(logits).sub_(x).mul_(above), None
