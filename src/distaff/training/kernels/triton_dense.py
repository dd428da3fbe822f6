"""Dense layers of k models in one kernel each way: bias and activation, its mask, and Adam are parts of the products.

Vectors are [k b i], weights [k o i] and biases [k o], views into an arena: their models lie any distance apart. Blocks
depend on the shapes of a layer and not on k, so that a model's sums do not depend on its neighbours, and are added in a
fixed order.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import triton
import triton.language as tl
from torch import Tensor

from distaff.training.kernels import Updated
from distaff.training.kernels.shapes import Activation
from distaff.training.kernels.triton_activation import activate, below
from distaff.training.kernels.triton_adam import corrections, step

SHARE = 512  # rows whose gradients of the weights are one sum


class Tile(NamedTuple):
    """The most that a program computes at once, and how: a block of the result, and so much of the sum a step."""

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int


# by kind and bytes of a number; a layer that is smaller has smaller blocks
TILES = {
    ("rows", 2): Tile(128, 128, 64, 8, 3),
    ("rows", 4): Tile(64, 64, 32, 4, 3),
    ("weights", 2): Tile(64, 128, 64, 4, 2),
    ("weights", 4): Tile(64, 64, 32, 4, 2),
    ("adam", 2): Tile(64, 64, 64, 8, 2),
    ("adam", 4): Tile(64, 64, 32, 8, 2),
}


@triton.jit  # type: ignore[untyped-decorator]
def _rows(  # type: ignore[no-untyped-def]
    x, w, bias, gate, y, B, W_MODEL, B_MODEL, GATE_MODEL, DEPTH: tl.constexpr, WIDTH: tl.constexpr, BACK: tl.constexpr,
    ACTIVATION: tl.constexpr, SLOPE: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """A block of y [b WIDTH], x [b DEPTH] times the weights; BACK, times their transpose, masked by outputs `gate`."""
    model = tl.program_id(2).to(tl.int64)
    m = tl.program_id(1) * BM + tl.arange(0, BM)[:, None]
    n = tl.program_id(0) * BN + tl.arange(0, BN)[None, :]
    x += model * B * DEPTH
    w += model * W_MODEL
    total = tl.zeros((BM, BN), tl.float32)
    for k0 in range(0, DEPTH, BK):
        across, down = k0 + tl.arange(0, BK)[None, :], k0 + tl.arange(0, BK)[:, None]
        at = down * WIDTH + n if BACK else n * DEPTH + down
        part = tl.load(x + m * DEPTH + across, mask=(m < B) & (across < DEPTH), other=0.0)
        weights = tl.load(w + at, mask=(down < DEPTH) & (n < WIDTH), other=0.0)
        total = tl.dot(part, weights, total, input_precision="tf32x3")
    inside, at = (m < B) & (n < WIDTH), model * B * WIDTH + m * WIDTH + n
    if BACK:
        if ACTIVATION != "none":
            of = model * GATE_MODEL + m * WIDTH + n
            outputs = tl.load(gate + of, mask=inside, other=0.0).to(tl.float32)
            total = below(total, outputs, ACTIVATION, SLOPE)
    else:
        total += tl.load(bias + model * B_MODEL + n, mask=n < WIDTH, other=0.0)
        total = activate(total, ACTIVATION, SLOPE)
    tl.store(y + at, total.to(y.dtype.element_ty), mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def _gradient(  # type: ignore[no-untyped-def]
    x, above, m, n, start, end, IN: tl.constexpr, OUT: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
    BK: tl.constexpr,
):  # fmt: skip
    """The gradient of the weights of outputs m [BM 1] and inputs n [1 BN], over the rows from `start` to `end`."""
    total = tl.zeros((BM, BN), tl.float32)
    for r0 in range(start, end, BK):
        across, down = r0 + tl.arange(0, BK)[None, :], r0 + tl.arange(0, BK)[:, None]
        gradient = tl.load(above + across * OUT + m, mask=(across < end) & (m < OUT), other=0.0)
        part = tl.load(x + down * IN + n, mask=(down < end) & (n < IN), other=0.0)
        total = tl.dot(gradient, part, total, input_precision="tf32x3")
    return total


@triton.jit  # type: ignore[untyped-decorator]
def _bias_gradient(above, m, start, end, OUT: tl.constexpr, BM: tl.constexpr, BK: tl.constexpr):  # type: ignore[no-untyped-def]
    """The gradient of the biases of outputs m [BM], over the rows from `start` to `end`."""
    total = tl.zeros((BM,), tl.float32)
    for r0 in range(start, end, BK):
        r = r0 + tl.arange(0, BK)[:, None]
        part = tl.load(above + r * OUT + m[None, :], mask=(r < end) & (m[None, :] < OUT), other=0.0)
        total += tl.sum(part.to(tl.float32), 0)
    return total


@triton.jit  # type: ignore[untyped-decorator]
def _weights(  # type: ignore[no-untyped-def]
    x, above, of_w, of_b, B, SHARE: tl.constexpr, IN: tl.constexpr, OUT: tl.constexpr, BM: tl.constexpr,
    BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """A block of the gradient of the weights over a share of the rows; the first of its outputs, that of biases too."""
    model, share = tl.program_id(2).to(tl.int64), tl.program_id(1)
    tiles: tl.constexpr = (IN + BN - 1) // BN
    o = (tl.program_id(0) // tiles) * BM + tl.arange(0, BM)
    n = (tl.program_id(0) % tiles) * BN + tl.arange(0, BN)[None, :]
    m = o[:, None]
    x += model * B * IN
    above += model * B * OUT
    start, end, part = share * SHARE, tl.minimum(B, share * SHARE + SHARE), share * tl.num_programs(2) + model
    total = _gradient(x, above, m, n, start, end, IN, OUT, BM, BN, BK)
    tl.store(of_w + part * OUT * IN + m * IN + n, total, mask=(m < OUT) & (n < IN))
    if tl.program_id(0) % tiles == 0:
        tl.store(of_b + part * OUT + o, _bias_gradient(above, o, start, end, OUT, BM, BK), mask=o < OUT)


@triton.jit  # type: ignore[untyped-decorator]
def _weights_adam(  # type: ignore[no-untyped-def]
    x, above, p, m, v, s, b_p, b_m, b_v, b_s, rate, t, B, MODEL, B_MODEL, IN: tl.constexpr, OUT: tl.constexpr,
    LOG1: tl.constexpr, LOG2: tl.constexpr, BETA1: tl.constexpr, BETA2: tl.constexpr, EPS: tl.constexpr,
    SHADOW: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """`_weights` and then Adam.

    It sees weights and moments four in a row, so that a thread has 16 bytes at a time, as memory is read best, and the
    gradient alone changes hands on its way there from the layout of the product. Triton gives what both meet in the
    layout of what was loaded last, which is why that comes after the product.
    """
    model = tl.program_id(2).to(tl.int64)
    tiles: tl.constexpr = (IN + BN - 1) // BN
    o = (tl.program_id(0) // tiles) * BM + tl.arange(0, BM)
    n = (tl.program_id(0) % tiles) * BN + tl.arange(0, BN)
    entry = tl.arange(0, BM * BN // 4)[:, None] * 4 + tl.arange(0, 4)[None, :]
    row = (tl.program_id(0) // tiles) * BM + entry // BN
    column = (tl.program_id(0) % tiles) * BN + entry % BN
    x += model * B * IN
    above += model * B * OUT
    first, second = corrections(rate, t, LOG1, LOG2)
    gradient = _gradient(x, above, o[:, None], n[None, :], 0, B, IN, OUT, BM, BN, BK)
    gradient = tl.reshape(gradient, (BM * BN // 4, 4))
    at, inside = row * IN + column, (row < OUT) & (column < IN)
    p, m, v, s = p + model * MODEL, m + model * MODEL, v + model * MODEL, s + model * MODEL
    step(gradient, p, m, v, s, at, inside, first, second, BETA1, BETA2, EPS, SHADOW)
    if tl.program_id(0) % tiles == 0:
        of_bias = _bias_gradient(above, o, 0, B, OUT, BM, BK)
        b_p, b_m, b_v, b_s = (b_p + model * B_MODEL, b_m + model * B_MODEL, b_v + model * B_MODEL,
                              b_s + model * B_MODEL)  # fmt: skip
        step(of_bias, b_p, b_m, b_v, b_s, o, o < OUT, first, second, BETA1, BETA2, EPS, SHADOW)


def dense(x: Tensor, w: Tensor, b: Tensor, act: Activation) -> Tensor:
    """y [k b o] = act(x w' + b)."""
    y = x.new_empty(*x.shape[:2], w.shape[1])
    _fill(y, x, w, b, y, act, back=False)
    return y


def dense_below(above: Tensor, w: Tensor, x: Tensor, act: Activation) -> Tensor:
    """The gradient [k b i] at x, the output of `act`, before that: (above w) times the derivative.

    x may be the first rows of a model's, of which there are more.
    """
    below = above.new_empty(x.shape)
    _fill(below, above, w, w, x, act, back=True)
    return below


def parts_of_dense(b: int, i: int, o: int) -> int:  # noqa: ARG001  # as of other kernels
    """How many sums `dense_weights` makes of the gradient of a layer."""
    return int(triton.cdiv(b, SHARE))


def dense_weights(x: Tensor, above: Tensor, of_w: Tensor, of_b: Tensor) -> None:
    """The gradients of weights and biases, as parts [s k o i] and [s k o] whose sums they are; float32."""
    (k, b, inputs), outputs = x.shape, above.shape[2]
    tile = _fitting(TILES["weights", x.element_size()], outputs, inputs, min(b, SHARE))
    grid = (triton.cdiv(outputs, tile.rows) * triton.cdiv(inputs, tile.columns), len(of_w), k)
    _weights[grid](x, above, of_w, of_b, b, SHARE, inputs, outputs, *tile[:3], num_warps=tile.warps,
                   num_stages=tile.stages)  # fmt: skip


def dense_weights_adam(
    x: Tensor, above: Tensor, weights: Updated, biases: Updated, rate: Tensor, t: Tensor, beta1: float, beta2: float,
    eps: float,
) -> None:  # fmt: skip
    """`dense_weights` and one update by Adam of what they are the gradients of; the gradients are never written.

    To be called after `dense_below` of the layer, which reads the weights that this one overwrites. Weights
    are [k o i] and biases [k o], each at the same place of the arena as its moments and copy.
    """
    (k, b, inputs), outputs = x.shape, above.shape[2]
    tile = _fitting(TILES["adam", x.element_size()], outputs, inputs, b)
    grid = (triton.cdiv(outputs, tile.rows) * triton.cdiv(inputs, tile.columns), 1, k)
    copies = (weights.p, biases.p) if weights.s is None else (weights.s, biases.s)
    _weights_adam[grid](x, above, *weights[:3], copies[0], *biases[:3], copies[1], rate, t, b, weights.p.stride(0),
                        biases.p.stride(0), inputs, outputs, math.log(beta1), math.log(beta2), beta1, beta2, eps,
                        weights.s is not None, *tile[:3], num_warps=tile.warps, num_stages=tile.stages)  # fmt: skip


def _fill(y: Tensor, x: Tensor, w: Tensor, bias: Tensor, gate: Tensor, act: Activation, back: bool) -> None:
    (k, b, depth), width = x.shape, y.shape[2]
    tile = TILES["rows", x.element_size()]
    tile = _fitting(tile, b, min(width, max(32, width // 8)), depth)  # about eight programs a model, or more
    if tile.rows * tile.columns <= 64 * 64:
        tile = tile._replace(warps=4)
    grid = (triton.cdiv(width, tile.columns), triton.cdiv(b, tile.rows), k)
    _rows[grid](x, w, bias, gate, y, b, w.stride(0), bias.stride(0), gate.stride(0), depth, width, back, act.name,
                act.slope, *tile[:3], num_warps=tile.warps, num_stages=tile.stages)  # fmt: skip


def _fitting(tile: Tile, rows: int, columns: int, depth: int) -> Tile:
    """The tile, no larger than a layer: sides are powers of two, and 16 at least, which is what tensor cores take."""
    sides = (
        max(16, min(most, triton.next_power_of_2(n))) for most, n in zip(tile, (rows, columns, depth), strict=False)
    )
    return tile._replace(**dict(zip(("rows", "columns", "depth"), sides, strict=True)))
