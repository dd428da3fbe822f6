"""Covariances of codes, in float64 whatever the codes are in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.metrics.core.column_blocks import column_blocks, transposed_blocks

ROWS = 1_024  # rows, or codes, that are made float64 at once
WELL = 1e-6  # the reciprocal of a condition number, below which the spectrum is computed


def covariance(codes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Covariance [d d] of codes [n d] with n - 1 in the denominator, a few rows at a time."""
    n, d = codes.shape
    mean = codes.mean(axis=0, dtype=np.float64)
    cov = np.zeros((d, d))
    for first in range(0, n, ROWS):
        centred = codes[first : first + ROWS].astype(np.float64) - mean
        cov += centred.T @ centred
    cov /= n - 1
    return cov


def variances(codes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The diagonal [d] of the covariance of codes [n d]."""
    return np.concatenate([np.var(x, axis=1, ddof=1, dtype=np.float64) for _, x in transposed_blocks(codes)])


def spectrum_of_rows(codes: NDArray[np.floating[Any]], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The n largest eigenvalues, ascending, of the covariance [d d] of the codes [n d] times `weights` [d].

    They are those of the products of rows [n n]: where there are more codes than rows, all others are 0.
    """
    n = len(codes)
    products = np.zeros((n, n))
    for block in column_blocks(n, codes.shape[1], widest=ROWS):
        x = codes[:, block].astype(np.float64)
        weighted = (x - x.mean(axis=0)) * weights[block]
        products += weighted @ weighted.T
    products /= n - 1
    return np.asarray(np.linalg.eigvalsh(products), dtype=np.float64)


def log_determinant(correlations: NDArray[np.float64]) -> float | None:
    """log det [d d] by Cholesky, or None where that is singular, or so nearly that its digits are not to be trusted."""
    from scipy.linalg import LinAlgError, cholesky
    from scipy.linalg.lapack import dpocon

    try:
        root = cholesky(correlations, lower=True, check_finite=False)
    except LinAlgError:
        return None
    if dpocon(root, np.abs(correlations).sum(axis=0).max(), uplo="L")[0] < WELL:
        return None
    return float(2 * np.log(np.diag(root)).sum())


def varying_codes(codes: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which codes [d] take more than one value: exact, where a computed variance of a constant may be 1e-17."""
    varying: NDArray[np.bool_] = codes.min(axis=0) != codes.max(axis=0)
    return varying
