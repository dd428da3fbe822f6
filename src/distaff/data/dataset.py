"""A data set: its images by row, its factors, and the decorator line of those that have a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, Int, UInt8, UInt64
from torch import Tensor, from_numpy

from distaff import rng
from distaff.data.cache.published import CachedArray, Published
from distaff.data.grid import Factors
from distaff.errors import DistaffError
from distaff.plugins.ranges import Ranges
from distaff.plugins.registry import DATASETS

Loader = TypeVar("Loader", bound=Callable[..., "Dataset"])


def dataset(
    *,
    source: str,
    licence: str,
    published: Published | None = None,
    version: int = 1,
    since: Mapping[str, Any] | None = None,
    ranges: Ranges | None = None,
) -> Callable[[Loader], Loader]:
    """Mark a function as a data set; `source` is where the images come from, `licence` what may be done with them.

    `published` are the files of its authors, for sets that can be fetched; `version` is raised by hand when the images
    of a row change; `since` gives a parameter that was added later its value in earlier runs, so that their ids live
    on; `ranges` are those of its parameters, as `distaff.plugins.ranges` writes them. The registry reads the literals
    among them from the file.
    """
    del source, licence, version, since, ranges

    def mark(function: Loader) -> Loader:
        PUBLISHED[function.__name__] = published
        return function

    return mark


PUBLISHED: dict[str, Published | None] = {}


def published(name: str) -> Published | None:
    """The files from which the data set `name` can be made, or None if it is not fetched."""
    DATASETS.unguarded(name)
    return PUBLISHED[name]


@dataclass(frozen=True)
class Dataset:
    """Images and factors of one data set.

    `images(rows)` gives the stored images, uint8 [b h w c] from 0 to 255. `observe(x, u)` adds what is drawn anew at
    every look (colour, noise): a pure tensor function of images x [b c h w] in [0, 1] and uniforms u [b *nuisance].
    `shape` is h w c of what a network sees, after `observe`. `cached` is the array of the cache that holds the images.
    `floats(rows)` are the images in [0, 1], channels first, where there is a faster way to them than through bytes;
    `prior(rows, u)` turns uniform rows, with a uniform each, into rows of which the factors are correlated. `packed()`
    are all images as words, for sets 64 pixels wide that store a bit a pixel: bit c of a word is column c.
    """

    name: str
    factors: Factors
    shape: tuple[int, int, int]
    images: Callable[[Int[np.ndarray, "b"]], UInt8[np.ndarray, "b h w c"]]
    observe: Callable[[Float[Tensor, "b c h w"], Float[Tensor, "b ..."]], Float[Tensor, "b c2 h w"]] | None = None
    nuisance: tuple[int, ...] = ()
    cached: CachedArray | None = None
    floats: Callable[[Int[np.ndarray, "b"]], Float[Tensor, "b c h w"]] | None = None
    prior: Callable[[Int[np.ndarray, "b"], Float[np.ndarray, "b"]], Int[np.ndarray, "b"]] | None = None
    packed: Callable[[], UInt64[np.ndarray, "n h"]] | None = None

    def __len__(self) -> int:
        return len(self.factors)

    def draw_rows(self, seed: int, step: int, n: int, stream: str = "data") -> Int[np.ndarray, "n"]:
        """The rows of update `step` of a run of `seed`: uniform, unless the set's factors are correlated."""
        rows = rng.integers(seed, stream, step, n, len(self))
        if self.prior is None:
            return rows
        after = rng.bits(seed, stream, step, 4 * n)[2 * n :]  # a row takes two words
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
            raise DistaffError(
                f"{self.name} is observed anew at every look: batch() needs uniforms [b {self.nuisance}]"
            )
        return self.observe(x, uniforms)


def load(name: str) -> Dataset:
    """The data set that `name` writes, such as `dsprites`; raises `DistaffError` with the nearest name if unknown."""
    spec = DATASETS.parse(name)
    return DATASETS.bind(spec)()  # type: ignore[no-any-return]
