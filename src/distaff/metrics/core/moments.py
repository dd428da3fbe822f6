"""Variances and differences of the codes of many small groups of rows, summed in one pass over memory."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def group_variances(codes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Variance [g d] over the rows of each group of codes [g b d], with b - 1 in the denominator.

    Rows are added in their order, as NumPy adds along an axis that is not the last, so that the bits are its own.
    """
    out = np.empty((codes.shape[0], codes.shape[2]))
    _variances(codes, out)
    return out


def mean_differences(first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Mean [g d] over the rows of each group of |first - second| [g b d], the difference in the precision of the codes.

    Halves are subtracted, since the difference of two large codes may overflow where its half does not.
    """
    out = np.empty((first.shape[0], first.shape[2]))
    _differences(first, second, first.dtype.type(0.5), out)
    return out


@numba.njit(cache=True, error_model="numpy")
def _variances(codes: Any, out: Any) -> None:
    groups, batch, d = codes.shape
    mean = np.empty(d)
    for g in range(groups):
        mean[:] = 0
        for b in range(batch):
            for i in range(d):
                mean[i] += np.float64(codes[g, b, i])
        for i in range(d):
            mean[i] /= batch
            out[g, i] = 0
        for b in range(batch):
            for i in range(d):
                apart = np.float64(codes[g, b, i]) - mean[i]
                out[g, i] += apart * apart
        for i in range(d):
            out[g, i] /= batch - 1


@numba.njit(cache=True, error_model="numpy")
def _differences(first: Any, second: Any, half: Any, out: Any) -> None:
    groups, batch, d = first.shape
    for g in range(groups):
        for i in range(d):
            out[g, i] = 0
        for b in range(batch):
            for i in range(d):
                out[g, i] += np.float64(abs(first[g, b, i] * half - second[g, b, i] * half))
        for i in range(d):
            out[g, i] = 2 * (out[g, i] / batch)
