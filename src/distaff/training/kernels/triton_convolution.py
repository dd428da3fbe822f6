"""Convolutions of k models in one kernel each way: products with patches of the images that are never written down.

Images are [k b c h w], channels innermost in memory, and kernels [k p q i o]. A layer and a transposed one, with their
gradients, are three sums over taps: `convolve`, `transpose` and `of_kernel`. Blocks depend on the shapes of a layer and
not on k, so that a model's sums do not depend on its neighbours, and are added in a fixed order.
"""

from __future__ import annotations

import subprocess

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit  # type: ignore[untyped-decorator]
def _tap(k0, k, IN: tl.constexpr, Q: tl.constexpr, BK: tl.constexpr):  # type: ignore[no-untyped-def]
    """Row, column and channel of the entries `k` of a patch, from `k0` on: one row and column where all share them."""
    tap = k0 // IN if IN % BK == 0 else k // IN
    return tap // Q, tap % Q, k - tap * IN


@triton.jit  # type: ignore[untyped-decorator]
def _product(  # type: ignore[no-untyped-def]
    x, w, bias, y, B, H, W, ROWS, COLUMNS, S: tl.constexpr, PAD: tl.constexpr, P: tl.constexpr, Q: tl.constexpr,
    IN: tl.constexpr, OUT: tl.constexpr, TRANSPOSED: tl.constexpr, BIAS: tl.constexpr, PRECISION: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    """A block of y, positions times channels: patches of x, one at each of [b ROWS COLUMNS], times the kernel.

    A transposed layer writes S*ROWS x S*COLUMNS pixels, and a program those that share their place modulo the stride,
    for they share their taps: pixel S*r + a takes tap p = (a + PAD) mod S + S*t from row r + (a + PAD) div S - t.
    """
    tiles: tl.constexpr = (OUT + BN - 1) // BN
    model, phase = tl.program_id(2).to(tl.int64), tl.program_id(1) // tiles
    m = tl.program_id(0) * BM + tl.arange(0, BM)[:, None]
    n = (tl.program_id(1) % tiles) * BN + tl.arange(0, BN)[None, :]
    image, row, column = m // (ROWS * COLUMNS), m // COLUMNS % ROWS, m % COLUMNS
    if TRANSPOSED:
        a, b, taps_y, taps_x, every, step = phase // S, phase % S, P // S, Q // S, S, -1
        first_y, first_x = (a + PAD) % S, (b + PAD) % S
        from_y, from_x = row + (a + PAD) // S, column + (b + PAD) // S
        to_y, to_x, height, width = row * S + a, column * S + b, ROWS * S, COLUMNS * S
    else:
        taps_y, taps_x, every, step = P, Q, 1, 1
        first_y, first_x = 0, 0
        from_y, from_x = row * S - PAD, column * S - PAD
        to_y, to_x, height, width = row, column, ROWS, COLUMNS
    x += model * B * H * W * IN
    w += model * P * Q * IN * OUT
    y += model * B * height * width * OUT
    total = tl.zeros((BM, BN), tl.float32)
    for k0 in range(0, taps_y * taps_x * IN, BK):
        ty, tx, c = _tap(k0, k0 + tl.arange(0, BK)[None, :], IN, taps_x, BK)
        at_y, at_x = from_y + step * ty, from_x + step * tx
        inside = (image < B) & (at_y >= 0) & (at_y < H) & (at_x >= 0) & (at_x < W) & (ty < taps_y)
        patch = tl.load(x + ((image * H + at_y) * W + at_x) * IN + c, mask=inside, other=0.0)
        ty, tx, c = _tap(k0, k0 + tl.arange(0, BK)[:, None], IN, taps_x, BK)
        at = ((first_y + every * ty) * Q + first_x + every * tx) * IN + c
        part = tl.load(w + at * OUT + n, mask=(n < OUT) & (ty < taps_y), other=0.0)
        total = tl.dot(patch, part, total, input_precision=PRECISION)
    if BIAS:
        total += tl.load(bias + model * OUT + n, mask=n < OUT, other=0.0).to(tl.float32)
    to = y + ((image * height + to_y) * width + to_x) * OUT + n
    tl.store(to, total.to(y.dtype.element_ty), mask=(image < B) & (n < OUT))


@triton.jit  # type: ignore[untyped-decorator]
def _of_kernel(  # type: ignore[no-untyped-def]
    x, above, out, B, H, W, ROWS, COLUMNS, S: tl.constexpr, PAD: tl.constexpr, P: tl.constexpr, Q: tl.constexpr,
    IN: tl.constexpr, OUT: tl.constexpr, SHARE: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BR: tl.constexpr,
):  # fmt: skip
    """A block of a kernel's gradient, entries of a patch times channels, over `SHARE` of the positions of `above`."""
    tiles: tl.constexpr = (OUT + BN - 1) // BN
    model, share = tl.program_id(2).to(tl.int64), tl.program_id(1)
    m = (tl.program_id(0) // tiles) * BM + tl.arange(0, BM)
    n = (tl.program_id(0) % tiles) * BN + tl.arange(0, BN)[None, :]
    p, q, c = m // (Q * IN), m // IN % Q, m % IN
    x += model * B * H * W * IN
    above += model * B * ROWS * COLUMNS * OUT
    total = tl.zeros((BM, BN), tl.float32)
    for r0 in range(0, SHARE, BR):
        r = share * SHARE + r0 + tl.arange(0, BR)[:, None]
        image, row, column = r // (ROWS * COLUMNS), r // COLUMNS % ROWS, r % COLUMNS
        at_y, at_x = row * S - PAD + p[None, :], column * S - PAD + q[None, :]
        inside = (image < B) & (at_y >= 0) & (at_y < H) & (at_x >= 0) & (at_x < W) & (p[None, :] < P)
        patch = tl.load(x + ((image * H + at_y) * W + at_x) * IN + c[None, :], mask=inside, other=0.0)
        gradient = tl.load(above + r * OUT + n, mask=(image < B) & (n < OUT), other=0.0)
        total = tl.dot(tl.trans(patch), gradient, total, input_precision="ieee")
    out += (share * tl.num_programs(2) + model) * P * Q * IN * OUT
    tl.store(out + m[:, None] * OUT + n, total, mask=(m[:, None] < P * Q * IN) & (n < OUT))


def can_compile(device: str) -> bool:
    """Whether Triton can compile these kernels here."""
    x, w = (torch.ones(1, 1, 1, *size, device=device) for size in ((1, 1), (1, 16)))
    try:
        of_kernel(x, convolve(x, w, None, 1, 0), (1, 1), 1, 0)
    except (triton.TritonError, OSError, RuntimeError, subprocess.CalledProcessError):
        return False
    return True


def convolve(x: Tensor, w: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """y [k b o h w] of x [k b i h w], kernels [k p q i o] and a bias [k o]."""
    rows, columns = ((x.shape[-2 + a] + 2 * padding - w.shape[1 + a]) // stride + 1 for a in (0, 1))
    y = _images(x, w.shape[-1], rows, columns)
    _fill(y, x, w, bias, (rows, columns), stride, padding)
    return y


def transpose(
    x: Tensor, w: Tensor, bias: Tensor | None, stride: int, padding: int, size: tuple[int, int]
) -> Tensor:  # fmt: skip
    """The transposed layer, y [k b o *size] of x [k b i h w]; the stride divides `size` and the sides of kernels."""
    y = _images(x, w.shape[-1], *size)
    _fill(y, x, w, bias, (size[0] // stride, size[1] // stride), stride, padding, transposed=True)
    return y


def of_kernel(x: Tensor, above: Tensor, sides: tuple[int, int], stride: int, padding: int) -> Tensor:
    """The gradient [k p q i o], float32, of the kernels of `convolve`: of its x [k b i h w] and the gradient of its y.

    Of a transposed layer, of the gradient of its y and its x.
    """
    k, b, inputs, height, width = x.shape
    outputs, rows, columns = above.shape[2:]
    entries, positions = sides[0] * sides[1] * inputs, b * rows * columns
    share = max(128, min(1024, triton.next_power_of_2(positions // 16)))  # small layers keep a GPU busy too
    parts = torch.empty(triton.cdiv(positions, share), k, *sides, inputs, outputs, device=x.device)
    bm, bn, br = _block(entries, 128), _block(outputs, 64), 64 if x.element_size() == 2 else 32
    grid = (triton.cdiv(entries, bm) * triton.cdiv(outputs, bn), len(parts), k)
    _of_kernel[grid](x, above, parts, b, height, width, rows, columns, stride, padding, *sides, inputs, outputs, share,
                     bm, bn, br)  # fmt: skip
    return parts.sum(0)


def _images(like: Tensor, c: int, h: int, w: int) -> Tensor:
    """Memory for images [k b c h w], channels innermost."""
    k, b = like.shape[:2]
    return like.new_empty_strided((k, b, c, h, w), (b * h * w * c, h * w * c, 1, w * c, c))


def _fill(
    y: Tensor, x: Tensor, w: Tensor, bias: Tensor | None, positions: tuple[int, int], stride: int, padding: int,
    transposed: bool = False,
) -> None:  # fmt: skip
    k, b, inputs, height, width = x.shape
    p, q, _, outputs = w.shape[1:]
    entries, phases = (p * q * inputs // stride**2, stride**2) if transposed else (p * q * inputs, 1)
    bm, bn = 128, _block(outputs, 64)
    bk = _block(inputs if inputs % 16 == 0 else entries, 64 if x.element_size() == 2 else 16)
    grid = (triton.cdiv(b * positions[0] * positions[1], bm), triton.cdiv(outputs, bn) * phases, k)
    # float32 as three products of tensor cores: as exact as one (an error of 1e-7) and sooner there
    _product[grid](x, w, w if bias is None else bias.contiguous(), y, b, height, width, *positions, stride, padding, p,
                   q, inputs, outputs, transposed, bias is not None, "tf32x3", bm, bn, bk)  # fmt: skip


def _block(size: int, most: int) -> int:
    """The side of a block for so many entries: a power of two, and 16 at least, which is what tensor cores take."""
    power: int = triton.next_power_of_2(size)
    return max(16, min(most, power))
