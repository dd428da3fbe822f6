"""The binary matrices of NORB: a magic number, the dimensions, the numbers, all little-endian, gzipped or not."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import Shaped

from distaff.data._formats.stacks import BLOCK, Stack, readable
from distaff.errors import DistaffError

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
    with readable(path), _open(path) as file:
        shape, dtype = _header(file, path)

    def blocks() -> Iterator[Shaped[np.ndarray, "b ..."]]:
        row = max(1, dtype.itemsize * int(np.prod(shape[1:])))
        step = max(1, BLOCK // row)
        with readable(path), _open(path) as file:
            _header(file, path)
            for start in range(0, shape[0], step):
                n = min(step, shape[0] - start)
                data = file.read(n * row)
                if len(data) != n * row:
                    raise EOFError(f"it ends in row {start + len(data) // row} of {shape[0]}")
                yield np.frombuffer(data, dtype).reshape(n, *shape[1:])

    return Stack(path.name, shape, dtype, blocks)


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP
    return gzip.open(path) if compressed else path.open("rb")  # type: ignore[return-value]


def _header(file: IO[bytes], path: Path) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    magic, n = _ints(file, 2)
    if magic == PACKED:
        raise DistaffError(f"{path} is a packed matrix, whose layout is not documented and which NORB does not use")
    if magic not in MAGICS or not 0 < n < 9:
        raise DistaffError(f"{path} is not a binary matrix of NORB: it begins with {magic:#010x}")
    sizes = _ints(file, max(3, n))  # there are at least three, of which a vector uses the first
    return tuple(sizes[:n]), np.dtype(MAGICS[magic])


def _ints(file: IO[bytes], n: int) -> list[int]:
    data = file.read(4 * n)
    if len(data) != 4 * n:
        raise EOFError("it ends in its header")
    return [int(value) for value in np.frombuffer(data, "<u4")]
