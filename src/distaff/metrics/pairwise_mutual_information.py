"""Mean pairwise mutual information: how much information do codes share?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import as_codes, non_finite
from distaff.metrics.core.information import discretise, mutual_information
from distaff.metrics.latents import select_latents


@metric(
    paper="https://arxiv.org/abs/1811.12359",
    about="codes",
    label="Pairwise information",
    study_2019=3,
    rows=10_000,
    range=(0, 1e999),
    higher_is_better=False,
    ranges={"bins": "[1, inf)", "bias": ("none", "miller-madow"), "dims": ("all", "active")},
)
def pairwise_mutual_information(
    codes: Any, factors: Any = None, active: Any = None, *, bins: int = 20, bias: str = "none", dims: str = "all"
) -> Score:
    r"""Mean mutual information of two different codes (Locatello et al., 2019); 0 is independent.

    1/(d (d-1)) sum_{i != k} I(z_i; z_k) in nats, with codes [n d] cut into `bins` equal widths; `factors` are not
    used.

    From 0 to log `bins`, lower is more independent; independent codes score about (bins - 1)^2 / 2n, the bias of the
    estimate, of which `bias="miller-madow"` takes most off. One code alone scores 0. Codes that are not finite give
    NaN with a reason. `dims="active"` uses active codes only: those of the mask `active` [d], or else those with a
    standard deviation of at least 0.05. `bins=20` is the 2019 study's. Matrix: none, since no factor is involved.

    Raises `DistaffError` for an unknown `bias` or `dims`, or a mask that does not fit.
    """
    del factors
    codes = select_latents(as_codes(codes), dims, active)
    if reason := non_finite(codes):
        return Score(math.nan, reason=reason)
    d = codes.shape[1]
    if d < 2:
        return Score(0.0)
    labels = discretise(codes, bins)
    square = mutual_information(labels, labels, bias)
    return Score(float((square.sum() - np.trace(square)) / (d * (d - 1))))
