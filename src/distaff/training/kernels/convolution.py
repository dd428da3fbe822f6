"""The convolutions of k models as one function: a kernel for all of them on a GPU, or one each, side by side."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from distaff.training.engines.channels_last import to_channels_last
from distaff.training.engines.streams import on_streams
from distaff.training.kernels.shapes import Activation, Convolution

_MEMORY, _MEMORY_OF_TRANSPOSED = (0, 3, 4, 2, 1), (0, 3, 4, 1, 2)  # [k p q i o] of [k o i p q] and of [k i o p q]
OLDEST = (8, 0)  # the oldest GPUs, of Ampere, whose tensor cores take what our kernels give them


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, options: tuple[Any, ...]) -> Tensor:
    """The convolutions of k models, x [k b i h w] and kernels [k o i p q], transposed ones [k i o p q], bias [k o].

    `options` is what `torch.convolution` takes: stride, padding, dilation, whether transposed, output padding, groups.
    """
    kernels = kernels_for(x.device.type) if _suits(x, weight, options) else None
    if kernels is not None:
        return _OneKernel.apply(x, weight, bias, options, kernels)  # type: ignore[no-untyped-call, no-any-return]
    y: Tensor = _OnStreams.apply(x, weight, options)  # type: ignore[no-untyped-call]
    return y if bias is None else y.add_(bias[:, None, :, None, None])


def _suits(x: Tensor, weight: Tensor, options: tuple[Any, ...]) -> bool:
    """Whether our kernels compute such a layer: one stride, which divides all sides of images and of kernels."""
    (stride, across), (padding, beside), dilation, transposed, more, groups = options
    sides = (*x.shape[-2:], *weight.shape[-2:], 2 * padding if transposed else 0)
    plain = (stride, padding, dilation, more, groups) == (across, beside, (1, 1), (0, 0), 1)
    return plain and all(side % stride == 0 for side in sides)


@functools.cache
def kernels_for(device: str) -> ModuleType | None:
    """Our own kernels, where they are for the device and Triton can compile them, which takes a C compiler."""
    if device != "cuda" or not torch.version.cuda or torch.cuda.get_device_capability() < OLDEST:
        return None
    try:
        from distaff.training.kernels import triton_convolution as _kernels
    except ImportError:
        return None
    return _kernels if _kernels.can_compile(device) else None


class _OneKernel(torch.autograd.Function):
    """The convolutions of k models by `kernels`, one for all of them, with their biases."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, options: tuple[Any, ...], kernels: ModuleType
    ) -> Tensor:
        (stride, _), (padding, _), _, transposed, *_ = options
        order = _MEMORY_OF_TRANSPOSED if transposed else _MEMORY
        x, w = to_channels_last(x), _in_memory(weight, order)
        ctx.save_for_backward(x, w)
        ctx.options = Convolution(stride, padding, transposed), order, kernels
        y: Tensor = kernels.convolve(x, w, bias, ctx.options[0], Activation(), "last")
        return y

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None, None, None]:
        x, w = ctx.saved_tensors
        how, order, kernels = ctx.options
        above, below = to_channels_last(above), None
        if ctx.needs_input_grad[0]:
            below = kernels.convolve_below(above, w, x, how, Activation(), "last")
        parts, in_memory = kernels.parts_of_convolution(x.shape, w.shape, how, x.dtype), w.permute(order)
        of_weight = torch.empty(parts, *in_memory.shape, device=x.device)
        of_bias = torch.empty(parts, *above.shape[:3:2], device=x.device) if ctx.needs_input_grad[2] else None
        kernels.convolve_weights(x, above, of_weight, of_bias, how)
        of_weight = _added(of_weight).permute(_inverse(order))
        return below, of_weight, None if of_bias is None else _added(of_bias), None, None


def _added(parts: Tensor) -> Tensor:
    """The sum of the parts, pair by pair: torch's own adds in an order that depends on how many models there are."""
    while len(parts) > 1:
        half = len(parts) // 2
        parts = torch.cat([parts[:half] + parts[half : 2 * half], parts[2 * half :]])
    return parts[0]


def _in_memory(weight: Tensor, order: tuple[int, ...]) -> Tensor:
    """Kernels of the same shape, in memory in another order of axes."""
    return weight.permute(order).contiguous().permute(_inverse(order))


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(axis) for axis in range(len(order)))


class _OnStreams(torch.autograd.Function):
    """The convolutions of k models by torch, each on a stream of its own on a GPU, and no more of a layer than that."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, options: tuple[Any, ...]) -> Tensor:
        x, weight = _laid_out(x), _laid_out(weight)
        ctx.save_for_backward(x, weight)
        ctx.options = options
        return _joined(on_streams(lambda x, weight: torch.convolution(x, weight, None, *options), x, weight))

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, Tensor, None]:
        x, weight = ctx.saved_tensors
        output_mask = [ctx.needs_input_grad[0], True, False]

        def one(*parts: Tensor) -> tuple[Tensor | None, Tensor]:
            below, of_weight, _ = torch.ops.aten.convolution_backward(*parts, None, *ctx.options, output_mask)
            return below, of_weight

        below, of_weight = zip(*on_streams(one, _laid_out(above), x, weight), strict=True)
        return _joined(below) if output_mask[0] else None, torch.stack(of_weight), None


def _laid_out(stack: Tensor) -> Tensor:
    """As a GPU convolves fast: in half precision, channels innermost."""
    return stack.contiguous() if stack.dtype == torch.float32 else to_channels_last(stack)


def _joined(parts: Any) -> Tensor:
    """The stack of the models' images [b c h w], in their layout."""
    first: Tensor = parts[0]
    stack = torch.empty_strided((len(parts), *first.shape), (first.numel(), *first.stride()), dtype=first.dtype,
                                device=first.device)  # fmt: skip
    torch.cat(parts, out=stack.flatten(0, 1))
    return stack
