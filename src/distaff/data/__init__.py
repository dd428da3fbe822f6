"""Data sets with known factors of variation: images by row, factor values by row, and the way back.

Row i is cell i of the complete row-major grid of all factors, hidden ones included, whatever the order of a file; of
a grid with missing cells, it is the i-th cell that there is.
A file of this folder is a data set: one function of its name, under `@dataset(...)`, that returns a `Dataset`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8
from torch import Tensor, from_numpy

from distaff import rng
from distaff.data.cache.published import Kept, Published
from distaff.errors import DistaffError
from distaff.plugins.registry import DATASETS


def dataset(
    *,
    source: str,
    licence: str,
    published: Published | None = None,
    version: int = 1,
    since: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Dataset]], Callable[..., Dataset]]:
    """Mark a function as a data set; `source` says where the images come from, `licence` what may be done with them.

    `published` are the files of its authors, for sets that can be fetched; `version` is raised by hand when the images
    of a row change; `since` gives a parameter that was added later its value in earlier runs, so that their ids live
    on. The registry reads the literals among them from the file.
    """
    del source, licence, version, since

    def mark(function: Callable[..., Dataset]) -> Callable[..., Dataset]:
        _PUBLISHED[function.__name__] = published
        return function

    return mark


_PUBLISHED: dict[str, Published | None] = {}


def published(name: str) -> Published | None:
    """The files from which the data set `name` can be made, or None if it is not fetched."""
    DATASETS.function(name)
    return _PUBLISHED[name]


@dataclass(frozen=True)
class Factors:
    """The grid of a data set's factors, in row-major order: the last factor varies fastest.

    `hidden` factors vary in the images but are not told to anybody: `names`, `sizes` and `values` leave them out.
    `cells` are the cells of the complete grid that have an image, in ascending order, where not all of them have one.
    """

    all_names: tuple[str, ...]
    all_sizes: tuple[int, ...]
    hidden: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    cells: Int[np.ndarray, "n"] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.all_names) != len(self.all_sizes) or len(set(self.all_names)) != len(self.all_names):
            raise DistaffError(f"factors need one size for each distinct name: {self.all_names}, {self.all_sizes}")
        if strangers := set(self.hidden) - set(self.all_names):
            raise DistaffError(f"hidden factors {sorted(strangers)} are not among {self.all_names}")
        if math.prod(self.all_sizes) >= 2**62:
            raise DistaffError(f"a grid of {self.all_sizes} values has too many cells to number: round some factors")

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
        """Whether every cell of the grid has an image."""
        return self.cells is None

    def __len__(self) -> int:
        return math.prod(self.all_sizes) if self.cells is None else len(self.cells)

    def all_values(self, rows: Int[np.ndarray, "b"]) -> Int[np.ndarray, "b all_f"]:
        """The value index of every factor, hidden ones included, at `rows`; raises `IndexError` outside the grid."""
        rows = np.asarray(rows, dtype=np.int64)
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise IndexError(f"rows are from 0 to {len(self) - 1}, not {rows.min()} to {rows.max()}")
        cells = rows if self.cells is None else self.cells[rows]
        return np.stack(np.unravel_index(cells, self.all_sizes), axis=1).astype(np.int64)

    def values(self, rows: Int[np.ndarray, "b"]) -> Int[np.ndarray, "b f"]:
        """The value index of every visible factor at `rows`."""
        return self.all_values(rows)[:, self.visible]

    def rows(
        self, values: Int[np.ndarray, "b f"], uniforms: Float[np.ndarray, "b hidden"] | None = None
    ) -> Int[np.ndarray, "b"]:
        """The rows that hold `values` of the visible factors; hidden factors are drawn from `uniforms` in [0, 1).

        Where cells are missing, the first of the uniforms draws one of the rows that there are. Raises `DistaffError`
        for a value outside the grid, for values without an image, or if there are hidden factors and no uniforms.
        """
        given, values = np.asarray(values), np.asarray(values, dtype=np.int64)
        if (given != values).any():
            raise DistaffError(
                f"values are whole numbers, the places of a factor's levels, not {given[given != values][0]}"
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
        if self.cells is not None:
            return self._existing(values, None if uniforms is None else np.asarray(uniforms)[:, 0])
        every = np.empty((len(values), len(self.all_sizes)), dtype=np.int64)
        every[:, self.visible] = values
        if hidden:
            every[:, hidden] = (np.asarray(uniforms) * np.array([self.all_sizes[i] for i in hidden])).astype(np.int64)
        return np.asarray(np.ravel_multi_index(tuple(every.T), self.all_sizes), dtype=np.int64)

    @functools.cached_property
    def _by_value(self) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
        """The visible cell of each row, sorted, and the rows in that order."""
        visible = np.ravel_multi_index(tuple(self.values(np.arange(len(self))).T), self.sizes)
        order = np.argsort(visible, kind="stable")
        return visible[order], order

    def _existing(self, values: Int[np.ndarray, "b f"], uniform: Float[np.ndarray, "b"] | None) -> Int[np.ndarray, "b"]:
        """Of the rows that hold `values`, the one that `uniform` draws; without hidden factors there is one or none."""
        visible, order = self._by_value
        wanted = np.ravel_multi_index(tuple(values.T), self.sizes)
        first, after = np.searchsorted(visible, wanted, "left"), np.searchsorted(visible, wanted, "right")
        if (first == after).any():
            at = int(np.argmax(first == after))
            told = ", ".join(f"{name}={value}" for name, value in zip(self.names, values[at], strict=True))
            raise DistaffError(
                f"there is no image of {told}: {len(self)} of {math.prod(self.all_sizes)} cells have one"
            )
        step = 0 if uniform is None else (uniform * (after - first)).astype(np.int64)
        return np.asarray(order[first + step], dtype=np.int64)


def _uniform(u: Float[np.ndarray, "..."], shape: tuple[int, int]) -> bool:
    return u.shape == shape and bool(((u >= 0) & (u < 1)).all())


@dataclass(frozen=True)
class Dataset:
    """Images and factors of one data set.

    `images(rows)` gives the images as they are kept, uint8 [b h w c] from 0 to 255. `observe(x, u)` adds what is drawn
    anew at every look (colour, noise): a pure tensor function of images x [b c h w] in [0, 1] and uniforms
    u [b *nuisance]. `shape` is h w c of what a network sees, after `observe`. `kept` is where the cache has the images.
    `floats(rows)` are the images in [0, 1], channels first, where there is a faster way to them than through bytes;
    `prior(rows, u)` turns uniform rows, with a uniform each, into rows of which the factors are correlated.
    """

    name: str
    factors: Factors
    shape: tuple[int, int, int]
    images: Callable[[Int[np.ndarray, "b"]], UInt8[np.ndarray, "b h w c"]]
    observe: Callable[[Float[Tensor, "b c h w"], Float[Tensor, "b ..."]], Float[Tensor, "b c2 h w"]] | None = None
    nuisance: tuple[int, ...] = ()
    kept: Kept | None = None
    floats: Callable[[Int[np.ndarray, "b"]], Float[Tensor, "b c h w"]] | None = None
    prior: Callable[[Int[np.ndarray, "b"], Float[np.ndarray, "b"]], Int[np.ndarray, "b"]] | None = None

    def __len__(self) -> int:
        return len(self.factors)

    def draw(self, seed: int, step: int, n: int) -> Int[np.ndarray, "n"]:
        """The rows of update `step` of a run of `seed`: uniform, unless the set's factors are correlated."""
        rows = rng.integers(seed, "data", step, n, len(self))
        if self.prior is None:
            return rows
        after = rng.bits(seed, "data", step, 4 * n)[2 * n :]  # a row takes two words
        high, low = after.astype(np.uint64).reshape(-1, 2).T
        return self.prior(rows, (high * 2.0**21 + (low >> np.uint64(11))) * 2.0**-53)

    def batch(
        self, rows: Int[np.ndarray, "b"], uniforms: Float[Tensor, "b ..."] | None = None, device: str = "cpu"
    ) -> Float[Tensor, "b c h w"]:
        """What a network sees at `rows`: float32 in [0, 1], channels first, observed with `uniforms` [b *nuisance].

        To a GPU travel bytes, in memory that it reads while the CPU goes on.
        """
        if device != "cpu":
            pixels = from_numpy(np.ascontiguousarray(self.images(rows))).pin_memory().to(device, non_blocking=True)
            x = pixels.permute(0, 3, 1, 2).float().contiguous().div_(255)
        elif self.floats is not None:
            x = self.floats(rows)
        else:
            x = from_numpy(np.ascontiguousarray(np.moveaxis(self.images(rows), 3, 1))).float().div_(255)
        if self.observe is None:
            return x
        if uniforms is None:
            raise DistaffError(f"{self.name} is observed anew at every look: batch needs uniforms [b {self.nuisance}]")
        return self.observe(x, uniforms)


def load(name: str) -> Dataset:
    """The data set that `name` writes, such as `dsprites`; raises `DistaffError` with the nearest name if unknown."""
    spec = DATASETS.parse(name)
    return DATASETS.bind(spec)()  # type: ignore[no-any-return]
