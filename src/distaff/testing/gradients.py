"""Central differences: what a gradient must be, whatever computed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

STEP = 1e-6  # of each number in double precision
NEAR = 1e-5  # how near the two are, relative to the largest


def central_differences(function: Callable[..., Tensor], inputs: Sequence[Tensor]) -> list[Tensor]:
    """(f(x + h) - f(x - h)) / 2h for every number of every input of a function to one number."""
    found = []
    for place, part in enumerate(inputs):
        gradient = torch.zeros_like(part)
        for index in range(part.numel()):
            ends = []
            for sign in (1, -1):
                moved = [one.detach().clone() for one in inputs]
                moved[place].view(-1)[index] += sign * STEP
                ends.append(function(*moved))
            gradient.view(-1)[index] = (ends[0] - ends[1]).detach() / (2 * STEP)
        found.append(gradient)
    return found


def gradient_fault(function: Callable[..., Tensor], named: dict[str, Tensor]) -> str:
    """Where autograd's gradient of `function` at `named` inputs is not that of central differences, or nothing."""
    leaves = [part.detach().clone().requires_grad_() for part in named.values()]
    value = function(*leaves)
    if not value.requires_grad:
        computed: list[Tensor | None] = [None] * len(leaves)
    else:
        computed = list(torch.autograd.grad(value, leaves, allow_unused=True))
    differences = central_differences(function, [leaf.detach() for leaf in leaves])
    scale = max(1.0, *(float(one.abs().max()) for one in differences))
    for name, one, other in zip(named, computed, differences, strict=True):
        apart = (torch.zeros_like(other) if one is None else one) - other
        worst = int(apart.abs().argmax())
        if not float(apart.abs().max()) <= NEAR * scale:
            place = [int(part) for part in torch.unravel_index(torch.tensor(worst), other.shape)]
            given = 0.0 if one is None else float(one.view(-1)[worst])
            return f"d/d{name}{place} is {given:.6g}, by central differences {float(other.view(-1)[worst]):.6g}"
    return ""
