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


class Kept(NamedTuple):
    """The array of the cache in which the images of a set are kept."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "|u1"

    @property
    def here(self) -> bool:
        """Whether it has been built."""
        return built_folder(self.name).exists()

    @property
    def bytes(self) -> int:
        """Its size."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


class File(NamedTuple):
    """A file of a published set; `checksum` is such as md5:0f33..., or None where nobody has published one.

    `origin` says whose checksum it is: published, or recorded at the first download.
    """

    name: str
    url: str
    checksum: str | None = None
    bytes: int | None = None
    origin: str = "published"


class Published(NamedTuple):
    """How a set is made from its authors' files.

    `convert` is given the path of each file by name, and keeps the images in the cache as `kept`. `instead` are files
    of the same content, one of which may stand for the first. `report` says what is to be known of what was converted,
    and `taken` the parameter with which the data set takes the images, if it needs one.
    """

    files: tuple[File, ...]
    convert: Callable[[Mapping[str, Path]], object]
    kept: str
    terms: str  # what one may do with the images, said before they are fetched
    instead: tuple[File, ...] = ()
    report: Callable[[], str] | None = None
    taken: str | None = None


def images_of(kept: Kept) -> Callable[[Int[np.ndarray, "b"]], UInt8[np.ndarray, "b h w c"]]:
    """The images by row of a converted set, `kept` [n h w c].

    They raise `DistaffError` where the set is not in the cache, with the command that fetches it.
    """
    return lambda rows: gather(opened(kept, cache_folder(), kept.name), rows)


@functools.lru_cache(maxsize=16)
def opened(kept: Kept, folder: Path, fetch: str) -> Shaped[np.ndarray, "n ..."]:
    """The memory-mapped array of the converted set `kept` in the cache at `folder`."""
    if not kept.here:
        raise DistaffError(
            f"{kept.name} is not in {folder}: `distaff data fetch {fetch}` downloads and converts it once; "
            "with --from PATH it takes files that you have"
        )
    return open_or_build(*kept, ())


def kept_shape(kept: str) -> tuple[int, ...] | None:
    """The shape of the converted set `kept`, or None if it is not in the cache."""
    folder = built_folder(kept)
    return tuple(record_of(folder)["shape"]) if folder.exists() else None
