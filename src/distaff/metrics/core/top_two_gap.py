"""The gap between the best and the second best, which several scores reduce a matrix of codes and factors to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def top_two_gap(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest less second largest entry of each column [f] of a matrix [d f]; with one row, less 0."""
    ordered = np.sort(matrix, axis=0)
    second = ordered[-2] if len(ordered) > 1 else np.zeros(matrix.shape[1])
    difference: NDArray[np.float64] = ordered[-1] - second
    return difference
