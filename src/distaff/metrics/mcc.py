"""MCC: how well does each factor correlate with a code of its own?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import as_pair, moderate, non_finite
from distaff.metrics.sap import squared_correlations

WAYS = ("pearson", "spearman")


@metric(
    paper="https://arxiv.org/abs/1605.06336",
    about="factors",
    label="MCC",
    rows=10_000,
    range=(0, 1),
    depends_on=("values",),
    ranges={"by": ("pearson", "spearman")},
)
def mcc(codes: Any, factors: Any, *, by: str = "pearson") -> Score:
    r"""Mean correlation coefficient (Hyvärinen & Morioka, 2016): factors and codes matched one to one.

    max over matchings m of mean_j |corr(z_m(j), v_j)|, each code of [n d] given to one factor of [n f] at most; the
    values of factors are taken as numbers. `by="spearman"` correlates ranks, which any monotone code keeps.

    From 0 to 1, higher is better; noise scores about sqrt(2 log(d) / n). A factor without a code left counts 0, and so
    does a constant code. A factor with one value is left out; if all have one, or codes are not finite, NaN with a
    reason. Parts: one number per factor, and `code_of_<factor>`, -1 for none. Matrix: |correlations| [d f].

    Raises `DistaffError` for arrays that do not fit together and for an unknown `by`.
    """
    from scipy.optimize import linear_sum_assignment

    if by not in WAYS:
        raise unknown("by", by, WAYS)
    codes, table = as_pair(codes, factors)
    if reason := non_finite(codes):
        return Score(math.nan, reason=reason)
    varying = np.flatnonzero(table.sizes > 1)
    if not len(varying):
        return Score(math.nan, reason="every factor has one value in these rows")
    matrix = np.zeros((codes.shape[1], len(table.sizes)))
    x = _ranks(codes) if by == "spearman" else moderate(codes)[0]
    for j in varying.tolist():
        y = table.numbers(j)
        y = _ranks(y[:, None])[:, 0] if by == "spearman" else y
        matrix[:, j] = np.sqrt(squared_correlations(x / _size(x), y))
    rows, columns = linear_sum_assignment(-matrix[:, varying])
    match = dict(zip(varying[columns].tolist(), rows.tolist(), strict=True))
    parts = {table.names[j]: float(matrix[match[j], j]) if j in match else 0.0 for j in varying.tolist()}
    value = sum(parts.values()) / len(parts)
    parts |= {f"code_of_{table.names[j]}": float(match.get(j, -1)) for j in varying.tolist()}
    return Score(float(value), parts, matrix)


def _size(x: NDArray[Any]) -> NDArray[np.float64]:
    """The spread of each column [d], 1 where there is none: small codes are codes as well."""
    return np.where(np.ptp(x, axis=0) > 0, x.std(axis=0, dtype=np.float64), 1.0)


def _ranks(x: NDArray[Any]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = rankdata(x, axis=0)
    return ranks
