"""dsprites: 737,280 white sprites on black, the study's first data set, drawn on this machine."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt64

from distaff.data import Dataset, Factors, dataset
from distaff.data._draw.sprites import ORIENTATIONS, POSITIONS, SCALES, SHAPES, SIDE, packed_sprites
from distaff.data._formats.bits import of_bits
from distaff.data._formats.dsprites import CACHE_NAME, differing, official
from distaff.data.cache.built import cache_folder, gather, open_or_build
from distaff.data.cache.published import CachedArray, open_cached

NAMES = ("shape", "scale", "orientation", "posX", "posY")
SIZES = (SHAPES, SCALES, ORIENTATIONS, POSITIONS, POSITIONS)
UNITS = {
    "shape": "square, ellipse, heart",
    "scale": "0.5 to 1 in steps of 0.1",
    "orientation": "0 to 2 pi radians in steps of 2 pi / 39, counter-clockwise; the last equals the first",
    "posX": "0 to 1 in steps of 1/31 of the range of the centre, rightwards",
    "posY": "0 to 1 in steps of 1/31 of the range of the centre, downwards",
}
DRAWN, PUBLISHED = (CachedArray(name, (737_280, SIDE), "<u8") for name in ("dsprites", CACHE_NAME))


def difference() -> str:
    """How far the sprites that are drawn here are from those of the published file, which must be in the cache."""
    drawn, published = _drawn(), _published()
    pixels, images = differing(drawn, published)
    return f"{pixels:,} pixels differ from the sprites that are drawn here, in {images:,} of {len(drawn):,} images"


@dataset(
    source="https://github.com/google-deepmind/dsprites-dataset",
    licence="Apache-2.0",
    published=official(Factors(NAMES, SIZES), difference),
    since={"official": False},
)
def dsprites(*, official: bool = False) -> Dataset:
    """Squares, ellipses and hearts of 6 scales, 40 orientations and 32 x 32 positions, 64x64 pixels, black and white.

    The images are drawn from the geometry of the published set (Matthey et al., 2017) the first time they are looked
    at, which takes seconds, and are stored in the cache, a bit a pixel. The colour of the published set, which has one
    value, is left out. With `official` they are those of the published file, which `distaff data fetch dsprites` gets;
    it prints how many pixels differ.
    """
    return sprites("dsprites", Factors(NAMES, SIZES, units=UNITS), official)


def sprites(name: str, factors: Factors, official: bool = False) -> Dataset:
    """A data set of all sprites, drawn here or official, whichever of their factors are hidden."""
    words = functools.cache(_published if official else _drawn)  # mapped at the first look
    return Dataset(
        name,
        factors,
        (SIDE, SIDE, 1),
        lambda rows: unpacked(gather(words(), rows)),
        cached=PUBLISHED if official else DRAWN,
        floats=lambda rows: of_bits(words(), rows),
        packed=words,
    )


def _published() -> UInt64[np.ndarray, "n 64"]:
    return open_cached(PUBLISHED, cache_folder(), "dsprites")


def _drawn() -> UInt64[np.ndarray, "n 64"]:
    return packed(cache_folder())


@functools.lru_cache(maxsize=1)
def packed(folder: Path) -> UInt64[np.ndarray, "n 64"]:
    """The memory-mapped words of every image in the cache at `folder`, built at the first call."""
    del folder  # the key: the cache may move between two calls
    return open_or_build(*DRAWN, packed_sprites())


def unpacked(words: UInt64[np.ndarray, "b h"]) -> UInt8[np.ndarray, "b h 64 1"]:
    """Images of 0 and 255 from packed `words`, bit c of a word being column c."""
    pixels = np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little")
    np.negative(pixels, out=pixels)  # 1 becomes 255 in eight bits
    return pixels.reshape(*words.shape, SIDE, 1)
