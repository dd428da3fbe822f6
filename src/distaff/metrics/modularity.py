"""Modularity: does each code know one factor only?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import as_pair
from distaff.metrics.core.information import chance, discretise, mutual_information
from distaff.metrics.core.relation import relation


@metric(paper="https://arxiv.org/abs/1802.05312", rows=10_000, range=(0, 1), since={"estimator": "histogram"})
def modularity(
    codes: Any,
    factors: Any,
    *,
    bins: int = 20,
    bias: str = "none",
    dead_codes: str = "keep",
    estimator: str = "histogram",
) -> Score:
    r"""Modularity (Ridgeway & Mozer, 2018, Sec. 3): how far a code's information lies in one factor, mean over codes.

    mean_i 1 - (sum_j I_ij^2 - max_j I_ij^2) / (max_j I_ij^2 (f - 1)), with I_ij = I(z_i; v_j) from codes [n d] cut
    into `bins` equal widths and factors [n f].

    From 0 to 1, higher is better. A code that knows nothing at all counts 0, and with one factor every other counts 1.
    Pure noise scores .67 to .99 on the common data sets: the bias of the estimates is largest for the factor with most
    values, which looks modular. `dead_codes="skip"` leaves out codes that know of no factor more than chance would
    give (once in a million times, by the G-test; a constant code always). `bias="miller-madow"` corrects each estimate,
    but does not mend noise alone: what it leaves of it is uneven, and unevenness is what the formula rewards. If no
    code is left, or codes are not finite, the score is NaN with a reason.

    `bins=20`, dead codes kept and no correction are the 2019 study's; `estimator="ksg"` counts neighbours instead of
    rows in bins (Ross, 2014). Parts: one number per code. Matrix: nats [d f].

    Raises `DistaffError` for arrays that do not fit together and for unknown options.
    """
    if dead_codes not in ("keep", "skip"):
        raise unknown("dead_codes", dead_codes, ("keep", "skip"))
    found = relation(codes, factors, bins, bias, estimator)
    if isinstance(found, str):
        return Score(math.nan, reason=found)
    matrix = found.matrix
    kept = np.full(len(matrix), True)
    if dead_codes == "skip":
        checked, table = as_pair(codes, factors, bins)
        labels = discretise(checked, bins)
        kept = np.any(mutual_information(labels, table.classes) > chance(labels, table.classes), axis=1)
    if not kept.any():
        return Score(math.nan, matrix=matrix, reason="no code tells of any factor more than chance would")
    each = modularity_of_codes(matrix)
    parts = {f"code_{i}": float(each[i]) for i in np.flatnonzero(kept)}
    return Score(float(each[kept].mean()), parts, matrix)


def modularity_of_codes(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The formula above for each code [d], from any matrix [d f] of how much code i says of factor j."""
    squares = matrix**2
    largest = squares.max(axis=1)
    others = squares.sum(axis=1) - largest
    rivals = max(matrix.shape[1] - 1, 1)  # with one factor there are no others, and nothing to share with them
    alive = largest > 0
    score: NDArray[np.float64] = np.where(alive, 1 - others / (np.where(alive, largest, 1) * rivals), 0.0)
    return score
