"""Each factor with a code of its own: the matching that has most information in all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.metrics.core.arrays import canonical
from distaff.metrics.core.cut_information import cut_information
from distaff.metrics.core.train_test import TrainTest

GRAIN = 1e-7  # nats: sums of information that differ by less are tied


def equal_count_edges(column: NDArray[np.floating[Any]], parts: int) -> NDArray[np.float64]:
    """The values [parts - 1] at which `parts` equal counts of `column` [n] begin; equal values stay together."""
    ordered = np.sort(column).astype(np.float64)
    at = (np.arange(1, parts) * len(ordered)) // parts
    low, high = (np.searchsorted(ordered, ordered[at], side=side) for side in ("left", "right"))
    nearer = np.where(at - low <= high - at, low, high)
    return np.append(ordered, np.inf)[nearer]


def match_codes(data: TrainTest) -> tuple[dict[int, int], NDArray[np.float64]]:
    """The code of each varying factor, where a code is left for it, and the information [d f] that decided.

    A code is cut into as many equal counts as the factor has values. Rows of training decide. Of matchings with the
    same information that with the highest accuracy of single codes is taken, and of those one that does not depend on
    the order of the codes.
    """
    from scipy.optimize import linear_sum_assignment

    d, varying = data.train.shape[1], data.varying
    matrix, right = np.zeros((d, len(data.sizes))), np.zeros((d, len(data.sizes)))
    classes = np.stack([np.unique(data.train_targets[j], return_inverse=True)[1] for j in varying], axis=1)
    matrix[:, varying] = cut_information(data.train, classes, np.array(data.sizes)[varying])
    candidates = _candidates(np.round(matrix[:, varying] / GRAIN))
    for i, j in np.argwhere(candidates).tolist():
        labels = _cut(data.train[:, i], data.sizes[varying[j]])
        right[i, varying[j]] = match_labels(labels, classes[:, j], data.sizes[varying[j]])[1] / len(labels)
    matched = np.flatnonzero(candidates.any(axis=1))
    matched = matched[canonical(data.train[:, matched])]
    worth = GRAIN * (np.round(matrix / GRAIN) + right / (2 * len(varying)))
    rows, columns = linear_sum_assignment(-worth[matched][:, varying])
    return {varying[j]: int(matched[i]) for i, j in zip(rows, columns, strict=True)}, matrix


def _candidates(worth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which pairs [d f] a best matching can hold: codes of a factor that are worth no less than its f-th best.

    Of the f best codes of a factor one is free, and would be taken for a code that is worth less.
    """
    d, f = worth.shape
    if d <= f:
        return np.ones(worth.shape, dtype=bool)
    least = np.partition(worth, d - f, axis=0)[d - f]
    result: NDArray[np.bool_] = worth >= least
    return result


def match_labels(labels: NDArray[np.int64], classes: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], int]:
    """The class [size] of each label matched one to one by the rows [n] that they share, and the number of those rows.

    Both are numbers from 0 to `size` - 1.
    """
    from scipy.optimize import linear_sum_assignment

    shared = np.bincount(labels * size + classes, minlength=size * size).reshape(size, size)
    rows, columns = linear_sum_assignment(-shared)
    return columns, int(shared[rows, columns].sum())


def _cut(column: NDArray[Any], parts: int) -> NDArray[np.int64]:
    labels: NDArray[np.int64] = np.searchsorted(equal_count_edges(column, parts), column, side="right")
    return labels
