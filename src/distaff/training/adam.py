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
from torch.optim.adam import adam

from distaff.runs import Optim
from distaff.types import Params

Array: TypeAlias = NDArray[np.float32]
# A moment below it moves no weight. Where a pixel is always black, gradients are zero and moments fall for ever: as
# numbers of less than full precision they would cost a processor twenty times as long as others.
LEAST = 1e-35


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


class AdamStep(NamedTuple):
    """What of Adam depends on the update: numbers, or tensors where a captured step is replayed."""

    rate: float | Tensor  # the learning rate
    t: float | Tensor  # the update, counted from 1


def adam_step(optim: Optim, step: int, updates: int) -> AdamStep:
    """The learning rate and count of update `step` of `updates`, counted from 0."""
    return AdamStep(learning_rate(optim, step, updates), step + 1)


def learning_rate(optim: Optim, step: int, updates: int) -> float:
    """The learning rate of update `step` of `updates`."""
    if step < optim.warmup:
        return optim.lr * (step + 1) / optim.warmup
    gone = (step - optim.warmup) / max(1, updates - optim.warmup)
    share = {"constant": 1.0, "linear": 1 - gone, "cosine": (1 + math.cos(math.pi * gone)) / 2}
    return optim.lr * share[optim.schedule]


def update(params: Params, gradients: Sequence[Tensor], moments: Moments, optim: Optim, at: AdamStep) -> None:
    """Kingma and Ba (2015), Algorithm 1, in place.

    p -= lr m' / (sqrt(v') + eps) with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t).
    """
    p, m, v = ([part[name].detach() for name in params] for part in (params, *moments))
    rule = _compiled if all(weights.device.type == "cpu" for weights in p) else _fused
    rule(p, [gradient.contiguous() for gradient in gradients], m, v, optim, at)


def _compiled(
    p: list[Tensor], gradient: list[Tensor], m: list[Tensor], v: list[Tensor], optim: Optim, at: AdamStep
) -> None:
    """One pass over memory, which is what the rule costs on a CPU."""
    rate, t = float(at.rate), float(at.t)
    corrected = rate / (1 - optim.beta1**t), 1 - optim.beta2**t
    constants = [np.float32(c) for c in (optim.beta1, optim.beta2, optim.eps, *corrected)]
    for parts in zip(p, gradient, m, v, strict=True):
        one_pass(*(part.reshape(-1).numpy() for part in parts), *constants)


def _fused(
    p: list[Tensor], gradient: list[Tensor], m: list[Tensor], v: list[Tensor], optim: Optim, at: AdamStep
) -> None:
    """torch's one pass over memory, all parameters in one kernel: an accelerator's way."""
    before = torch.zeros(len(p), device=p[0].device).add_(at.t - 1)  # it counts by itself, a counter a parameter
    adam(p, gradient, m, v, [], list(before.unbind()), fused=True, amsgrad=False, beta1=optim.beta1, beta2=optim.beta2,
         lr=at.rate, weight_decay=0.0, eps=optim.eps, maximize=False)  # fmt: skip


@numba.njit(cache=True, error_model="numpy")  # numpy's division: without a branch for zero, so that it vectorises
def one_pass(
    p: Array, g: Array, m: Array, v: Array, beta1: Any, beta2: Any, eps: Any, rate: Any, correct2: Any
) -> None:
    one, zero, least = np.float32(1), np.float32(0), np.float32(LEAST)
    for i in range(p.size):
        first = m[i] + (one - beta1) * (g[i] - m[i])
        second = beta2 * v[i] + (one - beta2) * (g[i] * g[i])
        first = first if abs(first) > least else zero
        second = second if second > least else zero
        m[i], v[i] = first, second
        p[i] -= rate * first / (np.sqrt(second / correct2) + eps)
