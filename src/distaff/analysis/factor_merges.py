"""A factor-code matrix as a graph: which factors are entangled with which (Locatello et al., 2020).

An edge joins code i and factor j where the matrix [d f] reaches a threshold. From high to low thresholds, groups of
joined factors merge. `distaff.metrics.groups.independent_groups`
counts the groups at each threshold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError

Matrix = NDArray[np.float64]


class Merge(NamedTuple):
    """The threshold at which two groups of factors become one, and the factors of both."""

    threshold: float
    left: tuple[int, ...]
    right: tuple[int, ...]


def merges(matrix: Matrix) -> list[Merge]:
    """The dendrogram of factors: which groups become one at which threshold, from high to low.

    Two groups merge where a code reaches the threshold for a factor of each. At most f - 1 merges; fewer where factors
    share no code at all above zero.
    """
    matrix = _checked(matrix)
    groups = [{("factor", j)} for j in range(matrix.shape[1])] + [{("code", i)} for i in range(matrix.shape[0])]
    group_of = {node: group for group in groups for node in group}
    out = []
    for flat in np.argsort(-matrix, axis=None, kind="stable"):
        code, factor = np.unravel_index(flat, matrix.shape)
        weight = float(matrix[code, factor])
        a, b = group_of["factor", int(factor)], group_of["code", int(code)]
        if weight <= 0 or a is b:
            continue
        left, right = (tuple(sorted(n for kind, n in group if kind == "factor")) for group in (a, b))
        if left and right:
            out.append(Merge(weight, *sorted((left, right))))
        a |= b
        group_of.update(dict.fromkeys(b, a))
    return out


def _checked(matrix: Matrix) -> Matrix:
    checked = np.asarray(matrix, dtype=np.float64)
    if checked.ndim != 2 or not checked.size or not np.isfinite(checked).all():
        raise DistaffError(f"a factor-code matrix must be finite, of shape [d f]: it has shape {checked.shape}")
    return checked
