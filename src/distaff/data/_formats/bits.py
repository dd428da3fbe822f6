"""Packed images as networks see them: float32 [b 1 h 64] of 0 and 1, straight from the bits.

The values are those of the bytes over 255. torch allocates what the compiled loop fills: it takes memory again that
was just freed, where fresh pages would cost more than the work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch
from jaxtyping import Float, Int, UInt64
from llvmlite import ir
from numba import extending, types
from numpy.typing import NDArray
from torch import Tensor

from distaff.data._rows import rows_outside

# numba types an intrinsic as Python would call it, and only compiled code can
intrinsic: Callable[[Callable[..., Any]], Any] = extending.intrinsic
LANES = 16  # pixels written at once: a vector of the widest registers


def of_bits(words: UInt64[np.ndarray, "n h"], rows: Int[np.ndarray, "b"]) -> Float[Tensor, "b 1 h 64"]:
    """The images at `rows` of packed `words`, bit c of a word being column c; raises `IndexError` outside them."""
    rows = np.asarray(rows, dtype=np.int64)
    out = torch.empty(len(rows), 1, words.shape[1], 64)
    if not _of_bits(words, rows, out.data_ptr()):
        raise rows_outside(rows, len(words))
    return out


@numba.njit(cache=True)
def _of_bits(words: NDArray[np.uint64], rows: NDArray[np.int64], out: int) -> bool:
    """Fill the memory at `out`, which has room for the pixels of every row; False if a row is outside.

    The words are brought together before any pixel is written: between stores, which fill its queue, a processor
    looks but a line or two ahead, and would wait for cold memory line by line.
    """
    n, h = words.shape
    flat, near = words.reshape(-1), np.empty((rows.size, h), dtype=np.uint64)
    for row in rows:
        if row < 0 or row >= n:
            return False
        for y in range(0, h, 8):  # every cache line is requested before any is waited for
            _prefetch(flat, row * h + y)
    for i, row in enumerate(rows):
        for y in range(h):
            near[i, y] = words[row, y]
    to = np.uint64(out)
    for part in near.reshape(-1).view(np.uint16):
        _write(part, to)
        to += np.uint64(4 * LANES)
    return True


@intrinsic
def _prefetch(_: Any, words: Any, at: Any) -> tuple[Any, Any]:
    """Request the cache line of `words[at]`, and do not wait: it will be read once, so the second cache is enough."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        array, at = arguments
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        line = builder.gep(context.make_array(signature.args[0])(context, builder, array).data, [at])
        prefetch = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        )
        to_read, near, data = flag(0), flag(2), flag(1)
        builder.call(prefetch, [builder.bitcast(line, byte), to_read, near, data])
        return context.get_dummy_value()

    return types.void(words, at), emit


@intrinsic
def _write(_: Any, bits: Any, to: Any) -> tuple[Any, Any]:
    """Write 16 `bits` as floats to the address `to`: they are the mask of one masked store of a vector of ones.

    A loop over bits is compiled to several instructions a pixel, and its time is theirs; this one's is the memory's.
    """

    def emit(context: Any, builder: ir.IRBuilder, _: Any, arguments: Any) -> Any:
        bits, to = arguments
        floats, mask = ir.VectorType(ir.FloatType(), LANES), ir.VectorType(ir.IntType(1), LANES)
        ones, zeros = ir.Constant(floats, [1.0] * LANES), ir.Constant(floats, [0.0] * LANES)
        pixels = builder.select(builder.bitcast(bits, mask), ones, zeros)
        builder.store(pixels, builder.inttoptr(to, floats.as_pointer())).align = 4
        return context.get_dummy_value()

    return types.void(bits, to), emit
