"""Compile dense layers and Adam for a GPU that is not there, as `triton_offline` does convolutions.

Run as a program in a process of its own:

    python triton_offline_dense.py 90 bf16            all of conv64 and FactorVAE's discriminator
    python triton_offline_dense.py 90 bf16 inner      one layer of `LAYERS`, or "adam"
"""

from __future__ import annotations

import json
import os
import sys

import torch
from torch import Tensor

from distaff.training.arena import places_of, table_of
from distaff.training.kernels import Updated, triton_adam, triton_dense
from distaff.training.kernels.shapes import Activation
from triton_offline import Launch, launches, needs

LAYERS = {  # rows, inputs, outputs
    "to codes": (64, 1024, 256), "codes": (64, 256, 20), "from codes": (64, 10, 256), "to images": (64, 256, 1024),
    "first": (128, 10, 1000), "inner": (128, 1000, 1000), "logits": (128, 1000, 2),
}  # fmt: skip


def of_dense(name: str, dtype: torch.dtype, k: int = 32) -> list[Launch]:
    """What a layer launches: forward, gradient below, of weights, and that with Adam."""
    b, i, o = LAYERS[name]
    half, leaky = dtype == torch.bfloat16, Activation("leaky", 0.2)
    p, m, v, s = (_views(k, i, o, of) for of in (torch.float32, torch.float32, torch.float32, dtype))
    x = torch.empty(k, b, i, dtype=dtype, device="meta")
    parts = triton_dense.parts_of_dense(b, i, o)
    of_w, of_b = (torch.empty(parts, k, *shape, device="meta") for shape in ((o, i), (o,)))
    one = torch.empty(1, device="meta")

    def layer() -> None:
        above = triton_dense.dense(x, (s if half else p)[0], p[1], leaky)
        triton_dense.dense_below(above, (s if half else p)[0], x, leaky)
        triton_dense.dense_weights(x, above, of_w, of_b)
        copies = s if half else (None, None)
        weights, biases = (Updated(p[i], m[i], v[i], copies[i]) for i in (0, 1))
        triton_dense.dense_weights_adam(x, above, weights, biases, one, one, 0.5, 0.9, 1e-8)

    return launches(layer)


def of_adam(dtype: torch.dtype, k: int = 32) -> list[Launch]:
    """What the update of a whole arena launches."""
    p, s = (torch.empty(k, 4096, dtype=of, device="meta") for of in (torch.float32, torch.bfloat16))
    places = places_of([(1000,), (10,)], [(0,), (0,)], [3, 1], k)
    one, table = torch.empty(1, device="meta"), table_of(places, triton_adam.BLOCK)
    copy = s if dtype == torch.bfloat16 else None
    gradients = torch.empty(k * 3 * 1008 + k * 16, device="meta")
    return launches(lambda: triton_adam.adam(p, p, p, copy, gradients, table, one, one, 0.9, 0.999, 1e-8))


def _views(k: int, i: int, o: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Weights and biases in an arena."""
    start = -(-o * i // 16) * 16
    arena = torch.empty(k, start + -(-o // 16) * 16, dtype=dtype, device="meta")
    return arena[:, : o * i].view(k, o, i), arena[:, start : start + o]


if __name__ == "__main__":
    assert os.environ.get("TRITON_INTERPRET", "0") != "1", "Triton would interpret"
    capability, dtype = int(sys.argv[1]), torch.bfloat16 if sys.argv[2] == "bf16" else torch.float32
    for name in sys.argv[3:] or [*LAYERS, "adam"]:
        for launch in of_adam(dtype) if name == "adam" else of_dense(name, dtype):
            sys.stdout.write(json.dumps({"layer": name, **needs(launch, capability)._asdict()}) + "\n")
