"""streams: one model after the other, each on one of several CUDA streams, so that small kernels run side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from distaff.types import Params

CUDA_STREAMS = 32
T = TypeVar("T")


def streams(module: nn.Module, params: Params, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`loop`, with model k on stream k modulo 32; autograd runs its backward pass on the stream of its forward.

    Captured in a CUDA graph (`training/cuda_graph.py`), the streams become its parallel branches.
    """

    def one(*parts: Tensor) -> tuple[Tensor, ...]:
        weights = dict(zip(params, parts, strict=False))
        result = functional_call(module, weights, parts[len(weights) :])
        return result if isinstance(result, tuple) else (result,)

    outputs = on_streams(one, *params.values(), *inputs)
    return tuple(torch.stack(part) for part in zip(*outputs, strict=True))


def on_streams(one: Callable[..., T], *stacks: Tensor) -> list[T]:
    """The results of `one` on each model's part of `stacks`; on a GPU, each on its stream, and waited for."""
    parts = list(zip(*(stack.unbind() for stack in stacks), strict=True))
    if not stacks[0].is_cuda:
        return [one(*slices) for slices in parts]
    main, side = torch.cuda.current_stream(), _streams(stacks[0].get_device())[: len(parts)]
    for stream in side:
        stream.wait_stream(main)
    results = []
    for k, slices in enumerate(parts):
        with torch.cuda.stream(side[k % len(side)]):
            results.append(one(*slices))
    for stream in side:
        main.wait_stream(stream)
    return results


@functools.cache
def _streams(device: int) -> list[torch.cuda.Stream]:
    return [torch.cuda.Stream(device) for _ in range(CUDA_STREAMS)]  # type: ignore[no-untyped-call]
