"""The grid of factors: row numbers to values of factors, and back."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from distaff.data._rows import checked_rows
from distaff.errors import DistaffError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Factors:
    """The grid of a data set's factors, in row-major order: the last factor varies fastest.

    `hidden` factors vary in the images but are withheld: `names`, `sizes` and `values` leave them out.
    `grid_rows` are the rows of the complete grid that have an image, in ascending order; None if all of them have one.
    """

    all_names: tuple[str, ...]
    all_sizes: tuple[int, ...]
    hidden: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    grid_rows: Int[np.ndarray, "n"] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.all_names) != len(self.all_sizes) or len(set(self.all_names)) != len(self.all_names):
            raise DistaffError(f"factors need one size for each distinct name: {self.all_names}, {self.all_sizes}")
        if unknown := set(self.hidden) - set(self.all_names):
            raise DistaffError(f"hidden factors {sorted(unknown)} are not among {self.all_names}")
        if math.prod(self.all_sizes) >= 2**62:
            raise DistaffError(f"a grid of {self.all_sizes} values has too many rows to number: round some factors")

    @property
    def visible(self) -> tuple[int, ...]:
        """The positions of the factors that are not hidden."""
        return tuple(i for i, name in enumerate(self.all_names) if name not in self.hidden)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the visible factors."""
        return tuple(self.all_names[i] for i in self.visible)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of values of the visible factors."""
        return tuple(self.all_sizes[i] for i in self.visible)

    @property
    def complete(self) -> bool:
        """Whether every row of the grid has an image."""
        return self.grid_rows is None

    def __len__(self) -> int:
        return math.prod(self.all_sizes) if self.grid_rows is None else len(self.grid_rows)

    def all_values(self, rows: Int[np.ndarray, "b"]) -> Int[np.ndarray, "b all_f"]:
        """The value index of every factor, hidden ones included, at `rows`; raises `IndexError` outside the grid."""
        rows = checked_rows(rows, len(self))
        grid_rows = rows if self.grid_rows is None else self.grid_rows[rows]
        return np.stack(np.unravel_index(grid_rows, self.all_sizes), axis=1).astype(np.int64)

    def values(self, rows: Int[np.ndarray, "b"]) -> Int[np.ndarray, "b f"]:
        """The value index of every visible factor at `rows`."""
        return self.all_values(rows)[:, self.visible]

    def table(self, rows: Int[np.ndarray, "b"]) -> pl.DataFrame:
        """The value indices of the visible factors at `rows` as a frame, a column a factor: what metrics are given."""
        import polars as pl

        return pl.DataFrame(self.values(rows), schema=list(self.names))

    def rows(
        self, values: Int[np.ndarray, "b f"], uniforms: Float[np.ndarray, "b hidden"] | None = None
    ) -> Int[np.ndarray, "b"]:
        """The rows that hold `values` of the visible factors; hidden factors are drawn from `uniforms` in [0, 1).

        Where the grid is incomplete, the first of the uniforms draws one of the rows that exist. Raises `DistaffError`
        for a value outside the grid, for values without an image, or if there are hidden factors and no uniforms.
        """
        raw, values = np.asarray(values), np.asarray(values, dtype=np.int64)
        if (raw != values).any():
            raise DistaffError(
                f"values are whole numbers, the places of a factor's levels, not {raw[raw != values][0]}"
            )
        if values.ndim != 2 or values.shape[1] != len(self.visible):
            raise DistaffError(f"values are [b {len(self.visible)}], a column for each of {self.names}")
        outside = (values < 0) | (values >= np.array(self.sizes))
        if outside.any():
            row, column = np.argwhere(outside)[0]
            raise DistaffError(
                f"{self.names[column]}={values[row, column]} is outside its grid of 0 to {self.sizes[column] - 1}"
            )
        hidden = [i for i in range(len(self.all_sizes)) if i not in self.visible]
        if hidden and uniforms is None:
            raise DistaffError(f"{', '.join(self.hidden)} is hidden: rows needs uniforms [b {len(hidden)}] to draw it")
        if hidden and not _uniform(np.asarray(uniforms), (len(values), len(hidden))):
            raise DistaffError(f"uniforms are [{len(values)} {len(hidden)}], from 0 to less than 1")
        if self.grid_rows is not None:
            return self._existing(values, None if uniforms is None else np.asarray(uniforms)[:, 0])
        every = np.empty((len(values), len(self.all_sizes)), dtype=np.int64)
        every[:, self.visible] = values
        if hidden:
            every[:, hidden] = (np.asarray(uniforms) * np.array([self.all_sizes[i] for i in hidden])).astype(np.int64)
        return np.asarray(np.ravel_multi_index(tuple(every.T), self.all_sizes), dtype=np.int64)

    @functools.cached_property
    def _by_value(self) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
        """The row of each image in the grid of visible factors, sorted, and the rows in that order."""
        visible = np.ravel_multi_index(tuple(self.values(np.arange(len(self))).T), self.sizes)
        order = np.argsort(visible, kind="stable")
        return visible[order], order

    def _existing(self, values: Int[np.ndarray, "b f"], uniform: Float[np.ndarray, "b"] | None) -> Int[np.ndarray, "b"]:
        """Of the rows that hold `values`, the one that `uniform` draws; without hidden factors there is one or none."""
        visible, order = self._by_value
        requested = np.ravel_multi_index(tuple(values.T), self.sizes)
        first, after = np.searchsorted(visible, requested, "left"), np.searchsorted(visible, requested, "right")
        if (first == after).any():
            at = int(np.argmax(first == after))
            described = ", ".join(f"{name}={value}" for name, value in zip(self.names, values[at], strict=True))
            raise DistaffError(
                f"there is no image of {described}: {len(self)} of {math.prod(self.all_sizes)} grid rows have one"
            )
        step = 0 if uniform is None else (uniform * (after - first)).astype(np.int64)
        return np.asarray(order[first + step], dtype=np.int64)


def _uniform(u: Float[np.ndarray, "..."], shape: tuple[int, int]) -> bool:
    return u.shape == shape and bool(((u >= 0) & (u < 1)).all())
