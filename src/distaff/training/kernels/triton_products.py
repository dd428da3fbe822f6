"""Products of images and a layer's kernel: patches are gathered from the images, and never written down.

A layer has a large side and a small one, a stride apart: a convolution goes from the large to the small, a transposed
one back, and their gradients the other way. `gather` computes the small side, `spread` the large one.

Images are [b channels rows columns] of each model, with a step between pixels and one between channels; kernels
[p q i o], with a step between the channels IN that are summed over and one between the channels OUT. What follows the
sum is in the same kernel: bias and activation, or a model's scale and the activation's derivative at `of`.
"""

from __future__ import annotations

import triton
import triton.language as tl

from distaff.training.kernels.triton_activation import activate, below


@triton.jit  # type: ignore[untyped-decorator]
def gather(  # type: ignore[no-untyped-def]
    x, w, bias, scale, of, y, B, W_MODEL, BIAS_MODEL,
    HEIGHT: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
    S: tl.constexpr, PAD: tl.constexpr, P: tl.constexpr, Q: tl.constexpr, IN: tl.constexpr, OUT: tl.constexpr,
    X_PIXEL: tl.constexpr, X_CHANNEL: tl.constexpr, Y_PIXEL: tl.constexpr, Y_CHANNEL: tl.constexpr,
    OF_PIXEL: tl.constexpr, OF_CHANNEL: tl.constexpr, W_IN: tl.constexpr, W_OUT: tl.constexpr,
    NAME: tl.constexpr, SLOPE: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """A block of the small side y, positions times channels: a patch of the large side x at each, times the kernel."""
    tiles: tl.constexpr = (OUT + BN - 1) // BN
    entries: tl.constexpr = P * Q * IN
    model = tl.program_id(1).to(tl.int64)
    m = (tl.program_id(0) // tiles) * BM + tl.arange(0, BM)[:, None]
    n = (tl.program_id(0) % tiles) * BN + tl.arange(0, BN)[None, :]
    image, row, column = m // (ROWS * COLUMNS), m // COLUMNS % ROWS, m % COLUMNS
    top, left = row * S - PAD, column * S - PAD
    x += model * B * (HEIGHT * WIDTH * IN)
    w += model * W_MODEL
    at = image * (HEIGHT * WIDTH * IN) + (top * WIDTH + left) * X_PIXEL
    total = tl.zeros((BM, BN), tl.float32)
    for k in range(0, entries, BK):
        e = k + tl.arange(0, BK)[None, :]
        p, q, c = e // (Q * IN), e // IN % Q, e % IN
        inside = (image < B) & (e < entries)
        if PAD > 0:
            inside &= (top + p >= 0) & (top + p < HEIGHT) & (left + q >= 0) & (left + q < WIDTH)
        patch = tl.load(x + at + (p * WIDTH + q) * X_PIXEL + c * X_CHANNEL, mask=inside, other=0.0)
        e = k + tl.arange(0, BK)[:, None]
        part = w + e // IN * (IN * OUT) + e % IN * W_IN + n * W_OUT
        if OUT % BN == 0 and entries % BK == 0:
            total = tl.dot(patch, tl.load(part), total, input_precision="tf32x3")
        else:
            part = tl.load(part, mask=(n < OUT) & (e < entries), other=0.0)
            total = tl.dot(patch, part, total, input_precision="tf32x3")
    _finish(total, model, row * COLUMNS + column, image, n, (image < B) & (n < OUT), bias, scale, of, y, B, BIAS_MODEL,
            ROWS * COLUMNS, OUT, Y_PIXEL, Y_CHANNEL, OF_PIXEL, OF_CHANNEL, NAME, SLOPE)  # fmt: skip


@triton.jit  # type: ignore[untyped-decorator]
def spread(  # type: ignore[no-untyped-def]
    x, w, bias, scale, of, y, B, W_MODEL, BIAS_MODEL,
    HEIGHT: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
    S: tl.constexpr, PAD: tl.constexpr, P: tl.constexpr, Q: tl.constexpr, IN: tl.constexpr, OUT: tl.constexpr,
    X_PIXEL: tl.constexpr, X_CHANNEL: tl.constexpr, Y_PIXEL: tl.constexpr, Y_CHANNEL: tl.constexpr,
    OF_PIXEL: tl.constexpr, OF_CHANNEL: tl.constexpr, W_IN: tl.constexpr, W_OUT: tl.constexpr,
    NAME: tl.constexpr, SLOPE: tl.constexpr, SIDE: tl.constexpr, PHASES: tl.constexpr, BM: tl.constexpr,
    BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """A block of the large side y, squares times their pixels and channels: a patch of the small side x at each.

    Pixel Y of the large side is the sum over taps p of row r of the small one, Y = S r - PAD + p. A square is SIDE
    x SIDE pixels, Y = SIDE i - PAD + a, which all see the rows from SIDE / S i - (P / S - 1) on, so that it is one
    row of a product: tap a + P - S - S u of the u-th of them, where there is such a tap. SIDE is S, or a multiple
    of it if channels are so few that a square of S x S would not fill a block.
    """
    BT: tl.constexpr = BN // PHASES
    tiles: tl.constexpr = (OUT + BT - 1) // BT
    across: tl.constexpr = SIDE // S + Q // S - 1
    entries: tl.constexpr = (SIDE // S + P // S - 1) * across * IN
    first: tl.constexpr = PAD // SIDE
    squares_y: tl.constexpr = (HEIGHT - 1 + PAD) // SIDE - first + 1
    squares_x: tl.constexpr = (WIDTH - 1 + PAD) // SIDE - first + 1
    edges: tl.constexpr = P > S or Q > S or PAD > 0 or SIDE > S or HEIGHT > S * ROWS or WIDTH > S * COLUMNS
    model = tl.program_id(1).to(tl.int64)
    m = (tl.program_id(0) // tiles) * BM + tl.arange(0, BM)[:, None]
    f = tl.arange(0, BN)[None, :]
    a, b, n = f // BT // SIDE, f // BT % SIDE, (tl.program_id(0) % tiles) * BT + f % BT
    image, i, j = m // (squares_y * squares_x), m // squares_x % squares_y + first, m % squares_x + first
    top, left = i * (SIDE // S) - (P // S - 1), j * (SIDE // S) - (Q // S - 1)
    x += model * B * (ROWS * COLUMNS * IN)
    w += model * W_MODEL
    at = image * (ROWS * COLUMNS * IN) + (top * COLUMNS + left) * X_PIXEL
    total = tl.zeros((BM, BN), tl.float32)
    for k in range(0, entries, BK):
        e = k + tl.arange(0, BK)[None, :]
        u, v, c = e // (across * IN), e // IN % across, e % IN
        inside = (image < B) & (e < entries)
        if edges:
            inside &= (top + u >= 0) & (top + u < ROWS) & (left + v >= 0) & (left + v < COLUMNS)
        patch = tl.load(x + at + (u * COLUMNS + v) * X_PIXEL + c * X_CHANNEL, mask=inside, other=0.0)
        e = k + tl.arange(0, BK)[:, None]
        p, q = a + P - S - e // (across * IN) * S, b + Q - S - e // IN % across * S
        part = w + (p * Q + q) * (IN * OUT) + e % IN * W_IN + n * W_OUT
        if SIDE == S and SIDE * SIDE == PHASES and OUT % BT == 0 and entries % BK == 0:
            total = tl.dot(patch, tl.load(part), total, input_precision="tf32x3")
        else:
            there = (p >= 0) & (p < P) & (q >= 0) & (q < Q) & (a < SIDE) & (n < OUT) & (e < entries)
            total = tl.dot(patch, tl.load(part, mask=there, other=0.0), total, input_precision="tf32x3")
    to_y, to_x = i * SIDE - PAD + a, j * SIDE - PAD + b
    there = (image < B) & (to_y >= 0) & (to_y < HEIGHT) & (to_x >= 0) & (to_x < WIDTH) & (a < SIDE) & (n < OUT)
    _finish(total, model, to_y * WIDTH + to_x, image, n, there, bias, scale, of, y, B, BIAS_MODEL, HEIGHT * WIDTH, OUT,
            Y_PIXEL, Y_CHANNEL, OF_PIXEL, OF_CHANNEL, NAME, SLOPE)  # fmt: skip


@triton.jit  # type: ignore[untyped-decorator]
def _finish(  # type: ignore[no-untyped-def]
    total, model, pixel, image, n, there, bias, scale, of, y, B, BIAS_MODEL, PIXELS: tl.constexpr, OUT: tl.constexpr,
    Y_PIXEL: tl.constexpr, Y_CHANNEL: tl.constexpr, OF_PIXEL: tl.constexpr, OF_CHANNEL: tl.constexpr,
    NAME: tl.constexpr, SLOPE: tl.constexpr,
):  # fmt: skip
    """Store a block of sums: with bias and activation, or with scale and derivative where there is an `of`."""
    if bias is not None:
        total += tl.load(bias + model * BIAS_MODEL + n, mask=n < OUT, other=0.0).to(tl.float32)
    if scale is not None:
        total *= tl.load(scale + model)
    if of is not None:
        at = model * B * (PIXELS * OUT) + image * (PIXELS * OUT) + pixel * OF_PIXEL + n * OF_CHANNEL
        total = below(total, tl.load(of + at, mask=there, other=0.0).to(tl.float32), NAME, SLOPE)
    else:
        total = activate(total, NAME, SLOPE)
    y += model * B * (PIXELS * OUT)
    tl.store(y + image * (PIXELS * OUT) + pixel * Y_PIXEL + n * Y_CHANNEL, total.to(y.dtype.element_ty), mask=there)
