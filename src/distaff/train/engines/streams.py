"""streams: one model after the other, each on one of several CUDA streams, so that small kernels run side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from distaff.train.engines.loop import models
from distaff.types import Params

STREAMS = 32


def streams(module: nn.Module, params: Params, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`loop`, with model k on stream k modulo 32; autograd runs its backward pass on the stream of its forward.

    Recorded in a CUDA graph (`train/recorded.py`), the streams become its parallel branches.
    """
    main = torch.cuda.current_stream()
    side = [torch.cuda.Stream() for _ in range(min(STREAMS, len(inputs[0])))]  # type: ignore[no-untyped-call]
    outputs: list[tuple[Tensor, ...]] = []
    for k, own in enumerate(models(params)):
        stream = side[k % len(side)]
        stream.wait_stream(main)
        with torch.cuda.stream(stream):
            result = functional_call(module, own, tuple(part[k] for part in inputs))
        outputs.append(result if isinstance(result, tuple) else (result,))
    for stream in side:
        main.wait_stream(stream)
    return tuple(torch.stack(part) for part in zip(*outputs, strict=True))
