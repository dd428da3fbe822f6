"""Prints how many kernels one update launches on a GPU, and how many megabytes of a model they touch, counted on a CPU.

    python tests/gpu_launches.py "factor_vae, bf16, conv64" "beta_vae, fp32, conv64"

Triton's kernels are recorded and not run. Torch's operations run on the CPU, each for the one kernel that it is on a
GPU.
"""

from __future__ import annotations

import json
import sys
from typing import Any
from unittest import mock

import torch
import triton
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from distaff.runs import run
from distaff.training.cuda_graph import _tensors
from distaff.training.engines.loop import loop
from distaff.training.kernels import cuda, triton_draws
from distaff.training.pack import begin, pack
from distaff.training.passes.autograd import autograd_passes
from distaff.training.passes.by_hand import chained
from distaff.training.resident import draw_on_device, resident
from distaff.training.step import clock, update_models

MODELS = 4
NO_KERNEL = frozenset({
    "alias", "as_strided", "detach", "empty", "empty_like", "empty_strided", "expand", "new_empty",
    "new_empty_strided", "permute", "select", "slice", "split", "squeeze", "t", "transpose", "unbind", "unsqueeze",
    "view", "_unsafe_view", "lift_fresh", "_local_scalar_dense", "unflatten",
})  # fmt: skip


class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The operations that run inside: their names and bytes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.launches: list[tuple[str, int]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name not in NO_KERNEL:
            self.launches.append((name, _bytes([args, kwargs, out])))
        return out


def _bytes(tree: Any) -> int:
    tensors = {(t.data_ptr(), t.shape): t for t in tree_leaves(tree) if isinstance(t, torch.Tensor)}
    return sum(t.numel() * t.element_size() for t in tensors.values())


def launches(method: str, precision: str, network: str) -> list[tuple[str, int]]:
    """Those of an update, in order."""
    packed = pack(tuple(run("dsprites", method, network, seed=seed, precision=precision) for seed in range(MODELS)))
    held = resident(packed, 2**40)
    assert held is not None
    state = begin(packed)
    counted = Counted()
    passes = chained(packed, state, cuda, autograd_passes(packed, state, loop))
    now = _tensors(clock(packed, 0), "cpu")

    def launch(kernel: Any, *args: Any, **options: Any) -> None:
        del options
        counted.launches.append((f"triton {kernel.fn.__name__}", _bytes(args)))
        if kernel is triton_draws._permutation:
            args[2].numpy().fill(0)  # what indexes something is to be an index

    with mock.patch.object(triton.JITFunction, "run", launch), counted:
        update_models(packed, state, passes, draw_on_device(packed, held, torch.tensor(0), passes.vae.dtype), now)
    images = held.images.numel() * held.images.element_size()  # of which a kernel reads those of a batch
    return [(name, size - images if size > images else size) for name, size in counted.launches]


if __name__ == "__main__":
    for text in sys.argv[1:]:
        found = launches(*text.split(", "))
        summary = {"launches": len(found), "megabytes": sum(size for _, size in found) / MODELS / 1e6}
        sys.stdout.write(json.dumps(summary) + "\n")
        sys.stderr.writelines(f"{size / MODELS / 1e3:10.1f} kB  {name}\n" for name, size in found)
