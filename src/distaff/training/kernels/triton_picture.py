"""The likelihood of k models' pictures: its sum over each image, and its gradient at the raw numbers, in one kernel.

`picture` is the decoder's last layer too, whose raw numbers are never written. A program takes an image of one model
and adds its blocks one after the other, so that a model's sums do not depend on its neighbours.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from distaff.training.kernels.stored import Stored
from distaff.training.kernels.triton_images import pixel

FLOATS, BYTES, BITS = 0, 1, 2  # what a target is
MOST_CHANNELS = 4  # of a picture: each is 16 columns of a block
PIXELS = 1024  # of an image, that `likelihood` takes at once


@triton.jit  # type: ignore[untyped-decorator]
def _target(  # type: ignore[no-untyped-def]
    target, start, row, channel, y, x, inside, H: tl.constexpr, W: tl.constexpr, C: tl.constexpr, FORM: tl.constexpr
):
    """Pixels of the image that a picture shall show: at `start` of floats [c h w], or row `row` of stored images."""
    if FORM == 0:
        shown = tl.load(target + start + (channel * H + y) * W + x, mask=inside, other=0.0)
    else:
        shown = pixel(target, row, channel, y, x, inside, H, W, C, FORM == 2)
        if FORM == 1:
            shown *= 1 / 255  # half the time of a division; 255 of them are 1
    return shown


@triton.jit
def _bernoulli(logit, shown):  # type: ignore[no-untyped-def]
    """-log p of a pixel and its gradient at the logit: log(1 + e^l) - t l, and sigmoid(l) - t.

    log(1 + s) is 2 artanh(s / (2 + s)), whose series has all digits for s from 0 to 1. The logarithm of a rounded 1 + s
    would lose those of pixels that are nearly certain, and take longer.
    """
    small = tl.exp(-tl.abs(logit))
    z = small / (2.0 + small)
    t = z * z
    series = 1 / 7 + t * (1 / 9 + t * (1 / 11 + t * (1 / 13)))
    log = 2.0 * z * (1.0 + t * (1 / 3 + t * (1 / 5 + t * series)))
    sigmoid = tl.where(logit >= 0, 1.0, small) / (1.0 + small)
    return tl.maximum(logit, 0.0) - logit * shown + log, sigmoid - shown


@triton.jit  # type: ignore[untyped-decorator]
def _picture(  # type: ignore[no-untyped-def]
    x, w, bias, target, rows, nll, above, to_w, to_bias, to_target, to_rows, B, H: tl.constexpr, W: tl.constexpr,
    IN: tl.constexpr, C: tl.constexpr, FORM: tl.constexpr, LAST: tl.constexpr, PRECISION: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """An image of one model: products of patches and kernel, in blocks of `BM` squares of 4 x 4 pixels.

    The square (u, v) is the pixels 4u - 1 to 4u + 2 and 4v - 1 to 4v + 2, which are sums over the 3 x 3 places of x
    from (2u - 1, 2v - 1) on; a pixel takes 2 x 2 of them, and the kernel counts as 0 for the others. Of one channel, a
    square fills the 16 columns of a tensor core, where the 2 x 2 pixels of one place would take 4.
    """
    image, model = tl.program_id(0), tl.program_id(1).to(tl.int64)
    rows_of_squares: tl.constexpr = H // 2 + 1
    squares: tl.constexpr = W // 2 + 1
    chunks: tl.constexpr = (IN + BK - 1) // BK
    x += (model * B + image) * (H * W * IN)
    w += model * to_w
    above += (model * B + image) * (4 * H * W * C)
    start = model * to_target + image * (4 * H * W * C)
    row = tl.load(rows + model * to_rows + image) if FORM != 0 else 0
    n = tl.arange(0, BN)
    channel, dx, dy = n % C, n // C % 4, n // (4 * C)
    of_channel = tl.load(bias + model * to_bias + channel)
    total = tl.zeros((BM,), tl.float32)
    for m0 in range(0, rows_of_squares * squares, BM):
        m = m0 + tl.arange(0, BM)
        u, v = m // squares, m % squares
        logit = tl.zeros((BM, BN), tl.float32)
        for step in range(0, 9 * chunks):
            a, b = step // chunks // 3, step // chunks % 3
            c = step % chunks * BK + tl.arange(0, BK)
            at_y, at_x = 2 * u - 1 + a, 2 * v - 1 + b
            inside = ((at_y >= 0) & (at_y < H) & (at_x >= 0) & (at_x < W) & (u < rows_of_squares))[:, None]
            p, q = dy + 2 - 2 * a, dx + 2 - 2 * b
            weighs = ((p >= 0) & (p < 4) & (q >= 0) & (q < 4) & (dy < 4))[None, :]
            if IN % BK != 0:
                inside = inside & (c < IN)[None, :]
                weighs = weighs & (c < IN)[:, None]
            patch = tl.load(x + ((at_y * W + at_x) * IN)[:, None] + c[None, :], mask=inside, other=0.0)
            at = ((p * 4 + q) * (IN * C) + channel)[None, :] + (c * C)[:, None]
            part = tl.load(w + at, mask=weighs, other=0.0)
            logit = tl.dot(patch, part, logit, input_precision=PRECISION)
        logit += of_channel[None, :]
        y, z = 4 * u[:, None] - 1 + dy[None, :], 4 * v[:, None] - 1 + dx[None, :]
        seen = (y >= 0) & (y < 2 * H) & (z >= 0) & (z < 2 * W) & (dy < 4)[None, :]
        shown = _target(target, start, row, channel[None, :], y, z, seen, 2 * H, 2 * W, C, FORM)
        loss, gradient = _bernoulli(logit, shown)
        total += tl.sum(tl.where(seen, loss, 0.0), 1)
        to = (y * (2 * W) + z) * C + channel[None, :] if LAST else (channel[None, :] * (2 * H) + y) * (2 * W) + z
        tl.store(above + to, gradient.to(above.dtype.element_ty), mask=seen)
    tl.store(nll + model * B + image, tl.sum(total, 0))


@triton.jit  # type: ignore[untyped-decorator]
def _likelihood(  # type: ignore[no-untyped-def]
    raw, target, rows, nll, above, to_target, to_rows, B, H: tl.constexpr, W: tl.constexpr, C: tl.constexpr,
    FORM: tl.constexpr, LAST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """An image of one model, `BLOCK` pixels after the other."""
    image, model = tl.program_id(0), tl.program_id(1).to(tl.int64)
    raw += (model * B + image) * (C * H * W)
    above += (model * B + image) * (C * H * W)
    start = model * to_target + image * (C * H * W)
    row = tl.load(rows + model * to_rows + image) if FORM != 0 else 0
    total = tl.zeros((BLOCK,), tl.float32)
    for first in range(0, C * H * W, BLOCK):
        at = first + tl.arange(0, BLOCK)
        inside = at < C * H * W
        if LAST:
            channel, y, x = at % C, at // (C * W), at // C % W
        else:
            channel, y, x = at // (H * W), at // W % H, at % W
        logit = tl.load(raw + at, mask=inside, other=0.0).to(tl.float32)
        shown = _target(target, start, row, channel, y, x, inside, H, W, C, FORM)
        loss, gradient = _bernoulli(logit, shown)
        total += tl.where(inside, loss, 0.0)
        tl.store(above + at, gradient.to(above.dtype.element_ty), mask=inside)
    tl.store(nll + model * B + image, tl.sum(total, 0))


def picture(x: Tensor, w: Tensor, b: Tensor, target: Tensor | Stored, last: bool = True) -> tuple[Tensor, Tensor]:
    """Likelihood [k b] of the pictures that an `Upsample` makes of x [k b i h w], and its gradient [k b c 2h 2w].

    Nats of each image, summed over pixels and channels; the gradient at the raw numbers, sigmoid less target, in
    x.dtype, its channels innermost in memory where `last`. x has its channels innermost, w [k i c 4 4] is a view of
    memory [4 4 i c] of each model, b [k c]; a target is float32 [k b c 2h 2w], each model's contiguous, or stored
    images with rows [k b].
    """
    k, batch, inputs, height, width = x.shape
    channels = w.shape[2]
    nll, above = _results(x, (k, batch, channels, 2 * height, 2 * width), last)
    form, pixels, rows, steps = _of_target(target)
    bn, bk = max(16, triton.next_power_of_2(16 * channels)), max(16, min(64, triton.next_power_of_2(inputs)))
    bm = 32 if bn == 64 and x.dtype == torch.float32 else 64
    _picture[(batch, k)](
        x, w, b, pixels, rows, nll, above, w.stride(0), b.stride(0), *steps, batch, height, width, inputs, channels,
        form, last, "tf32x3", bm, bn, bk, num_warps=bm * bn // 256, num_stages=3,
    )  # fmt: skip
    return nll, above


def likelihood(raw: Tensor, target: Tensor | Stored) -> tuple[Tensor, Tensor]:
    """The same of raw numbers [k b c h w], whose channels lie innermost or outermost; the gradient is laid out as they.

    They are dense: the memory of an image follows that of the image before.
    """
    k, batch, channels, height, width = raw.shape
    last = channels > 1 and raw.stride(2) == 1
    nll, above = _results(raw, tuple(raw.shape), last)
    form, pixels, rows, steps = _of_target(target)
    block = max(16, min(PIXELS, triton.next_power_of_2(channels * height * width)))
    _likelihood[(batch, k)](
        raw, pixels, rows, nll, above, *steps, batch, height, width, channels, form, last, block
    )  # fmt: skip
    return nll, above


def pictured(channels: int) -> bool:
    """Whether `picture` takes pictures of so many channels: others are a layer of their own, and `likelihood`."""
    return channels <= MOST_CHANNELS


def _results(like: Tensor, shape: tuple[int, ...], last: bool) -> tuple[Tensor, Tensor]:
    """Memory for a number an image and for a number a pixel."""
    k, b, c, h, w = shape
    nll = torch.empty(k, b, dtype=torch.float32, device=like.device)
    inner = (1, w * c, c) if last else (h * w, w, 1)
    return nll, like.new_empty_strided((k, b, c, h, w), (b * c * h * w, c * h * w, *inner))


def _of_target(target: Tensor | Stored) -> tuple[int, Tensor, Tensor, tuple[int, int]]:
    """What the target is, its memory, rows where it has some, and the steps of both from a model to the next."""
    if isinstance(target, Stored):
        return BITS if target.packed else BYTES, target.images, target.rows, (0, target.rows.stride(0))
    return FLOATS, target, target, (target.stride(0), 0)
