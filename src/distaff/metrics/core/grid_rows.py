"""Interventions as look-ups: which rows of a table of factors have factor k at a value, which have all values given.

On a complete grid, "rows that share factor k" has the distribution of "draw the others afresh". On an incomplete one
the rows are drawn among those that exist, which is conditioning, not intervening: where factors depend on each other
in the table they do so in the draws.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.metrics.core.arrays import as_factors

Ints = NDArray[np.int64]


class GridRows:
    """The rows of a table of factors [n f], found by the values that they hold; several rows may hold the same.

    With `bins`, the rows of a continuous factor are found by which of so many equal widths they lie in: then only
    `sharing_class` makes sense, since no two rows share a value.
    """

    def __init__(self, factors: Any, bins: int | None = None) -> None:
        table = as_factors(factors, bins)
        self.values = table.values
        self.classes = table.classes
        self.sizes = table.sizes
        self.names = table.names
        n = len(self.classes)
        # rows sorted by each factor's class, one factor after the other, and where each class begins in that list
        self._sorted = np.concatenate([np.argsort(column, kind="stable") for column in self.classes.T])
        counts = [np.bincount(column, minlength=size) for column, size in zip(self.classes.T, self.sizes, strict=True)]
        self._counts = np.concatenate(counts)
        self._first = np.concatenate([j * n + np.cumsum(count) - count for j, count in enumerate(counts)])
        self._offset = np.cumsum(self.sizes) - self.sizes
        self._combinations: tuple[Ints, Ints] | None = None

    def __len__(self) -> int:
        return len(self.classes)

    def anywhere(self, n: int, rng: np.random.Generator) -> Ints:
        """`n` rows drawn evenly, with replacement."""
        return rng.integers(len(self), size=n)

    def sharing(self, k: Any, v: Any, n: int, rng: np.random.Generator) -> Ints:
        """Rows [g n]: for each of g pairs (factor k, value v), `n` draws with replacement of rows that hold it.

        Raises `DistaffError` with the factor and the value where no row holds it.
        """
        k, v = np.broadcast_arrays(np.atleast_1d(k), np.atleast_1d(v))
        classes = np.empty(len(k), dtype=np.int64)
        for j in np.unique(k):
            of_j = k == j
            classes[of_j] = self._class(int(j), v[of_j])
        return self.sharing_class(k, classes, n, rng)

    def sharing_class(self, k: Ints, c: Ints, n: int, rng: np.random.Generator) -> Ints:
        """The same for classes 0..sizes[k]-1 in place of values."""
        at = self._offset[k] + c
        drawn = rng.integers(0, self._counts[at][:, None], size=(len(at), n))
        rows: Ints = self._sorted[self._first[at][:, None] + drawn]
        return rows

    def at(self, values: Any, rng: np.random.Generator) -> Ints:
        """The row of each cell of `values` [m f], drawn where there are several; `DistaffError` names a missing one."""
        rows = self.find(values, rng)
        if (rows < 0).any():
            missing = np.atleast_2d(np.asarray(values))[np.flatnonzero(rows < 0)[0]]
            raise DistaffError(f"no row holds the cell {tuple(missing.tolist())}: this table is not a complete grid")
        return rows

    def find(self, values: Any, rng: np.random.Generator) -> Ints:
        """As `at`, with -1 for a cell that no row holds; a value that no row holds at all is an error."""
        values = np.atleast_2d(np.asarray(values))
        if values.shape[1] != len(self.sizes):
            raise DistaffError(f"a cell has {len(self.sizes)} values, one for each factor, not {values.shape[1]}")
        key = np.zeros(len(values), dtype=np.int64)
        for j, size in enumerate(self.sizes):
            key = key * size + self._class(j, values[:, j])
        order, keys = self._by_combination()
        low, high = np.searchsorted(keys, key, side="left"), np.searchsorted(keys, key, side="right")
        drawn = rng.integers(low, np.maximum(high, low + 1))
        return np.where(low < high, order[np.minimum(drawn, len(order) - 1)], -1)

    def on_whole_lines(self, j: int) -> tuple[Ints, Ints]:
        """The rows whose cell is there with every value of factor `j` in turn, and which of these lines each is on."""
        order, keys = self._by_combination()
        stride = int(np.prod(self.sizes[j + 1 :]))
        others = keys - keys // stride % self.sizes[j] * stride  # the cell with factor j at its first value
        lines, line = np.unique(others, return_inverse=True)
        first = np.zeros(len(keys), dtype=bool)
        first[np.unique(keys, return_index=True)[1]] = True  # one row of each cell
        whole = np.bincount(line[first], minlength=len(lines)) == self.sizes[j]
        rows, at = order[whole[line]], line[whole[line]]
        ascending = np.argsort(rows)
        return rows[ascending], at[ascending]

    def _by_combination(self) -> tuple[Ints, Ints]:
        if self._combinations is None:
            if float(np.prod(self.sizes.astype(np.float64))) >= 2.0**62:
                raise DistaffError("this grid has more cells than can be numbered; give the factors that vary together")
            key = np.zeros(len(self), dtype=np.int64)
            for j, size in enumerate(self.sizes):
                key = key * size + self.classes[:, j]
            order = np.argsort(key, kind="stable")
            self._combinations = order, key[order]
        return self._combinations

    def _class(self, j: int, values: NDArray[Any]) -> Ints:
        """The classes of values of factor j, found by bisection among the values that it takes."""
        first = self._first[self._offset[j] : self._offset[j] + self.sizes[j]]
        taken = self.values[self._sorted[first], j]
        classes = np.minimum(np.searchsorted(taken, values), len(taken) - 1)
        if (taken[classes] != values).any():
            absent = values[np.flatnonzero(taken[classes] != values)[0]]
            raise DistaffError(f"no row holds the value {absent} of factor {j}; it takes {len(taken)} others")
        return classes
