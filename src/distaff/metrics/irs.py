"""IRS: how little does a code move when all factors but one do?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import FactorTable, as_pair, moderate, non_finite
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
    orders = [np.argsort(column, kind="stable") for column in groups.T]
    starts = [np.flatnonzero(np.diff(column[order])) + 1 for column, order in zip(groups.T, orders, strict=True)]
    largest = np.empty(codes.shape[1])
    moved = np.empty((codes.shape[1], groups.shape[1]))
    for i in range(codes.shape[1]):  # one code at a time, so that a million rows of many codes are not held twice
        code = codes[:, i].astype(np.float64)
        largest[i] = np.abs(code - code.mean()).max()
        for j, (order, start) in enumerate(zip(orders, starts, strict=True)):
            far = [np.quantile(np.abs(part - part.mean()), quantile) for part in np.split(code[order], start)]
            moved[i, j] = np.mean(far)
    return 1 - moved / largest[:, None], largest
