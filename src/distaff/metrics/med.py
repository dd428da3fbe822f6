"""MED: DCI's disentanglement with information in the place of trained trees."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.errors import DistaffError
from distaff.metrics import Score, metric
from distaff.metrics.core.information_matrix import NO_FACTOR, information_matrix
from distaff.metrics.dci import concentration, disentanglement

SAME = 1e-9  # of a share: codes whose shares differ by less are equally good


@metric(
    paper="https://arxiv.org/abs/2206.04756",
    about="factors",
    label="MED",
    rows=10_000,
    range=(0, 1),
    ranges={"bins": "[1, inf)", "top": "[1, inf)", "bias": ("none", "miller-madow"), "estimator": ("histogram", "ksg")},
)
def med(
    codes: Any,
    factors: Any,
    *,
    bins: int = 20,
    bias: str = "none",
    estimator: str = "histogram",
    top: int | None = None,
) -> Score:
    r"""MED (Cao et al., 2022): is the information of each code about one factor only?

    R_ij = I(z_i; v_j) / sum_i I(z_i; v_j) for codes [n d] and factors [n f]; the score is the mean over codes, weighted
    by sum_j R_ij, of 1 - H_f(R_i. / sum_j R_ij), as in `dci`. `top=k` counts only the codes that are among the k best
    of some factor (all that tie with the k-th, none without information), for representations of hundreds of codes.

    From 0 to 1, higher is better; noise scores more than 0 on unequal factors, by the bias of the estimate. A factor
    with one value is left out, and with one left every code is disentangled; codes without information score 0. If all
    factors have one value, or codes are not finite, NaN with a reason. 20 equal widths, `bias` and `estimator` as in
    `mig`. Parts: `code_i`. Matrix: R [d f].

    Raises `DistaffError` for arrays that do not fit together, unknown options, or `top` below 1.
    """
    if top is not None and top < 1:
        raise DistaffError(f"med: top is {top}; it must be at least 1")
    information = information_matrix(codes, factors, bins, bias, estimator)
    if isinstance(information, str):
        return Score(math.nan, reason=information)
    if not information.varying.any():
        return Score(math.nan, reason=NO_FACTOR)
    shares = information.matrix / np.maximum(information.matrix.sum(axis=0), np.finfo(np.float64).tiny)
    varying = shares[:, information.varying]
    selected = np.arange(len(varying))
    if top is not None:
        least = np.sort(varying, axis=0)[-min(top, len(varying))]
        selected = np.flatnonzero(((varying >= least * (1 - SAME)) & (varying > 0)).any(axis=1))
    parts = {f"code_{i}": float(value) for i, value in zip(selected, concentration(varying[selected]), strict=True)}
    return Score(disentanglement(varying[selected]), parts, shares)
