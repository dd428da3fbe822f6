"""MED: DCI's disentanglement with information in the place of trained trees."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.errors import DistaffError
from distaff.metrics import Score, metric
from distaff.metrics.core.relation import NO_FACTOR, relation
from distaff.metrics.dci import concentration, disentanglement


@metric(paper="https://arxiv.org/abs/2206.04756", rows=10_000, range=(0, 1))
def med(
    codes: Any,
    factors: Any,
    *,
    bins: int = 20,
    bias: str = "none",
    estimator: str = "histogram",
    top: int | None = None,
) -> Score:
    r"""MED (Cao et al., 2022): is what each code knows about one factor only?

    R_ij = I(z_i; v_j) / sum_i I(z_i; v_j) for codes [n d] and factors [n f]; the score is the mean over codes, weighted
    by sum_j R_ij, of 1 - H_f(R_i. / sum_j R_ij), as in `dci`. `top=k` keeps only the codes that are among the k best
    of some factor, for representations of hundreds of codes.

    From 0 to 1, higher is better; noise scores more than 0 on unequal factors, by the bias of the estimate. A factor
    with one value is left out, and with one left every code is disentangled; codes that know nothing score 0. If all
    factors have one value, or codes are not finite, NaN with a reason. 20 equal widths, `bias` and `estimator` as in
    `mig`. Parts: `code_i`. Matrix: R [d f].

    Raises `DistaffError` for arrays that do not fit together, unknown options, or `top` below 1.
    """
    if top is not None and top < 1:
        raise DistaffError(f"med: top is {top}, it wants at least 1")
    found = relation(codes, factors, bins, bias, estimator)
    if isinstance(found, str):
        return Score(math.nan, reason=found)
    if not found.varying.any():
        return Score(math.nan, reason=NO_FACTOR)
    shares = found.matrix / np.maximum(found.matrix.sum(axis=0), np.finfo(np.float64).tiny)
    told = shares[:, found.varying]
    kept = np.arange(len(told))
    if top is not None:
        kept = np.unique(np.argsort(-told, axis=0, kind="stable")[:top])
    parts = {f"code_{i}": float(value) for i, value in zip(kept, concentration(told[kept]), strict=True)}
    return Score(disentanglement(told[kept]), parts, shares)
