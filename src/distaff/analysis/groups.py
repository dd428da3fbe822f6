"""What a factor-code matrix says as a graph: which factors are entangled with which (Locatello et al., 2020).

An edge joins code i and factor j where the matrix [d f] reaches a threshold. From high to low thresholds, groups of
joined factors merge. `independent_groups`, the number of groups at each threshold, is that of the unified scores.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.metrics.groups import independent_groups as independent_groups  # noqa: PLC0414

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
    nodes = [{("factor", j)} for j in range(matrix.shape[1])] + [{("code", i)} for i in range(matrix.shape[0])]
    home = {node: group for group in nodes for node in group}
    out = []
    for flat in np.argsort(-matrix, axis=None, kind="stable"):
        code, factor = np.unravel_index(flat, matrix.shape)
        weight = float(matrix[code, factor])
        a, b = home["factor", int(factor)], home["code", int(code)]
        if weight <= 0 or a is b:
            continue
        left, right = (tuple(sorted(n for kind, n in group if kind == "factor")) for group in (a, b))
        if left and right:
            out.append(Merge(weight, *sorted((left, right))))
        a |= b
        home.update(dict.fromkeys(b, a))
    return out


def _checked(matrix: Matrix) -> Matrix:
    found = np.asarray(matrix, dtype=np.float64)
    if found.ndim != 2 or not found.size or not np.isfinite(found).all():
        raise DistaffError(f"a factor-code matrix is finite, of shape [d f], not {found.shape}")
    return found
