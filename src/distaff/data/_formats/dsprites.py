"""The published files of dSprites, npz or HDF5, and how far the sprites that are drawn here differ from them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt64

from distaff.data import Factors
from distaff.data._draw.sprites import SIDE
from distaff.data._formats.pickled import LARGEST, parse_pickle
from distaff.data.cache.built import open_or_build
from distaff.data.cache.published import File, Published
from distaff.errors import DistaffError
from distaff.untrusted.npy import skip_header
from distaff.untrusted.reading import one_line, reading
from distaff.untrusted.regular import open_regular
from distaff.untrusted.stacks import open_stack

CACHE_NAME = "dsprites_official"
STEM = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
HOST = "https://github.com/google-deepmind/dsprites-dataset/raw/fa310c66517cfc1939d77fe17c725154efc97127/"
NPZ = File(f"{STEM}.npz", f"{HOST}{STEM}.npz", "md5:7da33b31b13a06f4b04a70402ce90c2e")
HDF5 = File(
    f"{STEM}.hdf5",
    f"{HOST}{STEM}.hdf5",
    "sha256:729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb",
    28_024_106,
)
NAMES = ("color", "shape", "scale", "orientation", "posX", "posY")  # as in the files; there is one colour


def official(factors: Factors, report: Callable[[], str]) -> Published:
    """How the published sprites of the grid `factors` are made from either file."""

    def made(files: Mapping[str, Path]) -> None:
        convert(next(iter(files.values())), factors)

    return Published((NPZ,), made, CACHE_NAME, "Apache-2.0", (HDF5,), report, "official=True")


def convert(path: Path, factors: Factors) -> None:
    """Store the images of the file in the order of the grid, a bit a pixel."""
    if path.suffix == ".npz":
        _check_metadata(path, factors)
    open_or_build(CACHE_NAME, (len(factors), SIDE), "<u8", _blocks(path, factors))


def differing(a: UInt64[np.ndarray, "n 64"], b: UInt64[np.ndarray, "n 64"]) -> tuple[int, int]:
    """How many pixels of two packed sets differ, and in how many images."""
    pixels = images = 0
    for start in range(0, len(a), 2**15):
        by_image = np.bitwise_count(a[start : start + 2**15] ^ b[start : start + 2**15]).sum(axis=1, dtype=np.int64)
        pixels, images = pixels + int(by_image.sum()), images + int(np.count_nonzero(by_image))
    return pixels, images


def _blocks(path: Path, factors: Factors) -> Iterator[tuple[Int[np.ndarray, "b"], UInt64[np.ndarray, "b 64"]]]:
    """Rows and packed images in the order of the file."""
    pictures, classes = open_stack(path, "imgs"), open_stack(path, "latents_classes", "latents/classes")
    n = len(factors)
    if pictures.shape != (n, SIDE, SIDE) or pictures.dtype != np.uint8 or classes.shape != (n, len(NAMES)):
        raise DistaffError(
            f"{path} holds imgs {pictures.dtype} {pictures.shape} and classes {classes.shape}, where "
            f"uint8 {(n, SIDE, SIDE)} and {(n, len(NAMES))} belong"
        )
    rows = _rows(path, classes.whole().astype(np.int64), factors)
    start = 0
    for block in pictures.blocks():
        if block.max() > 1:
            raise DistaffError(
                f"{path}: an image between {start} and {start + len(block)} holds {block.max()}, not 0 or 1"
            )
        words = np.packbits(block, axis=-1, bitorder="little").view("<u8").reshape(len(block), SIDE)
        yield rows[start : start + len(block)], words
        start += len(block)


def _rows(path: Path, classes: Int[np.ndarray, "n 6"], factors: Factors) -> Int[np.ndarray, "n"]:
    if classes[:, 0].any():
        raise DistaffError(f"{path}: {NAMES[0]} is {classes[:, 0].max()} where only 0 is valid")
    return factors.rows(classes[:, 1:])


def _check_metadata(path: Path, factors: Factors) -> None:
    """The factors in the file's metadata must be those of the grid; its pickle is read, not run."""
    with (
        reading(path),
        open_regular(path) as opened,
        zipfile.ZipFile(opened) as archive,
        archive.open("metadata.npy") as file,
    ):
        skip_header(file, f"{path.name}:metadata")
        metadata = parse_pickle(file.read(LARGEST + 1))
    sizes, names = [1, *factors.all_sizes], list(NAMES)
    metadata = metadata if isinstance(metadata, dict) else {}
    with reading(path):  # lists of lists of any form
        in_file = {part: np.asarray(metadata.get(f"latents_{part}")).tolist() for part in ("names", "sizes")}
    if in_file != {"names": names, "sizes": sizes}:
        raise DistaffError(
            f"{path}: its metadata have the factors {one_line(str(in_file['names']))} of "
            f"{one_line(str(in_file['sizes']))} values, not {names} of {sizes}"
        )
