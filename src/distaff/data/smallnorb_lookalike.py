"""smallnorb_lookalike: drawings of fifty toys of our own on a lit table, so that nothing need be downloaded."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from distaff.data import Dataset, Factors, dataset
from distaff.data._draw.turntable import SIDE, toy_images
from distaff.data.cache.built import cache_folder, gather, open_or_build
from distaff.data.cache.published import CachedArray
from distaff.data.smallnorb import NAMES, SIZES, UNITS

IMAGES = CachedArray("smallnorb_lookalike", (int(np.prod(SIZES)), SIDE, SIDE, 1))


@dataset(source="generated", licence="Apache-2.0")
def smallnorb_lookalike() -> Dataset:
    """The factor grid of SmallNORB (LeCun, 2004) with toys put together from convex solids, 64x64 pixels, grey.

    None of the toys is one of the published set: it is for studies without a download, and its scores are not to be
    compared with those of `smallnorb`. The images are drawn the first time they are looked at, which takes minutes.
    """
    factors = Factors(NAMES, SIZES, hidden=("instance",), units=UNITS)
    return Dataset("smallnorb_lookalike", factors, (SIDE, SIDE, 1), drawn_toys, cached=IMAGES)


def drawn_toys(rows: Int[np.ndarray, "b"]) -> UInt8[np.ndarray, "b 64 64 1"]:
    """The images at `rows`; raises `IndexError` off the grid."""
    return gather(_images(cache_folder()), rows)


@functools.lru_cache(maxsize=1)
def _images(folder: Path) -> UInt8[np.ndarray, "n 64 64 1"]:
    del folder  # the key: the cache may move between two calls
    return open_or_build(*IMAGES, toy_images())
