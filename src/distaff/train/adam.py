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


class Pace(NamedTuple):
    """What of Adam depends on the update: numbers, or tensors where a recorded step is replayed."""

    rate: float | Tensor  # the learning rate over 1 - beta1^t
    correct2: float | Tensor  # 1 - beta2^t


def pace(optim: Optim, step: int, updates: int) -> Pace:
    """The pace of update `step` of `updates`, counted from 0: t = step + 1."""
    return Pace(rate(optim, step, updates) / (1 - optim.beta1 ** (step + 1)), 1 - optim.beta2 ** (step + 1))


def rate(optim: Optim, step: int, updates: int) -> float:
    """The learning rate of update `step` of `updates`."""
    if step < optim.warmup:
        return optim.lr * (step + 1) / optim.warmup
    gone = (step - optim.warmup) / max(1, updates - optim.warmup)
    share = {"constant": 1.0, "linear": 1 - gone, "cosine": (1 + math.cos(math.pi * gone)) / 2}
    return optim.lr * share[optim.schedule]


def update(params: Params, gradients: Sequence[Tensor], moments: Moments, optim: Optim, pace: Pace) -> None:
    """Kingma and Ba (2015), Algorithm 1, in place.

    p -= lr m' / (sqrt(v') + eps) with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t).
    """
    rule = _compiled if all(p.device.type == "cpu" for p in params.values()) else _by_tensor
    for (name, p), gradient in zip(params.items(), gradients, strict=True):
        rule(p.detach(), gradient, moments.first[name], moments.second[name], optim, pace)


@torch.no_grad()
def _by_tensor(p: Tensor, gradient: Tensor, m: Tensor, v: Tensor, optim: Optim, pace: Pace) -> None:
    """The rule as tensor operations: an accelerator's way, and what the compiled loop is held against."""
    m.lerp_(gradient, 1 - optim.beta1)
    v.mul_(optim.beta2).addcmul_(gradient, gradient, value=1 - optim.beta2)
    p.sub_(m.div(v.div(pace.correct2).sqrt_().add_(optim.eps)).mul_(pace.rate))


def _compiled(p: Tensor, gradient: Tensor, m: Tensor, v: Tensor, optim: Optim, pace: Pace) -> None:
    """The rule in one pass over memory, which is what it costs on a CPU."""
    arrays = (t.reshape(-1).numpy() for t in (p, gradient.contiguous(), m, v))
    _pass(*arrays, *map(np.float32, (optim.beta1, optim.beta2, optim.eps, *pace)))


@numba.njit(cache=True, error_model="numpy")  # numpy's division: without a branch for zero, so that it vectorises
def _pass(p: Array, g: Array, m: Array, v: Array, beta1: Any, beta2: Any, eps: Any, rate: Any, correct2: Any) -> None:
    one = np.float32(1)
    for i in range(p.size):
        m[i] += (one - beta1) * (g[i] - m[i])
        v[i] = beta2 * v[i] + (one - beta2) * (g[i] * g[i])
        p[i] -= rate * m[i] / (np.sqrt(v[i] / correct2) + eps)
