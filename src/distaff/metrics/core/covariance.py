"""Covariances of codes, in float64 whatever the codes are in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def covariance(codes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Covariance [d d] of codes [n d] with n - 1 in the denominator."""
    cov: NDArray[np.float64] = np.atleast_2d(np.cov(codes.astype(np.float64), rowvar=False))
    return cov


def varying_codes(codes: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which codes [d] take more than one value: exact, where a computed variance of a constant may be 1e-17."""
    varying: NDArray[np.bool_] = codes.min(axis=0) != codes.max(axis=0)
    return varying
