"""cars3d: drawings of 183 cars from every side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from distaff.data import Dataset, Factors, dataset
from distaff.data._formats.cars3d import SIDE, car_blocks
from distaff.data.cache.built import open_or_build
from distaff.data.cache.published import CachedArray, File, Published, cached_images

NAMES, SIZES = ("elevation", "azimuth", "object"), (4, 24, 183)
UNITS = {
    "elevation": "four heights of the camera",
    "azimuth": "0 to 345 degrees in steps of 15",
    "object": "183 cars, in the order of the archive's list",
}
ARCHIVE = "nips2015-analogy-data.tar.gz"
HOST = "http://www.scottreed.info/files/"


def convert(files: Mapping[str, Path]) -> None:
    """Store every car in the order of the grid, reduced to 64x64 pixels."""
    factors = Factors(NAMES, SIZES)
    open_or_build("cars3d", (len(factors), SIDE, SIDE, 3), "|u1", car_blocks(files[ARCHIVE], factors))


@dataset(
    source="http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",
    licence="none stated",
    published=Published(
        (File(ARCHIVE, HOST + ARCHIVE, "md5:4e866a7919c1beedf53964e6f7a23686"),),
        convert,
        "cars3d",
        "no licence is stated; the images are of models by others and not to be passed on",
    ),
)
def cars3d() -> Dataset:
    """Drawings of 183 cars from 4 heights and 24 sides, 64x64 pixels in colour (Reed et al., 2015).

    They are reduced from 128x128 by Lanczos' filter, as in the 2019 study. Cars are numbered as in the archive's list;
    the old library numbered them as the file system happened to.
    """
    factors = Factors(NAMES, SIZES, units=UNITS)
    images = CachedArray("cars3d", (len(factors), SIDE, SIDE, 3))
    return Dataset("cars3d", factors, (SIDE, SIDE, 3), cached_images(images), cached=images)
