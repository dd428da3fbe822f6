"""MIG-sup: does each code know one factor, and only one?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.errors import unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.gaps import gap
from distaff.metrics.core.relation import NO_FACTOR, relation

WAYS = ("factor", "code")


@metric(paper="https://arxiv.org/abs/2002.10549", rows=10_000, range=(0, 1))
def mig_sup(
    codes: Any, factors: Any, *, bins: int = 20, bias: str = "none", estimator: str = "histogram", by: str = "factor"
) -> Score:
    r"""MIG-sup (Li et al., 2020): mean over codes of the gap between the two factors that each tells most of.

    mean_i (R_i* - R_io) with R_ij = I(z_i; v_j) / H(v_j), codes [n d] cut into `bins` equal widths and factors [n f].
    It is MIG with the two sides changed over: MIG misses a code that knows two factors, MIG-sup a factor that two
    codes know. `by="code"` divides by H(z_i) in place of H(v_j) (Carbonneau et al., 2022).

    From 0 to 1, higher is better. Codes that know nothing count 0 (noise: nearly), so that spare codes lower the score;
    with one factor there is no rival. A factor with one value is left out; if all have one, or codes are not finite,
    the score is NaN with a reason. 20 equal widths, `bias` and `estimator` as in `mig`. Parts: one number per code.
    Matrix: R [d f].

    Raises `DistaffError` for arrays that do not fit together and for unknown options.
    """
    if by not in WAYS:
        raise unknown("by", by, WAYS)
    found = relation(codes, factors, bins, bias, estimator)
    if isinstance(found, str):
        return Score(math.nan, reason=found)
    if not found.varying.any():
        return Score(math.nan, reason=NO_FACTOR)
    most = found.factors[None, :] if by == "factor" else found.codes[:, None]
    shares = found.matrix / np.where(most > 0, most, 1.0)
    each = gap(shares[:, found.varying].T)
    return Score(float(each.mean()), {f"code_{i}": float(value) for i, value in enumerate(each)}, shares)
