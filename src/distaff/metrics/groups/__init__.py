"""Matrices of codes and factors, and their independent groups: the views of the 2020 study, from arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.metrics.groups.curve import Groups, independent_groups

__all__ = ["Groups", "Matrices", "curves", "independent_groups", "matrices"]


class Matrices(NamedTuple):
    """How strongly each code is linked to each factor, by three measures, for the factors that vary."""

    factors: list[str]
    by_measure: dict[str, NDArray[np.float64]]  # importance, information, accuracy: [d f]


def matrices(codes: Any, factors: Any, test: Any = None, jobs: int = 1, *, seed: int = 0) -> Matrices:
    """The three matrices of `unified_scores`: importance to boosted trees, information in nats, accuracy of an SVM.

    Arguments are those of `unified_scores`, and so are the numbers. Raises `DistaffError` where that is NaN
    with a reason.
    """
    from distaff.metrics.core.train_test import train_test
    from distaff.metrics.unified_scores import matrices as matrices_of

    data = train_test("unified_scores", codes, factors, test, seed, classes=True)
    if reason := data.untrainable:
        raise DistaffError(f"no matrix of codes and factors can be computed: {reason}")
    return Matrices([data.names[j] for j in data.varying], matrices_of(data, seed, jobs))


def curves(codes: Any, factors: Any, test: Any = None, jobs: int = 1, *, seed: int = 0) -> dict[str, Groups]:
    """The curve of independent groups of each of the three `matrices` of these arrays."""
    result = matrices(codes, factors, test, jobs, seed=seed)
    return {name: independent_groups(matrix) for name, matrix in result.by_measure.items()}
