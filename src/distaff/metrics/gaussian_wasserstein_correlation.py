"""Gaussian Wasserstein correlation: how far a normal with the codes' covariance is from one with independent codes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import as_codes, moderate, non_finite
from distaff.metrics.core.covariance import covariance, spectrum_of_rows, variances
from distaff.metrics.latents import select_latents


@metric(
    paper="https://arxiv.org/abs/1811.12359",
    about="codes",
    label="Wasserstein correlation",
    study_2019=2,
    rows=10_000,
    range=(0, 1e999),
    higher_is_better=False,
    depends_on=("scale",),
    ranges={"dims": ("all", "active")},
)
def gaussian_wasserstein_correlation(
    codes: Any, factors: Any = None, active: Any = None, *, dims: str = "all", normalised: bool = False
) -> Score:
    r"""Wasserstein dependence of a normal fitted to the codes (Locatello et al., 2019); 0 is independent.

    The squared 2-Wasserstein distance of N(0, S) from N(0, diag S): 2 tr S - 2 tr (D^1/2 S D^1/2)^1/2 with S the
    covariance of codes [n d] (n - 1 in the denominator) and D its diagonal; `normalised=True` divides by tr S.
    `factors` are not used.

    From 0 to infinity (normalised: to 2), lower is more independent, in the squared unit of the codes. Constant codes
    add nothing; if all are constant it is 0. Codes that are not finite, or a single row, give NaN with a reason.
    `dims="active"` uses active codes only: those of the mask `active` [d], or else those with a standard deviation
    of at least 0.05. Part: `normalised`. Matrix: none.

    Raises `DistaffError` for an unknown `dims` or a mask that does not fit.
    """
    del factors
    codes = select_latents(as_codes(codes), dims, active)
    if reason := non_finite(codes):
        return Score(math.nan, reason=reason)
    if len(codes) < 2:
        return Score(math.nan, reason="a covariance needs at least two rows")
    total = distance = 0.0
    codes, exponents = moderate(codes, each=False)
    if codes.shape[1]:
        if codes.shape[1] <= len(codes):
            product = covariance(codes)
            sizes = np.diag(product).copy()
            product *= np.sqrt(sizes)[:, None]
            product *= np.sqrt(sizes)
            spectrum = np.linalg.eigvalsh(product)
        else:
            sizes = variances(codes)
            spectrum = spectrum_of_rows(codes, np.sqrt(sizes))
        total, roots = float(sizes.sum()), np.sqrt(np.maximum(spectrum, 0.0))
        distance = max(2 * total - 2 * float(roots.sum()), 0.0)
    share = distance / total if total > 0 else 0.0
    with np.errstate(over="ignore"):
        unscaled = float(np.ldexp(distance, 2 * exponents[:1].sum()))  # in the unit of the codes
    if not normalised and math.isinf(unscaled):
        return Score(math.nan, {"normalised": share}, reason="codes are so large that their variances overflow")
    return Score(share if normalised else unscaled, {"normalised": share})
