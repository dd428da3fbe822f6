"""What a factor-code matrix says as a graph: which factors stand alone, and which are entangled with which.

An edge joins code i and factor j where the matrix [d f] reaches a threshold. From high to low thresholds, groups of
joined factors appear and merge. The views of the JMLR extension (Locatello et al., 2020).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.errors import DistaffError

Matrix = NDArray[np.float64]


class Merge(NamedTuple):
    """The threshold at which two groups of factors become one, and the factors of both."""

    threshold: float
    left: tuple[int, ...]
    right: tuple[int, ...]


def independent_groups(matrix: Matrix) -> pl.DataFrame:
    """For each entry as threshold, from high to low: `groups` of joined nodes and `factors` that have an edge.

    Where the two are equal, every factor that is found stands alone.
    """
    matrix = _checked(matrix)
    rows = []
    for threshold in np.unique(matrix)[::-1]:
        edges = matrix >= threshold
        rows.append({"threshold": float(threshold), "groups": _components(edges), "factors": int(edges.any(0).sum())})
    return pl.DataFrame(rows)


def area_of_groups(matrix: Matrix) -> float:
    """The trapezoid area under `groups` over the threshold, every entry a point: the old library's `area_precision`."""
    curve = independent_groups(matrix).sort("threshold")
    return float(np.trapezoid(curve["groups"].to_numpy().astype(float), curve["threshold"].to_numpy()))


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


def _components(edges: NDArray[np.bool_]) -> int:
    """Connected groups of at least one code and one factor."""
    from scipy.sparse import bmat
    from scipy.sparse.csgraph import connected_components

    d, f = edges.shape
    graph = bmat([[None, edges.astype(np.int8)], [np.zeros((f, d), np.int8), None]])
    number, names = connected_components(graph, directed=False)
    return int((np.bincount(names, minlength=number) > 1).sum())


def _checked(matrix: Matrix) -> Matrix:
    found = np.asarray(matrix, dtype=np.float64)
    if found.ndim != 2 or not found.size or not np.isfinite(found).all():
        raise DistaffError(f"a factor-code matrix is finite, of shape [d f], not {found.shape}")
    return found
