"""smallnorb: photographs of fifty toys, in grey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from distaff.data import Dataset, Factors, dataset
from distaff.data._formats.norb import open_matrix
from distaff.data.cache.built import open_or_build
from distaff.data.cache.published import CachedArray, File, Published, cached_images
from distaff.errors import DistaffError

SIDE, CAMERA = 64, 96  # pixels of an image here and in the files
NAMES, SIZES = ("category", "instance", "elevation", "azimuth", "lighting"), (5, 10, 9, 18, 6)
UNITS = {
    "category": "animal, human, plane, truck, car",
    "instance": "ten toys of each category, drawn anew at every look",
    "elevation": "30 to 70 degrees of the camera in steps of 5",
    "azimuth": "0 to 340 degrees in steps of 20",
    "lighting": "six lamps",
}
HOST = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/"
TRAINING, TESTING = "smallnorb-5x46789x9x18x6x2x96x96-training", "smallnorb-5x01235x9x18x6x2x96x96-testing"


def _file(split: str, what: str, sha256: str, size: int) -> File:
    name = f"{split}-{what}.mat.gz"
    return File(name, HOST + name, f"sha256:{sha256}", size)


FILES = (
    _file(TRAINING, "dat", "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873", 131_896_188),
    _file(TRAINING, "cat", "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa", 348),
    _file(TRAINING, "info", "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32", 71_052),
    _file(TESTING, "dat", "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474", 130_799_817),
    _file(TESTING, "cat", "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff", 347),
    _file(TESTING, "info", "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2", 10_428),
)


def convert(files: Mapping[str, Path]) -> None:
    """Store the left camera's image of every toy in the order of the grid, both halves of the set together."""
    factors = Factors(NAMES, SIZES)
    open_or_build("smallnorb", (len(factors), SIDE, SIDE, 1), "|u1", _blocks(files, factors))


@dataset(
    source="https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/",
    licence="for research purposes; it cannot be sold",
    published=Published(FILES, convert, "smallnorb", "for research purposes; it cannot be sold or passed on"),
)
def smallnorb() -> Dataset:
    """50 toys of 5 categories from 162 directions under 6 lamps: 48,600 grey images of 64x64 pixels (LeCun, 2004).

    As in the 2019 study, both halves of the set are taken together, the left camera's images only, reduced from 96x96
    by Lanczos' filter, and which of the ten toys of a category is seen is hidden. Bytes are clipped to 0 and 255, where
    the old library let the filter go a little beyond.
    """
    factors = Factors(NAMES, SIZES, hidden=("instance",), units=UNITS)
    images = CachedArray("smallnorb", (len(factors), SIDE, SIDE, 1))
    return Dataset("smallnorb", factors, (SIDE, SIDE, 1), cached_images(images), cached=images)


def _blocks(
    files: Mapping[str, Path], factors: Factors
) -> Iterator[tuple[Int[np.ndarray, "b"], UInt8[np.ndarray, "b 64 64 1"]]]:
    """Rows and images of both halves, in the order of the files."""
    for split in (TRAINING, TESTING):
        photographs, categories, info = (
            open_matrix(files[f"{split}-{what}.mat.gz"]) for what in ("dat", "cat", "info")
        )
        n = photographs.shape[0]
        shapes = (photographs.shape[1:], photographs.dtype.str, categories.shape, info.shape)
        if shapes != ((2, CAMERA, CAMERA), "|u1", (n,), (n, 4)):
            raise DistaffError(
                f"{split}: dat, cat and info of NORB are [n 2 96 96] of bytes, [n] and [n 4], not {shapes}"
            )
        rows = _rows(split, np.column_stack([categories.whole(), info.whole()]).astype(np.int64), factors)
        start = 0
        for block in photographs.blocks():
            yield rows[start : start + len(block)], np.stack([_reduced(pair[0]) for pair in block])
            start += len(block)


def _rows(split: str, values: Int[np.ndarray, "n 5"], factors: Factors) -> Int[np.ndarray, "n"]:
    """The rows of (category, instance, elevation, twice the azimuth, lighting)."""
    values[:, 3] = np.where(values[:, 3] % 2, -1, values[:, 3] // 2)  # files count tens of degrees: 0, 2, ..., 34
    try:
        return factors.rows(values)
    except DistaffError as error:
        raise DistaffError(f"{split}: {error}") from error


def _reduced(photograph: UInt8[np.ndarray, "96 96"]) -> UInt8[np.ndarray, "64 64 1"]:
    from PIL import Image

    small = Image.fromarray(photograph).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(small)[:, :, None]
