"""Published sets: the files of their authors, and the images that were converted from them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped, UInt8

from distaff.data.cache.built import built_folder, cache_folder, gather, open_or_build, record_of
from distaff.errors import DistaffError


class CachedArray(NamedTuple):
    """The array of the cache that holds the images of a set."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "|u1"

    @property
    def exists(self) -> bool:
        """Whether it has been built."""
        return built_folder(self.name).exists()

    @property
    def bytes(self) -> int:
        """Its size."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


class File(NamedTuple):
    """A file of a published set; `checksum` is such as md5:0f33..., or None where nobody has published one.

    `origin` is where the checksum comes from: published, or recorded at the first download.
    """

    name: str
    url: str
    checksum: str | None = None
    bytes: int | None = None
    origin: str = "published"


class Published(NamedTuple):
    """How a set is made from its authors' files.

    `convert` takes the path of each file by name, and stores the images in the cache as `cached_name`. `alternatives`
    are files of the same content, one of which may replace the first. `report` returns a sentence on what was
    converted, and `parameter` is the one with which the data set uses the images, if it needs one.
    """

    files: tuple[File, ...]
    convert: Callable[[Mapping[str, Path]], object]
    cached_name: str
    licence: str  # what one may do with the images, printed before they are fetched
    alternatives: tuple[File, ...] = ()
    report: Callable[[], str] | None = None
    parameter: str | None = None


def cached_images(array: CachedArray) -> Callable[[Int[np.ndarray, "b"]], UInt8[np.ndarray, "b h w c"]]:
    """The images by row of a converted set, `array` [n h w c].

    They raise `DistaffError` where the set is not in the cache, with the command that fetches it.
    """
    return lambda rows: gather(open_cached(array, cache_folder(), array.name), rows)


@functools.lru_cache(maxsize=16)
def open_cached(array: CachedArray, folder: Path, fetch: str) -> Shaped[np.ndarray, "n ..."]:
    """The memory-mapped array of a converted set in the cache at `folder`."""
    if not array.exists:
        raise DistaffError(
            f"{array.name} is not in {folder}: `distaff data fetch {fetch}` downloads and converts it once; "
            "with --from PATH it uses files that you have"
        )
    return open_or_build(*array, ())


def cached_shape(name: str) -> tuple[int, ...] | None:
    """The shape of the converted set `name`, or None if it is not in the cache."""
    folder = built_folder(name)
    return tuple(record_of(folder)["shape"]) if folder.exists() else None
