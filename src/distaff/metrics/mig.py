"""Mutual information gap: does one code, and only one, know each factor?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.metrics import Score, metric
from distaff.metrics.core.gaps import gap
from distaff.metrics.core.relation import NO_FACTOR, relation


@metric(paper="https://arxiv.org/abs/1802.04942", rows=10_000, range=(0, 1), since={"estimator": "histogram"})
def mig(codes: Any, factors: Any, *, bins: int = 20, bias: str = "none", estimator: str = "histogram") -> Score:
    r"""MIG (Chen et al., 2018, Eq. 6): mean over factors of the gap between the two codes that tell most of it.

    mean_j (I(z_*; v_j) - I(z_o; v_j)) / H(v_j), with codes [n d] cut into `bins` equal widths and factors [n f].

    From 0 to 1, higher is better; 1 is out of reach where a factor has more values than there are bins. A single code
    has no rival, which counts as one that knows nothing (so adding a constant code changes nothing). A factor with one
    value is left out of the mean; if all have one, or codes are not finite, the score is NaN with a reason.

    `bins=20` on equal widths is the 2019 study's (its `histogram_discretizer`). `bias="miller-madow"` takes the
    first-order bias off every estimate; `estimator="ksg"` counts neighbours instead of rows in bins (Ross, 2014).
    Parts: one number per factor. Matrix: information in nats [d f].

    Raises `DistaffError` for arrays that do not fit together and for an unknown `bias` or `estimator`.
    """
    found = relation(codes, factors, bins, bias, estimator)
    if isinstance(found, str):
        return Score(math.nan, reason=found)
    if not found.varying.any():
        return Score(math.nan, matrix=found.matrix, reason=NO_FACTOR)
    shares = gap(found.matrix)[found.varying] / found.factors[found.varying]
    return Score(float(np.mean(shares)), found.named(shares), found.matrix)
