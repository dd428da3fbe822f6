"""MCC: how well does each factor correlate with a code of its own?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import as_pair, moderate, non_finite
from distaff.metrics.core.blas_threads import one_blas_thread
from distaff.metrics.core.column_blocks import column_blocks

WAYS = ("pearson", "spearman")
AT_ONCE = 2**22  # numbers of codes that are standardised at once: 32 MiB


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
    ranked = by == "spearman"
    targets = np.stack([table.numbers(j) for j in varying.tolist()], axis=1)
    matrix = np.zeros((codes.shape[1], len(table.sizes)))
    matrix[:, varying] = correlations(codes, _ranks(targets) if ranked else targets, ranked)
    rows, columns = linear_sum_assignment(-matrix[:, varying])
    match = dict(zip(varying[columns].tolist(), rows.tolist(), strict=True))
    parts = {table.names[j]: float(matrix[match[j], j]) if j in match else 0.0 for j in varying.tolist()}
    value = sum(parts.values()) / len(parts)
    parts |= {f"code_of_{table.names[j]}": float(match.get(j, -1)) for j in varying.tolist()}
    return Score(float(value), parts, matrix)


@one_blas_thread()
def correlations(codes: NDArray[Any], targets: NDArray[Any], ranked: bool = False) -> NDArray[np.float64]:
    """|correlation| [d f] of codes [n d], or of their ranks, with targets [n f] that vary; 0 for constant codes.

    Both are standardised once, and one product then gives all correlations of a block of codes.
    """
    y = _standardised(targets)
    result = np.zeros((codes.shape[1], targets.shape[1]))
    for block in column_blocks(len(codes), codes.shape[1], AT_ONCE, AT_ONCE):
        x = _standardised(_ranks(codes[:, block]) if ranked else codes[:, block])
        result[block] = np.abs(x.T @ y) / len(y)
    return np.minimum(result, 1.0)


def _standardised(x: NDArray[Any]) -> NDArray[np.float64]:
    """Columns of mean 0 and variance 1, small ones as well; constant ones are 0."""
    moderated = moderate(x)[0]
    varies = np.ptp(moderated, axis=0) > 0
    centred: NDArray[np.float64] = moderated - moderated.mean(axis=0, dtype=np.float64)
    spread = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(centred))
    counts = varies & (spread > 0)
    centred *= np.where(counts, 1 / np.where(counts, spread, 1.0), 0.0)
    return centred


def _ranks(x: NDArray[Any]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = rankdata(x, axis=0)
    return ranks
