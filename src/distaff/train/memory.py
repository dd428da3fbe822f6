"""How much memory a model needs while it is trained, and so how many may stand side by side."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn

from distaff import data
from distaff.registry import METHODS, NETWORKS
from distaff.spec import Run
from distaff.train.pack import latents

FLOAT = 4  # bytes
OF_PROCESS = 500_000_000  # torch, numba, what scoring takes, and what a step takes beside its models
OF_WEIGHT = 4 * FLOAT  # the weight, its gradient and the two moments of Adam
OF_POINT = 6 * FLOAT  # while a resume point is written: the weight and its moments, twice
OF_ACTIVATION = 2 * FLOAT  # an output kept for the gradient, and the gradient that passes it


@functools.lru_cache(maxsize=256)
def bytes_of(run: Run) -> int:
    """Bytes of one model in a pack: weights, moments and their copy for the disk, a batch and its gradient."""
    dataset = data.load(str(run.dataset))
    height, width, channels = dataset.shape
    vae = NETWORKS.bind(run.network)(dataset.shape)
    batch = run.batch * (2 if METHODS.plugin(run.method.name).has("views") else 1)
    x = torch.empty(batch, channels, height, width, device="meta")
    count, kept = _numbers(vae, x, torch.empty(batch, latents(run), device="meta"))
    kept += 3 * x.numel()  # the images of a model, their logits and the pixels' losses
    if run.critic is not None:
        critic = NETWORKS.bind(run.critic)(latents(run))
        more = _numbers(critic, torch.empty(2 * batch, latents(run), device="meta"))
        count, kept = count + more[0], kept + more[1]
    return (OF_WEIGHT + OF_POINT) * count + OF_ACTIVATION * kept


def models_within(run: Run, memory: int) -> int:
    """How many models like `run` fit side by side into `memory` bytes; at least one."""
    return max(1, memory // bytes_of(run))


def models_beside(run: Run, memory: int) -> int:
    """How many models like `run` a process of `memory` bytes trains side by side; at least one."""
    return models_within(run, memory - OF_PROCESS)


def _numbers(module: nn.Module, *inputs: Tensor) -> tuple[int, int]:
    """The weights of a module, and the outputs of its layers on `inputs`, counted without computing them."""
    outputs: list[int] = []

    def note(layer: nn.Module, given: Any, output: Any) -> None:
        del layer, given
        outputs.append(output.numel())

    leaves = [layer for layer in module.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(note) for layer in leaves]
    try:
        module(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return sum(p.numel() for p in module.parameters()), sum(outputs)
