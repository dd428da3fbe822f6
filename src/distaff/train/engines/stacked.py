"""stacked: all models at once; the layers of k models become one batched product (`torch.func.vmap`)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode

from distaff.types import Params


def stacked(module: nn.Module, params: Params, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`module` mapped over the leading axis of weights and inputs; good for dense layers, slow for convolutions."""

    def one(own: Params, *parts: Tensor) -> Any:
        return functional_call(module, own, parts)

    with _DenseLayers():
        result = vmap(one)(params, *inputs)
    return result if isinstance(result, tuple) else (result,)


class _DenseLayers(TorchFunctionMode):
    """Inside, `linear` of k models has our batching rule: torch's own leaves the weights' gradients transposed."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is linear:
            if torch.is_autocast_enabled("cpu"):
                args = [part.to(torch.get_autocast_dtype("cpu")) for part in args]
            return _Dense.apply(*args, **(kwargs or {}))  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


class _Dense(torch.autograd.Function):
    """x W' + b for k models as one product each way: x [k b i], W [k o i], b [k o]."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.baddbmm(bias.unsqueeze(-2), x, weight.mT)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        del output
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        below = torch.bmm(above, weight) if ctx.needs_input_grad[0] else None
        return below, torch.bmm(above.mT, x), above.sum(-2)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, ...], *parts: Tensor) -> tuple[Tensor, int]:
        del info
        return _Dense.apply(*(part.movedim(d, 0) for part, d in zip(parts, in_dims, strict=True))), 0  # type: ignore[no-untyped-call]
