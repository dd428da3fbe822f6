"""Modularity: is each code about one factor only?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import as_pair
from distaff.metrics.core.information import chance_information, discretise, mutual_information
from distaff.metrics.core.information_matrix import NO_FACTOR, information_matrix


@metric(
    paper="https://arxiv.org/abs/1802.05312",
    about="factors",
    label="Modularity",
    study_2019=5,
    rows=10_000,
    range=(0, 1),
    since={"estimator": "histogram"},
    ranges={
        "bins": "[1, inf)",
        "bias": ("none", "miller-madow"),
        "dead_codes": ("keep", "skip"),
        "estimator": ("histogram", "ksg"),
    },
)
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

    From 0 to 1, higher is better. A code without any information counts 0, and with one factor every other counts 1. A
    factor with one value is left out (the old library counts it in f). Pure noise scores .67 to .99 on the common data
    sets: the bias of the estimates is largest for the factor with most values, which looks modular. `dead_codes="skip"`
    leaves out codes with no more information about any factor than chance gives (once in a million times, by the
    G-test; a constant code always). `bias="miller-madow"` corrects each estimate, but is no remedy for noise: what it
    leaves is uneven, and unevenness is what the formula rewards. If no code is left, all factors have one value, or
    codes are not finite, the score is NaN with a reason.

    `bins=20`, dead codes kept and no correction are the 2019 study's; `estimator="ksg"` counts neighbours instead of
    rows in bins (Ross, 2014). Parts: one number per code. Matrix: nats [d f].

    Raises `DistaffError` for arrays that do not fit together and for unknown options.
    """
    if dead_codes not in ("keep", "skip"):
        raise unknown("dead_codes", dead_codes, ("keep", "skip"))
    information = information_matrix(codes, factors, bins, bias, estimator)
    if isinstance(information, str):
        return Score(math.nan, reason=information)
    matrix = information.matrix
    if not information.varying.any():
        return Score(math.nan, matrix=matrix, reason=NO_FACTOR)
    counted = np.full(len(matrix), True)
    if dead_codes == "skip":
        checked, table = as_pair(codes, factors, bins)
        labels = discretise(checked, bins)
        counted = np.any(mutual_information(labels, table.classes) > chance_information(labels, table.classes), axis=1)
    if not counted.any():
        return Score(math.nan, matrix=matrix, reason="no code has more information about any factor than chance gives")
    each = modularity_of_codes(matrix[:, information.varying])
    parts = {f"code_{i}": float(each[i]) for i in np.flatnonzero(counted)}
    return Score(float(each[counted].mean()), parts, matrix)


def modularity_of_codes(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The formula above for each code [d], from any matrix [d f] of the information of code i about factor j."""
    squares = matrix**2
    largest = squares.max(axis=1)
    others = squares.sum(axis=1) - largest
    others_count = max(matrix.shape[1] - 1, 1)  # with one factor there are no others, and nothing to share with them
    alive = largest > 0
    score: NDArray[np.float64] = np.where(alive, 1 - others / (np.where(alive, largest, 1) * others_count), 0.0)
    return score
