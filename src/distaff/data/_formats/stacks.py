"""Stacks: arrays in .npy, .npz and HDF5 files, read in runs of their first axis, so that none need fit in memory.

No object is ever unpickled: an array of objects is refused.
"""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Shaped

from distaff.errors import DistaffError

BLOCK = 32 * 2**20  # bytes that are read at once
LARGEST = 2**29  # bytes of a block where an HDF5 file's chunks need more
HDF5 = {".h5", ".hdf5", ".hdf"}


@dataclass(frozen=True)
class Stack:
    """One array of a file; `blocks()` reads it from its beginning, a run of rows of the first axis at a time."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Callable[[], Iterator[Shaped[np.ndarray, "b ..."]]]

    def whole(self) -> Shaped[np.ndarray, "n ..."]:
        """All of it, for arrays that fit in memory."""
        return np.concatenate([np.empty((0, *self.shape[1:]), self.dtype), *self.blocks()])


def open_stack(path: Path, *members: str) -> Stack:
    """The array in the .npy file `path`, or that of the first of `members` that the .npz or HDF5 file holds.

    Raises `DistaffError` if the file is missing, damaged or none of these, or holds Python objects or no such member.
    """
    with readable(path):
        if (suffix := path.suffix.lower()) == ".npy":
            return _of_npy(path)
        if suffix == ".npz":
            return _of_npz(path, members)
        if suffix in HDF5:
            return _of_hdf5(path, members)
    raise DistaffError(f"{path}: arrays are read from .npy, .npz, .h5 and .hdf5 files, factors from .csv files too")


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn every way in which a file can be damaged into one error that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise DistaffError(f"{path} does not exist") from error
    except DistaffError:
        raise
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error) or type(error).__name__
        raise DistaffError(f"{path} is damaged, cut short or of another format: {reason}") from error


def _of_npy(path: Path) -> Stack:
    with path.open("rb") as file:
        shape, dtype = _header(file, path.name)

    def blocks() -> Iterator[Shaped[np.ndarray, "b ..."]]:
        with readable(path), path.open("rb") as file:
            _header(file, path.name)
            yield from _read(file, shape, dtype)

    return Stack(path.name, shape, dtype, blocks)


def _of_npz(path: Path, members: tuple[str, ...]) -> Stack:
    with zipfile.ZipFile(path) as archive:
        present = [name.removesuffix(".npy") for name in archive.namelist()]
        member = _first(path, members, present)
        with archive.open(f"{member}.npy") as file:
            shape, dtype = _header(file, f"{path.name}:{member}")

    def blocks() -> Iterator[Shaped[np.ndarray, "b ..."]]:
        with readable(path), zipfile.ZipFile(path) as archive, archive.open(f"{member}.npy") as file:
            _header(file, member)
            yield from _read(file, shape, dtype)

    return Stack(f"{path.name}:{member}", shape, dtype, blocks)


def _of_hdf5(path: Path, members: tuple[str, ...]) -> Stack:
    import h5py

    with h5py.File(path, "r") as file:
        present: list[str] = []
        file.visititems(lambda name, item: present.append(name) if isinstance(item, h5py.Dataset) else None)
        member = _first(path, members, present)
        shape, dtype, chunks = file[member].shape, file[member].dtype, file[member].chunks
    row = max(1, dtype.itemsize * int(np.prod(shape[1:])))
    chunk_rows = (
        chunks[0] if chunks and chunks[0] * row <= LARGEST else 1
    )  # a chunk is decompressed whole: once, if it fits
    step = max(1, BLOCK // row // chunk_rows) * chunk_rows

    def blocks() -> Iterator[Shaped[np.ndarray, "b ..."]]:
        with readable(path), h5py.File(path, "r") as file:
            for start in range(0, shape[0], step):
                yield file[member][start : start + step]

    return Stack(f"{path.name}:{member}", shape, dtype, blocks)


def _first(path: Path, members: tuple[str, ...], present: list[str]) -> str:
    for member in members:
        if member in present:
            return member
    raise DistaffError(f"{path} holds {', '.join(present) or 'nothing'}, where {' or '.join(members)} is required")


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    major, _ = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise DistaffError(f"{name} holds Python objects, which are never unpickled: save plain numbers")
    if fortran and len(shape) > 1:
        raise DistaffError(f"{name} is in Fortran order: save it with numpy.ascontiguousarray")
    return shape, dtype


def _read(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[Shaped[np.ndarray, "b ..."]]:
    row = max(1, dtype.itemsize * int(np.prod(shape[1:])))
    step = max(1, BLOCK // row)
    for start in range(0, shape[0], step):
        n = min(step, shape[0] - start)
        data = file.read(n * row)
        if len(data) != n * row:
            raise EOFError(f"it ends in row {start + len(data) // row} of {shape[0]}")
        yield np.frombuffer(data, dtype).reshape(n, *shape[1:])
