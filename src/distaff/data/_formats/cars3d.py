"""The archive of Cars3D: a gzipped tar of MATLAB files, a car each, and the list that gives their order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Int, UInt8

from distaff.data import Factors
from distaff.errors import DistaffError
from distaff.untrusted.archives import gzipped_members
from distaff.untrusted.matlab import read_matlab

SIDE, DRAWN = 64, 128  # pixels of an image here and in the files
FOLDER, LIST = PurePosixPath("data/cars"), "list.txt"
LARGEST = 2**26  # bytes of a car, whose pictures are 5 MB


def car_blocks(
    archive: Path, factors: Factors
) -> Iterator[tuple[Int[np.ndarray, "b"], UInt8[np.ndarray, "b 64 64 3"]]]:
    """For every car of the archive, in any order: its rows and images. Factors are (elevation, azimuth, object)."""
    elevations, azimuths, cars = factors.all_sizes
    order = _order(archive)
    if len(order) != cars:
        raise DistaffError(f"{archive}: {FOLDER / LIST} names {len(order)} cars where {cars} belong")
    for name, data in gzipped_members(archive, _of_cars, LARGEST):
        if name.suffix != ".mat" or name.stem not in order:
            continue
        pictures = _pictures(archive, name, data, (DRAWN, DRAWN, 3, azimuths, elevations))
        grid = np.stack(np.meshgrid(np.arange(elevations), np.arange(azimuths), indexing="ij"), -1).reshape(-1, 2)
        rows = factors.rows(np.column_stack([grid, np.full(len(grid), order[name.stem])]))
        yield rows, np.stack([_reduced(pictures[..., azimuth, elevation]) for elevation, azimuth in grid])


def _order(archive: Path) -> dict[str, int]:
    """The cars by name, in the order of the archive's list: a folder's own order differs between systems."""
    for name, data in gzipped_members(archive, _of_cars, LARGEST):
        if name.name == LIST:
            names = data.decode("ascii", errors="replace").split()
            return {PurePosixPath(car).stem: position for position, car in enumerate(names)}
    raise DistaffError(f"{archive} holds no {FOLDER / LIST}")


def _of_cars(name: PurePosixPath) -> bool:
    return name.parts[-3:-1] == FOLDER.parts


def _pictures(
    archive: Path, name: PurePosixPath, data: bytes, shape: tuple[int, ...]
) -> UInt8[np.ndarray, "h w c a e"]:
    images = read_matlab(data, "im", f"{archive}: {name}", LARGEST)
    if images is None or images.shape != shape or images.dtype != np.uint8:
        held = "nothing" if images is None else f"{images.dtype} {images.shape}"
        raise DistaffError(f"{archive}: {name} holds {held} as `im` where uint8 {shape} belongs")
    return images


def _reduced(picture: UInt8[np.ndarray, "128 128 3"]) -> UInt8[np.ndarray, "64 64 3"]:
    from PIL import Image

    small = Image.fromarray(np.ascontiguousarray(picture)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(small)
