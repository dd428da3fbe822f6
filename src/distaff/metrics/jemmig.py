"""JEMMIG: MIG that also requires of a code that it holds nothing but its factor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.metrics import Score, metric
from distaff.metrics.core.information_matrix import NO_FACTOR, information_matrix
from distaff.metrics.core.top_two_gap import top_two_gap

SAME = 1e-9  # of a factor's entropy: codes whose information about it differs by less are tied


@metric(
    paper="https://arxiv.org/abs/1908.09961",
    about="factors",
    label="JEMMIG",
    rows=10_000,
    range=(0, 1),
    ranges={"bins": "[1, inf)", "bias": ("none", "miller-madow")},
)
def jemmig(codes: Any, factors: Any, *, bins: int = 20, bias: str = "none") -> Score:
    r"""JEMMIG (Do & Tran, 2020): the joint entropy of a factor and its code less their gap, normalised.

    1 - mean_j (H(v_j, z_*) - I(z_*; v_j) + I(z_o; v_j)) / (H(v_j) + log B), with z_* and z_o the two codes of [n d]
    with most information about factor j of [n f], and B = `bins` equal widths that codes are cut into. Of codes
    that are tied z_* is the one that holds least besides, whatever their order: that with the least entropy.

    From 0 to 1, higher is better; 1 needs codes that take as many values as their factors. With a single code I(z_o;
    v_j) is 0. A factor with one value is left out; if all have one, or codes are not finite, the score is NaN with a
    reason. 20 equal widths are the 2019 study's, and `bias` as in `mig`. Parts: `raw`, the mean before it is normalised
    (nats, lower is better), and one number per factor. Matrix: information in nats [d f].

    Raises `DistaffError` for arrays that do not fit together and for an unknown `bias`.
    """
    information = information_matrix(codes, factors, bins, bias)
    if isinstance(information, str):
        return Score(math.nan, reason=information)
    if not information.varying.any():
        return Score(math.nan, matrix=information.matrix, reason=NO_FACTOR)
    most_information = information.matrix.max(axis=0)
    tied = information.matrix >= most_information - SAME * information.factors
    joint = np.where(tied, information.codes[:, None], np.inf).min(axis=0) + information.factors - most_information
    raw = (joint - top_two_gap(information.matrix))[information.varying]
    most = information.factors[information.varying] + math.log(bins)
    # a corrected entropy may exceed log B
    shares = np.clip(1 - raw / most, 0.0, 1.0)
    return Score(float(shares.mean()), {"raw": float(raw.mean()), **information.named(shares)}, information.matrix)
