"""Adam on stacked parameters: elementwise, so that a model's update does not depend on its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from distaff.spec import Optim
from distaff.types import Params


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


@torch.no_grad()
def update(params: Params, gradients: Sequence[Tensor], moments: Moments, optim: Optim, step: int) -> None:
    """Kingma and Ba (2015), Algorithm 1, in place; `step` counts from 0.

    p -= lr m' / (sqrt(v') + eps) with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t), t = step + 1.
    """
    correct1 = 1 - optim.beta1 ** (step + 1)
    correct2 = 1 - optim.beta2 ** (step + 1)
    for (name, p), gradient in zip(params.items(), gradients, strict=True):
        m, v = moments.first[name], moments.second[name]
        m.lerp_(gradient, 1 - optim.beta1)
        v.mul_(optim.beta2).addcmul_(gradient, gradient, value=1 - optim.beta2)
        p.addcdiv_(m, v.sqrt().div_(correct2**0.5).add_(optim.eps), value=-optim.lr / correct1)
