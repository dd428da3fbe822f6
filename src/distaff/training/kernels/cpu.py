"""The kernels of a CPU: dense layers by its library of products, Adam and the rest in one pass over memory each.

Convolutions are not among them: a model at a time by autograd is as fast there (`engines/channels_last.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from distaff.training.adam import one_pass
from distaff.training.kernels.stored import Stored
from distaff.training.kernels.torch_dense import dense, dense_below, dense_weights

if TYPE_CHECKING:
    from distaff.training.layers import Layer

__all__ = ["BLOCK", "FUSED", "STORED", "adam", "computes", "dense", "dense_below",
           "dense_weights", "likelihood", "parts", "pictures"]  # fmt: skip

Floats: TypeAlias = NDArray[np.float32]
BLOCK = 1 << 62  # a tensor is one block
FUSED = STORED = False


def computes(layer: Layer) -> bool:
    """Dense layers."""
    return layer.how is None


def parts(layer: Layer, batch: int, dtype: torch.dtype) -> int:
    """One sum."""
    del layer, batch, dtype
    return 1


def pictures(layer: Layer) -> bool:
    """No layer."""
    del layer
    return False


def likelihood(raw: Tensor, x: Tensor | Stored) -> tuple[Tensor, Tensor]:
    """log(1 + e^raw) - x raw, summed over an image [k b], and its gradient."""
    assert isinstance(x, Tensor)
    raw = raw.float()
    nll = softplus(raw, threshold=60).sub_(raw * x).flatten(2).sum(-1)
    return nll, torch.sigmoid(raw).sub_(x)


def adam(
    p: Tensor, m: Tensor, v: Tensor, shadow: Tensor | None, sums: Tensor, table: Tensor, rate: Any, t: Any,
    beta1: float, beta2: float, eps: float,
) -> None:  # fmt: skip
    """Kingma and Ba (2015), Algorithm 1, in place."""
    rate, t = float(rate), float(t)
    constants = (beta1, beta2, eps, rate / (1 - beta1**t), 1 - beta2**t)
    arguments: list[Any] = [part.view(-1).numpy() for part in (p, m, v, sums)]
    arguments += [table.numpy(), len(p), *map(np.float32, constants)]
    _adam(*arguments)
    if shadow is not None:
        shadow.copy_(p)


@numba.njit(cache=True, error_model="numpy")  # numpy's division: without a branch for zero, so that it vectorises
def _adam(
    p: Floats, m: Floats, v: Floats, sums: Floats, table: NDArray[np.int64], models: int, beta1: Any, beta2: Any,
    eps: Any, rate: Any, correct2: Any,
) -> None:  # fmt: skip
    row_size = p.size // models
    for row in range(len(table)):
        start, length, gradient, _, size = table[row]
        for model in range(models):
            first, of = model * row_size + start, gradient + model * size
            one_pass(p[first : first + length], sums[of : of + length], m[first : first + length],
                     v[first : first + length], beta1, beta2, eps, rate, correct2)  # fmt: skip
