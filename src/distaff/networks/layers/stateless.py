"""Whether the training of a network depends on its weights, its images and the noise of a seed, and on nothing else."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.func import functional_call

IMAGES = 3  # the first of which is compared with itself beside either of the others
RTOL, ATOL = 1e-3, 1e-4  # sums of a layer may be taken in another order; statistics of a batch change the first digit


def state_of(module: nn.Module) -> str | None:
    """What of a layer is more than weights: statistics that it keeps, or random numbers; None where there is none."""
    for layer in module.modules():
        kind = type(layer).__name__
        if getattr(layer, "running_mean", None) is not None:
            return (
                f"its {kind} keeps running statistics, which no engine keeps for each model of a pack; GroupNorm and "
                "LayerNorm normalise without them"
            )
        if isinstance(layer, nn.modules.dropout._DropoutNd) and layer.p > 0:
            return f"its {kind} draws random numbers that are not those of the run's seed"
    return None


def dependence_of(module: nn.Module, weights: dict[str, Tensor], shape: tuple[int, ...]) -> str | None:
    """What an output depends on beside its own input: chance, or the rest of the batch; None where there is none."""
    own = copy.deepcopy(module).train()
    parts = weights | {name: torch.ones(b.shape, dtype=b.dtype) for name, b in own.named_buffers() if b.is_meta}
    size = (IMAGES, *shape)
    batch = 0.5 + 0.5 * torch.sin(torch.arange(float(torch.Size(size).numel()))).view(size)
    before = torch.get_rng_state()
    try:
        with torch.no_grad():
            one, again, other = (functional_call(own, parts, (batch[pair],)) for pair in ([0, 1], [0, 1], [0, 2]))
    finally:
        torch.set_rng_state(before)
    if not torch.equal(one, again):
        return "it draws random numbers that are not those of the run's seed: twice the same images give other numbers"
    if not torch.allclose(one[0], other[0], rtol=RTOL, atol=ATOL):
        return (
            "what it makes of an image depends on the others of its batch; GroupNorm and LayerNorm normalise without "
            "them"
        )
    return None
