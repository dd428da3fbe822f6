"""Convolutions of k models, one kernel each way, with what belongs to a layer: bias, activation and their gradients.

Images are [k b c h w] in either layout, channels innermost or rows; kernels are torch's [k o i p q], transposed ones
[k i o p q], views of [p q i o] in memory, model after model at any distance; biases [k o]. Products are of float32, as
three of tensor cores each (an error of 1e-7), or of bfloat16, and sums are of float32, in a fixed order.
"""

from __future__ import annotations

import functools
import subprocess
from typing import NamedTuple

import torch
import triton
from torch import Tensor

from distaff.training.kernels.blocks import BLOCKS, FEW, power, side
from distaff.training.kernels.shapes import Activation, Convolution
from distaff.training.kernels.triton_of_weights import of_weights
from distaff.training.kernels.triton_products import gather, spread


def can_compile(device: str) -> bool:
    """Whether Triton can compile these kernels here."""
    x = torch.ones(1, 1, 16, 1, 1, device=device)
    how, none = Convolution(1, 0, False), Activation()
    try:
        y = convolve(x, x, None, how, none, "last")
        convolve_weights(x, y, torch.empty(1, 1, 1, 1, 16, 1, device=device), None, how)
    except (triton.TritonError, OSError, RuntimeError, subprocess.CalledProcessError):
        return False
    return True


def convolve(x: Tensor, w: Tensor, b: Tensor | None, how: Convolution, act: Activation, layout: str) -> Tensor:
    """The activation of a layer, y [k b o h w], in the layout "last" (channels innermost) or "first"."""
    outputs, sides = w.shape[2 if how.transposed else 1], size_above(x.shape[-2:], w.shape[-2:], how)
    y = _images(x, outputs, sides, layout)
    _multiply(x, w, y, how, act, how.transposed, bias=b)
    return y


def convolve_below(
    above: Tensor, w: Tensor, x: Tensor, how: Convolution, act: Activation, layout: str, scale: Tensor | None = None
) -> Tensor:
    """The gradient at x, the output of the activation `act`, taken to its input; `scale` [k] multiplies `above`."""
    below = _images(above, x.shape[2], x.shape[-2:], layout)
    of = None if act.name == "none" else x
    _multiply(above, w, below, how, act if of is not None else Activation(), not how.transposed, of=of, scale=scale)
    return below


def convolve_weights(
    x: Tensor, above: Tensor, of_w: Tensor, of_b: Tensor | None, how: Convolution, scale: Tensor | None = None
) -> None:
    """Write the gradients of a kernel and a bias, float32 parts to be added in order: [s k p q i o] and [s k o].

    The number of parts s is that of `parts_of_convolution`; `scale` [k] multiplies `above`.
    """
    large, small = (above, x) if how.transposed else (x, above)
    k, b = x.shape[:2]
    p, q = of_w.shape[2:4]
    plan = _plan(b, large.shape[2], tuple(small.shape[2:]), (p, q), how, x.element_size() == 2)
    if len(of_w) != plan.parts:
        raise ValueError(f"{len(of_w)} parts for a gradient that is written in {plan.parts}")
    of_weights[(plan.tiles, plan.parts, k)](
        large, small, of_w, of_b, None if scale is None else scale.contiguous(), b, *large.shape[-2:],
        *small.shape[-2:], how.stride, how.padding, p, q, large.shape[2], small.shape[2], *_steps(large),
        *_steps(small), how.transposed, *plan.sides, *plan.first, plan.phases, plan.share, plan.rows, plan.columns,
        plan.depth, num_warps=plan.warps, num_stages=plan.stages,
    )  # fmt: skip


def parts_of_convolution(x: tuple[int, ...], w: tuple[int, ...], how: Convolution, dtype: torch.dtype) -> int:
    """How many partial sums `convolve_weights` writes for images and kernels of these shapes, whatever k is."""
    above = (w[2 if how.transposed else 1], *size_above((x[-2], x[-1]), (w[-2], w[-1]), how))
    large, small = (above, x[2:]) if how.transposed else (x[2:], above)
    return _plan(x[1], large[0], tuple(small), (w[-2], w[-1]), how, dtype.itemsize == 2).parts


def size_above(x: tuple[int, ...], kernel: tuple[int, ...], how: Convolution) -> tuple[int, int]:
    """Rows and columns of what a layer gives for images and kernels of these sides."""
    s, padding, transposed = how
    if transposed:
        return (x[0] - 1) * s - 2 * padding + kernel[0], (x[1] - 1) * s - 2 * padding + kernel[1]
    return (x[0] + 2 * padding - kernel[0]) // s + 1, (x[1] + 2 * padding - kernel[1]) // s + 1


