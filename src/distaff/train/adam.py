"""Adam on stacked parameters: elementwise, so that a model's update does not depend on its neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distaff.spec import Optim
from distaff.types import Params

Array: TypeAlias = NDArray[np.float32]


class Moments(NamedTuple):
    """Running means of the gradient and of its square, by parameter name."""

    first: Params
    second: Params


def fresh(params: Params) -> Moments:
    """The moments before the first update: zeros."""
    return Moments(
        {name: torch.zeros_like(p) for name, p in params.items()},
        {name: torch.zeros_like(p) for name, p in params.items()},
    )


def rate(optim: Optim, step: int, updates: int) -> float:
    """The learning rate of update `step` of `updates`."""
    if step < optim.warmup:
        return optim.lr * (step + 1) / optim.warmup
    gone = (step - optim.warmup) / max(1, updates - optim.warmup)
    share = {"constant": 1.0, "linear": 1 - gone, "cosine": (1 + math.cos(math.pi * gone)) / 2}
    return optim.lr * share[optim.schedule]


def update(
    params: Params, gradients: Sequence[Tensor], moments: Moments, optim: Optim, step: int, updates: int
) -> None:
    """Kingma and Ba (2015), Algorithm 1, in place; `step` counts from 0, `updates` is how many there will be.

    p -= lr m' / (sqrt(v') + eps) with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t), t = step + 1.
    """
    rule = _compiled if all(p.device.type == "cpu" for p in params.values()) else _by_tensor
    lr = rate(optim, step, updates)
    for (name, p), gradient in zip(params.items(), gradients, strict=True):
        rule(p.detach(), gradient, moments.first[name], moments.second[name], optim, lr, step)


@torch.no_grad()
def _by_tensor(p: Tensor, gradient: Tensor, m: Tensor, v: Tensor, optim: Optim, lr: float, step: int) -> None:
    """The rule as tensor operations: an accelerator's way, and what the compiled loop is held against."""
    m.lerp_(gradient, 1 - optim.beta1)
    v.mul_(optim.beta2).addcmul_(gradient, gradient, value=1 - optim.beta2)
    root = v.div(1 - optim.beta2 ** (step + 1)).sqrt_().add_(optim.eps)
    p.addcdiv_(m, root, value=-lr / (1 - optim.beta1 ** (step + 1)))


def _compiled(p: Tensor, gradient: Tensor, m: Tensor, v: Tensor, optim: Optim, lr: float, step: int) -> None:
    """The rule in one pass over memory, which is what it costs on a CPU."""
    arrays = (t.reshape(-1).numpy() for t in (p, gradient.contiguous(), m, v))
    lr = lr / (1 - optim.beta1 ** (step + 1))
    _pass(*arrays, *map(np.float32, (optim.beta1, optim.beta2, optim.eps, lr, 1 - optim.beta2 ** (step + 1))))


@numba.njit(cache=True, error_model="numpy")  # numpy's division: without a branch for zero, so that it vectorises
def _pass(p: Array, g: Array, m: Array, v: Array, beta1: Any, beta2: Any, eps: Any, lr: Any, correct2: Any) -> None:
    one = np.float32(1)
    for i in range(p.size):
        m[i] += (one - beta1) * (g[i] - m[i])
        v[i] = beta2 * v[i] + (one - beta2) * (g[i] * g[i])
        p[i] -= lr * m[i] / (np.sqrt(v[i] / correct2) + eps)
