"""How much memory a model needs while it is trained, and so how many may stand side by side."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from distaff.plugins.registry import CRITICS, METHODS, NETWORKS
from distaff.runs import Run
from distaff.trained import dataset_of
from distaff.training.pack import latents

FLOAT = 4  # bytes
OF_PROCESS = 600_000_000  # torch, numba, what scoring takes, and what a step and the gaps of a heap take beside models
OF_WEIGHT = 4 * FLOAT  # the weight, its gradient and the two moments of Adam
OF_CHECKPOINT = 6 * FLOAT  # while a checkpoint is written: the weight and its moments, twice
ON_DISK = 8 * FLOAT  # weights and two moments, in a checkpoint and in the one that replaces it, and the results
OF_CURVE = 200_000  # bytes: some 200 points, and the small files of a run
OF_ACTIVATION = 2 * FLOAT  # an output held for the gradient, and the gradient that passes it


@functools.lru_cache(maxsize=256)
def bytes_of(run: Run) -> int:
    """Bytes of one model in a pack: weights, moments and their copy for the disk, a batch and its gradient."""
    height, width, channels = dataset_of(run.dataset).shape
    batch, parts = _batch(run), _parts(run)
    activations = sum(rows * _outputs(module, shape) for module, shape, rows in parts)
    activations += 3 * batch * height * width * channels  # the images of a model, their logits and the pixels' losses
    return (OF_WEIGHT + OF_CHECKPOINT) * _weights(parts) + OF_ACTIVATION * activations


def bytes_on_disk(runs: tuple[Run, ...]) -> int:
    """Bytes of disk for `runs` side by side: their checkpoint, the one before it, their results, and room to spare."""
    return len(runs) * (ON_DISK * _weights(_parts(runs[0])) + OF_CURVE)


def _batch(run: Run) -> int:
    return run.batch * (2 if METHODS.plugin(run.method.name).has("views") else 1)


def _parts(run: Run) -> list[tuple[nn.Module, tuple[int, ...], int]]:
    """The modules of a model, the shape of an input of each, and how many of them a batch has."""
    dataset, batch = dataset_of(run.dataset), _batch(run)
    height, width, channels = dataset.shape
    vae = NETWORKS.bind(run.network)(dataset.shape)
    parts = [(vae.encoder, (channels, height, width), batch), (vae.decoder, (latents(run),), batch)]
    if run.critic is not None:
        parts.append((CRITICS.bind(run.critic)(latents(run)), (latents(run),), 2 * batch))
    return parts


def _weights(parts: list[tuple[nn.Module, tuple[int, ...], int]]) -> int:
    return sum(p.numel() for module, _, _ in parts for p in module.parameters())


def models_within(run: Run, memory: int) -> int:
    """How many models like `run` fit side by side into `memory` bytes; at least one."""
    return max(1, memory // bytes_of(run))


def models_beside(run: Run, memory: int) -> int:
    """How many models like `run` a process of `memory` bytes trains side by side; at least one."""
    return models_within(run, memory - OF_PROCESS)


class _WithoutProducts(TorchFunctionMode):
    """Dense layers put out zeros of the right shape: their weights may be larger than memory."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Whatever torch does, but for the product of a dense layer."""
        del types
        if function is nn.functional.linear:
            x, weight, *_ = args
            return x.new_zeros(*x.shape[:-1], len(weight))
        return function(*args, **(kwargs or {}))


def _outputs(module: nn.Module, shape: tuple[int, ...]) -> int:
    """How many numbers the layers of a module put out for one input of `shape`.

    They are counted on zeros, with weights that take no memory. The meta device would be simpler, but its operations
    import torch's compiler: a second and 170 MB of every worker.
    """
    outputs: list[int] = []

    def count(layer: nn.Module, inputs: Any, output: Tensor) -> None:
        del layer, inputs
        outputs.append(output.numel())

    weights = {name: torch.zeros(()).expand(p.shape) for name, p in module.named_parameters()}
    hooks = [layer.register_forward_hook(count) for layer in module.modules() if not list(layer.children())]
    try:
        with _WithoutProducts():
            torch.func.functional_call(module, weights, torch.zeros(1, *shape))
    finally:
        for hook in hooks:
            hook.remove()
    return sum(outputs)
