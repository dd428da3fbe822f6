"""The kernels of a GPU, all by Triton."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from distaff.training.kernels import triton_adam
from distaff.training.kernels.triton_adam import BLOCK
from distaff.training.kernels.triton_convolution import (
    convolve,
    convolve_below,
    convolve_weights,
    parts_of_convolution,
)
from distaff.training.kernels.triton_dense import dense, dense_below, dense_weights, dense_weights_adam, parts_of_dense
from distaff.training.kernels.triton_picture import likelihood, picture, pictured

if TYPE_CHECKING:
    from distaff.training.layers import Layer

__all__ = [
    "BLOCK", "FUSED", "STORED", "adam", "computes", "convolve", "convolve_below", "convolve_weights", "dense",
    "dense_below", "dense_weights", "dense_weights_adam", "likelihood", "parts", "picture", "pictures",
]  # fmt: skip


FUSED = STORED = True


def computes(layer: Layer) -> bool:
    """Every layer of a chain."""
    del layer
    return True


def parts(layer: Layer, batch: int, dtype: torch.dtype) -> int:
    """As many as keep the GPU busy, whatever the number of models."""
    if layer.how is None:
        return parts_of_dense(batch, layer.x[0], layer.y[0])
    return parts_of_convolution((1, batch, *layer.x), (1, *layer.weight), layer.how, dtype)


def adam(
    p: Tensor, m: Tensor, v: Tensor, shadow: Tensor | None, sums: Tensor, table: Tensor, rate: float | Tensor,
    t: float | Tensor, beta1: float, beta2: float, eps: float,
) -> None:  # fmt: skip
    """Kingma and Ba (2015), Algorithm 1, in place; of a step that is captured, rate and t are tensors."""
    rate, t = (torch.as_tensor(number, dtype=torch.float32, device=p.device) for number in (rate, t))
    triton_adam.adam(p, m, v, shadow, sums, table, rate, t, beta1, beta2, eps)


def pictures(layer: Layer) -> bool:
    """The `Upsample` at the end of a decoder."""
    return layer.how == (2, 1, True) and layer.weight[-2:] == (4, 4) and pictured(layer.y[0])
