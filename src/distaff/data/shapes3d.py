"""shapes3d: an object in a room, the published set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from distaff.data import Dataset, Factors, dataset
from distaff.data.cache.built import open_or_build
from distaff.data.cache.published import CachedArray, File, Published, cached_images
from distaff.data.shapes3d_lookalike import NAMES, SIZES, UNITS
from distaff.errors import DistaffError
from distaff.untrusted.stacks import open_stack

SIDE = 64  # pixels
FILE = File(
    "3dshapes.h5",
    "https://storage.googleapis.com/3d-shapes/3dshapes.h5",
    "sha256:0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
    267_573_662,
)


def convert(files: Mapping[str, Path]) -> None:
    """Store the images in the order of the grid that their labels give."""
    factors = Factors(NAMES, SIZES)
    open_or_build("shapes3d", (len(factors), SIDE, SIDE, 3), "|u1", _blocks(files[FILE.name], factors))


@dataset(
    source="https://github.com/google-deepmind/3d-shapes",
    licence="Apache-2.0",
    published=Published((FILE,), convert, "shapes3d", "Apache-2.0"),
)
def shapes3d() -> Dataset:
    """A cube, cylinder, sphere or capsule in a room: 480,000 images of 64x64 pixels in colour (Burgess and Kim, 2018).

    The old library read a file that was never published; the public one has the same images in the same order.
    """
    factors = Factors(NAMES, SIZES, units=UNITS)
    images = CachedArray("shapes3d", (len(factors), SIDE, SIDE, 3))
    return Dataset("shapes3d", factors, (SIDE, SIDE, 3), cached_images(images), cached=images)


def _blocks(path: Path, factors: Factors) -> Iterator[tuple[Int[np.ndarray, "b"], UInt8[np.ndarray, "b 64 64 3"]]]:
    """Rows and images in the order of the file."""
    pictures, labels = open_stack(path, "images"), open_stack(path, "labels")
    n = len(factors)
    if pictures.shape != (n, SIDE, SIDE, 3) or pictures.dtype != np.uint8 or labels.shape != (n, len(NAMES)):
        raise DistaffError(
            f"{path} holds images {pictures.dtype} {pictures.shape} and labels {labels.shape}, where "
            f"uint8 {(n, SIDE, SIDE, 3)} and {(n, len(NAMES))} belong"
        )
    rows = _rows(path, labels.whole(), factors)
    start = 0
    for block in pictures.blocks():
        yield rows[start : start + len(block)], block
        start += len(block)


def _rows(path: Path, labels: Float[np.ndarray, "n 6"], factors: Factors) -> Int[np.ndarray, "n"]:
    """The rows of labels, which are values and not positions: each factor's levels are put in ascending order."""
    values = np.empty(labels.shape, dtype=np.int64)
    for k, (name, size) in enumerate(zip(factors.all_names, factors.all_sizes, strict=True)):
        levels, values[:, k] = np.unique(labels[:, k].round(6), return_inverse=True)
        if len(levels) != size:
            raise DistaffError(f"{path}: {name} takes {len(levels)} values where {size} belong")
    return factors.rows(values)
