"""DCIMIG: for each factor, the clearest of the codes whose information is mostly about it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.metrics import Score, metric
from distaff.metrics.core.information_matrix import NO_FACTOR, information_matrix
from distaff.metrics.core.top_two_gap import top_two_gap


@metric(
    paper="https://arxiv.org/abs/1910.05587",
    about="factors",
    label="DCIMIG",
    rows=10_000,
    range=(0, 1),
    ranges={"bins": "[1, inf)", "bias": ("none", "miller-madow"), "estimator": ("histogram", "ksg")},
)
def dcimig(codes: Any, factors: Any, *, bins: int = 20, bias: str = "none", estimator: str = "histogram") -> Score:
    r"""DCIMIG, also 3CharM (Sepliarskaia et al., 2019): the clearest code of each factor.

    Code i of [n d] belongs to the factor of [n f] about which it has most information, with the gap g_i = I(z_i; v_*) -
    I(z_i; v_o) to the second; the score is mean_j max_{i of j} g_i / H(v_j), 0 for a factor that no code belongs to.

    From 0 to 1, higher is better. Several codes for one factor do no harm, one code for several factors does. With one
    factor I(z_i; v_o) is 0. A factor with one value is left out; if all have one, or codes are not finite, the score is
    NaN with a reason. 20 equal widths, `bias` and `estimator` as in `mig`. Parts: one number per factor. Matrix:
    information in nats [d f].

    Raises `DistaffError` for arrays that do not fit together and for unknown options.
    """
    information = information_matrix(codes, factors, bins, bias, estimator)
    if isinstance(information, str):
        return Score(math.nan, reason=information)
    if not information.varying.any():
        return Score(math.nan, matrix=information.matrix, reason=NO_FACTOR)
    varying = information.matrix[:, information.varying]
    best = np.zeros(varying.shape[1])
    np.maximum.at(best, varying.argmax(axis=1), top_two_gap(varying.T))
    shares = best / information.factors[information.varying]
    return Score(float(shares.mean()), information.named(shares), information.matrix)
