"""The binary matrices of NORB: a magic number, the dimensions, the numbers, all little-endian, gzipped or not."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import Shaped

from distaff.errors import DistaffError
from distaff.untrusted.bounds import plausible, shape_in_bounds
from distaff.untrusted.reading import reading
from distaff.untrusted.regular import open_regular
from distaff.untrusted.stacks import Stack, blocks_of, row_bytes

MAGICS = {  # https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/
    0x1E3D4C51: "<f4",
    0x1E3D4C53: "<f8",
    0x1E3D4C54: "<i4",
    0x1E3D4C55: "|u1",
    0x1E3D4C56: "<i2",
}
PACKED = 0x1E3D4C52
GZIP = b"\x1f\x8b"


def open_matrix(path: Path) -> Stack:
    """The matrix in `path`; raises `DistaffError` if it is missing, cut short or no such matrix."""
    with reading(path), _open(path) as file:
        shape, dtype = _header(file, path)
        row_bytes(path.name, shape, dtype)

    def blocks() -> Iterator[Shaped[np.ndarray, "b ..."]]:
        with reading(path), _open(path) as file:
            _header(file, path)
            yield from blocks_of(file, path.name, shape, dtype)

    return Stack(path.name, shape, dtype, blocks)


@contextlib.contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    with open_regular(path) as file:
        compressed = file.read(2) == GZIP
        file.seek(0)
        if not compressed:
            yield file
            return
        with gzip.open(file) as unpacked:
            yield unpacked  # type: ignore[misc]


def _header(file: IO[bytes], path: Path) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    magic, n = _ints(file, 2)
    if magic == PACKED:
        raise DistaffError(f"{path} is a packed matrix, whose layout is not documented and which NORB does not use")
    if magic not in MAGICS or not 0 < n < 9:
        raise DistaffError(f"{path} is not a binary matrix of NORB: it begins with {magic:#010x}")
    sizes = _ints(file, max(3, n))  # there are at least three, of which a vector uses the first
    shape, dtype = tuple(sizes[:n]), np.dtype(MAGICS[magic])
    plausible(path.name, shape_in_bounds(path.name, shape, dtype.itemsize), os.stat(path).st_size)
    return shape, dtype


def _ints(file: IO[bytes], n: int) -> list[int]:
    data = file.read(4 * n)
    if len(data) != 4 * n:
        raise EOFError("it ends in its header")
    return [int(value) for value in np.frombuffer(data, "<u4")]
