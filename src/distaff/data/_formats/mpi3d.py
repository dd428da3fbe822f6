"""MPI3D: a robot's arm that holds an object, drawn, rendered and photographed; four sets of one format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from distaff.data import Dataset, Factors
from distaff.data.cache.built import open_or_build
from distaff.data.cache.published import CachedArray, File, Published, cached_images, cached_shape
from distaff.errors import DistaffError
from distaff.untrusted.stacks import open_stack

SIDE = 64  # pixels
NAMES = (
    "object_color",
    "object_shape",
    "object_size",
    "camera_height",
    "background_color",
    "horizontal_axis",
    "vertical_axis",
)
UNITS = {
    "object_size": "small, large",
    "camera_height": "top, centre, bottom",
    "background_color": "purple, sea green, salmon",
    "horizontal_axis": "40 angles of the arm",
    "vertical_axis": "40 angles of the arm",
}
WHOLE = (6, 6, 2, 3, 3, 40, 40)
CHALLENGE = (4, 4, 2, 3, 3, 40, 40)  # the files of the 2019 challenge, and the set of complex objects
OBJECTS: dict[tuple[int, ...], dict[str, str]] = {
    WHOLE: {
        "object_color": "white, green, red, blue, brown, olive",
        "object_shape": "cone, cube, cylinder, hexagonal prism, pyramid, sphere",
    },
    CHALLENGE: {"object_color": "green, red, blue, brown", "object_shape": "cone, cube, hexagonal prism, sphere"},
}
COMPLEX = {  # as the table of the authors' README has them, in its order
    "object_color": "yellow, green, olive, red",
    "object_shape": "coffee cup, tennis ball, croissant, beer cup",
}
HOST = "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main/"
LICENCE = "CC-BY-4.0"


def mpi3d(name: str, grids: tuple[tuple[int, ...], ...], objects: Mapping[str, str] | None = None) -> Dataset:
    """The set `name`; its grid, of those published, is the one of as many rows as it has images."""
    shape = cached_shape(name)
    sizes = grids[0] if shape is None else _sizes(name, shape[0], grids)
    factors = Factors(NAMES, sizes, units={**(objects or OBJECTS[sizes]), **UNITS})
    images = CachedArray(name, (len(factors), SIDE, SIDE, 3))
    return Dataset(name, factors, (SIDE, SIDE, 3), cached_images(images), cached=images)


def files_of(name: str, file: File, grids: tuple[tuple[int, ...], ...]) -> Published:
    """How the set `name` is made from its file."""
    return Published((file,), lambda files: convert(name, files[file.name], grids), name, LICENCE)


def convert(name: str, path: Path, grids: tuple[tuple[int, ...], ...]) -> None:
    """Store the images of the file, whose order is that of the grid; memory: one block of them."""
    stack = open_stack(path, "images")
    sizes = _sizes(str(path), stack.shape[0], grids)
    shape = (int(np.prod(sizes)), SIDE, SIDE, 3)
    if stack.dtype != np.uint8 or np.prod(stack.shape) != np.prod(shape):
        raise DistaffError(f"{path} holds {stack.dtype} {stack.shape} where uint8 {shape} belongs")

    def parts() -> Iterator[UInt8[np.ndarray, "b 64 64 3"]]:
        for block in stack.blocks():
            yield block.reshape(-1, *shape[1:])

    open_or_build(name, shape, "|u1", parts())


def _sizes(where: str, n: int, grids: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    for sizes in grids:
        if n == np.prod(sizes):
            return sizes
    known = " or ".join(f"{int(np.prod(sizes)):,} {sizes}" for sizes in grids)
    raise DistaffError(f"{where} holds {n:,} images, expected {known}")