def _images(like: Tensor, c: int, sides: tuple[int, ...], layout: str) -> Tensor:
    """Memory for images [k b c h w]."""
    (k, b), (h, w) = like.shape[:2], sides
    step = (1, w * c, c) if layout == "last" else (h * w, w, 1)
    return like.new_empty_strided((k, b, c, h, w), (b * h * w * c, h * w * c, *step))


def _steps(images: Tensor) -> tuple[int, int]:
    """The steps in memory to the next pixel and to the next channel; of an axis of one, a stride says nothing."""
    c, h, w = images.shape[2:]
    pixel = images.stride(4) if w > 1 else images.stride(3) if h > 1 else 1
    return pixel, images.stride(2) if c > 1 else 1


def _multiply(
    x: Tensor, w: Tensor, y: Tensor, how: Convolution, act: Activation, spreads: bool, *, bias: Tensor | None = None,
    of: Tensor | None = None, scale: Tensor | None = None,
) -> None:  # fmt: skip
    """Fill y: its images are the large side if it `spreads`; the channels of w that x has are summed over."""
    (large, small), s = (y, x) if spreads else (x, y), how.stride
    (k, b), inputs, outputs, (p, q) = x.shape[:2], x.shape[2], y.shape[2], w.shape[-2:]
    few, kind = large.shape[2] <= FEW, "spread" if spreads else "gather"
    blocks = BLOCKS[kind, few, x.element_size() == 2]
    if spreads:
        square = 2 * s if few and s <= 2 else s
        phases = power(square**2)
        columns = max(16, phases * power(outputs, max(1, blocks.columns // phases)))
        entries = (square // s + p // s - 1) * (square // s + q // s - 1) * inputs
        squares = [(size - 1 + how.padding) // square - how.padding // square + 1 for size in large.shape[-2:]]
        rows, tiles = b * squares[0] * squares[1], triton.cdiv(outputs, columns // phases)
    else:
        columns, entries = side(outputs, blocks.columns), p * q * inputs
        rows, tiles = b * y.shape[3] * y.shape[4], triton.cdiv(outputs, columns)
    # in memory the channels of a layer's output are the inner ones, and its gradients are summed over them
    of_layer = w.shape[2 if how.transposed else 1]
    backward = spreads != how.transposed
    steps_of_w = (1, of_layer) if backward else (of_layer, 1)
    (spread if spreads else gather)[(triton.cdiv(rows, blocks.rows) * tiles, k)](
        x, w, bias, None if scale is None else scale.contiguous(), of, y, b, w.stride(0),
        0 if bias is None else bias.stride(0), *large.shape[-2:], *small.shape[-2:], s, how.padding, p, q, inputs,
        outputs, *_steps(x), *_steps(y), *(_steps(y) if of is None else _steps(of)), *steps_of_w, act.name, act.slope,
        *((square, phases) if spreads else ()), blocks.rows, columns, side(entries, blocks.depth),
        num_warps=blocks.warps, num_stages=blocks.stages,
    )  # fmt: skip


class _Plan(NamedTuple):
    """How a kernel's gradient is cut into blocks and parts."""

    sides: tuple[int, int]  # of a square
    first: tuple[int, int]  # the pixel of a square from which on sums for the bias are
    phases: int
    rows: int
    columns: int
    depth: int
    tiles: int
    parts: int
    share: int
    warps: int
    stages: int


@functools.cache
def _plan(
    b: int, large: int, small: tuple[int, ...], kernel: tuple[int, int], how: Convolution, half: bool
) -> _Plan:  # fmt: skip
    """The plan for `large` channels on the large side and images [c h w] on the small one."""
    (channels, height, width), s = small, how.stride
    blocks = BLOCKS["weights", large <= FEW, half]
    # of images of few channels a square is a whole patch, if sums for the bias can be taken from a part of it
    patches = large <= FEW and kernel[0] * kernel[1] <= 16 and 2 * how.padding >= max(kernel) - s
    sides = kernel if patches else (s, s)
    first = tuple(min(how.padding, size - s) for size in sides)
    taps = kernel[0] // sides[0], kernel[1] // sides[1]
    phases, entries = power(sides[0] * sides[1]), taps[0] * taps[1] * channels
    columns = max(16, phases * power(large, max(1, blocks.columns // phases)))
    rows = side(entries, blocks.rows)
    tiles = triton.cdiv(entries, rows) * triton.cdiv(large, columns // phases)
    squares = b * (height + taps[0] - 1) * (width + taps[1] - 1)
    share = triton.cdiv(triton.cdiv(squares, max(1, blocks.programs // tiles)), blocks.depth) * blocks.depth
    return _Plan(sides, (first[0], first[1]), phases, rows, columns, blocks.depth, tiles, triton.cdiv(squares, share),
                 share, blocks.warps, blocks.stages)  # fmt: skip
