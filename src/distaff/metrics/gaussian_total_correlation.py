"""Gaussian total correlation: how far the codes are from independent, were they normal with their covariance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import as_codes, moderate, non_finite
from distaff.metrics.core.covariance import covariance, log_determinant, spectrum_of_rows, variances, varying_codes
from distaff.metrics.latents import select_latents


@metric(
    paper="https://arxiv.org/abs/1811.12359",
    about="codes",
    label="Total correlation",
    symbol="TC",
    study_2019=1,
    rows=10_000,
    range=(0, 1e999),
    higher_is_better=False,
    since={"dims": "all"},
    ranges={"dims": ("all", "active")},
)
def gaussian_total_correlation(codes: Any, factors: Any = None, active: Any = None, *, dims: str = "all") -> Score:
    r"""Total correlation of a normal fitted to the codes (Locatello et al., 2019, Sec. 5.1); 0 is independent.

    1/2 (sum_i log S_ii - log det S), with S the covariance of codes [n d] (n - 1 in the denominator); `factors` are
    not used.

    From 0 to infinity, lower is more independent. Constant codes are independent of everything and are left out (the
    old library gives NaN); codes of which one is a linear function of others have an infinite total correlation, which
    is returned with a reason that names the rank (the old library gives rounding noise of some 20 to 40). One code
    scores 0; codes that are not finite, or a single row, give NaN with a reason.

    `dims="active"` uses active codes only: those of the mask `active` [d] (`distaff.metrics.latents` makes one of
    an encoder's variances), or else those with a standard deviation of at least 0.05. Raises `DistaffError` for another
    `dims` or a mask that does not fit.

    Parts: `varying`, the number of codes that are not constant. Matrix: none, since no factor is involved.
    """
    del factors
    codes = select_latents(as_codes(codes), dims, active)
    if reason := non_finite(codes):
        return Score(math.nan, reason=reason)
    if len(codes) < 2:
        return Score(math.nan, reason="a covariance needs at least two rows")
    keep = varying_codes(codes)
    parts = {"varying": float(keep.sum())}
    if keep.sum() < 2:
        return Score(0.0, parts)
    varying = moderate(codes if keep.all() else codes[:, keep])[0]
    n, d = varying.shape
    if d < n:
        correlations = covariance(varying)
        scale = np.sqrt(np.diag(correlations))
        correlations /= scale[:, None]  # det S = prod S_ii det R
        correlations /= scale
        if (log_det := log_determinant(correlations)) is not None:
            return Score(max(-0.5 * log_det, 0.0), parts)
        spectrum = np.linalg.eigvalsh(correlations)
    else:  # as many codes as rows: the rank is below d
        spectrum = np.append(0.0, spectrum_of_rows(varying, 1 / np.sqrt(variances(varying))))
    singular = spectrum <= d * np.finfo(np.float64).eps * spectrum[-1] * 4
    if singular.any():
        rank = int((~singular).sum())
        return Score(math.inf, parts, reason=f"{d} varying codes have a covariance of rank {rank}")
    return Score(max(float(-0.5 * np.log(spectrum).sum()), 0.0), parts)
