"""Compile pictures, stored images and draws for a GPU that is not there, as `triton_offline` does convolutions.

Run as a program in a process of its own:

    python triton_offline_draws.py 90 bf16            all of conv64's decoder end, of one and of three channels
    python triton_offline_draws.py 90 bf16 bits       one case of `PICTURES`, or "draws"
"""

from __future__ import annotations

import json
import os
import sys

import torch
from torch import Tensor

from distaff.training.kernels import triton_draws, triton_images, triton_picture
from distaff.training.kernels.stored import Stored
from triton_offline import Launch, launches, needs

K, B, WIDTH, SIDE = 32, 64, 32, 64
PICTURES = {"floats": 1, "bytes": 1, "bits": 1, "floats, in colour": 3, "bytes, in colour": 3}  # channels


def of_picture(name: str, dtype: torch.dtype) -> list[Launch]:
    """What the last layer of a decoder launches, its likelihood alone, and what reads its images."""
    channels = PICTURES[name]
    x = torch.empty(K, B, SIDE // 2, SIDE // 2, WIDTH, dtype=dtype, device="meta").permute(0, 1, 4, 2, 3)
    w = torch.empty(K, 4, 4, WIDTH, channels, dtype=dtype, device="meta").permute(0, 3, 4, 1, 2)
    bias, target = torch.empty(K, channels, device="meta"), _target(name, channels)

    def end() -> None:
        _, raw = triton_picture.picture(x, w, bias, target)
        triton_picture.likelihood(raw, target)
        if isinstance(target, Stored):
            triton_images.look(target, dtype)

    return launches(end)


def of_draws() -> list[Launch]:
    """What the draws of a step launch."""
    seeds, step = (torch.empty(shape, dtype=torch.int64, device="meta") for shape in ((K,), ()))

    def draws() -> None:
        triton_draws.rows(seeds, "data", step, B, 737_280)
        triton_draws.normals(seeds, "noise", step, (B, 10))
        triton_draws.permutations(seeds, "permute", step, B, 10)
        triton_draws.uniforms(seeds, "nuisance", step, (B, 3, SIDE, SIDE))

    return launches(draws)


def _target(name: str, channels: int) -> Tensor | Stored:
    rows = torch.empty(K, B, dtype=torch.int64, device="meta")
    if name.startswith("floats"):
        return torch.empty(K, B, channels, SIDE, SIDE, device="meta")
    if name == "bits":
        return Stored(torch.empty(737_280, SIDE, dtype=torch.int64, device="meta"), rows)
    return Stored(torch.empty(480_000, SIDE, SIDE, channels, dtype=torch.uint8, device="meta"), rows)


if __name__ == "__main__":
    assert os.environ.get("TRITON_INTERPRET", "0") != "1", "Triton would interpret"
    capability, dtype = int(sys.argv[1]), torch.bfloat16 if sys.argv[2] == "bf16" else torch.float32
    for name in sys.argv[3:] or [*PICTURES, "draws"]:
        for launch in of_draws() if name == "draws" else of_picture(name, dtype):
            sys.stdout.write(json.dumps({"case": name, **needs(launch, capability)._asdict()}) + "\n")
