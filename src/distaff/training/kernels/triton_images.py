"""Stored images on a device, read by row: as floats for a network, or pixel by pixel by another kernel."""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from distaff.training.kernels.stored import Stored

BLOCK = 1024  # pixels that a program writes


@triton.jit  # type: ignore[untyped-decorator]
def pixel(  # type: ignore[no-untyped-def]
    images, row, channel, y, x, inside, H: tl.constexpr, W: tl.constexpr, C: tl.constexpr, PACKED: tl.constexpr
):
    """The pixels at `channel`, `y` and `x` of stored image `row`: bytes as floats, or bits; 0 where not `inside`."""
    if PACKED:
        word = tl.load(images + row * H + y, mask=inside, other=0)
        found = (word >> x.to(tl.int64)) & 1
    else:
        found = tl.load(images + row * (H * W * C) + (y * W + x) * C + channel, mask=inside, other=0)
    return found.to(tl.float32)


@triton.jit  # type: ignore[untyped-decorator]
def _look(  # type: ignore[no-untyped-def]
    images, rows, out, H: tl.constexpr, W: tl.constexpr, C: tl.constexpr, PACKED: tl.constexpr, BLOCK: tl.constexpr
):
    """`BLOCK` pixels of an image, channel by channel; bytes are divided as a processor does it, to the last bit."""
    image = tl.program_id(1).to(tl.int64)
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < C * H * W
    channel, y, x = at // (H * W), at // W % H, at % W
    shown = pixel(images, tl.load(rows + image), channel, y, x, inside, H, W, C, PACKED)
    if not PACKED:
        shown = tl.div_rn(shown, 255.0)
    tl.store(out + image * (C * H * W) + at, shown.to(out.dtype.element_ty), mask=inside)


def look(stored: Stored, dtype: torch.dtype = torch.float32) -> Tensor:
    """The images in [0, 1], channels first, [... c h w] at rows [...]: what `Dataset.batch` gives before it observes.

    Those of another `dtype` are rounded to it.
    """
    channels, height, width = stored.shape
    out = torch.empty(*stored.rows.shape, channels, height, width, dtype=dtype, device=stored.images.device)
    pixels = math.prod(stored.shape)
    block = max(16, min(BLOCK, triton.next_power_of_2(pixels)))
    _look[(triton.cdiv(pixels, block), stored.rows.numel())](
        stored.images, stored.rows, out, height, width, channels, stored.packed, block
    )
    return out
