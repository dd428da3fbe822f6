"""channels_last: one model after the other, channels innermost: the layout that a CPU convolves fast."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from distaff.training.engines.loop import loop
from distaff.types import Params


def channels_last(module: nn.Module, params: Params, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`loop`, on kernels and images [k c h w ...] whose memory is laid out channels last."""
    return loop(module, {name: to_channels_last(p) for name, p in params.items()}, *map(to_channels_last, inputs))


def to_channels_last(stack: Tensor) -> Tensor:
    """Channels innermost where there are any: a stack [k o i h w] of kernels or of images."""
    if stack.ndim != 5:
        return stack
    inner = stack.flatten(0, 1).to(memory_format=torch.channels_last).view(stack.shape)
    if stack.shape[2] == 1 and not stack.requires_grad:
        # one channel lies in both layouts at once: its strides must say that it is innermost, or the layers after it
        # work in the other layout, and every gradient that meets them is copied
        *rest, height, width = inner.shape
        inner = inner.as_strided(inner.shape, (rest[1] * height * width, height * width, 1, width, 1))
    return inner
