"""Packed images as networks see them: float32 [b 1 h 64] of 0 and 1, straight from the bits.

The values are those of the bytes over 255. torch allocates what the compiled loop fills: it takes memory again that
was just freed, where fresh pages would cost more than the work.
"""

from __future__ import annotations

import numba
import numpy as np
import torch
from jaxtyping import Float, Int, UInt64
from numpy.typing import NDArray
from torch import Tensor


def of_bits(words: UInt64[np.ndarray, "n h"], rows: Int[np.ndarray, "b"]) -> Float[Tensor, "b 1 h 64"]:
    """The images at `rows` of packed `words`, bit c of a word being column c; raises `IndexError` outside them."""
    rows = np.asarray(rows, dtype=np.int64)
    out = torch.empty(len(rows), 1, words.shape[1], 64)
    inside, _ = _of_bits(words, rows, out.numpy())
    if not inside:
        raise IndexError(f"rows are from 0 to {len(words) - 1}, not {rows.min()} to {rows.max()}")
    return out


@numba.njit(cache=True)
def _of_bits(words: NDArray[np.uint64], rows: NDArray[np.int64], out: NDArray[np.float32]) -> tuple[bool, np.uint64]:
    """Fill `out` [b 1 h 64]; False if a row is outside. Most lines are black, and told by one comparison.

    What was read ahead comes back too, or the compiler would leave the reading out.
    """
    lines, h, seen = out.reshape(-1, 64), words.shape[1], np.uint64(0)
    for i in range(rows.size):
        if rows[i] < 0 or rows[i] >= words.shape[0]:
            return False, seen
        for y in range(0, h, 8):  # every cache line is asked for before any is waited for
            seen |= words[rows[i], y]
    for i in range(rows.size):
        for y in range(h):
            word, line = words[rows[i], y], lines[i * h + y]
            if word == 0:
                line[:] = np.float32(0)
            else:
                for x in range(64):
                    line[x] = np.float32((word >> np.uint64(x)) & np.uint64(1))
    return True, seen
