"""loop: one model after the other. Slow, obvious, and the oracle that other engines are held against."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from distaff.types import Params


def loop(module: nn.Module, params: Params, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`module` with the weights of each model in turn, on that model's inputs; outputs stacked over models."""
    outputs = []
    for k in range(len(inputs[0])):
        own = {name: weights[k] for name, weights in params.items()}
        result = functional_call(module, own, tuple(part[k] for part in inputs))
        outputs.append(result if isinstance(result, tuple) else (result,))
    return tuple(torch.stack(part) for part in zip(*outputs, strict=True))
