"""Mutual information of a continuous code and a factor with classes, from nearest neighbours: no bins to choose.

Ross (2014, PLoS ONE 9(2): e87357), the estimator of Kraskov, Stögbauer & Grassberger (2004) where one side is
discrete: I = psi(n) + psi(k) - mean psi(n_c) - mean psi(m), with n_c the rows of a row's class, k neighbours among
them, and m the rows of any class closer than the k-th of them.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from distaff.metrics.core.arrays import moderate
from distaff.metrics.core.information import mutual_information

NEIGHBOURS = 10  # InfoMEC's (Hsu et al., 2023)


def neighbour_information(
    codes: NDArray[np.floating[Any]], classes: NDArray[np.int64], k: int = NEIGHBOURS
) -> NDArray[np.float64]:
    """I(z_i; v_j) in nats, at least 0 [d f], for codes [n d] and classes 0.. [n f].

    A code that takes few values (each of them, on average, in more than two rows) is discrete: for it the counts are
    exact. A row that is alone in its class carries no information and is left out.
    """
    codes, _ = moderate(codes)
    out = np.empty((codes.shape[1], classes.shape[1]))
    for i, column in enumerate(codes.T):
        values, labels = np.unique(column, return_inverse=True)
        if len(values) <= len(column) / 2:
            out[i] = mutual_information(labels[:, None], classes)[0]
        else:
            x = column.astype(np.float64)
            out[i] = [_ross(x, classes[:, j], k) for j in range(classes.shape[1])]
    return np.maximum(out, 0.0)


def _ross(x: NDArray[np.float64], y: NDArray[np.int64], k: int) -> float:
    from scipy.special import digamma

    counts = np.bincount(y)
    not_alone = counts[y] > 1
    x, y = x[not_alone], y[not_alone]
    if len(x) == 0 or np.count_nonzero(counts > 1) < 2:
        return 0.0
    order = np.lexsort((x, y))
    inside = np.bincount(y)
    near = np.minimum(k, inside - 1)
    radius, sorted_x = np.empty(len(x)), np.sort(x)
    _radii(x[order], np.concatenate([[0], np.cumsum(inside)]), near, radius)
    within = np.empty(len(x))
    _within(sorted_x, x[order], radius, within)
    present = inside > 0
    weights = inside[present] / len(x)
    mean_near, mean_inside = weights @ digamma(near[present]), weights @ digamma(inside[present])
    return float(digamma(len(x)) + mean_near - mean_inside - digamma(np.maximum(within, 1)).mean())


@numba.njit(cache=True)
def _radii(x: Any, starts: Any, near: Any, radius: Any) -> None:
    """The distance of the `near`-th nearest of the same class, x being sorted within classes that begin at `starts`."""
    for c in range(starts.size - 1):
        first, end, k = starts[c], starts[c + 1], near[c]
        for i in range(first, end):
            best = np.inf
            for low in range(max(first, i - k), min(i, end - 1 - k) + 1):
                best = min(best, max(x[i] - x[low], x[low + k] - x[i]))
            radius[i] = best


@numba.njit(cache=True)
def _within(ordered: Any, at: Any, radius: Any, within: Any) -> None:
    """How many of `ordered` are closer than `radius`, by distance: x + radius is rounded more than that."""
    for i in range(at.size):
        low = np.searchsorted(ordered, at[i] - radius[i])
        while low > 0 and at[i] - ordered[low - 1] < radius[i]:
            low -= 1
        while low < ordered.size and at[i] - ordered[low] >= radius[i] and ordered[low] < at[i]:
            low += 1
        high = np.searchsorted(ordered, at[i] + radius[i])
        while high < ordered.size and (ordered[high] - at[i] < radius[i] or ordered[high] == at[i]):
            high += 1
        while high > 0 and ordered[high - 1] - at[i] >= radius[i] and ordered[high - 1] > at[i]:
            high -= 1
        within[i] = high - low
