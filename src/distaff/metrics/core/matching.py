"""Each factor with a code of its own: the matching that has most information in all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.metrics.core.information import mutual_information
from distaff.metrics.core.predict import Lesson


def cuts(column: NDArray[np.floating[Any]], parts: int) -> NDArray[np.float64]:
    """The values [parts - 1] at which `parts` equal counts of `column` [n] begin; equal values stay together."""
    ordered = np.sort(column).astype(np.float64)
    at = (np.arange(1, parts) * len(ordered)) // parts
    low, high = (np.searchsorted(ordered, ordered[at], side=side) for side in ("left", "right"))
    nearer = np.where(at - low <= high - at, low, high)
    return np.append(ordered, np.inf)[nearer]


def matched(taught: Lesson) -> tuple[dict[int, int], NDArray[np.float64]]:
    """The code of each varying factor, where there is one left for it, and the information [d f] that decided.

    A code is cut into as many equal counts as the factor has values. Rows of training decide.
    """
    from scipy.optimize import linear_sum_assignment

    d = taught.train.shape[1]
    matrix = np.zeros((d, len(taught.sizes)))
    for j in taught.varying:
        labels = np.stack([_cut(taught.train[:, i], taught.sizes[j]) for i in range(d)], axis=1)
        matrix[:, j] = mutual_information(labels, taught.train_targets[j][:, None])[:, 0]
    rows, columns = linear_sum_assignment(-matrix[:, taught.varying])
    return {taught.varying[j]: int(i) for i, j in zip(rows, columns, strict=True)}, matrix


def _cut(column: NDArray[Any], parts: int) -> NDArray[np.int64]:
    labels: NDArray[np.int64] = np.searchsorted(cuts(column, parts), column, side="right")
    return labels
