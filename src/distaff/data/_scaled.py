"""Rows from random words, in one compiled pass: a step draws few, and each of NumPy's calls would cost as much."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)
def scaled(words: NDArray[np.uint32], below: np.uint64) -> NDArray[np.int64]:
    """Integers [n] in [0, below), below < 2^31, as `rng.integers`: 64 bits, two of `words` [2n], times below / 2^64."""
    rows = np.empty(words.size // 2, np.int64)
    half = np.uint64(32)
    for i in range(rows.size):
        high, low = np.uint64(words[2 * i]), np.uint64(words[2 * i + 1])
        rows[i] = (high * below + ((low * below) >> half)) >> half
    return rows
