"""DCIMIG: for each factor, the best of the codes that know it best, if it knows nothing else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.metrics import Score, metric
from distaff.metrics.core.gaps import gap
from distaff.metrics.core.relation import NO_FACTOR, relation


@metric(paper="https://arxiv.org/abs/1910.05587", rows=10_000, range=(0, 1))
def dcimig(codes: Any, factors: Any, *, bins: int = 20, bias: str = "none", estimator: str = "histogram") -> Score:
    r"""DCIMIG, also 3CharM (Sepliarskaia et al., 2019): the clearest code of each factor.

    Code i of [n d] belongs to the factor of [n f] that it tells most of, with the gap g_i = I(z_i; v_*) - I(z_i; v_o)
    to the second; the score is mean_j max_{i of j} g_i / H(v_j), 0 for a factor that no code belongs to.

    From 0 to 1, higher is better. Several codes for one factor do no harm, one code for several factors does. With one
    factor there is no rival. A factor with one value is left out; if all have one, or codes are not finite, the score
    is NaN with a reason. 20 equal widths, `bias` and `estimator` as in `mig`. Parts: one number per factor. Matrix:
    information in nats [d f].

    Raises `DistaffError` for arrays that do not fit together and for unknown options.
    """
    found = relation(codes, factors, bins, bias, estimator)
    if isinstance(found, str):
        return Score(math.nan, reason=found)
    if not found.varying.any():
        return Score(math.nan, matrix=found.matrix, reason=NO_FACTOR)
    told = found.matrix[:, found.varying]
    best = np.zeros(told.shape[1])
    np.maximum.at(best, told.argmax(axis=1), gap(told.T))
    shares = best / found.factors[found.varying]
    return Score(float(shares.mean()), found.named(shares), found.matrix)
