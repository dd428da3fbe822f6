"""Mutual information gap: is each factor in one code, and in only one?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.metrics import Score, metric
from distaff.metrics.core.information_matrix import NO_FACTOR, information_matrix
from distaff.metrics.core.top_two_gap import top_two_gap


@metric(
    paper="https://arxiv.org/abs/1802.04942",
    about="factors",
    label="MIG",
    study_2019=3,
    rows=10_000,
    range=(0, 1),
    since={"estimator": "histogram"},
    ranges={"bins": "[1, inf)", "bias": ("none", "miller-madow"), "estimator": ("histogram", "ksg")},
)
def mig(codes: Any, factors: Any, *, bins: int = 20, bias: str = "none", estimator: str = "histogram") -> Score:
    r"""MIG (Chen et al., 2018, Eq. 6): mean over factors of the gap between its two most informative codes.

    mean_j (I(z_*; v_j) - I(z_o; v_j)) / H(v_j), with codes [n d] cut into `bins` equal widths and factors [n f].

    From 0 to 1, higher is better; 1 is impossible where a factor has more values than there are bins. With a single
    code the second counts as one without information (so adding a constant code changes nothing). A factor with
    one value is left out of the mean; if all have one, or codes are not finite, the score is NaN with a reason.

    `bins=20` on equal widths is the 2019 study's (its `histogram_discretizer`). `bias="miller-madow"` takes the
    first-order bias off every estimate; `estimator="ksg"` counts neighbours instead of rows in bins (Ross, 2014).
    Parts: one number per factor. Matrix: information in nats [d f].

    Raises `DistaffError` for arrays that do not fit together and for an unknown `bias` or `estimator`.
    """
    information = information_matrix(codes, factors, bins, bias, estimator)
    if isinstance(information, str):
        return Score(math.nan, reason=information)
    if not information.varying.any():
        return Score(math.nan, matrix=information.matrix, reason=NO_FACTOR)
    shares = top_two_gap(information.matrix)[information.varying] / information.factors[information.varying]
    return Score(float(np.mean(shares)), information.named(shares), information.matrix)
