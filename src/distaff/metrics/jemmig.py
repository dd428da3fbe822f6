"""JEMMIG: MIG that also asks that the code says nothing but its factor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.metrics import Score, metric
from distaff.metrics.core.gaps import gap
from distaff.metrics.core.relation import NO_FACTOR, relation


@metric(paper="https://arxiv.org/abs/1908.09961", rows=10_000, range=(0, 1))
def jemmig(codes: Any, factors: Any, *, bins: int = 20, bias: str = "none") -> Score:
    r"""JEMMIG (Do & Tran, 2020): the joint entropy of a factor and its code less their gap, normalised.

    1 - mean_j (H(v_j, z_*) - I(z_*; v_j) + I(z_o; v_j)) / (H(v_j) + log B), with z_* and z_o the two codes of [n d]
    that tell most of factor j of [n f], and B = `bins` equal widths that codes are cut into.

    From 0 to 1, higher is better; 1 needs codes that take as many values as their factors. A single code has no rival.
    A factor with one value is left out; if all have one, or codes are not finite, the score is NaN with a reason.
    20 equal widths are the 2019 study's, and `bias` as in `mig`. Parts: `raw`, the mean before it is normalised
    (nats, lower is better), and one number per factor. Matrix: information in nats [d f].

    Raises `DistaffError` for arrays that do not fit together and for an unknown `bias`.
    """
    found = relation(codes, factors, bins, bias)
    if isinstance(found, str):
        return Score(math.nan, reason=found)
    if not found.varying.any():
        return Score(math.nan, matrix=found.matrix, reason=NO_FACTOR)
    best = found.matrix.argmax(axis=0)
    joint = found.codes[best] + found.factors - found.matrix.max(axis=0)
    raw = (joint - gap(found.matrix))[found.varying]
    most = found.factors[found.varying] + math.log(bins)
    # a corrected entropy may exceed log B
    shares = np.clip(1 - raw / most, 0.0, 1.0)
    return Score(float(shares.mean()), {"raw": float(raw.mean()), **found.named(shares)}, found.matrix)
