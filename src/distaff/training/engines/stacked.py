"""stacked: all models at once: the dense layers of k models are one product, their convolutions one kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import conv2d, conv_transpose2d, linear
from torch.overrides import TorchFunctionMode

from distaff.networks.layers.upsample import Upsample
from distaff.training.kernels.convolution import convolution
from distaff.types import Params


def stacked(module: nn.Module, params: Params, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`module` on weights and inputs with a leading axis, which all but its products carry through by themselves.

    On a GPU that is what matters: the time of a small model's step is the number of its kernels.
    """
    with _Products():
        result = functional_call(module, params, inputs)
    return result if isinstance(result, tuple) else (result,)


def stackable(module: nn.Module) -> bool:
    """Whether `module` is made of layers that count their axes from the last, and so may have one more in front."""
    plain = (nn.Linear, nn.ReLU, nn.Tanh, nn.LeakyReLU, Upsample)
    return all(
        isinstance(layer, plain)
        or (isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros" and not isinstance(layer.padding, str))
        or (isinstance(layer, nn.Flatten) and layer.start_dim < 0)
        or (isinstance(layer, nn.Unflatten) and isinstance(layer.dim, int) and layer.dim < 0)
        for layer in module.modules()
        if not list(layer.children())
    )


class _Products(TorchFunctionMode):
    """Inside, `linear` and convolutions take the weights of k models."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        rule = _RULES.get(func)
        if rule is None:
            return func(*args, **(kwargs or {}))
        device = args[0].device.type
        if torch.is_autocast_enabled(device):
            half = torch.get_autocast_dtype(device)
            args = [part.to(half) if isinstance(part, Tensor) else part for part in args]
        return rule(*args, **(kwargs or {}))


class _Dense(torch.autograd.Function):
    """x W' + b for k models as one product each way: x [k b i], W [k o i], b [k o] or None.

    Autograd's own form would leave the gradients of the weights transposed, and copy the bias before each product.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        y = torch.bmm(x, weight.mT)
        return y if bias is None else y.add_(bias.unsqueeze(-2))

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        x, weight = ctx.saved_tensors
        below = torch.bmm(above, weight) if ctx.needs_input_grad[0] else None
        return below, torch.bmm(above.mT, x), above.sum(-2) if ctx.needs_input_grad[2] else None


def _dense(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    y: Tensor = _Dense.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return y


def _convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Tensor:  # fmt: skip
    return convolution(x, weight, bias, (_pair(stride), _pair(padding), _pair(dilation), False, (0, 0), groups))


def _transposed(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Tensor:  # fmt: skip
    options = (_pair(stride), _pair(padding), _pair(dilation), True, _pair(output_padding), groups)
    return convolution(x, weight, bias, options)


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


_RULES: dict[Any, Callable[..., Tensor]] = {
    linear: _dense, conv2d: _convolution, conv_transpose2d: _transposed,
}  # fmt: skip
