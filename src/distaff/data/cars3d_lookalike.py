"""cars3d_lookalike: drawings of 183 cars of our own from every side, so that nothing need be downloaded."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from distaff.data import Dataset, Factors, dataset
from distaff.data._draw.showroom import AZIMUTHS, CARS, ELEVATIONS, SIDE, car_images
from distaff.data.cache.built import cache_folder, gather, open_or_build
from distaff.data.cache.published import CachedArray

NAMES, SIZES = ("elevation", "azimuth", "object"), (len(ELEVATIONS), AZIMUTHS, CARS)
UNITS = {
    "elevation": "0, 10, 20, 30 degrees of the camera above the floor",
    "azimuth": "0 to 345 degrees in steps of 15",
    "object": "183 cars of ten kinds, each of its own proportions and paint",
}
IMAGES = CachedArray("cars3d_lookalike", (int(np.prod(SIZES)), SIDE, SIDE, 3))


@dataset(source="generated", licence="Apache-2.0")
def cars3d_lookalike() -> Dataset:
    """The factor grid of Cars3D (Reed et al., 2015) with cars put together from convex solids, 64x64 pixels in colour.

    None of the cars is one of the published set: it is for studies without a download, and its scores are not to be
    compared with those of `cars3d`. The images are drawn the first time they are looked at, which takes minutes.
    """
    return Dataset("cars3d_lookalike", Factors(NAMES, SIZES, units=UNITS), (SIDE, SIDE, 3), drawn_cars, cached=IMAGES)


def drawn_cars(rows: Int[np.ndarray, "b"]) -> UInt8[np.ndarray, "b 64 64 3"]:
    """The images at `rows`; raises `IndexError` off the grid."""
    return gather(_images(cache_folder()), rows)


@functools.lru_cache(maxsize=1)
def _images(folder: Path) -> UInt8[np.ndarray, "n 64 64 3"]:
    del folder  # the key: the cache may move between two calls
    return open_or_build(*IMAGES, car_images())
