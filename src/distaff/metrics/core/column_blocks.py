"""Many codes a few at a time: tables are stored row by row, and metrics compute code by code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUMBERS = 2**20  # of a block: 4 MiB of float32, so that what is computed from it stays in the cache
WIDEST = 64  # columns of a block: a cache line holds 16 of them, and more than a few lines a row gain nothing


def column_blocks(n: int, d: int, numbers: int = NUMBERS, widest: int = WIDEST) -> Iterator[slice]:
    """Slices of `d` columns of `n` rows that hold about `numbers` numbers each, but at least one column."""
    step = min(max(numbers // max(n, 1), 1), widest)
    for first in range(0, d, step):
        yield slice(first, min(first + step, d))


def transposed_blocks(codes: NDArray[Any], numbers: int = NUMBERS) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Blocks of columns of codes [n d], each as contiguous rows [b n].

    A column read on its own takes as long as all columns of its cache lines together.
    """
    for block in column_blocks(len(codes), codes.shape[1], numbers):
        yield block, np.ascontiguousarray(codes[:, block].T)


def sorted_blocks(codes: NDArray[Any]) -> Iterator[tuple[slice, NDArray[Any], NDArray[np.int64]]]:
    """Blocks of columns of codes [n d]: their values in ascending order [b n], and the row of each [b n].

    Rows of equal values stand in any order.
    """
    for block, rows in transposed_blocks(codes):
        order = np.argsort(rows, axis=1)
        yield block, np.take_along_axis(rows, order, axis=1), order
