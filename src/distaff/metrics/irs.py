"""IRS: how little does a code move when all factors but one do?"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import FactorTable, as_pair, moderate, non_finite
from distaff.metrics.core.column_blocks import sorted_blocks
from distaff.metrics.core.covariance import varying_codes
from distaff.metrics.core.information import discretise
from distaff.metrics.core.information_matrix import NO_FACTOR


@metric(
    paper="https://arxiv.org/abs/1811.00007",
    about="factors",
    label="IRS",
    rows=10_000,
    range=(-1, 1),
    depends_on=("scale",),
    version=2,
    ranges={"quantile": "[0, 1]", "bins": "[1, inf)"},
)
def irs(codes: Any, factors: Any, *, quantile: float = 0.99, bins: int = 20) -> Score:
    r"""Interventional robustness score (Suter et al., 2019, Sec. 4): mean over codes, weighted by largest deviation.

    R_ij = 1 - D_ij / M_i for code i of codes [n d] and factor j of factors [n f]: D_ij is the mean, over the values c
    of factor j, of the `quantile` of |z_i - E(z_i | v_j = c)| among the rows with v_j = c, and M_i = max |z_i - E z_i|.
    The score is sum_i M_i max_j R_ij / sum_i M_i.

    Higher is better, and 1 perfect; an entry can be negative, since D is around the conditional mean and M around the
    mean of all; noise scores .26 to .38. Factors with more than `bins` values are cut into `bins` equal widths, as in
    the 2019 library, so that even a perfect code of such a factor stays below 1. Constant codes have no weight; with
    none left the score is 0. Codes that are not finite give NaN with a reason. On rows that are not a complete grid,
    holding a factor is conditioning on it rather than intervening.

    `quantile=0.99` and `bins=20` are the library's. Parts: `active`, the number of codes that vary (the library reports
    the sum of all their values), and `code_i`. Matrix: R [d f], 0 for constant codes.

    Raises `DistaffError` for arrays that do not fit together or a quantile outside 0 to 1.
    """
    if not 0 <= quantile <= 1:
        raise DistaffError(f"irs: quantile={quantile} is outside 0 to 1")
    codes, table = as_pair(codes, factors, bins)
    if reason := non_finite(codes):
        return Score(math.nan, reason=reason)
    alive, counted = varying_codes(codes), np.flatnonzero(table.sizes > 1)
    matrix = np.zeros((len(alive), len(table.sizes)))
    if not len(counted):
        return Score(math.nan, reason=NO_FACTOR)
    if not alive.any():
        return Score(0.0, {"active": 0.0}, matrix)
    groups = np.stack([_groups(table, j, bins) for j in counted.tolist()], axis=1)
    moderated, exponents = moderate(codes[:, alive])
    robust, largest = robustness(moderated, groups, quantile)
    matrix[np.ix_(alive, counted)] = robust
    largest = np.ldexp(largest, exponents - exponents.max())
    each = robust.max(axis=1)
    parts = {"active": float(alive.sum())}
    parts |= {f"code_{i}": float(value) for i, value in zip(np.flatnonzero(alive), each, strict=True)}
    return Score(float(np.clip(each @ largest / largest.sum(), -1, 1)), parts, matrix)


def _groups(table: FactorTable, j: int, bins: int) -> NDArray[np.integer[Any]]:
    """The label [n] of each row by factor j: its value, or the width that it lies in where there are many values."""
    if table.sizes[j] <= bins:
        return table.classes[:, j]
    return discretise(table.numbers(j)[:, None], bins)[:, 0]


def robustness(
    codes: NDArray[np.floating[Any]], groups: NDArray[np.integer[Any]], quantile: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """R [d f] and M [d] of the formula above, for codes [n d] that vary and rows grouped by labels [n f]."""
    labels = [np.unique(column, return_inverse=True)[1] for column in groups.T]
    counts = [np.bincount(column) for column in labels]
    largest = np.empty(codes.shape[1])
    moved = np.empty((codes.shape[1], groups.shape[1]))
    for block, ordered, order in sorted_blocks(codes):
        for i, x, rows in zip(range(block.start, block.stop), ordered, order, strict=True):
            code = x.astype(np.float64)
            largest[i] = np.abs(code[[0, -1]] - code.mean()).max()
            moved[i] = [_moved(code, rows, *group, quantile) for group in zip(labels, counts, strict=True)]
    return 1 - moved / largest[:, None], largest


@numba.njit(cache=True)
def _moved(x: Any, rows: Any, labels: Any, counts: Any, quantile: float) -> float:
    """The mean over groups of the quantile of |x - mean|, for x [n] in ascending order and the labels [n] of rows."""
    starts = np.zeros(counts.size + 1, np.int64)
    starts[1:] = np.cumsum(counts)
    free = starts[:-1].copy()
    grouped = np.empty(x.size)
    for i in range(x.size):  # one sort serves all factors: within groups the order stays
        label = labels[rows[i]]
        grouped[free[label]] = x[i]
        free[label] += 1
    total = 0.0
    for group in range(counts.size):
        total += deviation_quantile(grouped[starts[group] : starts[group + 1]], quantile)
    return float(total / counts.size)


@numba.njit(cache=True)
def deviation_quantile(x: Any, quantile: float) -> float:
    """The quantile of |x - mean| of ascending values [n], between two of them by a straight line, as NumPy's.

    The largest deviations are at the two ends, so that they are counted from there.
    """
    n = x.size
    mean = 0.0
    for i in range(n):
        mean += x[i] - x[0]  # exact for a constant
    mean = x[0] + mean / n
    place = quantile * (n - 1)
    below = int(np.floor(place))
    low, high = 0, n - 1
    larger = here = max(mean - x[low], x[high] - mean)
    for _ in range(n - below):  # the last one is number `below` from 0, the one before it the next larger
        larger, here = here, max(mean - x[low], x[high] - mean)
        if mean - x[low] >= x[high] - mean:
            low += 1
        else:
            high -= 1
    return float(here + (larger - here) * (place - below))
