"""Mutual information of a continuous code and a factor with classes, from nearest neighbours: no bins to choose.

Ross (2014, PLoS ONE 9(2): e87357), the estimator of Kraskov, Stögbauer & Grassberger (2004) where one side is
discrete: I = psi(n) + psi(k) - mean psi(n_c) - mean psi(m), with n_c the rows of a row's class, k neighbours among
them, and m the rows of any class closer than the k-th of them.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from distaff.metrics.core.arrays import moderate
from distaff.metrics.core.column_blocks import sorted_blocks
from distaff.metrics.core.information import mutual_information

NEIGHBOURS = 10  # InfoMEC's (Hsu et al., 2023)


def neighbour_information(
    codes: NDArray[np.floating[Any]], classes: NDArray[np.int64], k: int = NEIGHBOURS
) -> NDArray[np.float64]:
    """I(z_i; v_j) in nats, at least 0 [d f], for codes [n d] and classes 0.. [n f].

    A code that takes few values (each of them, on average, in more than two rows) is discrete: for it the counts are
    exact. A row that is alone in its class carries no information and is left out.
    """
    from scipy.special import digamma

    codes, _ = moderate(codes)
    n, counts = len(codes), [np.bincount(column) for column in classes.T]
    psi = np.concatenate([[0.0], digamma(np.arange(1, n + 1, dtype=np.float64))])  # of whole numbers, looked up
    narrow = np.uint8 if max(map(len, counts)) <= 2**8 else np.int64
    targets = np.ascontiguousarray(classes.T.astype(narrow))
    out = np.empty((codes.shape[1], classes.shape[1]))
    for block, ordered, order in sorted_blocks(codes):
        new = ordered[:, 1:] != ordered[:, :-1]
        for i, x, rows, changes in zip(range(block.start, block.stop), ordered, order, new, strict=True):
            if 1 + np.count_nonzero(changes) <= n / 2:
                labels = np.zeros(n, dtype=np.int64)
                labels[rows[1:]] = np.cumsum(changes)
                out[i] = mutual_information(labels[:, None], classes)[0]
            else:
                values = x.astype(np.float64)
                out[i] = [_ross(values, rows, y, count, k, psi) for y, count in zip(targets, counts, strict=True)]
    return np.maximum(out, 0.0)


def _ross(x: NDArray[Any], rows: NDArray[Any], y: NDArray[Any], counts: NDArray[Any], k: int, psi: Any) -> float:
    """The estimate for a sorted code `x` [n], whose rows are `rows` [n], and classes `y` [n] that `counts` counts."""
    inside = np.where(counts > 1, counts, 0)
    n = int(inside.sum())
    if n == 0 or np.count_nonzero(inside) < 2:
        return 0.0
    present = inside > 0
    weights, near = inside[present] / n, np.minimum(k, inside[present] - 1)
    mean_within = float(_mean_within(x, rows, y, inside, k, psi))
    return float(psi[n] + weights @ psi[near] - weights @ psi[inside[present]]) - mean_within


@numba.njit(cache=True)
def _mean_within(x: Any, rows: Any, y: Any, inside: Any, k: int, psi: Any) -> float:
    """The mean of psi(m) over the rows of classes with `inside` rows each, 0 for those that are left out."""
    starts = np.zeros(inside.size + 1, np.int64)
    starts[1:] = np.cumsum(inside)
    n = starts[-1]
    free = starts[:-1].copy()
    kept, grouped, places = np.empty(n), np.empty(n), np.empty(n, np.int64)
    at = 0
    for i in range(x.size):  # sorted as they are, and, by counting, within classes
        c = y[rows[i]]
        if inside[c] > 0:
            kept[at], grouped[free[c]], places[free[c]] = x[i], x[i], at
            free[c] += 1
            at += 1
    total = 0.0
    for c in range(inside.size):
        first, end = starts[c], starts[c + 1]
        near = min(k, end - first - 1)
        low = first
        for i in range(first, end):
            low = window(grouped, i, low, end, near)
            radius = max(grouped[i] - grouped[low], grouped[low + near] - grouped[i])
            before = places[low - 1] if low > first else -1
            after = places[low + near + 1] if low + near + 1 < end else n
            total += psi[max(within(kept, places[i], radius, before, after), 1)]
    return float(total / n)


@numba.njit(cache=True)
def window(x: Any, i: int, low: int, end: int, near: int) -> int:
    """The first of the `near` + 1 values among which are the nearest of x[i]; `low` is that of x[i - 1].

    x ascends within its class, which ends at `end`. A value that is left behind is farther from this and all that
    follow than the one that comes in its place, by distances as they are rounded.
    """
    while low + near < i or (low + near + 1 < end and x[i] - x[low] > x[low + near + 1] - x[i]):
        low += 1
    return low


@numba.njit(cache=True)
def within(ordered: Any, at: int, radius: float, before: int, after: int) -> int:
    """How many of `ordered` are closer to the value at `at` than `radius`, or equal to it.

    Those up to `before` and from `after` on are not, unless the radius is 0. Distances decide: x + radius is rounded
    more than they are.
    """
    x = ordered[at]
    if radius == 0:
        return int(np.searchsorted(ordered, x, side="right") - np.searchsorted(ordered, x, side="left"))
    below, low = before, at  # is not, is
    while low - below > 1:
        middle = (low + below) // 2
        if x - ordered[middle] < radius:
            low = middle
        else:
            below = middle
    above, high = after, at
    while above - high > 1:
        middle = (high + above) // 2
        if ordered[middle] - x < radius:
            high = middle
        else:
            above = middle
    return high - low + 1
