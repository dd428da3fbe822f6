"""loop: one model after the other. Slow, obvious, and the oracle that other engines are tested against."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from distaff.types import Params


def loop(module: nn.Module, params: Params, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`module` with the weights of each model in turn, on that model's inputs; outputs stacked over models."""
    outputs = []
    for weights, parts in zip(models(params), zip(*(part.unbind() for part in inputs), strict=True), strict=True):
        result = functional_call(module, weights, parts)
        outputs.append(result if isinstance(result, tuple) else (result,))
    return tuple(torch.stack(part) for part in zip(*outputs, strict=True))


def models(params: Params) -> list[Params]:
    """The weights of each model; unbound at once, since the gradient of `weights[k]` is as large as the stack."""
    return [
        dict(zip(params, weights, strict=True)) for weights in zip(*(p.unbind() for p in params.values()), strict=True)
    ]
