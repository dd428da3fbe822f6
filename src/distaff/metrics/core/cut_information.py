"""Information of codes cut into equal counts: every code is sorted once, and counted with many factors at a time."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from distaff.metrics.core.column_blocks import sorted_blocks


def cut_information(
    codes: NDArray[np.floating[Any]], classes: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """I(cut z_i; v_j) in nats [d f]: code i of [n d], cut into `sizes[j]` equal counts, with classes j of [n f].

    The classes of factor j are numbers from 0 to `sizes[j]` - 1.
    """
    n = len(codes)
    out = np.empty((codes.shape[1], classes.shape[1]))
    counted = np.arange(1, n + 1, dtype=np.float64)
    x_log_x = np.concatenate([[0.0], counted * np.log(counted)])
    groups = {int(size): np.flatnonzero(sizes == size) for size in np.unique(sizes)}
    narrow = np.uint8 if sizes.max() <= 2**8 else np.int64
    targets = {size: np.ascontiguousarray(classes[:, group].astype(narrow)) for size, group in groups.items()}
    for block, ordered, order in sorted_blocks(codes):
        for size, group in groups.items():
            found = np.empty((len(ordered), len(group)))
            _informed(ordered, order, targets[size], size, x_log_x, found)
            out[block, group] = found
    return out


@numba.njit(cache=True)
def equal_count_end(ordered: Any, k: int, parts: int) -> int:
    """Where the k-th of `parts` equal counts of ascending values [n] ends: at the nearer end of equal values."""
    at = (k * ordered.size) // parts
    low = np.searchsorted(ordered, ordered[at], side="left")
    high = np.searchsorted(ordered, ordered[at], side="right")
    return int(low if at - low <= high - at else high)


@numba.njit(cache=True)
def _informed(ordered: Any, order: Any, classes: Any, size: int, x_log_x: Any, out: Any) -> None:
    """The information [b f] of sorted codes [b n], whose rows are `order`, about classes [n f] of `size` values each.

    n I = sum c log c over the joint counts, less the same over both margins, plus n log n. Rows of a cut stand
    together, so that one cut at a time is counted.
    """
    b, n = ordered.shape
    f = classes.shape[1]
    counts = np.zeros((f, size), np.int64)
    for row in range(n):
        for j in range(f):
            counts[j, classes[row, j]] += 1
    of_factors = np.zeros(f)
    for j in range(f):
        for value in range(size):
            of_factors[j] += x_log_x[counts[j, value]]
    counts[:] = 0
    joint = np.zeros(f)
    for i in range(b):
        joint[:] = 0
        of_code = 0.0
        start = taken = 0
        for part in range(1, size + 1):
            end = n if part == size else equal_count_end(ordered[i], part, size)
            if end <= start:
                continue
            for place in range(start, end):
                row = order[i, place]
                for j in range(f):
                    counts[j, classes[row, j]] += 1
            _gather(counts, classes, order[i, start:end], x_log_x, joint)
            of_code += x_log_x[end - start]
            taken += 1
            start = end
        for j in range(f):
            gained = (joint[j] - of_code - of_factors[j] + x_log_x[n]) / n
            out[i, j] = max(gained, 0.0) if taken > 1 else 0.0  # a constant code: exactly nothing


@numba.njit(cache=True)
def _gather(counts: Any, classes: Any, rows: Any, x_log_x: Any, joint: Any) -> None:
    """Add c log c of the counts [f v] to `joint` [f], and clear them; by rows where there are more values than rows."""
    f, size = counts.shape
    if rows.size < size:
        for place in range(rows.size):
            for j in range(f):
                value = classes[rows[place], j]
                joint[j] += x_log_x[counts[j, value]]
                counts[j, value] = 0
        return
    for j in range(f):
        for value in range(size):
            joint[j] += x_log_x[counts[j, value]]
            counts[j, value] = 0
