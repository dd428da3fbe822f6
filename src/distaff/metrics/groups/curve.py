"""Independent groups: how a matrix of codes and factors falls apart as its small entries are taken away."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Groups(NamedTuple):
    """A curve: at each threshold, into how many groups with a link the codes and factors fall."""

    thresholds: NDArray[np.float64]  # [d f]: every entry, from the largest down
    counts: NDArray[np.int64]  # [d f]

    @property
    def area(self) -> float:
        """The area under the curve from the largest entry down to 0, the count of an entry holding below it."""
        return float((self.counts * (self.thresholds - np.append(self.thresholds[1:], 0.0))).sum())

    @property
    def trapezia(self) -> float:
        """The area as the 2020 study has it: straight lines from entry to entry, down to the least."""
        middle = (self.counts[1:] + self.counts[:-1]) / 2
        return float((middle * (self.thresholds[:-1] - self.thresholds[1:])).sum())


def independent_groups(matrix: NDArray[np.float64]) -> Groups:
    """The connected components, of two nodes or more, of the bipartite graph of the entries >= each threshold.

    `matrix` [d f] is not negative; an entry of 0 is no link at any threshold (Locatello et al., 2020).
    """
    d, f = matrix.shape
    flat = matrix.ravel()
    order = np.argsort(-flat, kind="stable")
    parent = list(range(d + f))
    linked = [False] * (d + f)
    counts, groups = np.zeros(d * f, dtype=np.int64), 0

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for place, entry in enumerate(order.tolist()):
        if flat[entry] > 0:
            code, factor = entry // f, d + entry % f
            one, two = root(code), root(factor)
            if one != two:
                groups += 1 - int(linked[one]) - int(linked[two])
                parent[two] = one
                linked[one] = True
        counts[place] = groups
    thresholds = flat[order]
    last = np.searchsorted(-thresholds, -thresholds, side="right") - 1  # entries of one size enter together
    return Groups(thresholds, counts[last])
