"""MIG-sup: is each code about one factor, and about only one?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.errors import unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.information_matrix import NO_FACTOR, information_matrix
from distaff.metrics.core.top_two_gap import top_two_gap

WAYS = ("factor", "code")


@metric(
    paper="https://arxiv.org/abs/2002.10549",
    about="factors",
    label="MIG-sup",
    rows=10_000,
    range=(0, 1),
    ranges={
        "bins": "[1, inf)",
        "bias": ("none", "miller-madow"),
        "estimator": ("histogram", "ksg"),
        "by": ("factor", "code"),
    },
)
def mig_sup(
    codes: Any, factors: Any, *, bins: int = 20, bias: str = "none", estimator: str = "histogram", by: str = "factor"
) -> Score:
    r"""MIG-sup (Li et al., 2020): mean over codes of the gap between the two factors that each informs most on.

    mean_i (R_i* - R_io) with R_ij = I(z_i; v_j) / H(v_j), codes [n d] cut into `bins` equal widths and factors [n f].
    It is MIG with the two sides changed over: MIG misses a code about two factors, MIG-sup a factor in
    two codes. `by="code"` divides by H(z_i) in place of H(v_j) (Carbonneau et al., 2022).

    From 0 to 1, higher is better. Codes without information count 0 (noise: nearly), so that spare codes lower the
    score; with one factor R_io is 0. A factor with one value is left out; if all have one, or codes are not finite,
    the score is NaN with a reason. 20 equal widths, `bias` and `estimator` as in `mig`. Parts: one number per code.
    Matrix: R [d f].

    Raises `DistaffError` for arrays that do not fit together and for unknown options.
    """
    if by not in WAYS:
        raise unknown("by", by, WAYS)
    information = information_matrix(codes, factors, bins, bias, estimator)
    if isinstance(information, str):
        return Score(math.nan, reason=information)
    if not information.varying.any():
        return Score(math.nan, reason=NO_FACTOR)
    most = information.factors[None, :] if by == "factor" else information.codes[:, None]
    shares = np.minimum(information.matrix / np.where(most > 0, most, 1.0), 1.0)
    each = top_two_gap(shares[:, information.varying].T)
    return Score(float(each.mean()), {f"code_{i}": float(value) for i, value in enumerate(each)}, shares)
