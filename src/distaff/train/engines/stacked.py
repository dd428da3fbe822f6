"""stacked: all models at once, the dense layers of k models as one batched product."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode

from distaff.types import Params


def stacked(module: nn.Module, params: Params, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`module` on weights and inputs with a leading axis, which every layer but `Linear` carries through by itself."""
    with _DenseLayers():
        result = functional_call(module, params, inputs)
    return result if isinstance(result, tuple) else (result,)


def carries(module: nn.Module) -> bool:
    """Whether `module` is made of layers that count their axes from the last, and so may have one more in front."""
    plain = (nn.Linear, nn.ReLU, nn.Tanh, nn.LeakyReLU)
    return all(
        isinstance(layer, plain)
        or (isinstance(layer, nn.Flatten) and layer.start_dim < 0)
        or (isinstance(layer, nn.Unflatten) and isinstance(layer.dim, int) and layer.dim < 0)
        for layer in module.modules()
        if not list(layer.children())
    )


class _DenseLayers(TorchFunctionMode):
    """Inside, `linear` takes the weights of k models."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is linear:
            if torch.is_autocast_enabled("cpu"):
                args = [part.to(torch.get_autocast_dtype("cpu")) for part in args]
            return _Dense.apply(*args, **(kwargs or {}))  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


class _Dense(torch.autograd.Function):
    """x W' + b for k models as one product each way: x [k b i], W [k o i], b [k o].

    Autograd's own form would leave the gradients of the weights transposed, and copy the bias before each product.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return torch.bmm(x, weight.mT).add_(bias.unsqueeze(-2))

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        below = torch.bmm(above, weight) if ctx.needs_input_grad[0] else None
        return below, torch.bmm(above.mT, x), above.sum(-2)
